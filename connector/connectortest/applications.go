package connectortest

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// applications reads them to the end as an import does: a page that fails in passing is asked for again, and a list whose
// place is forgotten is begun again. It counts how often each comes.
func applications(t testing.TB, c connector.Connector) (all map[string]connector.Application, times map[string]int) {
	t.Helper()
	for range 20 {
		all, times = map[string]connector.Application{}, map[string]int{}
		if applicationsOnce(t, c, all, times) {
			return all, times
		}
	}
	t.Fatal("the list of applications is forgotten again and again")
	return nil, nil
}

func applicationsOnce(t testing.TB, c connector.Connector, all map[string]connector.Application, times map[string]int) (whole bool) {
	t.Helper()
	cursor, failures := "", 0
	for {
		page, err := connector.ListApplications(t.Context(), c, cursor)
		switch {
		case err == nil:
		case exeunt.KindOf(err) == exeunt.Conflict:
			return false
		default:
			if failures++; failures > 50 || !passing(classedAs(err)) {
				t.Fatalf("Applications: %v (%s)", err, exeunt.KindOf(err))
			}
			continue
		}
		for _, a := range page.Applications {
			all[a.ID] = a
			times[a.ID]++
		}
		if page.Next == "" {
			return true
		}
		if page.Next == cursor {
			t.Fatalf("the list of applications goes on where it was, at %q", cursor)
		}
		cursor = page.Next
	}
}

func applicationsAreListedOnce(t testing.TB, s Subject) {
	c := s.open(t)
	if s.Application == nil {
		if _, err := connector.ListApplications(t.Context(), c, ""); exeunt.KindOf(err) != exeunt.Unsupported {
			t.Errorf("the connector tells of applications (%v), and the subject does not say how one is made: give it Application", err)
		}
		missing(t, "Application")
		return
	}
	first, second := s.Application(t), s.Application(t)
	if first.ID == second.ID {
		t.Fatalf("the subject makes the application %q twice", first.ID)
	}
	reading(t, c, first, second)
	reading(t, &interrupted{Connector: c}, first, second)
	if _, err := connector.ListApplications(t.Context(), c, "no such cursor"); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a cursor of nobody: %v (%s), want conflict", err, exeunt.KindOf(err))
	}
	s.strangersLearnNothing(t)
}

// reading reads them all and looks for those that were made.
func reading(t testing.TB, c connector.Connector, made ...connector.Application) {
	t.Helper()
	all, times := applications(t, c)
	for id, n := range times {
		if id == "" || all[id].Name == "" || n != 1 {
			t.Errorf("the application %q, named %q, is listed %d times", id, all[id].Name, n)
		}
	}
	for _, want := range made {
		if got, listed := all[want.ID]; !listed || got != want {
			t.Errorf("the application that was made is listed as %+v (%t), want %+v", got, listed, want)
		}
	}
}

// strangersLearnNothing asks with credentials that are refused, and a system that is dead.
func (s Subject) strangersLearnNothing(t testing.TB) {
	t.Helper()
	if s.WrongCredentials != nil {
		_, err := s.openWith(t, s.WrongCredentials).Applications(t.Context(), "")
		if kind := exeunt.KindOf(err); kind != exeunt.Unauthorised && kind != exeunt.Denied {
			t.Errorf("Applications with wrong credentials: %v (%s), want unauthorised", err, kind)
		}
	}
	if s.Unreachable != nil {
		if _, err := s.openWith(t, s.Unreachable).Applications(t.Context(), ""); exeunt.KindOf(err) != exeunt.Temporary {
			t.Errorf("Applications of a dead system: %v (%s), want temporary", err, exeunt.KindOf(err))
		}
	}
}

// Applications makes the interrupted one lose these pages, too.
func (i *interrupted) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	i.calls++
	if i.calls%3 == 1 {
		return connector.Applications{}, exeunt.Errorf(exeunt.Throttled, "slow down")
	}
	page, err := connector.ListApplications(ctx, i.Connector, cursor)
	if i.calls%4 == 2 && err == nil {
		return connector.Applications{}, exeunt.Errorf(exeunt.Temporary, "the answer was lost")
	}
	return page, err
}

// Offer makes the vendor sign people in to an application.
func (v *Vendor) Offer(a connector.Application) { v.set(func() { v.offered = append(v.offered, a) }) }

// Applications implements connector.SignOn.
func (v *Vendor) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	if err := v.enter(ctx, Applications); err != nil {
		return connector.Applications{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	from := 0
	if cursor != "" {
		var err error
		if from, err = strconv.Atoi(cursor); err != nil || from > len(v.offered) {
			return connector.Applications{}, connector.ErrForgotten("the vendor in memory")
		}
	}
	size := vendorPage
	if v.page > 0 {
		size = v.page
	}
	to := min(from+size, len(v.offered))
	page := connector.Applications{Applications: slices.Clone(v.offered[from:to])}
	if to < len(v.offered) {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}
