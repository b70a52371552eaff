// Package okta ends people's access at Okta: sign-in factors, the account, sessions and tokens, what applications may do in
// the person's name, the person's own API tokens, admin roles, groups, and, where settings say so, assignments to
// applications, devices, and the account for good.
//
// The account is closed by suspending it, which keeps everything and can be taken back. Deactivating cannot: it takes the
// person out of every application, with what those keep of them. It is therefore an action of its own, that loses data:
// a legal hold forbids it while access is cut all the same, and approvals for what is destructive hold it alone.
//
// Sources: Okta's description of its management API (testdata/okta-leaver.json, version 2026.06.3) and developer.okta.com.
// What neither says, and was not seen, is marked as unverified where it matters.
package okta

import (
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

const vendor = "Okta" // in messages; the engine adds the system's own title

// api is one configured organisation.
type api struct {
	Settings
	rt      http.RoundTripper
	callers map[string]*vendorapi.Client // by the scope that a request needs; "" with the API token, which has none
}

// Kind is the kind "okta".
func Kind() connector.Kind { return connector.Define("okta", vendor, everything(), open) }

func open(s Settings, rt http.RoundTripper) (connector.Connector, error) {
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "an okta system needs a transport")
	}
	a := &api{Settings: s, rt: rt, callers: map[string]*vendorapi.Client{}}
	scopes := []string{""}
	if s.Token.IsZero() {
		scopes = []string{"okta.users.read", "okta.users.manage"}
		for _, k := range kinds {
			scopes = append(scopes, k.scope+".read", k.scope+".manage")
		}
	}
	for _, scope := range scopes {
		a.callers[scope] = &vendorapi.Client{Vendor: vendor, Base: s.base(), HTTP: signin.Client(rt, s.signer(rt, []string{scope})), Explain: explain}
	}
	return a, nil
}

// client makes the requests of a kind. Each scope has a token of its own: Okta refuses one for several scopes when one of them
// was not granted, and that one should take nothing but its own actions away (docs/adr/0067).
func (a *api) client(q vendorapi.Question) *vendorapi.Client {
	if !a.Token.IsZero() {
		return a.callers[""]
	}
	return a.callers[scopeOf(q.Method, q.Path)]
}

// kinds are the beginnings of the paths of each kind of thing in scopes.
var kinds = []struct{ path, scope string }{
	{"/api/v1/groups", "okta.groups"}, {"/api/v1/apps", "okta.apps"}, {"/api/v1/devices", "okta.devices"}, {"/api/v1/api-tokens", "okta.apiTokens"}, {"/api/v1/iam/", "okta.roles"},
}

// scopeOf is the scope of a request, by Okta's description: what is listed of a person is read as the person is, but for roles.
func scopeOf(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	kind := "okta.users"
	if i := slices.IndexFunc(kinds, func(k struct{ path, scope string }) bool { return strings.HasPrefix(path, k.path) }); i >= 0 {
		kind = kinds[i].scope
	} else if parts := strings.Split(path, "/"); len(parts) > 5 && parts[5] == "roles" {
		kind = "okta.roles"
	}
	if method == http.MethodGet || method == "" {
		return kind + ".read"
	}
	return kind + ".manage"
}

// signer signs in as the settings say: as a service application, which has the scopes that it asks for, or with the API
// token of an administrator.
func (s Settings) signer(rt http.RoundTripper, scopes []string) signin.Signer {
	if !s.Token.IsZero() {
		return signin.Header("Authorization", "SSWS ", s.Token)
	}
	grant := signin.ClientCredentials{ClientID: s.ClientID, Scopes: scopes, Proof: s.ByKey}
	// The org's own authorisation server: others do not give scopes of the management API.
	return signin.Tokens(vendor, s.base()+"/oauth2/v1/token", grant, rt)
}

func (s Settings) base() string { return strings.TrimRight(s.BaseURL, "/") }

// scopes are what the actions of these settings need, each once.
func (s Settings) scopes() []string {
	all := []string{"okta.users.read", "okta.roles.read"} // whose account it is, and whether it is an administrator's
	for _, spec := range s.Specs() {
		for _, scope := range spec.Scopes {
			if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	}
	return all
}
