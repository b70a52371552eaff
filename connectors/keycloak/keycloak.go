// Package keycloak ends accounts in a realm of Keycloak, by its administration API.
//
// Sources: the API's own code, services/…/resources/admin/UserResource.java, and Nerzal/gocloak for the paths. What is held to be
// so without having been seen on a server is marked unverified.
package keycloak

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

const name = "Keycloak" // in messages

// Settings of a realm.
type Settings struct {
	BaseURL string `json:"base_url" jsonschema:"required" jsonschema_description:"Where Keycloak is, such as https://sso.example; with /auth at the end for old ones. Only https, except on this machine."`
	Realm   string `json:"realm" jsonschema:"required" jsonschema_description:"The realm whose accounts are ended."`

	signin.ByClient
	signin.BySecret
	ClientRealm string `json:"client_realm,omitempty" jsonschema_description:"The realm of our client, when not the one above."`

	Match      map[exeunt.IdentifierKind]string `json:"match,omitempty" jsonschema_description:"Which of the leaver's identifiers is which attribute: username, email, id, or one of the user's own. {login: username, work_email: email} when left out."`
	Privileged connector.Privileged             `json:"privileged,omitempty" jsonschema:"enum=ask,enum=act" jsonschema_description:"What happens to an account that may administer the realm, of which HR does not know: ask, when left out, leaves every step to a person; act ends it like any other. Steps of people whom HR flags as privileged are done, after the approval that the configuration wants."`
}

// Check refuses settings that cannot work.
func (s Settings) Check() error {
	if err := connector.CheckAddress("base_url", s.BaseURL); err != nil {
		return err
	}
	switch {
	case s.Realm == "" || strings.ContainsAny(s.Realm+s.ClientRealm, "/?#"):
		return exeunt.Errorf(exeunt.Invalid, "realm is the name of a realm, as it stands in the address of its console").In("realm")
	case s.ClientID == "" || s.ClientSecret.IsZero():
		return exeunt.Errorf(exeunt.Invalid, "client_id and client_secret are those of a client with a service account").In("client_secret")
	}
	for identifier, attribute := range s.Match {
		if identifier == "" || attribute == "" || strings.ContainsAny(attribute, `": `) {
			return exeunt.Errorf(exeunt.Invalid, "match needs an identifier and the name of an attribute").In("match")
		}
	}
	return s.Privileged.Check()
}

// Knows is by what the realm knows people. Usernames and addresses are in small letters there.
func (s Settings) Knows() connector.Knows {
	match := s.Match
	if len(match) == 0 {
		match = map[exeunt.IdentifierKind]string{exeunt.Login: "username", exeunt.WorkEmail: "email"}
	}
	return connector.Knows{Attributes: connector.KnowsBy(match, func(attribute string) bool { return attribute != "username" && attribute != "email" }), Any: true}
}

// The roles of the client realm-management that our service account needs.
const (
	viewUsers   = "view-users"
	manageUsers = "manage-users"
)

var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.ResetFactors, Title: "Remove sign-in factors", Order: 10, Proof: exeunt.Observed, Repeatable: true, Scopes: []string{manageUsers},
		Caveat: "Factors cannot be put back: whoever returns enrols again. Those that a directory or another identity provider asks for are theirs.",
	},
	{
		Action: exeunt.ResetPassword, Title: "Take the password away", Order: 15, Proof: exeunt.Observed, Repeatable: true, Scopes: []string{manageUsers},
		Caveat: "The old password is not kept: a return needs a new one. The password of who comes from a directory is the directory's.",
	},
	{
		Action: exeunt.Disable, Title: "Disable user", Order: 20, Immediate: 1, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Takes: []string{"enabled"}, Scopes: []string{manageUsers},
		Caveat: "Access tokens that were issued are taken by applications until they expire, five minutes unless the realm says otherwise. Links to other identity providers stay and do not let a disabled user in; the facts name them. Who comes from a directory is disabled here where the realm may write that, and stays open in the directory.",
	},
	{
		Action: exeunt.RevokeSessions, Title: "End sessions and grants", Order: 30, Immediate: 2, Proof: exeunt.Observed, Repeatable: true, Scopes: []string{manageUsers},
		Caveat: "An application without back-channel logout keeps its own session. Consents are ended with the offline tokens, and are asked for anew.",
	},
	{
		Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Takes: []string{"groups"}, Scopes: []string{manageUsers},
		Caveat: "Groups that a directory's mapper holds read-only are ended in the directory, and are named as left. So are those that give administration roles, unless our service account may administer the realm.",
	},
	{
		Action: exeunt.RemoveRoles, Title: "Remove roles", Order: 50, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Takes: []string{"roles"}, Scopes: []string{manageUsers},
		Caveat: "Roles that come with a group end with the group; the facts name them. Those that a directory's mapper holds read-only are ended in the directory, and are named as left.",
	},
}

// Kind is the kind "keycloak".
func Kind() connector.Kind { return connector.Define("keycloak", name, actions, open) }

// realm is the connector of one configured realm.
type realm struct {
	name       string
	privileged connector.Privileged
	attributes []string // by which people are known, shown of each account
	api        vendorapi.Client
}

func open(s Settings, rt http.RoundTripper) (connector.Connector, error) {
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "a keycloak system needs a transport")
	}
	base, at := strings.TrimRight(s.BaseURL, "/"), s.Realm
	if s.ClientRealm != "" {
		at = s.ClientRealm
	}
	tokens := base + "/realms/" + url.PathEscape(at) + "/protocol/openid-connect/token"
	grant := signin.ClientCredentials{ClientID: s.ClientID, Proof: s.BySecret}
	known := map[string]bool{"username": true, "email": true}
	for _, a := range s.Knows().Attributes {
		known[a.Name] = true
	}
	return &realm{s.Realm, s.Privileged, slices.Sorted(maps.Keys(known)), vendorapi.Client{
		Explain: explain, Vendor: name, Base: base + "/admin/realms/" + url.PathEscape(s.Realm), HTTP: signin.Client(rt, signin.Tokens(name, tokens, grant, rt)),
	}}, nil
}
