package google

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

const directory = "/admin/directory/v1"

// attributes are what an account is known by. An external ID of the type organization is what the Admin console calls the
// employee ID; the other types hold the numbers of other systems.
var attributes = map[string]struct {
	exact bool
	of    func(u user) []string
}{
	"id":    {true, func(u user) []string { return []string{u.ID} }},
	"email": {false, user.addresses},
	"employeeId": {true, func(u user) []string {
		return u.numbers(func(kind string) bool { return kind == "organization" })
	}},
	"externalId": {true, func(u user) []string { return u.numbers(func(string) bool { return true }) }},
}

// Knows lists what match names, and the others for rules to name.
func (s Settings) Knows() connector.Knows {
	if len(s.Match) == 0 {
		s.Match = map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "email", exeunt.EmployeeID: "employeeId"}
	}
	exact := func(attribute string) bool { return attributes[attribute].exact }
	return connector.Knows{Attributes: connector.KnowsBy(s.Match, exact, slices.Sorted(maps.Keys(attributes))...)}
}

// Find asks for an address or an id directly, and for a number by a search, whose hits are read again by their id: searching
// lags behind.
func (t *tenant) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var out []exeunt.Found
	for _, k := range keys {
		attribute, known := attributes[k.Attribute]
		if !known || k.Value == "" {
			continue
		}
		candidates, err := t.candidates(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, u := range candidates {
			has := slices.ContainsFunc(attribute.of(u), func(v string) bool { return v == k.Value || !attribute.exact && strings.EqualFold(v, k.Value) })
			if has && !slices.ContainsFunc(out, func(f exeunt.Found) bool { return f.ID == u.ID }) {
				out = append(out, u.found())
			}
		}
	}
	return out, nil
}

func (t *tenant) candidates(ctx context.Context, k exeunt.Key) ([]user, error) {
	if k.Attribute == "id" || k.Attribute == "email" {
		u, err := t.read(ctx, k.Value)
		switch {
		case err == nil:
			return []user{u}, nil
		case isKind(err, exeunt.NotFound), isKind(err, exeunt.Invalid):
			return nil, nil
		case !isKind(err, exeunt.Denied) || k.Attribute == "id":
			return nil, err
		}
		// An address of a foreign domain is forbidden, not absent (unverified): the search knows none.
		return t.search(ctx, "email="+quote(k.Value))
	}
	return t.search(ctx, "externalId="+quote(k.Value))
}

// quote writes a value of a search. Source: developers.google.com/workspace/admin/directory/v1/guides/search-users.
func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// mostHits is far more than one person can have.
const mostHits = 20

func (t *tenant) search(ctx context.Context, query string) ([]user, error) {
	var page struct{ Users []struct{ ID string } }
	err := t.get(ctx, t.users, directory+"/users", url.Values{
		"customer": {t.Customer}, "query": {query}, "maxResults": {"21"}, "fields": {"users(id)"},
	}, &page)
	if err != nil {
		return nil, err
	}
	if len(page.Users) > mostHits {
		return nil, exeunt.Errorf(exeunt.Ambiguous, "%s finds more than %d accounts: the search does not name one person", name, mostHits)
	}
	var out []user
	for _, hit := range page.Users {
		u, err := t.read(ctx, hit.ID)
		if isKind(err, exeunt.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// List implements connector.Lister. A page token counts for three days.
func (t *tenant) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	query := url.Values{
		"customer": {t.Customer}, "maxResults": {"500"}, "orderBy": {"email"}, "projection": {"full"},
		"fields": {"nextPageToken,users(id,primaryEmail,aliases,nonEditableAliases,externalIds,suspended,archived)"},
	}
	if cursor != "" {
		query.Set("pageToken", cursor)
	}
	var all struct {
		NextPageToken string
		Users         []user
	}
	err := t.get(ctx, t.users, directory+"/users", query, &all)
	if cursor != "" && isKind(err, exeunt.Invalid) {
		return connector.Page{}, connector.ErrForgotten(name)
	}
	if err != nil {
		return connector.Page{}, err
	}
	page := connector.Page{Next: all.NextPageToken}
	for _, u := range all.Users {
		page.Accounts = append(page.Accounts, u.found())
	}
	return page, nil
}

// get reads one answer.
func (t *tenant) get(ctx context.Context, api *vendorapi.Client, path string, query url.Values, into any) error {
	a, err := api.Ask(ctx, vendorapi.Question{Path: path, Query: query})
	if err != nil {
		return err
	}
	return a.Decode(into)
}

// mostPages bounds the lists about one person.
const mostPages = 20

// all reads every page of a list about one person; take gives the token of the next one.
func (t *tenant) all(ctx context.Context, api *vendorapi.Client, path string, query url.Values, take func(vendorapi.Answer) (next string, err error)) error {
	for range mostPages {
		a, err := api.Ask(ctx, vendorapi.Question{Path: path, Query: query})
		if err != nil {
			return err
		}
		next, err := take(a)
		if err != nil || next == "" {
			return err
		}
		query.Set("pageToken", next)
	}
	return exeunt.Errorf(exeunt.Invalid, "%s goes on for more than %d pages about one account: look by hand", name, mostPages)
}

// do makes one request that changes something.
func (t *tenant) do(ctx context.Context, api *vendorapi.Client, method, path string, body any) error {
	_, err := api.Ask(ctx, vendorapi.Question{Method: method, Path: path, Body: body})
	return err
}

func (t *tenant) remove(ctx context.Context, api *vendorapi.Client, path string) error {
	return t.do(ctx, api, http.MethodDelete, path, nil)
}
