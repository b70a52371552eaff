package exeunt_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

var (
	byNumberAndMail = exeunt.Correlation{rule("number", exeunt.EmployeeID, trusted), rule("mail", exeunt.WorkEmail, trusted)}
	byMail          = exeunt.Correlation{rule("mail", exeunt.WorkEmail)}
)

// told are findings in a line each: kind, whose, accounts.
func told(findings []exeunt.Finding) string {
	var lines []string
	for _, f := range findings {
		var ids []string
		for _, a := range f.Accounts {
			ids = append(ids, a.ID)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprint(f.Kind, " ", f.Leaver, " ", strings.Join(ids, "+"))))
	}
	return strings.Join(lines, ", ")
}

// Somebody who left may have several accounts: each that would surely be theirs by itself is told as theirs, with the others.
func TestWhatALeaverStillHasIsToldAsTheirs(t *testing.T) {
	for name, c := range map[string]struct {
		by       exeunt.Correlation
		people   []exeunt.Worker
		accounts []exeunt.Found
		learned  exeunt.Learned
		want     string
		besides  int
		says     string
	}{
		"two open": {by: byMail, accounts: []exeunt.Found{account("a", "mail", "one@x"), account("b", "mail", "one@x")},
			want: "orphaned main/1 a, orphaned main/1 b", besides: 1, says: "2 accounts that match them are open: login-a, login-b"},
		"by different rules": {by: byNumberAndMail, accounts: []exeunt.Found{account("a", "number", "1"), account("b", "mail", "one@x")},
			want: "orphaned main/1 a, orphaned main/1 b", besides: 1, says: "2 accounts"},
		"one of two is closed": {by: byMail, accounts: []exeunt.Found{account("a", "mail", "one@x"), closed(account("b", "mail", "one@x"))},
			want: "orphaned main/1 a", says: "and the account is open"},
		"one of two was ended in another way": {by: byMail, accounts: []exeunt.Found{account("a", "mail", "one@x"), account("b", "mail", "one@x")},
			learned: exeunt.Learned{Ended: map[string]bool{"b": true}}, want: "orphaned main/1 a", says: "and the account is open"},
		"one of two is nobody's": {by: byMail, accounts: []exeunt.Found{account("a", "mail", "one@x"), account("b", "mail", "one@x")},
			learned: exeunt.Learned{Whose: exeunt.Whose{"b": ""}}, want: "orphaned main/1 a", says: "and the account is open"},
		"one of two has another number": {by: byNumberAndMail, accounts: []exeunt.Found{account("a", "number", "1"), account("b", "number", "99", "mail", "one@x")},
			want: "orphaned main/1 a, orphaned  b", says: "and the account is open"},
		"one of two is somebody's who works here": {by: byMail, people: []exeunt.Worker{worker("2", "two@x")},
			accounts: []exeunt.Found{account("a", "mail", "one@x"), account("b", "mail", "one@x", "mail", "two@x")}, want: "orphaned main/1 a", says: "and the account is open"},
		"one is confirmed, and another came since": {by: byMail, accounts: []exeunt.Found{account("a", "mail", "one@x"), account("b", "mail", "one@x")},
			learned: exeunt.Learned{Of: map[string]exeunt.Mapping{"main/1": confirmedAs("a")}, Whose: exeunt.Whose{"a": "main/1"}},
			want:    "orphaned main/1 a, orphaned main/1 b", besides: 1, says: "2 accounts"},
		"one is confirmed, and another was not chosen": {by: byMail, accounts: []exeunt.Found{account("a", "mail", "one@x"), account("b", "mail", "one@x")},
			learned: exeunt.Learned{Of: map[string]exeunt.Mapping{"main/1": confirmedAs("a", "b")}, Whose: exeunt.Whose{"a": "main/1"}},
			want:    "orphaned main/1 a, orphaned  b", says: "and the account is open"},
	} {
		t.Run(name, func(t *testing.T) {
			_, findings, err := exeunt.Compare("crm", c.by, append(c.people, former("1", "one@x")), c.accounts, c.learned)
			if got := told(findings); err != nil || got != c.want {
				t.Fatalf("%s, %v; want %s", got, err, c.want)
			}
			if f := findings[0]; len(f.Besides) != c.besides || !strings.Contains(f.Why, c.says) || c.besides > 0 && !strings.Contains(f.Do(), "one after the other") {
				t.Errorf("%+v, to do: %s; want %q in it", f, f.Do(), c.says)
			}
		})
	}
}

// What was confirmed of somebody counts as long as nothing is found besides that nobody knew of, as in a visit.
func TestASecondAccountBesideTheConfirmedOneIsTold(t *testing.T) {
	two := []exeunt.Found{account("a", "mail", "one@x"), account("b", "mail", "one@x")}
	for name, c := range map[string]struct {
		accounts []exeunt.Found
		mapping  exeunt.Mapping
		want     string
		says     string
	}{
		"it came since":             {two, confirmedAs("a"), "ambiguous main/1 a+b", "match login-b as well"},
		"it came, and the old went": {two[1:], confirmedAs("a"), "ambiguous main/1 b", "match login-b as well"},
		"it was not chosen":         {two, confirmedAs("a", "b"), "orphaned  b", "it matches N1, of whom another account is confirmed (a)"},
		"it is closed":              {[]exeunt.Found{two[0], closed(two[1])}, confirmedAs("a"), "", ""},
		"it is alone":               {two[:1], confirmedAs("a"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			learned := exeunt.Learned{Of: map[string]exeunt.Mapping{"main/1": c.mapping}, Whose: exeunt.Whose{"a": "main/1"}}
			_, findings, err := exeunt.Compare("crm", byMail, []exeunt.Worker{worker("1", "one@x")}, c.accounts, learned)
			if got := told(findings); err != nil || got != c.want {
				t.Fatalf("%s, %v; want %s", got, err, c.want)
			}
			if c.says != "" && !strings.Contains(findings[0].Why, c.says) {
				t.Errorf("%q, want %q in it", findings[0].Why, c.says)
			}
		})
	}
}

// An old list still names somebody whose departure is closed: neither is believed in silence.
func TestAListThatAClosedCaseContradictsIsTold(t *testing.T) {
	stale := worker("1", "one@x")
	stale.Case, stale.Ended = 7, "2026-01-31"
	for name, c := range map[string]struct {
		accounts []exeunt.Found
		ended    map[string]bool
		want     string
		tally    exeunt.Tally
	}{
		"open":                 {[]exeunt.Found{account("a", "mail", "one@x")}, nil, "mismatched main/1 a", exeunt.Tally{Matched: 1, Mismatched: 1}},
		"closed":               {[]exeunt.Found{closed(account("a", "mail", "one@x"))}, nil, "", exeunt.Tally{Matched: 1}},
		"ended in another way": {[]exeunt.Found{account("a", "mail", "one@x")}, map[string]bool{"a": true}, "", exeunt.Tally{Matched: 1}},
		"gone":                 {nil, nil, "", exeunt.Tally{}},
	} {
		t.Run(name, func(t *testing.T) {
			tally, findings, err := exeunt.Compare("crm", byMail, []exeunt.Worker{stale}, c.accounts, exeunt.Learned{Ended: c.ended})
			if got := told(findings); err != nil || got != c.want || tally != c.tally {
				t.Fatalf("%s, %+v, %v; want %s", got, tally, err, c.want)
			}
			if c.want == "" {
				return
			}
			for _, says := range []string{"the list of people has N1 as working here", "case C-7", "2026-01-31"} {
				if !strings.Contains(findings[0].Why, says) {
					t.Errorf("%q does not say %q", findings[0].Why, says)
				}
			}
			if findings[0].Case != 7 || !strings.Contains(findings[0].Do(), "compare again") {
				t.Errorf("%+v: %s", findings[0], findings[0].Do())
			}
		})
	}
}

// A mistyped key would hide an account from everybody for good.
func TestNothingIsConfirmedToBeOfAKeyThatNobodyHas(t *testing.T) {
	f := exeunt.Finding{System: "crm", Kind: exeunt.FoundOrphaned, Accounts: []exeunt.Account{{ID: "a"}}}
	by := exeunt.Override{By: "Iris Vale", Reason: "asked in the department"}
	if _, _, _, err := f.Confirm(exeunt.Confirmation{Leaver: "main/4712", Unknown: true}, nil, by, waveNow); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), `nobody has the key "main/4712"`) {
		t.Errorf("%v", err)
	}
	f.Leaver = "main/4712" // who was erased since, say: the finding itself names them
	if _, _, _, err := f.Confirm(exeunt.Confirmation{Leaver: "main/4712", Unknown: true}, nil, by, waveNow); err != nil {
		t.Error(err)
	}
}

// However long the lines are that a list has, its message says how many faults it does not show.
func TestManyFaultsAreCountedInTheirMessage(t *testing.T) {
	for name, value := range map[string]string{"short": "x", "long": strings.Repeat("x", 300), "very long": strings.Repeat("ü", 10_000)} {
		var list strings.Builder
		list.WriteString("employee_id,name,last_day\n")
		for i := range 300 {
			fmt.Fprintf(&list, "%d,Ann,%s\n", i, value)
		}
		_, err := exeunt.ParseWorkers(list.String(), atMain, waveNow)
		faults, ok := errors.AsType[exeunt.RowFaults](err)
		if !ok || len(faults) != 300 {
			t.Fatalf("%s: %v", name, err)
		}
		lines := strings.Split(exeunt.MessageOf(err), "\n")
		if want := fmt.Sprintf("  and %d more", 300-len(lines)+2); lines[len(lines)-1] != want || len(lines) < 7 {
			t.Errorf("%s: %d lines, the last is %q, want %q", name, len(lines), lines[len(lines)-1], want)
		}
		if slices.ContainsFunc(lines, func(l string) bool { return len(l) > 600 }) {
			t.Errorf("%s: a line is longer than anybody reads", name)
		}
	}
}
