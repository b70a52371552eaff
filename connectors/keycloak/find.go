package keycloak

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// user is an account as the realm shows it.
type user struct {
	ID             string              `json:"id"`
	Username       string              `json:"username"`
	Email          string              `json:"email"`
	Enabled        bool                `json:"enabled"`
	FederationLink string              `json:"federationLink"` // the directory that it comes from
	Attributes     map[string][]string `json:"attributes"`
	Identities     []struct {
		Provider string `json:"identityProvider"`
	} `json:"federatedIdentities"`
	Required []string        `json:"requiredActions"` // what is asked of whoever signs in next
	Access   map[string]bool `json:"access"`          // what whoever asks may do to it
}

func (u user) has(attribute string) []string {
	switch attribute {
	case "id":
		return []string{u.ID}
	case "username":
		return []string{u.Username}
	case "email":
		if u.Email == "" {
			return nil
		}
		return []string{u.Email}
	default:
		return u.Attributes[attribute]
	}
}

// same compares as the realm does: it keeps usernames and addresses in small letters.
func same(attribute, a, b string) bool {
	if attribute == "username" || attribute == "email" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

// pageSize is the default of the API for lists; mostPages bounds what is about one person.
const (
	pageSize  = 100
	mostPages = 20
)

// Find searches for each of the keys, and keeps only whoever has exactly that value.
func (r *realm) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var out []exeunt.Found
	for _, k := range keys {
		if k.Value == "" {
			continue
		}
		users, err := r.candidates(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			matches := slices.ContainsFunc(u.has(k.Attribute), func(v string) bool { return same(k.Attribute, v, k.Value) })
			if u.ID != "" && matches && !slices.ContainsFunc(out, func(f exeunt.Found) bool { return f.ID == u.ID }) {
				out = append(out, r.found(u, k.Attribute))
			}
		}
	}
	return out, nil
}

// candidates are those that the realm names for one key.
func (r *realm) candidates(ctx context.Context, k exeunt.Key) ([]user, error) {
	if k.Attribute == "id" {
		u, err := r.user(ctx, exeunt.Account{ID: k.Value})
		if err != nil {
			return nil, gone(err)
		}
		return []user{u}, nil
	}
	query, err := search(k)
	if err != nil {
		return nil, err
	}
	var users []user
	err = r.all(ctx, "/users", query, func(a vendorapi.Answer) (int, error) {
		var page []user
		err := a.Decode(&page)
		users = append(users, page...)
		return len(page), err
	})
	return users, err
}

// search is the query for one key. A value in quotes may hold spaces and colons.
func search(k exeunt.Key) (url.Values, error) {
	if k.Attribute == "username" || k.Attribute == "email" {
		return url.Values{k.Attribute: {k.Value}, "exact": {"true"}}, nil
	}
	if strings.ContainsAny(k.Attribute+k.Value, `"`) {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s cannot search for a value with a quotation mark: find the account by hand", name)
	}
	return url.Values{"q": {`"` + k.Attribute + `":"` + k.Value + `"`}}, nil
}

// found is an account with what it is known by.
func (r *realm) found(u user, more ...string) exeunt.Found {
	f := exeunt.Found{Account: exeunt.Account{ID: u.ID, Login: u.Username}, Has: map[string][]string{}, Closed: !u.Enabled}
	for _, attribute := range append(slices.Clone(r.attributes), more...) {
		if values := u.has(attribute); len(values) > 0 {
			f.Has[attribute] = values
		}
	}
	return f
}

// all reads a list page by page; take says how many a page had.
func (r *realm) all(ctx context.Context, path string, query url.Values, take func(vendorapi.Answer) (int, error)) error {
	asked := url.Values{"max": {strconv.Itoa(pageSize)}}
	for key, values := range query {
		asked[key] = values
	}
	for page := range mostPages {
		asked.Set("first", strconv.Itoa(page*pageSize))
		a, err := r.api.Ask(ctx, vendorapi.Question{Path: path, Query: asked})
		if err != nil {
			return err
		}
		if n, err := take(a); err != nil || n < pageSize {
			return err
		}
	}
	return exeunt.Errorf(exeunt.Invalid, "%s goes on for more than %d pages: the search is not specific enough", name, mostPages)
}

// List implements connector.Lister.
func (r *realm) List(ctx context.Context, cursor string, attributes []string) (connector.Page, error) {
	at, err := connector.OverlapOf(name, cursor)
	if err != nil {
		return connector.Page{}, err
	}
	a, err := r.api.Ask(ctx, vendorapi.Question{Path: "/users", Query: url.Values{"first": {strconv.Itoa(at.At)}, "max": {strconv.Itoa(pageSize)}}})
	if err != nil {
		return connector.Page{}, err
	}
	var users []user
	if err := a.Decode(&users); err != nil {
		return connector.Page{}, err
	}
	ids := make([]string, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	fresh, next, err := at.Take(name, ids, len(users) == pageSize)
	if err != nil {
		return connector.Page{}, err
	}
	var page connector.Page
	for _, u := range users[fresh:] {
		page.Accounts = append(page.Accounts, r.found(u, attributes...))
	}
	if next != nil {
		page.Next = next.Cursor()
	}
	return page, nil
}

// get decodes the answer to a read.
func (r *realm) get(ctx context.Context, path string, into any) error {
	a, err := r.api.Ask(ctx, vendorapi.Question{Path: path})
	if err != nil {
		return err
	}
	return a.Decode(into)
}

// change sends what changes something.
func (r *realm) change(ctx context.Context, method, path string, body any) error {
	_, err := r.api.Ask(ctx, vendorapi.Question{Method: method, Path: path, Body: body})
	return err
}

// gone takes what is no more for what is done.
func gone(err error) error {
	if exeunt.KindOf(err) == exeunt.NotFound {
		return nil
	}
	return err
}

func at(account exeunt.Account) string { return "/users/" + url.PathEscape(account.ID) }

// user reads an account by its id.
func (r *realm) user(ctx context.Context, account exeunt.Account) (user, error) {
	var u user
	if err := r.get(ctx, at(account), &u); err != nil {
		return u, err
	}
	if u.ID != account.ID {
		return u, exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", name)
	}
	return u, nil
}

// Examine tells what our service account may do, by what the realm itself says of any one user.
func (r *realm) Examine(ctx context.Context) ([]connector.Right, error) {
	a, err := r.api.Ask(ctx, vendorapi.Question{Method: http.MethodGet, Path: "/users", Query: url.Values{"max": {"1"}}})
	view, err := connector.Tried(viewUsers, "give the service account of our client the role view-users of realm-management", err)
	if err != nil {
		return nil, err
	}
	var all []exeunt.Action
	for _, spec := range actions {
		all = append(all, spec.Action)
	}
	manage := connector.Right{Name: manageUsers, For: all, State: connector.Unknown, Why: "the realm shows no user of whom it says what we may do", Remedy: connector.Rehearse}
	var users []user
	if view.State == connector.Granted {
		if err := a.Decode(&users); err != nil {
			return nil, err
		}
	}
	if len(users) > 0 && users[0].Access != nil {
		manage.State, manage.Why, manage.Remedy = connector.Granted, "", ""
		for _, right := range []string{"manage", "mapRoles", "manageGroupMembership"} {
			if !users[0].Access[right] {
				manage.State, manage.Why, manage.Remedy = connector.Lacking, "the realm says that we may not "+right, "give the service account of our client the role manage-users of realm-management"
			}
		}
	}
	return []connector.Right{view, manage}, nil
}
