package entra

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// wider are the permissions that include one, and more than it.
// Source: microsoftgraph/microsoft-graph-devx-content, permissions/new/permissions.json.
var wider = map[string][]string{
	"User.Read.All":                          {"User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"User.EnableDisableAccount.All":          {"User.ReadWrite.All", "Directory.ReadWrite.All"},
	"User.RevokeSessions.All":                {"User.ReadWrite.All", "Directory.ReadWrite.All"},
	"GroupMember.ReadWrite.All":              {"Group.ReadWrite.All", "Directory.ReadWrite.All"},
	"DelegatedPermissionGrant.ReadWrite.All": {"Directory.ReadWrite.All"},
	"Device.ReadWrite.All":                   {"Directory.ReadWrite.All"},
	"LicenseAssignment.ReadWrite.All":        {"User.ReadWrite.All", "Directory.ReadWrite.All"},
	"GroupMember.Read.All":                   {"GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"Application.Read.All":                   {"Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"},
	"MailboxSettings.Read":                   {"MailboxSettings.ReadWrite"},
	"Files.ReadWrite.All":                    {"Sites.ReadWrite.All", "Sites.FullControl.All"},
}

// factorByFactor begins the permissions for one kind of factor each.
const factorByFactor = "UserAuthMethod-"

// claims are what an access token says of our application.
type claims struct {
	Roles []string `json:"roles"` // the application permissions that were granted
	Wids  []string `json:"wids"`  // the administrator roles that it has
}

// everybody is the role that every account has (learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference).
const everybody = "b79fbf4d-3ef9-4689-8143-76b194e85509"

// Examine implements connector.Examiner: it signs in, reads one account, and takes the permissions from the access token.
// Microsoft does not promise that the token of its own API can be read; where it cannot, nothing is known.
func (t *tenant) Examine(ctx context.Context) ([]connector.Right, error) {
	token, err := t.tokenOf(ctx)
	reads, err := connector.Tried("User.Read.All", "grant the application permission User.Read.All, with admin consent", err)
	if err != nil {
		return nil, err
	}
	said, readable := payload(token)
	rights := []connector.Right{reads}
	for _, scope := range t.scopes() {
		if scope != reads.Name {
			rights = append(rights, right(scope, t.actionsOf(scope), said, readable, t.scopes()))
		}
	}
	return append(rights, ranked(said)), nil
}

// scopes are all that the actions need, each once.
func (t *tenant) scopes() []string {
	var out []string
	for _, spec := range t.Specs() {
		for _, scope := range spec.Scopes {
			if !slices.Contains(out, scope) {
				out = append(out, scope)
			}
		}
	}
	return out
}

func (t *tenant) actionsOf(scope string) []exeunt.Action {
	var out []exeunt.Action
	for _, spec := range t.Specs() {
		if slices.Contains(spec.Scopes, scope) {
			out = append(out, spec.Action)
		}
	}
	return out
}

// right says whether a permission is among those of the token, by itself or within a wider one.
func right(scope string, serves []exeunt.Action, said claims, readable bool, needed []string) connector.Right {
	r := connector.Right{Name: scope, For: serves, State: connector.Granted}
	more := slices.IndexFunc(wider[scope], func(w string) bool { return slices.Contains(said.Roles, w) })
	switch {
	case !readable:
		r.State, r.Why, r.Remedy = connector.Unknown, "the access token cannot be read", connector.Rehearse
	case slices.Contains(said.Roles, scope):
	case more >= 0 && slices.Contains(needed, wider[scope][more]): // for another action
	case more >= 0:
		r.Why = "by " + wider[scope][more] + ", which allows more than is needed: grant " + scope + " in its place"
	case scope == "UserAuthenticationMethod.ReadWrite.All" && slices.ContainsFunc(said.Roles, func(s string) bool { return strings.HasPrefix(s, factorByFactor) }):
		r.State, r.Why, r.Remedy = connector.Unknown, "there are permissions for single kinds of factor only, and people may have others", connector.Rehearse
	default:
		r.State, r.Why, r.Remedy = connector.Lacking, "it is not among the permissions of the access token", "grant the application permission "+scope+" in the app registration, with admin consent"
	}
	return r
}

// ranked is the administrator role without which accounts of administrators are beyond us.
func ranked(said claims) connector.Right {
	r := connector.Right{Name: "an administrator role of our application", For: []exeunt.Action{exeunt.Disable, exeunt.ResetFactors, exeunt.ResetPassword}, State: connector.Granted}
	if !slices.ContainsFunc(said.Wids, func(id string) bool { return id != everybody }) {
		r.State, r.Why = connector.Unknown, "the access token names none, and without one the accounts of administrators cannot be disabled, nor their passwords and factors reset; others can"
		r.Remedy = "leave it so, and end administrators by hand; or assign our application Privileged Authentication Administrator"
	}
	return r
}

// tap keeps the access token that a request was signed with.
type tap struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen string
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.seen, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Unlock()
	return p.next.RoundTrip(r)
}

// tokenOf signs in, reads one account, and gives the token with which that was done.
func (t *tenant) tokenOf(ctx context.Context) (string, error) {
	p := &tap{next: t.wire}
	client := &vendorapi.Client{Vendor: name, Base: t.api.Base, HTTP: signin.Client(p, t.signer), Explain: explain}
	_, err := client.Ask(ctx, vendorapi.Question{Path: query("/users", "$select", "id", "$top", "1")})
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen, err
}

// payload is what a token says; that it is genuine is for Graph to check.
func payload(token string) (said claims, readable bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(raw, &said) != nil {
		return claims{}, false
	}
	return said, true
}
