package entra_test

import (
	"slices"
	"strings"
	"time"
)

var exists = failure(400, "Request_BadRequest", "One or more added object references already exist for the following modified properties: 'members'.")

func nothing() *answer { return &answer{status: 204} }

// change does a write, and answers as Graph does.
func (g *graph) change(method string, s []string, body object) *answer {
	w := g.truth
	switch s[0] {
	case "users":
		p := w.Users[s[1]]
		if p == nil {
			return notThere
		}
		if len(s) == 2 {
			if p.Is["onPremisesSyncEnabled"] == true {
				return failure(400, "Request_BadRequest", "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.")
			}
			if enabled, given := body["accountEnabled"]; given {
				p.Is["accountEnabled"] = enabled
			}
			if profile, given := body["passwordProfile"].(object); given {
				p.Password, _ = profile["password"].(string)
				p.Is["lastPasswordChangeDateTime"] = time.Now().UTC().Format(time.RFC3339)
			}
			return nothing()
		}
		return g.person(method, s[1], p, s[2:], body)
	case "groups":
		return w.membership(method, s, body)
	case "devices":
		if w.Devices[s[1]] == nil {
			return notThere
		}
		w.Devices[s[1]]["accountEnabled"] = body["accountEnabled"]
		return nothing()
	case "oauth2PermissionGrants":
		return remove(&w.Consents, s[1])
	case "roleManagement":
		return g.role(method, s[2:], body)
	}
	return failure(400, "Request_BadRequest", "the fake has no such place")
}

func remove(from *[]object, id string) *answer {
	i := slices.IndexFunc(*from, func(o object) bool { return o["id"] == id })
	if i < 0 {
		return notThere
	}
	*from = slices.Delete(*from, i, i+1)
	return nothing()
}

func (g *graph) person(method, uid string, p *person, s []string, body object) *answer {
	switch strings.Join(s[:min(2, len(s))], "/") {
	case "revokeSignInSessions":
		p.Is["signInSessionsValidFromDateTime"] = time.Now().UTC().Format(time.RFC3339)
		return &answer{status: 200, body: object{"value": true}}
	case "assignLicense":
		return g.license(p, body)
	case "mailboxSettings":
		if p.Reply == nil {
			return failure(404, "MailboxNotEnabledForRESTAPI", "no")
		}
		for k, v := range body["automaticRepliesSetting"].(object) {
			if text, is := v.(string); is && strings.HasSuffix(k, "Message") {
				v = "<html>\n<body>\n<div>" + strings.ReplaceAll(text, "&", "&amp;") + "</div>\n</body>\n</html>\n"
			}
			p.Reply[k] = v
		}
		return &answer{status: 200, body: body}
	case "drive/items":
		to := body["recipients"].([]any)[0].(object)["objectId"]
		p.Files = append(p.Files, object{"id": "p", "roles": body["roles"], "grantedToV2": object{"user": object{"id": to}}})
		return &answer{status: 200, body: object{"value": []any{}}}
	}
	switch s[0] {
	case "appRoleAssignments":
		if method == "DELETE" {
			return remove(&g.truth.Assignments, s[1])
		}
		return g.assign(uid, body)
	case "authentication":
		return p.unenrol(s[1], s[2])
	}
	return failure(400, "Request_BadRequest", "the fake has no such place")
}

func (g *graph) assign(uid string, body object) *answer {
	app := some(g.truth.Apps, "id", body["resourceId"].(string))
	if len(app) == 0 {
		return notThere
	}
	for _, a := range some(g.truth.Assignments, "principalId", uid) {
		if a["resourceId"] == body["resourceId"] && a["appRoleId"] == body["appRoleId"] {
			return failure(400, "Request_BadRequest", "Permission being assigned already exists on the object")
		}
	}
	body["id"], body["resourceDisplayName"], body["principalType"] = "assignment "+g.id(6), app[0]["displayName"], "User"
	g.truth.Assignments = append(g.truth.Assignments, body)
	return &answer{status: 201, body: body}
}

func (g *graph) license(p *person, body object) *answer {
	states := p.Is["licenseAssignmentStates"].([]object)
	for _, sku := range texts(body["removeLicenses"]) {
		i := slices.IndexFunc(states, func(o object) bool { return o["skuId"] == sku })
		switch {
		case i < 0:
			return failure(400, "Request_BadRequest", "User does not have a corresponding license.")
		case states[i]["assignedByGroup"] != nil:
			return failure(400, "Request_BadRequest", "User license is inherited from a group membership and it cannot be removed directly from the user.")
		}
		states = slices.Delete(slices.Clone(states), i, i+1)
	}
	p.Is["licenseAssignmentStates"] = states
	return &answer{status: 200, body: p.Is}
}

// places are where a factor of each type is.
var places = map[string]string{
	"phoneAuthenticationMethod": "phoneMethods", "microsoftAuthenticatorAuthenticationMethod": "microsoftAuthenticatorMethods", "fido2AuthenticationMethod": "fido2Methods",
	"softwareOathAuthenticationMethod": "softwareOathMethods", "windowsHelloForBusinessAuthenticationMethod": "windowsHelloForBusinessMethods",
	"emailAuthenticationMethod": "emailMethods", "temporaryAccessPassAuthenticationMethod": "temporaryAccessPassMethods",
	"platformCredentialAuthenticationMethod": "platformCredentialMethods", "externalAuthenticationMethod": "externalAuthenticationMethods",
}

// unenrol deletes a factor at the place of its type; the default one, the first, only when it is alone.
func (p *person) unenrol(place, id string) *answer {
	i := slices.IndexFunc(p.Factors, func(f object) bool {
		return f["id"] == id && places[strings.TrimPrefix(f["@odata.type"].(string), "#microsoft.graph.")] == place
	})
	switch {
	case i < 0:
		return notThere
	case i == 0 && len(p.Factors) > 1:
		return failure(400, "badRequest", "Cannot delete default method with other methods configured.")
	}
	p.Factors = slices.Delete(p.Factors, i, i+1)
	return nothing()
}

// membership adds and removes members. Who is no member is answered like a group that is gone.
func (w *world) membership(method string, s []string, body object) *answer {
	g := w.Groups[s[1]]
	if g == nil {
		return notThere
	}
	kinds := texts(g["groupTypes"])
	if slices.Contains(kinds, "DynamicMembership") || g["mailEnabled"] == true && !slices.Contains(kinds, "Unified") || g["onPremisesSyncEnabled"] == true {
		return failure(400, "Request_BadRequest", "Cannot Update a mail-enabled security groups and or distribution list.")
	}
	if method == "POST" {
		ref := body["@odata.id"].(string)
		uid := ref[strings.LastIndex(ref, "/")+1:]
		if slices.Contains(w.Members[s[1]], uid) {
			return exists
		}
		w.Members[s[1]] = append(w.Members[s[1]], uid)
		return nothing()
	}
	i := slices.Index(w.Members[s[1]], s[3])
	if i < 0 {
		return notThere
	}
	w.Members[s[1]] = slices.Delete(w.Members[s[1]], i, i+1)
	return nothing()
}

// role assigns and removes roles, active and eligible; the two lists of active ones stay in step.
func (g *graph) role(method string, s []string, body object) *answer {
	w := g.truth
	same := func(o object) bool {
		return o["principalId"] == body["principalId"] && o["roleDefinitionId"] == body["roleDefinitionId"] && o["directoryScopeId"] == body["directoryScopeId"]
	}
	switch {
	case s[0] == "roleAssignments" && method == "DELETE":
		i := slices.IndexFunc(w.Active, func(o object) bool { return o["id"] == s[1] })
		if i < 0 {
			return notThere
		}
		body = w.Active[i]
		w.Scheduled = slices.DeleteFunc(w.Scheduled, same)
		w.Active = slices.Delete(w.Active, i, i+1)
		return nothing()
	case s[0] == "roleAssignments":
		if slices.ContainsFunc(w.Active, same) {
			return failure(400, "Request_BadRequest", "A conflicting object with one or more of the specified property values is present in the directory: already exist")
		}
		g.activate(body, "Assigned", "")
		return &answer{status: 201, body: body}
	case s[0] == "roleAssignmentScheduleRequests":
		w.Active, w.Scheduled = slices.DeleteFunc(w.Active, same), slices.DeleteFunc(w.Scheduled, same)
		return &answer{status: 201, body: body}
	}
	there := slices.ContainsFunc(w.Eligible, same)
	switch {
	case body["action"] == "adminRemove" && !there:
		return failure(400, "RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
	case body["action"] == "adminRemove":
		w.Eligible = slices.DeleteFunc(w.Eligible, same)
	case there:
		return failure(400, "RoleAssignmentExists", "The Role assignment already exists.")
	default:
		g.offer(body, "")
	}
	return &answer{status: 201, body: object{"status": "Provisioned"}}
}

func (g *graph) activate(of object, how string, ends any) {
	role := object{"displayName": "Role " + of["roleDefinitionId"].(string)[:8]}
	base := object{"principalId": of["principalId"], "roleDefinitionId": of["roleDefinitionId"], "directoryScopeId": of["directoryScopeId"], "roleDefinition": role}
	active, scheduled := object{"id": "lAPpYvVpN0KRkAEhdxReE-" + g.id(7)}, object{"id": g.id(7), "memberType": "Direct", "assignmentType": how}
	for k, v := range base {
		active[k], scheduled[k] = v, v
	}
	if ends != "" {
		scheduled["endDateTime"] = ends
	}
	g.truth.Active, g.truth.Scheduled = append(g.truth.Active, active), append(g.truth.Scheduled, scheduled)
}

func (g *graph) offer(of object, ends string) {
	one := object{"id": g.id(8), "memberType": "Direct", "principalId": of["principalId"], "roleDefinitionId": of["roleDefinitionId"], "directoryScopeId": of["directoryScopeId"],
		"roleDefinition": object{"displayName": "Role " + of["roleDefinitionId"].(string)[:8]}}
	if ends != "" {
		one["endDateTime"] = ends
	}
	g.truth.Eligible = append(g.truth.Eligible, one)
}
