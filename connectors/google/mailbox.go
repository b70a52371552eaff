package google

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// mailbox asks Gmail as the person whose mailbox it is: an administrator may not.
func (t *tenant) mailbox(u user, scopes ...string) *vendorapi.Client {
	return t.api(gmailHost, u.PrimaryEmail, scopes...)
}

const mailSettings = "/gmail/v1/users/me/settings"

type vacation struct {
	Enabled bool   `json:"enableAutoReply"`
	Text    string `json:"responseBodyPlainText"`
	End     string `json:"endTime,omitempty"`
}

// places are where the text of the automatic reply has names.
var places = regexp.MustCompile(`\\\{(name|manager|manager_email)\\\}`)

// ours says whether a reply is the one of the settings, whoever is named in it.
func (v vacation) ours(text string) bool {
	lines := func(s string) string { return strings.Join(strings.Fields(s), " ") } // Gmail may break them otherwise
	pattern := places.ReplaceAllString(regexp.QuoteMeta(lines(text)), ".*")
	same, err := regexp.MatchString("^(?s:"+pattern+")$", lines(v.Text))
	return err == nil && same && v.Enabled && v.End == ""
}

// lookAtReply looks for our reply. Gmail is not there for a suspended account (unverified with which error).
func (t *tenant) lookAtReply(ctx context.Context, u user, s *sight) error {
	if u.closed() {
		return nil
	}
	var v vacation
	if err := t.get(ctx, t.mailbox(u, scopeMail), mailSettings+"/vacation", url.Values{"fields": {"enableAutoReply,responseBodyPlainText,endTime"}}, &v); err != nil {
		return noMailbox(scoped(err))
	}
	s.tell(exeunt.SetAutoReply, standing(v.ours(t.AutoReply)), map[string]string{"automatic reply": strconv.FormatBool(v.Enabled)}, nil)
	return nil
}

// noMailbox takes the refusal of a mailbox that is not there for what it is: a matter of Gmail's actions only.
func noMailbox(err error) error {
	if isKind(err, exeunt.Conflict) || isKind(err, exeunt.NotFound) {
		return exeunt.Errorf(exeunt.Denied, "%s: the account has no mailbox, or Gmail is off for it", name)
	}
	return err
}

func (t *tenant) setAutoReply(ctx context.Context, u user, with connector.Parameters) error {
	if err := openMailbox(u); err != nil {
		return err
	}
	text := strings.NewReplacer(
		"{name}", with.Leaver.Name, "{manager}", with.Leaver.Manager.String(), "{manager_email}", with.Leaver.Manager.Email,
	).Replace(t.AutoReply)
	return noMailbox(scoped(t.do(ctx, t.mailbox(u, scopeMail), http.MethodPut, mailSettings+"/vacation", vacation{Enabled: true, Text: text})))
}

func openMailbox(u user) error {
	if u.closed() {
		return exeunt.Errorf(exeunt.Conflict, "%s does not open the mailbox of a suspended account: set it up before, or take the mail over by other means", name)
	}
	return nil
}

// delegateMailbox lets the successor in. A delegate is named by the primary address, never by an alias.
// Source: developers.google.com/workspace/gmail/api/guides/delegate_settings.
func (t *tenant) delegateMailbox(ctx context.Context, u user, with connector.Parameters) error {
	if err := openMailbox(u); err != nil {
		return err
	}
	heir, err := t.successor(ctx, u, with)
	if err != nil {
		return err
	}
	if err := t.endForwarding(ctx, u); err != nil {
		return err
	}
	in, err := t.isDelegate(ctx, u, heir)
	if err != nil || in {
		return err
	}
	err = noMailbox(scoped(t.do(ctx, t.mailbox(u, scopeMailDelegate), http.MethodPost, mailSettings+"/delegates", map[string]string{"delegateEmail": heir.PrimaryEmail})))
	if err != nil {
		return err
	}
	// A look does not know who takes over, so it is read back here.
	if in, err = t.isDelegate(ctx, u, heir); err == nil && !in {
		err = exeunt.Errorf(exeunt.Temporary, "%s answered that the successor may read the mailbox, and does not show it yet", name)
	}
	return err
}

// endForwarding ends what the person had sent on to other addresses, which would go on for as long as the mailbox is open.
// Filters that forward end with the address (unverified). No address is told: most are private ones.
// Source: developers.google.com/workspace/gmail/api/guides/forwarding_settings.
func (t *tenant) endForwarding(ctx context.Context, u user) error {
	read, write := t.mailbox(u, scopeMail), t.mailbox(u, scopeMailDelegate)
	var all struct{ Enabled bool }
	if err := t.get(ctx, read, mailSettings+"/autoForwarding", url.Values{"fields": {"enabled"}}, &all); err != nil {
		return noMailbox(scoped(err))
	}
	if all.Enabled {
		if err := t.do(ctx, write, http.MethodPut, mailSettings+"/autoForwarding", map[string]bool{"enabled": false}); err != nil {
			return noMailbox(scoped(err))
		}
	}
	addresses, err := t.forwarding(ctx, read)
	if err != nil {
		return err
	}
	for _, address := range addresses {
		if err := gone(t.remove(ctx, write, mailSettings+"/forwardingAddresses/"+url.PathEscape(address)), exeunt.NotFound); err != nil {
			return err
		}
	}
	if len(addresses) == 0 {
		return nil
	}
	if addresses, err = t.forwarding(ctx, read); err == nil && len(addresses) > 0 {
		err = exeunt.Errorf(exeunt.Temporary, "%s answered that mail is not sent on any more, and still shows %d addresses that it is sent on to", name, len(addresses))
	}
	return err
}

// forwarding are the addresses that mail may be sent on to.
func (t *tenant) forwarding(ctx context.Context, api *vendorapi.Client) ([]string, error) {
	var list struct {
		Addresses []struct {
			Address string `json:"forwardingEmail"`
		} `json:"forwardingAddresses"`
	}
	if err := t.get(ctx, api, mailSettings+"/forwardingAddresses", url.Values{"fields": {"forwardingAddresses(forwardingEmail)"}}, &list); err != nil {
		return nil, noMailbox(scoped(err))
	}
	var out []string
	for _, one := range list.Addresses {
		out = append(out, one.Address)
	}
	return out, nil
}

// isDelegate says whether somebody may read the mailbox. Who was invited and has not accepted may not: whom a service account
// with authority over the domain names need not accept.
func (t *tenant) isDelegate(ctx context.Context, u, heir user) (bool, error) {
	type delegate struct{ DelegateEmail, VerificationStatus string }
	var list struct{ Delegates []delegate }
	if err := t.get(ctx, t.mailbox(u, scopeMail), mailSettings+"/delegates", nil, &list); err != nil {
		return false, noMailbox(scoped(err))
	}
	return slices.ContainsFunc(list.Delegates, func(d delegate) bool {
		return strings.EqualFold(d.DelegateEmail, heir.PrimaryEmail) && d.VerificationStatus == "accepted"
	}), nil
}
