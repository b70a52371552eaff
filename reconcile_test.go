package exeunt_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func worker(id, mail string) exeunt.Worker {
	return exeunt.Worker{Leaver: exeunt.Leaver{ID: id, Entity: "main", Name: "N" + id, Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: mail}}}
}

func former(id, mail string) exeunt.Worker {
	w := worker(id, mail)
	w.LeftOn, w.Case = "2026-01-31", 7
	return w
}

// confirmedAs is what a person confirmed of somebody, who knew of these besides.
func confirmedAs(account string, besides ...string) exeunt.Mapping {
	return exeunt.Mapping{Account: exeunt.Account{ID: account, Login: account}, Besides: besides}
}

func closed(f exeunt.Found) exeunt.Found { f.Closed = true; return f }

func TestEverybodyIsComparedWithASystem(t *testing.T) {
	by := exeunt.Correlation{rule("number", exeunt.EmployeeID, trusted), rule("mail", exeunt.WorkEmail, trusted)}
	people := []exeunt.Worker{
		worker("1", "one@c.example"), worker("2", "two@c.example"), worker("3", "three@c.example"), worker("4", "four@c.example"),
		worker("5", "same@c.example"), worker("6", "same@c.example"), worker("7", "seven@c.example"), worker("8", "eight@c.example"),
		worker("9", "nine@c.example"), former("20", "old@c.example"), former("21", "gone@c.example"), former("22", "kept@c.example"),
	}
	accounts := []exeunt.Found{
		account("a1", "number", "1", "mail", "ONE@c.example"), account("a1", "number", "1"), // listed twice
		account("a2", "number", "2", "mail", "renamed@c.example"),
		account("a3", "mail", "three@c.example"), account("a3b", "mail", "Three@c.example"),
		account("a4", "number", "99", "mail", "four@c.example"),
		account("a5", "mail", "same@c.example"),
		account("a8", "mail", "somebody@else.example"),
		account("a20", "mail", "old@c.example"), closed(account("a21", "mail", "gone@c.example")),
		account("svc", "mail", "backup@c.example"), account("who", "mail", "who@c.example"), closed(account("dead", "mail", "dead@c.example")),
		account("a22", "number", "kept"),
	}
	learned := exeunt.Learned{
		Of:    map[string]exeunt.Mapping{"main/8": confirmedAs("a8"), "main/9": confirmedAs("vanished"), "main/22": confirmedAs("a22")},
		Whose: exeunt.Whose{"a8": "main/8", "vanished": "main/9", "a22": "main/22", "svc": ""},
	}
	tally, findings, err := exeunt.Compare("crm", by, people, accounts, learned)
	if err != nil {
		t.Fatal(err)
	}
	want := exeunt.Tally{Matched: 3, Missing: 2, Ambiguous: 1, Mismatched: 4, Orphaned: 3, Closed: 2, Nobodys: 1}
	if tally != want {
		t.Errorf("%+v, want %+v", tally, want)
	}
	var got []string
	for _, f := range findings {
		if f.System != "crm" || f.Why == "" || f.Do() == "" {
			t.Errorf("a finding without its system, reason or remedy: %+v", f)
		}
		line := fmt.Sprint(f.Kind, " ", f.Leaver)
		for _, a := range f.Accounts {
			line += " " + a.ID
		}
		got = append(got, line)
	}
	wanted := []string{"mismatched main/2 a2", "ambiguous main/3 a3 a3b", "mismatched main/4 a4", "missing main/7", "missing main/9",
		"mismatched main/5 a5", "mismatched main/6 a5", "orphaned main/20 a20", "orphaned  who", "orphaned main/22 a22"}
	if strings.Join(got, "\n") != strings.Join(wanted, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
	}
}

func TestTheMissingAreCountedAndNotAllListed(t *testing.T) {
	var people []exeunt.Worker
	for i := range 1500 {
		people = append(people, worker(fmt.Sprint(i), ""))
	}
	tally, findings, err := exeunt.Compare("crm", exeunt.Correlation{rule("number", exeunt.EmployeeID)}, people, nil, exeunt.Learned{})
	if err != nil || tally.Missing != 1500 || len(findings) != 1000 {
		t.Errorf("%+v with %d findings, %v", tally, len(findings), err)
	}
}

// atMain fills in what a list leaves out.
func atMain(d *exeunt.Departure) {
	d.Leaver.Entity, d.Leaver.Zone = cmp.Or(d.Leaver.Entity, "main"), cmp.Or(d.Leaver.Zone, "America/New_York")
}

// The last day is over when it is over at the place of work, not in Greenwich.
func TestNobodyHasLeftBeforeTheirLastDayIsOver(t *testing.T) {
	for at, want := range map[string]exeunt.Date{"2026-06-02T03:59:00Z": "", "2026-06-02T04:00:00Z": "2026-06-01"} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		people, err := exeunt.ParseWorkers("employee_id,name,last_day\n1,Ann,2026-06-01\n", atMain, now)
		if err != nil || len(people) != 1 || people[0].LeftOn != want {
			t.Errorf("at %s: %+v, %v", at, people, err)
		}
		d := exeunt.Departure{Leaver: exeunt.Leaver{Zone: "America/New_York"}, LastDay: "2026-06-01"}
		for _, k := range []exeunt.Case{{Departure: d}, {Departure: d, State: exeunt.CaseClosed}} {
			if k.LeftBy(now) != (want != "") {
				t.Errorf("at %s: left by a case is %v", at, k.LeftBy(now))
			}
		}
		for _, k := range []exeunt.Case{{Departure: d, State: exeunt.CaseRescinded}, {Departure: d, State: exeunt.CaseRehired}, {Departure: d, RehiredOn: "2026-07-01"}} {
			if k.LeftBy(now) {
				t.Errorf("%+v: stays or is back, and left", k)
			}
		}
	}
}

func TestAListOfPeopleIsRead(t *testing.T) {
	people, err := exeunt.ParseWorkers("employee_id;name;work_email;last_day;identifier:badge\n1;Ann;ann@c.example;;77\n2;Bob;bob@c.example;2026-01-31;\n3;Cy;cy@c.example;2027-01-01;\n", atMain, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC))
	if err != nil || len(people) != 3 || people[0].Leaver.Identifiers["badge"] != "77" || people[0].Leaver.Key() != "main/1" || people[1].LeftOn != "2026-01-31" || people[2].LeftOn != "" {
		t.Errorf("%+v, %v", people, err)
	}
	for text, says := range map[string]string{
		"employee_id,name\n1,Ann\n1,Bob\n":             "line 3: 1 is in line 2 already",
		"employee_id,name\n,Ann\n":                     "line 2: nobody is named",
		"employee_id,name,last_day\n1,Ann,31.1.2026\n": "is no day",
		"employee_id,name,salary\n1,Ann,7\n":           `"salary" is no column`,
		"employee_id,name\n":                           "the list is empty",
	} {
		if _, err := exeunt.ParseWorkers(text, atMain, time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// BenchmarkCompare compares 50,000 people with as many accounts of one system.
func BenchmarkCompare(b *testing.B) {
	by := exeunt.Correlation{rule("number", exeunt.EmployeeID, trusted), rule("mail", exeunt.WorkEmail, trusted)}
	var people []exeunt.Worker
	var accounts []exeunt.Found
	for i := range 50_000 {
		mail := fmt.Sprintf("person%d@c.example", i)
		people = append(people, worker(fmt.Sprint(i), mail))
		accounts = append(accounts, account(fmt.Sprint("a", i), "number", fmt.Sprint(i), "mail", mail))
	}
	for b.Loop() {
		if tally, _, err := exeunt.Compare("crm", by, people, accounts, exeunt.Learned{}); err != nil || tally.Matched != 50_000 {
			b.Fatal(tally, err)
		}
	}
}

func TestAReconciliationSaysWhomItCompares(t *testing.T) {
	for want, r := range map[string]exeunt.Reconciliation{
		"1 person works here":                     {People: 1},
		"0 people work here and 1 has left":       {Left: 1},
		"1 person works here and 1 has left":      {People: 1, Left: 1},
		"1200 people work here and 301 have left": {People: 1200, Left: 301},
	} {
		if got := r.Whom(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// An account that matches two people is the one's of whom it was confirmed, and nobody is told of the other again.
func TestWhatIsConfirmedIsNoLongerContested(t *testing.T) {
	by := exeunt.Correlation{rule("mail", exeunt.WorkEmail)}
	people := []exeunt.Worker{worker("1", "same@c.example"), worker("2", "same@c.example"), worker("3", "svc@c.example"), former("4", "same@c.example")}
	accounts := []exeunt.Found{account("a", "mail", "same@c.example"), account("svc", "mail", "svc@c.example")}
	learned := exeunt.Learned{Of: map[string]exeunt.Mapping{"main/2": confirmedAs("a")}, Whose: exeunt.Whose{"a": "main/2", "svc": ""}}
	tally, findings, err := exeunt.Compare("crm", by, people, accounts, learned)
	if want := (exeunt.Tally{Matched: 1, Missing: 2, Nobodys: 1}); err != nil || tally != want || len(findings) != 2 || findings[0].Leaver != "main/1" || findings[1].Leaver != "main/3" {
		t.Errorf("%+v, %+v, %v", tally, findings, err)
	}
}

func TestWhatWasConfirmedIsReplacedOnlyWhenThatIsSaid(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	by := exeunt.Override{By: "Iris Vale", Reason: "asked both of them"}
	f := exeunt.Finding{System: "crm", Kind: exeunt.FoundMismatched, Leaver: "main/1", Accounts: []exeunt.Account{{ID: "a", Login: "jane"}}}
	before := []exeunt.Mapping{{System: "crm", Account: exeunt.Account{ID: "a"}, Leaver: "main/2", Made: exeunt.Decision{Override: exeunt.Override{By: "Ida Novak"}, At: now}}}
	nobodys := []exeunt.Mapping{{System: "crm", Account: exeunt.Account{ID: "a"}}}
	for _, c := range []struct {
		name    string
		what    exeunt.Confirmation
		before  []exeunt.Mapping
		says    string // "" for kept
		instead string
	}{
		{"the first time", exeunt.Confirmation{Leaver: "main/1"}, nil, "", ""},
		{"the same again", exeunt.Confirmation{Leaver: "main/2"}, before, "", ""},
		{"another's", exeunt.Confirmation{Leaver: "main/1"}, before, "main/2's already, by Ida Novak on 2026-11-23", ""},
		{"another's becomes nobody's", exeunt.Confirmation{}, before, "main/2's already", ""},
		{"a service", exeunt.Confirmation{Leaver: "main/1"}, nobodys, "nobody's already", ""},
		{"another's, and that is said", exeunt.Confirmation{Leaver: "main/1", Instead: true}, before, "", "main/2"},
		{"a service, and that is said", exeunt.Confirmation{Leaver: "main/1", Instead: true}, nobodys, "", "nobody"},
		{"nothing stands there", exeunt.Confirmation{Leaver: "main/1", Instead: true}, nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, m, change, err := f.Confirm(c.what, c.before, by, now)
			if c.says != "" {
				if exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v, want a conflict that says %q", err, c.says)
				}
				return
			}
			if err != nil || m.Account.ID != "a" || m.Leaver != c.what.Leaver || (m.Instead != nil) != (c.instead != "") {
				t.Fatalf("%+v, %+v, %v", m, change.Entries, err)
			}
			if told := change.Entries[0].Body(); c.what.Leaver != "" && (strings.Contains(string(told), c.what.Leaver) || strings.Contains(string(told), by.Reason) || !strings.Contains(string(told), m.Digest())) {
				t.Errorf("the entry, which nothing erases, tells of the person, or does not prove the mapping: %s", told)
			}
		})
	}
}

// A directory of a whole group, held against the list of one entity: what is listed is bounded, what is counted is not, and
// whoever left is not crowded out.
func TestOrphansAreCountedAndNotAllListed(t *testing.T) {
	var accounts []exeunt.Found
	for i := range 6000 {
		accounts = append(accounts, account(fmt.Sprint("a", i), "number", fmt.Sprint("x", i)))
	}
	accounts = append(accounts, account("left", "number", "7"))
	tally, findings, err := exeunt.Compare("crm", exeunt.Correlation{rule("number", exeunt.EmployeeID)}, []exeunt.Worker{former("7", "")}, accounts, exeunt.Learned{})
	if err != nil || tally.Orphaned != 6001 || len(findings) != 5001 || findings[5000].Leaver != "main/7" {
		t.Errorf("%+v with %d findings, %v", tally, len(findings), err)
	}
}

// A rule that cannot work with what HR gave of one person says nothing of the others.
func TestOnePersonsRuleEndsNoComparison(t *testing.T) {
	by := exeunt.Correlation{{Attribute: "mail", Values: func(l exeunt.Leaver) ([]string, error) {
		if l.ID == "1" {
			return nil, exeunt.Errorf(exeunt.Invalid, "index out of bounds: 1")
		}
		return []string{l.Identifier(exeunt.WorkEmail)}, nil
	}}}
	people := []exeunt.Worker{worker("1", ""), worker("2", "two@c.example")}
	tally, findings, err := exeunt.Compare("crm", by, people, []exeunt.Found{account("a", "mail", "two@c.example")}, exeunt.Learned{})
	if err != nil || tally != (exeunt.Tally{Matched: 1, Missing: 1}) || findings[0].Leaver != "main/1" || !strings.Contains(findings[0].Why, "out of bounds") {
		t.Errorf("%+v %+v, %v", tally, findings, err)
	}
}
