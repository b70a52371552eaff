// Package template is a connector to copy: `exeunt connector new --go NAME` does it. It speaks to the vendor in memory of its
// test, a service with users, sessions and groups over JSON, and passes the conformance suite as every connector does.
package template

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// Settings are what a system's file says. Each has its meaning, which editors and the documentation show. Package signin has
// the other ways to sign in.
type Settings struct {
	BaseURL string `json:"base_url" jsonschema:"required" jsonschema_description:"Where the API is, such as https://vendor.example/api. Only https, except on this machine."`
	signin.ByToken
}

// Check refuses what cannot work, before anything is sent.
func (s Settings) Check() error {
	if s.Token.IsZero() {
		return exeunt.Errorf(exeunt.Invalid, "token is missing").In("token")
	}
	return connector.CheckAddress("base_url", s.BaseURL)
}

// actions are promises, which the suite holds you to. Order is the place inside the system; Proof is Observed where the state
// can be read back. Takes are the keys of the snapshot that hold what an action takes away, and that an undo puts back. The
// caveat says what it does not do, with the vendor's page as its source.
var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.Disable, Title: "Disable user", Order: 20, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes: []string{"enabled"}, Scopes: []string{"users.write"},
	},
	{
		Action: exeunt.RevokeSessions, Title: "End all sessions", Order: 30, Proof: exeunt.Observed, Repeatable: true,
		Scopes: []string{"sessions.write"},
		Caveat: "Tokens that applications hold live until they expire.",
	},
	{
		Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes: []string{"groups"}, Scopes: []string{"groups.write"},
	},
}

// Kind is the kind "template".
func Kind() connector.Kind {
	return connector.Define("template", "Template service", actions, open)
}

// Knows is by which attributes the service knows people.
func (Settings) Knows() connector.Knows {
	return connector.Knows{Attributes: []connector.Attribute{{Name: "email", Identifier: exeunt.WorkEmail}}}
}

// title is the system in messages.
const title = "the template service"

type service struct{ api vendorapi.Client }

// open makes a connector. It does not speak to the system yet.
func open(s Settings, rt http.RoundTripper) (connector.Connector, error) {
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "%s needs a transport", title)
	}
	return &service{vendorapi.Client{Vendor: title, Base: strings.TrimRight(s.BaseURL, "/"), HTTP: signin.Client(rt, signin.Bearer(s.Token))}}, nil
}

// user is an account as the vendor shows it.
type user struct {
	ID     string `json:"id"`
	Email  string `json:"email"`
	Active bool   `json:"active"`
}

// mostPages is for one person; more is everybody.
const mostPages = 20

// Find searches for each of the keys, and keeps only what has exactly that value: a search may be fuzzy.
func (s *service) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var out []exeunt.Found
	for _, k := range keys {
		if k.Attribute != "email" || k.Value == "" {
			continue
		}
		err := s.api.Pages(ctx, vendorapi.Question{Path: "/users", Query: url.Values{"email": {k.Value}}}, mostPages, func(a vendorapi.Answer) error {
			var page []user
			if err := a.Decode(&page); err != nil {
				return err
			}
			for _, u := range page {
				if strings.EqualFold(u.Email, k.Value) && !slices.ContainsFunc(out, func(f exeunt.Found) bool { return f.ID == u.ID }) {
					out = append(out, exeunt.Found{Account: exeunt.Account{ID: u.ID, Login: u.Email}, Has: map[string][]string{"email": {u.Email}}, Closed: !u.Active})
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// get decodes the answer to a read.
func (s *service) get(ctx context.Context, path string, into any) error {
	a, err := s.api.Ask(ctx, vendorapi.Question{Path: path})
	if err != nil {
		return err
	}
	return a.Decode(into)
}

func at(account exeunt.Account) string { return "/users/" + url.PathEscape(account.ID) }

// Observe reads by id, never by a search: searches lag. What an action will take away goes into the snapshot.
func (s *service) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	var u user
	if err := s.get(ctx, at(account), &u); err != nil {
		return exeunt.Observation{}, err
	}
	if u.ID != account.ID {
		return exeunt.Observation{}, exeunt.Errorf(exeunt.Temporary, "%s answered with something other than the account that was asked for", title)
	}
	var sessions, groups []string
	if err := s.get(ctx, at(account)+"/sessions", &sessions); err != nil {
		return exeunt.Observation{}, err
	}
	if err := s.get(ctx, at(account)+"/groups", &groups); err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{
		At:       time.Now().UTC(),
		Standing: map[exeunt.Action]exeunt.Standing{exeunt.Disable: so(!u.Active), exeunt.RevokeSessions: so(len(sessions) == 0), exeunt.RemoveGroups: so(len(groups) == 0)},
		Facts:    map[string]string{"active": strconv.FormatBool(u.Active), "sessions": strconv.Itoa(len(sessions))},
		Snapshot: map[string][]string{"groups": groups},
	}
	if u.Active {
		o.Snapshot["enabled"] = []string{"true"}
	}
	return o, nil
}

func so(holds bool) exeunt.Standing {
	if holds {
		return exeunt.Holds
	}
	return exeunt.Absent
}

// Apply does one action, or puts it back. It may come twice. Errors have their class from vendorapi; where the vendor says
// more than its status, set Explain.
func (s *service) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able(title, actions, action, with); err != nil {
		return err
	}
	switch action {
	case exeunt.Disable:
		return s.send(ctx, http.MethodPatch, at(account), map[string]bool{"active": with.Undo})
	case exeunt.RevokeSessions:
		return s.send(ctx, http.MethodDelete, at(account)+"/sessions", nil)
	default:
		return s.groups(ctx, account, with)
	}
}

func (s *service) send(ctx context.Context, method, path string, body any) error {
	_, err := s.api.Ask(ctx, vendorapi.Question{Method: method, Path: path, Body: body})
	return err
}

// groups takes the account out of the groups that the look before recorded, or puts it back into those that were.
func (s *service) groups(ctx context.Context, account exeunt.Account, with connector.Parameters) error {
	member := func(group string) string {
		return "/groups/" + url.PathEscape(group) + "/members/" + url.PathEscape(account.ID)
	}
	if with.Undo {
		var u user
		if err := s.get(ctx, at(account), &u); err != nil { // else it would be a group that is not found
			return err
		}
		return connector.PutBack("groups", with.Snapshot["groups"], nil, func(group string) error { return s.send(ctx, http.MethodPut, member(group), nil) })
	}
	if with.Seen.At.IsZero() {
		var err error
		if with.Seen, err = s.Observe(ctx, account); err != nil {
			return err
		}
	}
	for _, group := range with.Seen.Snapshot["groups"] {
		err := s.send(ctx, http.MethodDelete, member(group), nil)
		if err != nil && exeunt.KindOf(err) != exeunt.NotFound { // not a member any more: as it should be
			return err
		}
	}
	return nil
}

// Examine tells what we are allowed, without acting: `exeunt doctor` and `exeunt connector check` show it. What only acting
// shows is unknown, and says so.
func (s *service) Examine(ctx context.Context) ([]connector.Right, error) {
	_, err := s.api.Ask(ctx, vendorapi.Question{Path: "/users", Query: url.Values{"email": {"nobody@exeunt.invalid"}}})
	read, err := connector.Tried("users.read", "give the token the scope users.read", err)
	if err != nil {
		return nil, err
	}
	rights := []connector.Right{read}
	for _, a := range actions {
		rights = append(rights, connector.Right{Name: a.Scopes[0], For: []exeunt.Action{a.Action}, State: connector.Unknown, Why: "the service does not tell what a token may write", Remedy: connector.Rehearse})
	}
	return rights, nil
}
