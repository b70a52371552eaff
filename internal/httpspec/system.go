package httpspec

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// system is the connector of one configured system.
type system struct {
	spec   *Spec
	values map[string]string
	client *client
}

// attribute is what the account has at the place by which a search is matched: "login" for /login.
func (s *Spec) attribute() string { return strings.Trim(s.Find.Match, "/") }

// Find searches for each of the keys and keeps only what has exactly that value.
func (s *system) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var out []exeunt.Found
	for _, k := range keys {
		if k.Attribute != s.spec.attribute() || k.Value == "" {
			continue
		}
		found, err := s.search(ctx, k.Value)
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

func (s *system) search(ctx context.Context, wanted string) ([]exeunt.Found, error) {
	f := s.spec.Find
	v := valueVars(s.values)
	v["identifier"] = wanted
	none := f.None
	if f.List == nil && len(none) == 0 {
		none = []int{http.StatusNotFound}
	}
	items, _, err := s.client.collect(ctx, lookup{path: f.Path, query: f.Query, body: f.Body, list: f.List, paging: f.Paging, accept: none, none: none}, v)
	if err != nil {
		return nil, err
	}
	var out []exeunt.Found
	for _, item := range items {
		match, ok := textAt(item, f.Match)
		if !ok || !same(match, wanted, f.FoldCase) {
			continue // a stranger whom a fuzzy search returned
		}
		found, err := s.found(item)
		if err != nil {
			return nil, err
		}
		out = append(out, found)
	}
	return out, nil
}

// found is an account as a search or a list shows it.
func (s *system) found(item any) (exeunt.Found, error) {
	f := s.spec.Find
	id, ok := textAt(item, f.ID)
	if !ok || id == "" {
		return exeunt.Found{}, s.unfit("an account without an id at " + f.ID)
	}
	out := exeunt.Found{Account: exeunt.Account{ID: id}, Has: map[string][]string{}}
	if match, ok := textAt(item, f.Match); ok {
		out.Login, out.Has[s.spec.attribute()] = match, []string{match}
	}
	if text, ok := textAt(item, f.Login); ok && f.Login != "" {
		out.Login = text
	}
	return out, nil
}

func same(a, b string, fold bool) bool {
	if fold {
		return strings.EqualFold(a, b)
	}
	return a == b
}

func (s *system) unfit(what string) error {
	return exeunt.Errorf(exeunt.Invalid, "%s answered with %s, which its description does not expect: correct the description", s.spec.Title, what)
}

// Observe makes every look of the description and reads facts, snapshot and standings from them.
func (s *system) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	seen, err := s.look(ctx, account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}}
	if o.Facts, err = s.facts(seen); err != nil {
		return exeunt.Observation{}, err
	}
	if o.Snapshot, err = s.snapshot(seen); err != nil {
		return exeunt.Observation{}, err
	}
	for _, a := range s.spec.Actions {
		if a.ByHand != "" {
			o.HandOver(a.Action, o.Snapshot[a.ByHand])
			continue
		}
		if a.Proof != exeunt.Observed {
			continue // Unknown: it cannot be asked
		}
		if o.Standing[a.Action], err = standing(seen, a); err != nil {
			return exeunt.Observation{}, err
		}
		if a.Undo != nil && o.Standing[a.Action] == exeunt.Absent {
			o.Snapshot[string(a.Action)] = []string{notDone}
		}
	}
	return o, nil
}

// notDone is what the snapshot has of an action that can be undone and is not done.
const notDone = "not done"

func (s *system) look(ctx context.Context, account exeunt.Account) (sight, error) {
	v := accountVars(s.values, account)
	seen := sight{}
	for i, l := range s.spec.Observe.Looks {
		items, a, err := s.client.collect(ctx, lookup{path: l.Path, query: l.Query, list: l.List, paging: l.Paging, accept: l.Accept, only: l.Only}, v)
		if err != nil {
			return nil, err
		}
		if l.List != nil && a.status < 300 {
			a.body = items
		}
		if i == 0 {
			if id, ok := textAt(a.body, s.spec.Observe.Same); !ok {
				return nil, s.unfit("an account without an id at " + s.spec.Observe.Same)
			} else if id != account.ID {
				return nil, exeunt.Errorf(exeunt.NotFound, "%s: what was the leaver's login now belongs to another account; nothing was done to it", s.spec.Title)
			}
		}
		seen[l.Name] = a
	}
	return seen, nil
}

func standing(seen sight, a Action) (exeunt.Standing, error) {
	if ok, err := seen.all(a.Holds); err != nil {
		return "", err
	} else if ok {
		return exeunt.Holds, nil
	}
	if len(a.Pending) > 0 {
		if ok, err := seen.all(a.Pending); err != nil {
			return "", err
		} else if ok {
			return exeunt.Pending, nil
		}
	}
	return exeunt.Absent, nil
}

// maxFact keeps facts to what a person reads at a glance.
const maxFact = 200

func (s *system) facts(seen sight) (map[string]string, error) {
	facts := map[string]string{}
	for name, ref := range s.spec.Observe.Facts {
		look, pointer := ref.split()
		value, ok := at(seen[look].body, pointer)
		if !ok || value == nil {
			continue
		}
		fact, ok := text(value)
		if list, isList := value.([]any); isList {
			fact, ok = strconv.Itoa(len(list)), true
		}
		if !ok {
			return nil, s.unfit("an object at " + string(ref))
		}
		if runes := []rune(fact); len(runes) > maxFact {
			fact = string(runes[:maxFact]) + "…"
		}
		facts[name] = fact
	}
	return facts, nil
}

func (s *system) snapshot(seen sight) (map[string][]string, error) {
	lists := map[string][]string{}
	for name, l := range s.spec.Observe.Snapshot {
		look, pointer := l.At.split()
		value, _ := at(seen[look].body, pointer)
		lists[name] = []string{}
		items, ok := value.([]any)
		if one, isText := text(value); isText && l.Value == "" {
			lists[name] = []string{one}
			continue
		}
		if !ok && value != nil {
			return nil, s.unfit("no list at " + string(l.At))
		}
		for _, item := range items {
			text, ok := textAt(item, l.Value)
			if !ok {
				return nil, s.unfit("an item without " + l.Value)
			}
			lists[name] = append(lists[name], text)
		}
	}
	return lists, nil
}

// Apply sends the request of an action or of its undo, or one for each item of a snapshot list.
func (s *system) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able(s.spec.Title, s.spec.ActionSpecs(), action, with); err != nil {
		return err
	}
	a, _ := s.spec.action(action)
	if with.Seen.At.IsZero() { // nobody looked before; what the request needs from a look is not known
		var err error
		if with.Seen, err = s.Observe(ctx, account); err != nil {
			return err
		}
	}
	v := actionVars(s.values, account, with)
	if with.Undo {
		return s.undo(ctx, a.Undo, account, with, v)
	}
	if a.Each == "" {
		return s.act(ctx, a.Exchange, account, v)
	}
	for _, item := range with.Seen.Snapshot[a.Each] {
		v["item"] = item
		if err := s.act(ctx, a.Exchange, account, v); err != nil {
			return err
		}
	}
	return nil
}

// undo sends what puts an action back. Of a list, what is no more (404) is left out and named.
func (s *system) undo(ctx context.Context, u *Undo, account exeunt.Account, with connector.Parameters, v vars) error {
	for _, key := range u.Takes {
		if values := with.Snapshot[key]; len(values) == 1 {
			v["snapshot."+key] = values[0]
		}
	}
	if u.Each == "" {
		return s.act(ctx, u.Exchange, account, v)
	}
	return connector.PutBack(u.Each, with.Snapshot[u.Each], with.Snapshot[u.Names], func(item string) error {
		v["item"] = item
		return s.act(ctx, u.Exchange, account, v)
	})
}

func (s *system) act(ctx context.Context, x Exchange, account exeunt.Account, v vars) error {
	q, err := s.question(x, v)
	if err != nil {
		return err
	}
	got, err := s.client.ask(ctx, q)
	if err != nil {
		return err
	}
	if has(x.Already, got.status) {
		// The same refusal may mean that the account itself is gone, which a look tells apart.
		_, err := s.Observe(ctx, account)
		return err
	}
	if len(x.Success) > 0 && !has(x.Success, got.status) {
		return exeunt.Errorf(exeunt.Temporary, "%s answered %d, which its description does not take for success", s.spec.Title, got.status)
	}
	if len(x.Expect) == 0 {
		return nil
	}
	if _, err := s.client.document(got); err != nil {
		return err
	}
	ok, err := sight{"": got}.all(x.Expect)
	if err == nil && !ok {
		err = exeunt.Errorf(exeunt.Temporary, "%s answered %d, but its answer says that it was not done", s.spec.Title, got.status)
	}
	return err
}

func (s *system) question(x Exchange, v vars) (question, error) {
	u, err := s.client.address(x.Request.Path, x.Request.Query, v)
	if err != nil {
		return question{}, err
	}
	headers, err := v.renderMap(x.Request.Headers, headerValue)
	if err != nil {
		return question{}, err
	}
	q := question{method: x.Request.Method, url: u, headers: headers, accept: x.Already}
	if x.Request.Body == nil {
		return q, nil
	}
	if q.body, err = v.renderBody(x.Request.Body); err != nil || !x.Request.Form {
		return q, err
	}
	q.body, err = formOf(q.body)
	return q, err
}
