package scim

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// attributes are what a user may be searched by: the filter, and what a user has of it. userName and the values of emails
// are not case sensitive, externalId is (RFC 7643 §4.1, §3.1).
var attributes = map[string]struct {
	exact   bool
	filters []string // in the order in which they are tried; %s stands for the quoted value
	of      func(user resource) []string
}{
	"userName":   {false, []string{"userName eq %s"}, func(u resource) []string { return one(text(u, "userName")) }},
	"externalId": {true, []string{"externalId eq %s"}, func(u resource) []string { return one(text(u, "externalId")) }},
	"emails": {false, []string{"emails[value eq %s]", "emails.value eq %s", "emails eq %s"}, func(u resource) []string {
		var all []string
		for _, mail := range items(u, "emails") {
			all = append(all, one(text(mail, "value"))...)
		}
		return all
	}},
}

func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// Find searches for each of the keys.
func (s *service) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var out []exeunt.Found
	seen := map[string]bool{}
	var everybody []resource
	for _, k := range keys {
		attribute, known := attributes[k.Attribute]
		if !known || k.Value == "" {
			continue
		}
		users, err := s.having(ctx, k, &everybody)
		if err != nil {
			return nil, err
		}
		for _, user := range users {
			f := found(user)
			has := slices.ContainsFunc(f.Has[k.Attribute], func(v string) bool { return v == k.Value || !attribute.exact && strings.EqualFold(v, k.Value) })
			if f.ID == "" || seen[f.ID] || !has {
				continue // services that do not know a filter return everybody
			}
			seen[f.ID] = true
			out = append(out, f)
		}
	}
	return out, nil
}

// having are the users that a service shows for a key. Not every service knows every filter, or any: a filter that is refused
// is written otherwise, and where none is taken, or the service says that it has none, everybody is read, once.
func (s *service) having(ctx context.Context, k exeunt.Key, everybody *[]resource) ([]resource, error) {
	can, err := s.discover(ctx)
	if err != nil {
		return nil, err
	}
	if can.filter {
		for _, filter := range s.filters(k.Attribute) {
			users, err := s.list(ctx, "/Users", search{Filter: strings.ReplaceAll(filter, "%s", quote(k.Value))})
			if err == nil {
				s.take(k.Attribute, filter)
				return users, nil
			}
			if !isKind(err, exeunt.Unsupported) && !isKind(err, exeunt.Invalid) { // any other error is none of the filter
				return nil, err
			}
		}
	}
	if *everybody != nil {
		return *everybody, nil
	}
	all, err := s.list(ctx, "/Users", search{})
	if isKind(err, exeunt.Ambiguous) {
		return nil, exeunt.Errorf(exeunt.Unsupported, "%s cannot search by %s, and has too many users to read them all: choose another attribute under match", name, k.Attribute).Because(err)
	}
	*everybody = append([]resource{}, all...)
	return *everybody, err
}

// filters are the ways of searching by an attribute, the one that was taken before first.
func (s *service) filters(attribute string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if taken := s.taken[attribute]; taken != "" {
		return []string{taken}
	}
	return attributes[attribute].filters
}

func (s *service) take(attribute, filter string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken == nil {
		s.taken = map[string]string{}
	}
	s.taken[attribute] = filter
}

// byPost marks a cursor of a service whose list is asked for by POST.
const byPost = "post:"

// List implements connector.Lister.
func (s *service) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	place, post := strings.CutPrefix(cursor, byPost)
	at, err := connector.OverlapOf("the "+name, place)
	if err != nil {
		return connector.Page{}, err
	}
	users, more, post, err := s.listed(ctx, at.At+1, post)
	if err != nil {
		return connector.Page{}, err
	}
	ids := make([]string, len(users))
	for i, user := range users {
		ids[i] = text(user, "id")
	}
	fresh, next, err := at.Take("the "+name, ids, more)
	if err != nil {
		return connector.Page{}, err
	}
	var page connector.Page
	for _, user := range users[fresh:] {
		if f := found(user); f.ID != "" {
			page.Accounts = append(page.Accounts, f)
		}
	}
	if next != nil {
		page.Next = next.Cursor()
		if post {
			page.Next = byPost + page.Next
		}
	}
	return page, nil
}

// found is an account as a user resource shows it.
func found(user resource) exeunt.Found {
	f := exeunt.Found{Account: exeunt.Account{ID: text(user, "id"), Login: text(user, "userName")}, Has: map[string][]string{}}
	for name, attribute := range attributes {
		if values := attribute.of(user); len(values) > 0 {
			f.Has[name] = values
		}
	}
	active, shown := truth(user["active"])
	f.Closed = shown && !active
	return f
}

// quote writes a filter value, which is a JSON string (RFC 7644 §3.4.2.2).
func quote(value string) string {
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // a string always encodes
	return strings.TrimSpace(out.String())
}
