package google_test

import (
	"net/http"
	"slices"
)

func (w *workspace) licensing(c call) (int, any) {
	key := c.path["userId"]
	if c.method == "licensing.licenseAssignments.insert" {
		key, _ = c.sent()["userId"].(string)
	}
	if c.method == "licensing.licenseAssignments.listForProductAndSku" {
		return fine(object{})
	}
	p, licence := w.person(key), c.path["productId"]+"/"+c.path["skuId"]
	switch {
	case p == nil, c.method != "licensing.licenseAssignments.insert" && !p.live.licences[licence]:
		return absent("userId")
	case c.method == "licensing.licenseAssignments.delete":
		delete(p.live.licences, licence)
		return fine(object{})
	case c.method == "licensing.licenseAssignments.insert" && p.live.licences[licence]:
		return http.StatusPreconditionFailed, refusal("conditionNotMet", "User already has a license for the specified product and SKU")
	case c.method == "licensing.licenseAssignments.insert":
		p.live.licences[licence] = true
	}
	return fine(object{"skuId": c.path["skuId"], "skuName": "Business Plus"})
}

// gmail answers in the mailbox of who signed in.
func (w *workspace) gmail(c call) (int, any) {
	p := w.person(c.who.as)
	if c.path["userId"] != "me" {
		w.t.Errorf("a mailbox of %s is asked for", c.path["userId"])
	}
	switch c.method {
	case "gmail.users.settings.getVacation":
		return fine(object{"enableAutoReply": p.reply["enableAutoReply"] == true, "responseBodyPlainText": p.reply["responseBodyPlainText"]})
	case "gmail.users.settings.updateVacation":
		p.reply = c.sent()
		return fine(p.reply)
	case "gmail.users.settings.delegates.list":
		var all []object
		for _, d := range p.delegates {
			all = append(all, object{"delegateEmail": d, "verificationStatus": "accepted"})
		}
		return fine(object{"delegates": all})
	case "gmail.users.settings.getAutoForwarding":
		return fine(object{"enabled": p.forwards, "emailAddress": "s3cret-0123@home.example"})
	case "gmail.users.settings.updateAutoForwarding":
		p.forwards = c.sent()["enabled"] == true
		return fine(object{"enabled": p.forwards})
	case "gmail.users.settings.forwardingAddresses.list":
		var all []object
		for _, address := range p.forwarding {
			all = append(all, object{"forwardingEmail": address, "verificationStatus": "accepted"})
		}
		return fine(object{"forwardingAddresses": all})
	case "gmail.users.settings.forwardingAddresses.delete":
		i := slices.Index(p.forwarding, c.path["forwardingEmail"])
		if i < 0 {
			return absent("forwardingEmail")
		}
		p.forwarding = slices.Delete(p.forwarding, i, i+1)
		return fine(nil)
	}
	mail, _ := c.sent()["delegateEmail"].(string)
	if heir := w.person(mail); heir == nil || heir.email != mail || slices.Contains(p.delegates, mail) {
		return http.StatusBadRequest, refusal("failedPrecondition")
	}
	p.delegates = append(p.delegates, mail)
	return fine(object{"delegateEmail": mail, "verificationStatus": "accepted"})
}
