package exeunt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var (
	vera      = exeunt.Viewer{Name: "Vera", Email: "Vera@acme.example"}
	theAdmin  = exeunt.Viewer{Name: "Ida Admin", Email: "ida@acme.example", Roles: []string{"admin"}}
	revealsAt = time.Date(2026, 3, 9, 8, 0, 0, 0, time.UTC) // 09:00 in Berlin
	decided   = exeunt.Override{By: "Vera", Reason: "the works council was told"}
)

// secret is an immediate departure under embargo for a week: a step, a task of a person's.
func secret(t *testing.T) exeunt.Change {
	t.Helper()
	d := leaving
	d.Immediate, d.Embargo = true, &exeunt.EmbargoTerms{Until: "2026-03-09 09:00", VisibleTo: []string{"vera@acme.example"}}
	assets := exeunt.Rule{Name: "return-assets", Task: &exeunt.TaskPattern{Owner: "manager"}, Start: moment("trigger"), Deadline: moment("trigger + 1d")}
	flag := everywhere(exeunt.EndEmployment)
	flag.Name, flag.Start, flag.Deadline = "end", moment("trigger"), moment("trigger + 4h")
	cut := everywhere(exeunt.Disable)
	cut.Systems = func(f exeunt.Facts) (bool, error) { return f.System.Name == "directory", nil }
	p := exeunt.Policy{Name: "p", Version: "v1", CutOff: "17:00", AccessSLA: 30 * time.Minute, Rules: []exeunt.Rule{cut, flag, assets}}
	inventory := []exeunt.System{live("directory", "", exeunt.Disable), live("payroll", "", exeunt.EndEmployment)}
	plan, err := exeunt.Draft(p, exeunt.Case{ID: 1, Generation: 1, Departure: d, Owner: hilde}, inventory, someone, monday)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Open(exeunt.Trigger{Source: "hr", EventID: "e1", Departure: d}, "", monday)
}

// nothingBefore fails for whatever would start or be due before a moment.
func nothingBefore(t *testing.T, change exeunt.Change, at time.Time) {
	t.Helper()
	if c := change.Case; c.CutOff.Before(at) || c.AccessBy.Before(at.Add(30*time.Minute)) {
		t.Errorf("access ends at %s, by %s", c.CutOff, c.AccessBy)
	}
	for _, s := range change.Steps {
		if s.StartsAt.Before(at) || s.State == exeunt.StepReady || !s.Deadline.After(s.StartsAt) {
			t.Errorf("step %s is %s, starts at %s and is due by %s", s.Key, s.State, s.StartsAt, s.Deadline)
		}
	}
	for _, task := range change.Tasks {
		if task.StartsAt.Before(at) || !task.Deadline.After(task.StartsAt) {
			t.Errorf("task %s starts at %s and is due by %s", task.Key, task.StartsAt, task.Deadline)
		}
	}
	if len(change.Notices) > 0 {
		t.Errorf("told: %v", change.Notices)
	}
}

func TestNothingOfAnEmbargoedCaseStartsBeforeItsRevealTime(t *testing.T) {
	opened := secret(t)
	c := opened.Case
	if !c.Embargoed() || !c.Embargo.Until.Equal(revealsAt) || c.State != exeunt.CaseScheduled || len(opened.Steps) != 2 || len(opened.Tasks) != 1 {
		t.Fatalf("%+v, %s, %d steps", c.Embargo, c.State, len(opened.Steps))
	}
	nothingBefore(t, opened, revealsAt)
	for viewer, sees := range map[*exeunt.Viewer]bool{&vera: true, &theAdmin: false, {}: false, {Email: hilde.Email}: false} {
		if c.VisibleTo(*viewer) != sees {
			t.Errorf("%+v sees it: %t", viewer, !sees)
		}
	}
	later := revealsAt.AddDate(0, 0, 3)
	amended, err := amend(*c, announced("2026-05-31"), opened.Steps, opened.Tasks, monday.Add(time.Hour))
	if err != nil || !amended.Case.Embargoed() {
		t.Fatalf("an amendment that leaves the embargo out lifted it: %v", err)
	}
	nothingBefore(t, amended, revealsAt)
	extended, err := c.ExtendEmbargo(exeunt.EmbargoTerms{Until: later.Format(time.RFC3339), VisibleTo: []string{"tom@acme.example"}}, opened.Steps, opened.Tasks, decided, monday)
	if err != nil || !extended.Case.VisibleTo(exeunt.Viewer{Email: "TOM@acme.example"}) || !extended.Case.VisibleTo(vera) {
		t.Fatalf("%+v, %v", extended.Case, err)
	}
	nothingBefore(t, extended, later)
}

func TestAnEmbargoEndsAtItsTimeOrInSomebodysName(t *testing.T) {
	opened := secret(t)
	for _, c := range []struct {
		name  string
		by    *exeunt.Override
		now   time.Time
		said  string
		wrong exeunt.ErrorKind
	}{
		{"too early", nil, revealsAt.Add(-time.Second), "", exeunt.Conflict},
		{"at its time", nil, revealsAt, "embargo ended", ""},
		{"after a night without a server", nil, revealsAt.Add(9 * time.Hour), "embargo ended, 9h0m0s late", ""},
		{"early, by name", &decided, monday.Add(time.Hour), "embargo ended early", ""},
		{"early, without a reason", &exeunt.Override{By: "Vera"}, monday.Add(time.Hour), "", exeunt.Invalid},
	} {
		change, err := opened.Case.Reveal(opened.Steps, opened.Tasks, c.by, c.now)
		if exeunt.KindOf(err) != c.wrong {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil {
			continue
		}
		if change.Case.Embargoed() || !change.Case.VisibleTo(theAdmin) || change.Case.State != exeunt.CaseRunning || !change.Case.CutOff.Equal(c.now) || change.Case.Generation != 2 {
			t.Errorf("%s: the case is %s, cut-off %s", c.name, change.Case.State, change.Case.CutOff)
		}
		for _, s := range change.Steps {
			if s.State != exeunt.StepReady || s.StartsAt.After(c.now) || !s.Deadline.After(c.now) {
				t.Errorf("%s: %s is %s, starts at %s, due by %s", c.name, s.Key, s.State, s.StartsAt, s.Deadline)
			}
		}
		if len(change.Steps) != 2 || len(change.Notices) != 1 || change.Notices[0].To.Email != "manager@acme.example" {
			t.Errorf("%s: told %+v", c.name, change.Notices)
		}
		if e := change.Entries[0]; e.Kind != exeunt.EntryRevealed || !strings.HasPrefix(e.What, c.said) {
			t.Errorf("%s: recorded %s %q", c.name, e.Kind, e.What)
		}
	}
}

func TestWhatWasTakenBackUnderEmbargoIsNeverRevealedByItself(t *testing.T) {
	opened := secret(t)
	change, err := opened.Case.Rescind(exeunt.Trigger{Source: "hr", Kind: exeunt.Rescinded}, nil, opened.Steps, opened.Tasks, monday.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if at, due := change.Case.RevealsAt(); due || change.Case.VisibleTo(theAdmin) {
		t.Errorf("it is revealed at %s", at)
	}
	if _, err := change.Case.Reveal(nil, nil, nil, revealsAt); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("revealed: %v", err)
	}
	if _, err := change.Case.Close(revealsAt); err != nil {
		t.Errorf("it cannot be closed: %v", err)
	}
	if _, err := opened.Case.Close(monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a case is closed before the end of its embargo is in its record: %v", err)
	}
}

func TestWhatStaysSecretIsToldToItsListAlone(t *testing.T) {
	opened := secret(t)
	back, err := opened.Case.Rescind(exeunt.Trigger{Source: "hr", Kind: exeunt.Rescinded}, nil, opened.Steps, opened.Tasks, monday)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := back.Case.Close(monday)
	if err != nil {
		t.Fatal(err)
	}
	c := *closed.Case
	for what, change := range map[string]exeunt.Change{
		"another source contradicts":  exeunt.Trigger{Source: "payroll", Kind: exeunt.Announced, Departure: c.Departure}.Noted(&c, nil, monday),
		"HR changes it":               c.ChangedAfter(exeunt.Trigger{Source: "hr"}, monday),
		"something took effect later": c.Overtaken(opened.Steps[0], exeunt.Outcome{}, nil, monday),
	} {
		if len(change.Notices) == 0 {
			t.Errorf("%s: nobody is told", what)
		}
		for _, n := range change.Notices {
			if !c.Embargo.Lists(n.To.Email) {
				t.Errorf("%s: %s is told", what, n.To)
			}
		}
	}
}

func TestEmbargoTermsAreCheckedBeforeACaseIsOpened(t *testing.T) {
	for _, c := range []struct {
		until, to, field string
		ends             time.Time
	}{
		{"2026-03-09 09:00", "vera@acme.example", "", revealsAt},
		{"2026-03-09T09:00", "vera@acme.example", "", revealsAt},
		{"2026-03-09T09:00:00+01:00", "vera@acme.example", "", revealsAt},
		{"2026-03-09", "vera@acme.example", "", revealsAt.Add(-9 * time.Hour)},
		{"soon", "vera@acme.example", "embargo.until", time.Time{}},
		{"", "vera@acme.example", "embargo.until", time.Time{}},
		{"2026-03-09", "", "embargo.visible_to", revealsAt.Add(-9 * time.Hour)},
		{"2026-03-09", "vera", "embargo.visible_to", revealsAt.Add(-9 * time.Hour)},
		{"2026-03-09", "vera@acme.example, tom@acme.example", "embargo.visible_to", revealsAt.Add(-9 * time.Hour)},
	} {
		d := leaving
		d.Embargo = &exeunt.EmbargoTerms{Until: c.until}
		if c.to != "" {
			d.Embargo.VisibleTo = []string{c.to}
		}
		var field string
		err := d.Check()
		if e, ok := err.(*exeunt.Error); ok {
			field = e.Field
		}
		if ends, _ := d.Embargo.Ends(d.Leaver.Zone); field != c.field || !ends.Equal(c.ends) {
			t.Errorf("%q for %q: %v, ends %s", c.until, c.to, err, ends)
		}
	}
	late := exeunt.EmbargoTerms{Until: "2026-03-01", VisibleTo: []string{"vera@acme.example"}}
	if _, err := late.StartedBy(vera, "Europe/Berlin", monday); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a reveal time in the past opens the case for everybody: %v", err)
	}
}

func TestWhoStartsACaseUnderEmbargoIsOnItsList(t *testing.T) {
	d := leaving
	d.Embargo = &exeunt.EmbargoTerms{Until: "2026-03-09", VisibleTo: []string{"tom@acme.example"}}
	plan, err := exeunt.Draft(exeunt.Policy{Name: "p", CutOff: "17:00"}, exeunt.Case{ID: 1, Departure: d, Owner: hilde}, nil, someone, monday)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by   *exeunt.Override
		list string
	}{
		{nil, "tom@acme.example"},
		{&exeunt.Override{By: "Vera", Account: "Vera@acme.example"}, "tom@acme.example vera@acme.example"},
		{&exeunt.Override{By: "cli", Account: "token:cli@localhost/admin"}, "tom@acme.example"}, // shared by many
	} {
		opened := plan.Open(exeunt.Trigger{Source: "override", Override: c.by}, "", monday)
		if got := strings.Join(opened.Case.Embargo.VisibleTo, " "); got != c.list {
			t.Errorf("started by %+v it is visible to %s", c.by, got)
		}
	}
}

func TestAPolicyPutsDeparturesUnderEmbargo(t *testing.T) {
	p := exeunt.Policy{Name: "layoff", CutOff: "17:00", Embargo: &exeunt.EmbargoRule{Until: moment("cut-off - 1h"), VisibleTo: []string{"Vera@acme.example"}}}
	own := &exeunt.EmbargoTerms{Until: "2026-03-09 09:00", VisibleTo: []string{"tom@acme.example"}}
	for _, c := range []struct {
		name      string
		terms     *exeunt.EmbargoTerms
		immediate bool
		until     time.Time
		sees      string
	}{
		{"the policy's", nil, false, time.Date(2026, 3, 31, 14, 0, 0, 0, time.UTC), "vera@acme.example"},
		{"the departure's own", own, false, revealsAt, "tom@acme.example"},
		{"an immediate one has nothing to wait for", nil, true, time.Time{}, ""},
	} {
		d := leaving
		d.Embargo, d.Immediate = c.terms, c.immediate
		plan, err := exeunt.Draft(p, exeunt.Case{ID: 1, Departure: d, Owner: hilde}, nil, someone, monday)
		if err != nil {
			t.Fatal(err)
		}
		var until time.Time
		if plan.Case.Embargo != nil {
			until = plan.Case.Embargo.Until
		}
		if !until.Equal(c.until) || c.sees != "" && !plan.Case.Embargo.Lists(c.sees) {
			t.Errorf("%s: %+v", c.name, plan.Case.Embargo)
		}
	}
}
