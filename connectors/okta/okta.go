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
	*vendorapi.Client
	rt http.RoundTripper
}

// Kind is the kind "okta".
func Kind() connector.Kind { return connector.Define("okta", vendor, everything(), open) }

func open(s Settings, rt http.RoundTripper) (connector.Connector, error) {
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "an okta system needs a transport")
	}
	a := &api{Settings: s, rt: rt}
	a.Client = a.client(s.signer(rt, s.scopes()))
	return a, nil
}

func (a *api) client(signer signin.Signer) *vendorapi.Client {
	return &vendorapi.Client{Vendor: vendor, Base: a.base(), HTTP: signin.Client(a.rt, signer), Explain: explain}
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
