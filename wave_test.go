package exeunt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// decide is the wave after a decision, of which the ledger must have been told.
func decide(t *testing.T, change exeunt.Change, err error) exeunt.Wave {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(change.Entries) == 0 || change.Entries[0].Detail["wave"] != "W-3" || !strings.HasPrefix(change.Entries[0].What, "W-3: ") {
		t.Fatalf("the ledger is not told of it: %+v", change.Entries)
	}
	return *change.Wave
}

func checked(t *testing.T, w exeunt.Wave) exeunt.Wave {
	t.Helper()
	change, err := w.BeginCheck(4, "Hera Lind", waveNow)
	w = decide(t, change, err)
	change, err = w.EndCheck(exeunt.WaveCheck{Steps: 9, Identity: []exeunt.IdentityCount{{System: "crm", Found: 3, Missing: 1}}}, waveNow)
	return decide(t, change, err)
}

func TestAWaveNeedsTwoPeople(t *testing.T) {
	w, _ := made(t, austin(), 4)
	if _, err := w.Approve(second, waveNow); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("approved without a check: %v", err)
	}
	w = checked(t, w)
	if _, err := w.Start(maker, waveNow); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("started without approval: %v", err)
	}
	if _, err := w.Approve(exeunt.Override{By: " hera LIND", Reason: "I am two people"}, waveNow); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("approved by who made it: %v", err)
	}
	change, err := w.Approve(second, waveNow)
	approved := decide(t, change, err)
	if approved.Approved.By != "Lea Roth" || change.Entries[0].Actor != "Lea Roth" || change.Entries[0].Detail["exceptions"] != "1" {
		t.Errorf("%+v, %+v", approved.Approved, change.Entries[0])
	}
	change, err = approved.BeginCheck(4, "Hera Lind", waveNow)
	if again := decide(t, change, err); again.Approved != nil || again.State != exeunt.WaveDraft || again.Check.Round != 2 {
		t.Errorf("a new check keeps the approval of the old: %+v", again)
	}
	change, err = approved.Start(maker, waveNow)
	if started := decide(t, change, err); started.State != exeunt.WaveRunning {
		t.Errorf("%s", started.State)
	}
}

func TestAWaveThatWasStoppedWhileItWasCheckedStaysStopped(t *testing.T) {
	w, _ := made(t, austin(), 4)
	change, err := w.BeginCheck(4, "Hera Lind", waveNow)
	w = decide(t, change, err)
	change, err = w.Stop(maker, waveNow)
	w = decide(t, change, err)
	if change, err := w.EndCheck(exeunt.WaveCheck{Steps: 9}, waveNow); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("the end of the check made it %+v: %v", change.Wave, err)
	}
}

func TestWhatTheCheckForbidsIsNotApproved(t *testing.T) {
	w, _ := made(t, austin(), 4)
	for name, found := range map[string]exeunt.WaveCheck{
		"a system left out":   {Left: []string{"crm"}},
		"nobody can be asked": {Unknown: []string{"line 2: no policy takes it"}},
	} {
		change, err := w.BeginCheck(4, "Hera Lind", waveNow)
		c := decide(t, change, err)
		if _, err := c.Approve(second, waveNow); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("approved while the check runs: %v", err)
		}
		if _, err := c.BeginCheck(4, "Hera Lind", waveNow); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("two checks at once: %v", err)
		}
		change, err = c.EndCheck(found, waveNow)
		if _, err := decide(t, change, err).Approve(second, waveNow); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every decision in every state: what is not listed is refused.
func TestDecisionsByState(t *testing.T) {
	w, _ := made(t, austin(), 4)
	w = checked(t, w)
	w.Approved = &exeunt.Decision{Override: second, At: waveNow}
	verbs := map[string]func(exeunt.Wave) error{
		"check":   func(w exeunt.Wave) error { _, err := w.BeginCheck(4, "Hera Lind", waveNow); return err },
		"start":   func(w exeunt.Wave) error { _, err := w.Start(maker, waveNow); return err },
		"go on":   func(w exeunt.Wave) error { _, err := w.GoOn(exeunt.WaveProgress{}, maker, waveNow); return err },
		"stop":    func(w exeunt.Wave) error { _, err := w.Stop(maker, waveNow); return err },
		"approve": func(w exeunt.Wave) error { _, err := w.Approve(second, waveNow); return err },
	}
	allowed := map[exeunt.WaveState]string{
		exeunt.WaveDraft: "check stop", exeunt.WaveChecked: "check start stop", exeunt.WaveCanary: "stop", exeunt.WaveHeld: "go on stop",
		exeunt.WaveRunning: "stop", exeunt.WaveStopped: "", exeunt.WaveDone: "",
	}
	for state, can := range allowed {
		for verb, do := range verbs {
			w.State = state
			if err := do(w); (err == nil) != strings.Contains(can, verb) || err != nil && exeunt.KindOf(err) != exeunt.Conflict {
				t.Errorf("%s a wave that is %s: %v", verb, state, err)
			}
		}
	}
	for verb, do := range map[string]func(exeunt.Override) error{
		"start": func(o exeunt.Override) error { w.State = exeunt.WaveChecked; _, err := w.Start(o, waveNow); return err },
		"go on": func(o exeunt.Override) error {
			w.State = exeunt.WaveHeld
			_, err := w.GoOn(exeunt.WaveProgress{}, o, waveNow)
			return err
		},
		"stop": func(o exeunt.Override) error { w.State = exeunt.WaveRunning; _, err := w.Stop(o, waveNow); return err },
	} {
		if exeunt.KindOf(do(exeunt.Override{By: "Hera Lind"})) != exeunt.Invalid || exeunt.KindOf(do(exeunt.Override{Reason: "no name at all"})) != exeunt.Invalid {
			t.Errorf("%s without a name or a reason", verb)
		}
	}
}

func TestThePaceOfAWave(t *testing.T) {
	w, people := made(t, austin(), 300)
	w.State, w.Canary, w.Rate = exeunt.WaveCanary, 3, 120
	n, next := w.Due(waveNow)
	if n != 3 || !next.IsZero() {
		t.Fatalf("a canary of 3: %d, next %s", n, next)
	}
	w = *w.Release(people[:3], waveNow).Wave
	if n, _ = w.Due(waveNow); n != 0 {
		t.Errorf("%d more of the canary", n)
	}
	w.State = exeunt.WaveHeld
	if n, _ = w.Due(waveNow.Add(time.Hour)); n != 0 {
		t.Errorf("held, and %d go", n)
	}
	w.State = exeunt.WaveRunning
	now, gone := waveNow.Add(time.Hour), map[time.Time]int{}
	start := now
	for w.Released < w.Size {
		n, next = w.Due(now)
		if n > 0 {
			w = *w.Release(people[w.Released:w.Released+n], now).Wave
		}
		gone[now.Truncate(time.Minute)] += n
		if next.IsZero() {
			break
		}
		if !next.After(now) || next.Sub(now) > 2*time.Second {
			t.Fatalf("at %s the next look is %s", now, next)
		}
		now = next
	}
	if took := now.Sub(start); took < 2*time.Minute+25*time.Second || took > 2*time.Minute+30*time.Second {
		t.Errorf("297 at 120 a minute took %s", took)
	}
	for minute, n := range gone {
		if n > 121 {
			t.Errorf("%d went in the minute from %s", n, minute)
		}
	}
	w.Released, w.NextAt = 10, start
	if n, _ = w.Due(start.Add(3 * time.Hour)); n != 120 {
		t.Errorf("after three hours down %d go at once, want a minute's worth", n)
	}
	w.Rate = 0
	if n, next = w.Due(start); n != 290 || !next.IsZero() {
		t.Errorf("all at once: %d, %s", n, next)
	}
}

func TestTheBudgetSaysWhichSystemIsLate(t *testing.T) {
	inventory := []exeunt.System{
		{Name: "slow", Title: "Slow CRM", Tier: 1, Stage: exeunt.Live, Rate: exeunt.Rate{PerSecond: 2}, Actions: []exeunt.ActionSpec{{Action: exeunt.Disable, Title: "Disable"}, {Action: exeunt.RemoveGroups, Title: "Groups"}}},
		{Name: "fast", Title: "Fast", Tier: 1, Stage: exeunt.Live, Rate: exeunt.Rate{Concurrency: 10}, Actions: []exeunt.ActionSpec{{Action: exeunt.Disable, Title: "Disable"}}},
		{Name: "doors", Title: "Doors", Stage: exeunt.Manual, Owner: exeunt.Person{Name: "Ida"}},
	}
	policy := exeunt.Policy{Name: "p", CutOff: "17:00", AccessSLA: 30 * time.Minute, Rules: []exeunt.Rule{{
		Name: "cut", Systems: func(exeunt.Facts) (bool, error) { return true, nil }, Actions: []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups},
		Start: exeunt.Moment{Anchor: exeunt.AtCutOff}, Deadline: exeunt.Moment{Anchor: exeunt.AtStart, Offset: time.Hour},
	}}}
	w, people := made(t, austin(), 1000)
	w.Rate, w.Opens = 10, exeunt.OpensAtCutOff
	tally := exeunt.NewWaveTally(inventory)
	for _, m := range people {
		plan, err := exeunt.Draft(policy, exeunt.Case{Departure: m.Departure}, inventory, func(string, exeunt.Leaver) exeunt.Person { return exeunt.Person{Name: "Ida"} }, waveNow)
		if err != nil {
			t.Fatal(err)
		}
		tally.Add(plan)
	}
	c := tally.Check(w, nil)
	if len(c.Budget) != 2 || c.Budget[0].System != "slow" || c.Budget[0].Requests != 7000 || c.Budget[0].Takes != 3500*time.Second || c.Budget[1].Takes != 120*time.Second {
		t.Errorf("%+v", c.Budget)
	}
	want := []string{
		"Slow CRM breaks the limit of 30m by 28m20s: 7000 requests at 2 a second take 58m20s",
		"the wave's own rate of 10 a minute breaks the limit of 30m after the clock by 1h10m",
	}
	if c.SLA != 30*time.Minute || c.Steps != 3000 || c.Release != 100*time.Minute || strings.Join(c.Late, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s, %d steps, %s, %q", c.SLA, c.Steps, c.Release, c.Late)
	}
	if len(c.ByHand) != 1 || c.ByHand[0].Tasks != 1000 || len(c.Left) != 0 {
		t.Errorf("by hand %+v, left out %v", c.ByHand, c.Left)
	}
	kept := people[0].Departure
	kept.Embargo = &exeunt.EmbargoTerms{Until: "2026-11-21 09:00", VisibleTo: []string{"vera@acme.example"}}
	secret := exeunt.NewWaveTally(inventory)
	hidden, err := exeunt.Draft(policy, exeunt.Case{Departure: kept}, inventory, func(string, exeunt.Leaver) exeunt.Person { return exeunt.Person{} }, waveNow)
	if err != nil {
		t.Fatal(err)
	}
	secret.Add(hidden)
	if c := secret.Check(w, nil); c.Secret != 1 {
		t.Errorf("a secret case in a wave that everybody sees: %d", c.Secret)
	}
	w.Embargo = &exeunt.WaveEmbargo{}
	if c := secret.Check(w, nil); c.Secret != 0 {
		t.Error("a secret wave may have secret cases")
	}
	part := exeunt.NewWaveTally(append(inventory, exeunt.System{Name: "forgotten"}))
	plan, _ := exeunt.Draft(policy, exeunt.Case{Departure: people[0].Departure}, inventory, func(string, exeunt.Leaver) exeunt.Person { return exeunt.Person{} }, waveNow)
	part.Add(plan)
	if c := part.Check(w, nil); len(c.Left) != 1 || c.Left[0] != "forgotten" {
		t.Errorf("what a plan leaves out: %v", c.Left)
	}
}

func TestWhatAWaveSaysOfItsPeople(t *testing.T) {
	w, people := made(t, austin(), 2)
	w.Approved = &exeunt.Decision{Override: second, At: waveNow}
	a, b := w.Trigger(people[0], waveNow), w.Trigger(people[0], waveNow.Add(time.Hour))
	if a.EventID != b.EventID || a.EventID == w.Trigger(people[1], waveNow).EventID || a.Wave != 3 || a.Source != exeunt.WaveSource {
		t.Errorf("%+v, %+v", a, b)
	}
	if a.EventID != "W-3/1" {
		t.Errorf("%q outlives the case, and may name the person", a.EventID)
	}
	if a.Override.Check() != nil || a.Override.By != "Hera Lind" || !strings.Contains(a.Override.Reason, "Lea Roth") || a.Departure.Check() != nil {
		t.Errorf("%+v", a.Override)
	}
	if id, err := exeunt.ParseWaveID("w-3"); err != nil || id.String() != "W-3" {
		t.Errorf("%s, %v", id, err)
	}
	if _, err := exeunt.ParseWaveID("C-3"); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("%v", err)
	}
}
