package httpspec

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Examine implements connector.Examiner by the requests that the description declares for it, and else by a search for
// nobody. What neither shows is unknown.
func (s *system) Examine(ctx context.Context) ([]connector.Right, error) {
	var rights []connector.Right
	listed := map[string]bool{} // scopes of which it is known whether we have them
	for _, p := range s.spec.Check {
		found, err := s.probe(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			listed[r.Name] = true
		}
		rights = append(rights, found...)
	}
	if len(rights) == 0 {
		_, err := s.search(ctx, nobody)
		tried, err := connector.Tried("search people", "check base_url and the values, and let the credentials read people", err)
		if err != nil {
			return nil, err
		}
		rights = append(rights, tried)
	}
	for _, scope := range s.spec.scopes() {
		if !listed[scope] {
			rights = append(rights, connector.Right{Name: scope, For: s.spec.needing(scope), State: connector.Unknown,
				Why: "the description of " + s.spec.Title + " has no check that shows it", Remedy: connector.Rehearse})
		}
	}
	return rights, nil
}

// nobody is an identifier that nobody has: .invalid never is a domain (RFC 2606 §2).
const nobody = "nobody@exeunt.invalid"

// scopes are what the actions need, each once.
func (s *Spec) scopes() []string {
	var all []string
	for _, a := range s.Actions {
		for _, scope := range a.Scopes {
			if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	}
	return all
}

// needing are the actions that need a scope.
func (s *Spec) needing(scope string) []exeunt.Action {
	var all []exeunt.Action
	for _, a := range s.Actions {
		if slices.Contains(a.Scopes, scope) {
			all = append(all, a.Action)
		}
	}
	return all
}

// probe sends one declared request.
func (s *system) probe(ctx context.Context, p Probe) ([]connector.Right, error) {
	u, err := s.client.address(p.Path, p.Query, valueVars(s.values))
	if err != nil {
		return nil, err
	}
	a, err := s.client.ask(ctx, question{method: http.MethodGet, url: u})
	right, err := connector.Tried(p.Right, p.Remedy, err, p.For...)
	if err != nil || right.State != connector.Granted {
		return []connector.Right{right}, err
	}
	if len(p.Holds) > 0 {
		ok, err := sight{"": a}.all(p.Holds)
		if err != nil {
			return nil, err
		}
		if !ok {
			right.State, right.Why, right.Remedy = connector.Lacking, s.spec.Title+" answers that our credentials do not have it", p.Remedy
		}
	}
	if p.Scopes == nil {
		return []connector.Right{right}, nil
	}
	return append([]connector.Right{right}, s.compare(p, a)...), nil
}

// compare says of each scope that the actions need whether the answer lists it. Credentials of a kind for which the
// system lists none are no proof that they have none.
func (s *system) compare(p Probe, a answer) []connector.Right {
	have, told := p.Scopes.of(a)
	var rights []connector.Right
	for _, scope := range s.spec.scopes() {
		r := connector.Right{Name: scope, For: s.spec.needing(scope), State: connector.Granted}
		switch {
		case !told:
			r.State, r.Why, r.Remedy = connector.Unknown, s.spec.Title+" lists no scopes for credentials of this kind", connector.Rehearse
		case !slices.Contains(have, scope):
			r.State, r.Why, r.Remedy = connector.Lacking, s.spec.Title+" lists what the credentials may do, and this is not among it", "give the credentials the scope "+scope
		}
		rights = append(rights, r)
	}
	return rights
}

// of reads what an answer lists; told is false where it lists nothing.
func (s Scopes) of(a answer) (have []string, told bool) {
	words := func(text string) []string {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	}
	if s.Header != "" {
		values, there := a.header[http.CanonicalHeaderKey(s.Header)]
		return words(strings.Join(values, ",")), there
	}
	_, pointer := s.At.split()
	value, there := at(a.body, pointer)
	if list, ok := value.([]any); ok {
		for _, item := range list {
			if word, ok := text(item); ok {
				have = append(have, word)
			}
		}
		return have, true
	}
	word, ok := text(value)
	return words(word), there && ok
}

// probes checks what a description declares for exeunt doctor.
func (c *checker) probes() {
	for i := range c.spec.Check {
		p, at := &c.spec.Check[i], path("check", i)
		c.require(at, "right", p.Right != "", "what it shows, in the vendor's words")
		c.require(at, "path", p.Path != "", "what to ask; nothing may change by it")
		c.path(under(at, "path"), p.Path, []string{"values."})
		c.templates(under(at, "query"), p.Query, []string{"values."})
		if p.Scopes == nil {
			c.require(at, "remedy", p.Remedy != "", "what to do when it is missing")
		} else if (p.Scopes.Header == "") == (p.Scopes.At == "") {
			c.fault(under(at, "scopes"), "give the header that lists the scopes, or at where the answer does")
		} else if p.Scopes.At != "" {
			c.ref(under(at, "scopes", "at"), p.Scopes.At)
		}
		for j := range p.Holds {
			c.condition(under(at, "holds", j), &p.Holds[j], false)
		}
		for j, action := range p.For {
			if _, known := c.spec.action(action); !known {
				c.fault(under(at, "for", j), "%s is no action of this description", action)
			}
		}
	}
}
