package okta

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// user is what is read of an account.
type user struct {
	ID         string                     `json:"id"`
	Status     string                     `json:"status"`
	Changed    string                     `json:"statusChanged"`
	Turning    string                     `json:"transitioningToStatus"`
	Profile    map[string]json.RawMessage `json:"profile"`
	Credential struct {
		Provider struct {
			Type string `json:"type"`
		} `json:"provider"`
	} `json:"credentials"`
}

// The statuses in which nobody signs in, as far as they are named here.
const (
	suspended   = "SUSPENDED"
	deactivated = "DEPROVISIONED"
	staged      = "STAGED" // was never activated
)

func (u user) closed() bool {
	return u.Status == suspended || u.Status == deactivated || u.Status == staged
}

// attribute is what the account has of one; "id" is its own.
func (u user) attribute(name string) []string {
	if name == "id" {
		return []string{u.ID}
	}
	var value any
	d := json.NewDecoder(strings.NewReader(string(u.Profile[name])))
	d.UseNumber()
	if d.Decode(&value) != nil {
		return nil
	}
	var all []string
	for _, v := range values(value) {
		switch v := v.(type) {
		case string:
			if v != "" {
				all = append(all, v)
			}
		case json.Number:
			all = append(all, v.String())
		}
	}
	return all
}

func values(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// found is an account with what it has of some attributes.
func (u user) found(attributes []string) exeunt.Found {
	login := u.ID
	if names := u.attribute("login"); len(names) > 0 {
		login = names[0]
	}
	f := exeunt.Found{Account: exeunt.Account{ID: u.ID, Login: login}, Has: map[string][]string{}, Closed: u.closed()}
	for _, name := range attributes {
		if values := u.attribute(name); len(values) > 0 {
			f.Has[name] = values
		}
	}
	return f
}

// Find implements connector.Connector.
func (a *api) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var attributes []string
	for _, k := range keys {
		attributes = append(attributes, k.Attribute)
	}
	var out []exeunt.Found
	seen := map[string]bool{}
	for _, k := range keys {
		if k.Value == "" || !attributeName.MatchString(k.Attribute) {
			continue
		}
		users, err := a.search(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			has := slices.ContainsFunc(u.attribute(k.Attribute), func(v string) bool { return strings.EqualFold(v, k.Value) })
			if !has || seen[u.ID] {
				continue
			}
			seen[u.ID] = true
			out = append(out, u.found(attributes))
		}
	}
	return out, nil
}

// mostPages is of a search for one person.
const mostPages = 10

// search asks for the accounts with a value. By login and e-mail address Okta filters; anything else is a search of an index
// that lags behind, so that each account it gives is read again by its id.
func (a *api) search(ctx context.Context, k exeunt.Key) ([]user, error) {
	switch k.Attribute {
	case "id":
		u, err := a.read(ctx, k.Value) // Okta also finds by a login there: Find sees whose id it is
		if is(err, exeunt.NotFound) {
			return nil, nil
		}
		return []user{u}, err
	case "login", "email":
		return every[user](ctx, a, "/api/v1/users?"+url.Values{"filter": {"profile." + k.Attribute + " eq " + quote(k.Value)}}.Encode(), mostPages)
	}
	indexed, err := every[user](ctx, a, "/api/v1/users?"+url.Values{"search": {"profile." + k.Attribute + " eq " + quote(k.Value)}}.Encode(), mostPages)
	if err != nil {
		return nil, err
	}
	var users []user
	for _, i := range indexed {
		u, err := a.user(ctx, i.ID)
		if is(err, exeunt.NotFound) { // the index has not heard of it yet
			continue
		}
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, nil
}

// quote writes a value of a filter (RFC 7644 §3.4.2.2, whose language Okta's is).
func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// user reads an account by its id.
func (a *api) user(ctx context.Context, id string) (user, error) {
	u, err := a.read(ctx, id)
	if err == nil && (u.ID != id || u.Status == "") {
		return user{}, exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", vendor)
	}
	return u, err
}

// read reads an account. Okta takes a login instead of an id, and "me" for ourselves, which would be somebody else.
func (a *api) read(ctx context.Context, id string) (u user, err error) {
	answer, err := a.ask(ctx, vendorapi.Question{Path: path(id)})
	if err != nil {
		return user{}, err
	}
	return u, answer.Decode(&u)
}

func path(id string) string { return "/api/v1/users/" + url.PathEscape(id) }

// firstPage lists everybody: without a filter Okta leaves out those who are deactivated.
var firstPage = "/api/v1/users?" + url.Values{"filter": {`lastUpdated gt "1970-01-01T00:00:00.000Z"`}, "limit": {"100"}}.Encode()

// List implements connector.Lister. A cursor is the path of the next page, which Okta says not to look into.
func (a *api) List(ctx context.Context, cursor string, attributes []string) (connector.Page, error) {
	var users []user
	next, err := a.turn(ctx, firstPage, cursor, &users)
	page := connector.Page{Next: next}
	for _, u := range users {
		page.Accounts = append(page.Accounts, u.found(attributes))
	}
	return page, err
}

// turn reads one page of a list into a slice, and says where the next one is.
func (a *api) turn(ctx context.Context, first, cursor string, into any) (next string, err error) {
	kind, _, _ := strings.Cut(first, "?")
	if cursor != "" && !strings.HasPrefix(cursor, kind+"?") {
		return "", connector.ErrForgotten(vendor)
	}
	if cursor == "" {
		cursor = first
	}
	answer, err := a.ask(ctx, vendorapi.Question{Path: cursor})
	if is(err, exeunt.Invalid) && cursor != first {
		return "", connector.ErrForgotten(vendor)
	}
	if err != nil {
		return "", err
	}
	if err := answer.Decode(into); err != nil {
		return "", err
	}
	link, err := answer.Next(a.base() + cursor)
	if err != nil {
		return "", err
	}
	next, sameBase := strings.CutPrefix(link, a.base())
	if link != "" && !sameBase {
		return "", exeunt.Errorf(exeunt.Invalid, "%s has the next page of its list at another address than base_url: use the organisation's own", vendor)
	}
	return next, nil
}
