package connectortest

import (
	"context"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// listAll reads a list to its end as a reconciliation does: a page that fails in passing is asked for again, and a list
// whose place is forgotten is begun again. It counts how often each account comes.
func listAll(t testing.TB, c connector.Connector, attributes []string) (all map[string]exeunt.Found, times map[string]int) {
	t.Helper()
	for range 20 {
		all, times = map[string]exeunt.Found{}, map[string]int{}
		cursor, failures := "", 0
		for {
			page, err := connector.List(t.Context(), c, cursor, attributes)
			if exeunt.KindOf(err) == exeunt.Conflict && err != nil {
				break
			}
			if err != nil {
				if failures++; failures > 50 || !passing(classedAs(err)) {
					t.Fatalf("List: %v (%s)", err, exeunt.KindOf(err))
				}
				continue
			}
			for _, f := range page.Accounts {
				all[f.ID] = f
				times[f.ID]++
			}
			if page.Next == "" {
				return all, times
			}
			if page.Next == cursor {
				t.Fatalf("the list goes on where it was, at %q", cursor)
			}
			cursor = page.Next
		}
	}
	t.Fatal("the list is forgotten again and again")
	return nil, nil
}

func classedAs(err error) *exeunt.Error {
	return exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err))
}

func (s Subject) attributes(t testing.TB, l exeunt.Leaver) []string {
	t.Helper()
	if by := s.correlation(t); len(by) > 0 {
		return by.Attributes()
	}
	var names []string
	for kind := range l.Identifiers {
		names = append(names, string(kind))
	}
	return names
}

func everybodyIsListedOnce(t testing.TB, s Subject) {
	if s.Unlisted {
		missing(t, "list")
		return
	}
	c := s.open(t)
	for range 3 {
		leaver, account := s.hire(t, c)
		all, times := listAll(t, c, s.attributes(t, leaver))
		for id, n := range times {
			if id == "" || n != 1 {
				t.Errorf("%q is listed %d times", id, n)
			}
		}
		sought, err := s.correlation(t).Of(leaver)
		if err != nil {
			t.Fatal(err)
		}
		if m := sought.Judge([]exeunt.Found{all[account.ID]}, nil); m.State != exeunt.MatchOne || all[account.ID].Login != account.Login {
			t.Errorf("the listed account is %+v, by which it is %s; a search finds it", all[account.ID], m.State)
		}
	}
	if _, err := connector.List(t.Context(), c, "no such cursor", nil); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a cursor of nobody: %v (%s), want conflict", err, exeunt.KindOf(err))
	}
}

// interrupted throttles every third page and loses the answer of every fourth.
type interrupted struct {
	connector.Connector
	calls int
}

func (i *interrupted) List(ctx context.Context, cursor string, attributes []string) (connector.Page, error) {
	i.calls++
	if i.calls%3 == 1 {
		return connector.Page{}, exeunt.Errorf(exeunt.Throttled, "slow down")
	}
	page, err := connector.List(ctx, i.Connector, cursor, attributes)
	if i.calls%4 == 2 && err == nil {
		return connector.Page{}, exeunt.Errorf(exeunt.Temporary, "the answer was lost")
	}
	return page, err
}

func listSurvivesLostPages(t testing.TB, s Subject) {
	if s.Unlisted {
		missing(t, "list")
		return
	}
	c := s.open(t)
	leaver, account := s.hire(t, c)
	all, times := listAll(t, &interrupted{Connector: c}, s.attributes(t, leaver))
	if times[account.ID] != 1 || len(all) == 0 {
		t.Errorf("after lost pages the account is listed %d times", times[account.ID])
	}
}

func listTellsOpenFromClosed(t testing.TB, s Subject) {
	if s.Unlisted {
		missing(t, "list")
		return
	}
	c := s.open(t)
	leaver, account := s.hire(t, c)
	if all, _ := listAll(t, c, s.attributes(t, leaver)); all[account.ID].Closed {
		t.Error("a fresh account is listed as closed")
	}
	closes := false
	for _, spec := range s.specs(t) {
		closes = closes || spec.Action == exeunt.Disable && spec.Proof == exeunt.Observed
	}
	if !closes {
		return
	}
	s.end(t, c, leaver, account)
	if all, _ := listAll(t, c, s.attributes(t, leaver)); !all[account.ID].Closed {
		if f, listed := all[account.ID]; listed {
			t.Errorf("an account that was ended is listed as open: %+v", f)
		}
	}
}
