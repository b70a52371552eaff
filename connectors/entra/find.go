package entra

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// attributes are what a user may be searched by: the filter, and what a user has of it. None tells capital letters from
// small ones but the base64 of onPremisesImmutableId.
var attributes = map[string]struct {
	exact  bool
	filter func(value string) string
	of     func(u user) []string
}{
	"userPrincipalName": {filter: equals("userPrincipalName"), of: func(u user) []string { return one(u.PrincipalName) }},
	"mail":              {filter: equals("mail"), of: func(u user) []string { return one(u.Mail) }},
	"employeeId":        {filter: equals("employeeId"), of: func(u user) []string { return one(u.EmployeeID) }},
	// The prefix says what kind of address it is: SMTP of the primary one, smtp of the others (Exchange; also sip, x500).
	"proxyAddresses":        {filter: byAddress, of: user.addresses},
	"onPremisesImmutableId": {exact: true, filter: equals("onPremisesImmutableId"), of: func(u user) []string { return one(u.ImmutableID) }},
	"id":                    {filter: equals("id"), of: func(u user) []string { return one(u.ID) }},
}

func equals(property string) func(string) string {
	return func(value string) string { return property + " eq " + quote(value) }
}

// byAddress asks for both prefixes: that a filter takes them for the same is not said anywhere.
func byAddress(value string) string {
	return "proxyAddresses/any(p:p eq " + quote("SMTP:"+value) + ") or proxyAddresses/any(p:p eq " + quote("smtp:"+value) + ")"
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// foundBy are the properties that a search and a list show.
const foundBy = "id,userPrincipalName,displayName,mail,proxyAddresses,employeeId,onPremisesImmutableId,accountEnabled"

// Find searches for each of the keys, all in one request. A search may lag behind what was changed just now; that an
// account it gives is there is for Observe to see, which reads by id.
func (t *tenant) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k exeunt.Key) bool {
		_, known := attributes[k.Attribute]
		return !known || k.Value == "" || k.Attribute == "id" && !guid.MatchString(k.Value) // Graph answers 400 to an id of another form
	})
	var out []exeunt.Found
	for some := range slices.Chunk(keys, mostParts) {
		found, err := t.search(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !slices.ContainsFunc(out, func(o exeunt.Found) bool { return o.ID == f.ID }) {
				out = append(out, f)
			}
		}
	}
	return out, nil
}

func (t *tenant) search(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var parts []part
	for i, k := range keys {
		parts = append(parts, part{ID: strconv.Itoa(i), URL: query("/users", "$filter", attributes[k.Attribute].filter(k.Value), "$select", foundBy)})
	}
	answers, err := t.batch(ctx, parts)
	if err != nil {
		return nil, err
	}
	var out []exeunt.Found
	for i, k := range keys {
		a := answers[strconv.Itoa(i)]
		if a.err != nil {
			return nil, a.err
		}
		users, err := all[user](ctx, t, a)
		if err != nil {
			return nil, err
		}
		for _, u := range users {
			if f := u.found(); guid.MatchString(f.ID) && has(f, k) { // a filter that is not understood gives everybody
				out = append(out, f)
			}
		}
	}
	return out, nil
}

func has(f exeunt.Found, k exeunt.Key) bool {
	return slices.ContainsFunc(f.Has[k.Attribute], func(v string) bool {
		return v == k.Value || !attributes[k.Attribute].exact && strings.EqualFold(v, k.Value)
	})
}

// pageSize keeps a page well below what is read of one answer, also where people have dozens of addresses.
const pageSize = "200"

// List implements connector.Lister. The cursor is the link to the next page, which is opaque.
func (t *tenant) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	path := query("/users", "$select", foundBy, "$top", pageSize)
	if cursor != "" {
		if !strings.HasPrefix(cursor, t.api.Base+"/users?") {
			return connector.Page{}, connector.ErrForgotten(name)
		}
		path = cursor
	}
	a, err := t.ask(ctx, vendorapi.Question{Path: path})
	if err != nil {
		return connector.Page{}, err
	}
	var users list[user]
	if err := a.Decode(&users); err != nil {
		return connector.Page{}, err
	}
	if users.Value == nil {
		return connector.Page{}, exeunt.Errorf(exeunt.Temporary, "%s answered %d without the list that was asked for", name, a.Status)
	}
	var page connector.Page
	for _, u := range users.Value {
		if f := u.found(); f.ID != "" {
			page.Accounts = append(page.Accounts, f)
		}
	}
	if users.Next != "" {
		page.Next, err = a.Follow(t.api.Base+"/users", users.Next)
	}
	return page, err
}

// found is an account as a search or a list shows it.
func (u user) found() exeunt.Found {
	f := exeunt.Found{Account: exeunt.Account{ID: u.ID, Login: u.PrincipalName}, Has: map[string][]string{}, Closed: u.Enabled != nil && !*u.Enabled}
	for name, attribute := range attributes {
		if values := attribute.of(u); len(values) > 0 {
			f.Has[name] = values
		}
	}
	return f
}

// addresses are those that mail reaches the user by.
func (u user) addresses() []string {
	var out []string
	for _, p := range u.ProxyAddresses {
		if kind, address, ok := strings.Cut(p, ":"); ok && strings.EqualFold(kind, "smtp") {
			out = append(out, address)
		}
	}
	return out
}
