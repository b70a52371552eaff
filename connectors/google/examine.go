package google

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// trial is a harmless request by which a scope shows.
type trial struct {
	scope string
	host  string
	path  string
	query url.Values
	token bool // only the token is asked for: no request that reads works with the scope alone
}

func (t *tenant) trials() []trial {
	me := directory + "/users/" + url.PathEscape(t.Delegate)
	one := url.Values{"maxResults": {"1"}}
	licence := append(slices.Clone(t.Licences), "/")[0]
	product, sku, _ := strings.Cut(licence, "/")
	return []trial{
		{scope: scopeUser, path: me, query: url.Values{"fields": {"isAdmin"}}},
		{scope: scopeSecurity, path: me + "/tokens", query: url.Values{"fields": {"items(clientId)"}}},
		{scope: scopeGroups, path: directory + "/groups", query: url.Values{"customer": {t.Customer}, "maxResults": {"1"}, "fields": {"groups(id)"}}},
		{scope: scopeMembers, path: directory + "/groups/exeunt/members", token: true},
		{scope: scopeRoles, path: t.rolePath("/roleassignments"), query: one},
		{scope: scopeTransfer, path: transfers, query: one},
		{scope: scopeDevices, path: t.rolePath("/devices/mobile"), query: one},
		{scope: scopeLicences, host: licensingHost, path: "/apps/licensing/v1/product/" + product + "/sku/" + sku + "/users",
			query: url.Values{"customerId": {t.Customer}, "maxResults": {"1"}}},
		{scope: scopeMail, host: gmailHost, path: mailSettings + "/vacation", query: url.Values{"fields": {"enableAutoReply"}}, token: true},
		{scope: scopeMailDelegate, host: gmailHost, path: mailSettings + "/vacation", token: true},
	}
}

// Examine implements connector.Examiner. Each scope is asked for by itself, since a token for several is refused when one of
// them was not granted, without saying which.
func (t *tenant) Examine(ctx context.Context) ([]connector.Right, error) {
	var rights []connector.Right
	var refused error
	signedIn := false
	for _, try := range t.trials() {
		serves := t.serves(try.scope)
		if len(serves) == 0 {
			continue
		}
		right, err := t.try(ctx, try, serves)
		if isKind(err, exeunt.Unauthorised) {
			refused = err
			right = connector.Right{Name: try.scope, For: serves, State: connector.Lacking, Why: exeunt.MessageOf(err),
				Remedy: "add it in the Admin console under Security, Access and data control, API controls, Domain-wide delegation, to the client ID of the service account"}
		} else if err != nil {
			return nil, err
		} else {
			signedIn = true
		}
		rights = append(rights, right)
	}
	if !signedIn {
		return nil, refused
	}
	return append(rights, t.privileges(ctx)), nil
}

// serves are the actions that need a scope.
func (t *tenant) serves(scope string) []exeunt.Action {
	var out []exeunt.Action
	for _, spec := range t.Specs() {
		if slices.Contains(spec.Scopes, scope) {
			out = append(out, spec.Action)
		}
	}
	return out
}

func (t *tenant) try(ctx context.Context, try trial, serves []exeunt.Action) (connector.Right, error) {
	host := try.host
	if host == "" {
		host = "https://admin.googleapis.com"
	}
	var answer any
	err := t.get(ctx, t.api(host, t.Delegate, try.scope), try.path, try.query, &answer)
	if kind := exeunt.KindOf(err); try.token && (kind == exeunt.Denied || kind == exeunt.NotFound || kind == exeunt.Invalid || kind == exeunt.Conflict) {
		err = nil // signed in, which is all that was asked
	}
	return connector.Tried(try.scope, "give the administrator in delegate a role with the privilege for it, and enable the API in the project of the service account", err, serves...)
}

// privileges tells what the administrator may do. Scopes say what the service account may ask for, roles what is answered.
func (t *tenant) privileges(ctx context.Context) connector.Right {
	right := connector.Right{Name: "privileges of " + t.Delegate, State: connector.Granted}
	for _, spec := range t.Specs() {
		right.For = append(right.For, spec.Action)
	}
	me, err := t.read(ctx, t.Delegate)
	if err == nil && me.SuperAdmin {
		return right
	}
	right.State = connector.Unknown
	right.Why = "the administrator is no super administrator, and Google does not tell which privileges the roles add up to for each account"
	right.Remedy = connector.Rehearse + ". Accounts of administrators are ended only by a super administrator"
	return right
}
