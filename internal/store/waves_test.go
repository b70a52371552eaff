package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var waveMaker = exeunt.Override{By: "Hera Lind", Reason: "the site closes"}

// makeWave commits a wave of n people of whom the first has a case.
func makeWave(t *testing.T, s *store.Store, n int, now time.Time) exeunt.Wave {
	t.Helper()
	id, err := s.NextWave(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var rows []exeunt.Row
	for i := range n {
		d := storetest.Departure(fmt.Sprintf("%s-E%d", id, i+1), "")
		d.TerminationDate = ""
		rows = append(rows, exeunt.Row{Line: i + 2, Departure: d})
	}
	w := exeunt.Wave{ID: id, Title: "Site", Type: exeunt.Layoff, Clock: exeunt.WaveClock{At: now.Add(time.Hour).Truncate(time.Second)}}
	change, err := exeunt.MakeWave(w, rows, nil, nil, waveMaker, now)
	if err == nil {
		err = s.Commit(t.Context(), &change)
	}
	if err != nil {
		t.Fatal(err)
	}
	return *change.Wave
}

// open opens the case of a released person, as the engine does.
func openMember(t *testing.T, s *store.Store, w exeunt.Wave, m exeunt.Member, now time.Time) exeunt.Change {
	t.Helper()
	id, err := s.NextCase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change := storetest.Plan(t, id, m.Departure, now).Open(w.Trigger(m, now), "", now)
	change.Members = []exeunt.Member{m.Opened(*change.Case, false)}
	if err := s.Commit(t.Context(), &change); err != nil {
		t.Fatal(err)
	}
	return change
}

func commit(t *testing.T, s *store.Store, change exeunt.Change, err error) exeunt.Change {
	t.Helper()
	if err == nil {
		err = s.Commit(t.Context(), &change)
	}
	if err != nil {
		t.Fatal(err)
	}
	return change
}

func TestAWaveIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		w := makeWave(t, s, 3, now)
		got, err := s.Everything().Wave(t.Context(), w.ID)
		if err != nil || got.Title != "Site" || got.Version != 1 || !got.Clock.At.Equal(w.Clock.At) || got.Made.By != "Hera Lind" {
			t.Fatalf("%+v, %v", got, err)
		}
		stale := got
		change, err := got.BeginCheck(3, "Hera Lind", now)
		commit(t, s, change, err)
		change, err = stale.Stop(waveMaker, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(t.Context(), &change); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a decision on what had changed: %v", err)
		}
		if _, err := s.Everything().Wave(t.Context(), 99); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("%v", err)
		}
		makeWave(t, s, 1, now)
		all, err := s.Everything().Waves(t.Context())
		if err != nil || len(all) != 2 || all[0].ID != w.ID+1 || all[1].Check == nil {
			t.Errorf("%+v, %v", all, err)
		}
		if some, err := s.Everything().Waves(t.Context(), exeunt.WaveRunning, exeunt.WaveHeld); err != nil || len(some) != 0 {
			t.Errorf("%d run, %v", len(some), err)
		}
	})
}

func TestPeopleOfAWaveAreReleasedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		w := makeWave(t, s, 4, now)
		w.State = exeunt.WaveRunning
		people, _, err := s.WaitingMembers(t.Context(), w.ID, time.Time{}, 2)
		if err != nil || len(people) != 2 || people[1].Position != 2 {
			t.Fatalf("%+v, %v", people, err)
		}
		if early, next, err := s.WaitingMembers(t.Context(), w.ID, now, 4); err != nil || len(early) != 0 || !next.Equal(w.Clock.At.Truncate(time.Microsecond)) {
			t.Errorf("%d before the clock, the next at %s, %v", len(early), next, err)
		}
		twice := w.Release(people, now)
		change := commit(t, s, w.Release(people, now), nil)
		if err := s.Commit(t.Context(), &twice); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("released twice: %v", err)
		}
		w = *change.Wave
		missing, err := s.Unannounced(t.Context())
		if err != nil || len(missing) != 2 {
			t.Fatalf("%d released people have no event, %v", len(missing), err)
		}
		ev := store.Event{Source: exeunt.WaveSource, ID: missing[0].EventID(), Body: []byte("{}"), ReceivedAt: now}
		receive(t, s, ev)
		if missing, err = s.Unannounced(t.Context()); err != nil || len(missing) != 1 || missing[0].Position != 2 {
			t.Errorf("%+v, %v", missing, err)
		}
		m, err := s.Member(t.Context(), ev.ID)
		if err != nil || m.Position != 1 || m.State != exeunt.MemberReleased {
			t.Fatalf("%+v, %v", m, err)
		}
		opened := openMember(t, s, w, m, now)
		if opened.Case.Wave != w.ID || opened.Entries[0].Detail["wave"] != w.ID.String() || !opened.Case.CutOff.Equal(w.Clock.At) {
			t.Errorf("the case does not know its wave: %+v", opened.Entries[0])
		}
		again := exeunt.Change{Members: []exeunt.Member{m.Refuse("too late")}, Entries: opened.Entries[:1]}
		again.Entries[0].ID = ""
		if err := s.Commit(t.Context(), &again); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("settled twice: %v", err)
		}
		count, err := s.CountWave(t.Context(), w.ID)
		if err != nil || count.Coming() != 1 || count.By[exeunt.MemberWaiting] != 2 || count.Open != 1 {
			t.Errorf("%+v, %v", count, err)
		}
	})
}

func TestWhoCannotBeInAWave(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		storetest.Open(t, s, storetest.Departure("E1", "2027-01-29"), now)
		w := makeWave(t, s, 2, now)
		keys := []string{"northwind/E1", "northwind/W-1-E2", "northwind/E3"}
		for i := range 1200 {
			keys = append(keys, fmt.Sprintf("northwind/X%d", i))
		}
		taken, err := s.Everything().Taken(t.Context(), keys, 0)
		if err != nil || len(taken) != 2 || taken["northwind/E1"] != "leaves already by case C-1" || taken["northwind/W-1-E2"] != "is in wave W-1 already" {
			t.Errorf("%v, %v", taken, err)
		}
		if own, err := s.Everything().Taken(t.Context(), keys, w.ID); err != nil || len(own) != 1 {
			t.Errorf("%v, %v", own, err)
		}
		change, err := w.Stop(waveMaker, now)
		commit(t, s, change, err)
		if over, err := s.Everything().Taken(t.Context(), keys, 0); err != nil || len(over) != 1 {
			t.Errorf("a stopped wave keeps its people: %v, %v", over, err)
		}
	})
}

func TestLooksAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := makeWave(t, s, 4, time.Now().UTC())
		looks := []store.Look{{System: "crm", Position: 1, Found: 1}, {System: "crm", Position: 2}, {System: "crm", Position: 3, Found: 2, Why: "2 accounts"}, {System: "crm", Position: 4, Found: -1, Why: "no answer"}, {System: "mail", Position: 1, Found: 1}}
		if err := s.SaveLooks(t.Context(), w.ID, 1, looks, true); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveLooks(t.Context(), w.ID, 1, []store.Look{{System: "crm", Position: 2, Found: 9}}, true); err != nil {
			t.Fatal(err)
		}
		identity, err := s.Everything().Identity(t.Context(), w.ID, 1)
		if err != nil || len(identity) != 2 || fmt.Sprint(identity[0]) != "{crm  1 1 1 1 no answer}" || identity[1].Looked() != 1 {
			t.Errorf("%v, %v", identity, err)
		}
		taken, err := s.LooksTaken(t.Context(), w.ID, 1, "crm")
		if err != nil || len(taken) != 4 || !taken[3] {
			t.Errorf("%v, %v", taken, err)
		}
		exceptions, err := s.Everything().Exceptions(t.Context(), w.ID, 1, 2)
		if err != nil || len(exceptions) != 2 || exceptions[0].Found != -1 || exceptions[0].Name != "Maya Okonkwo W-1-E4" {
			t.Errorf("%+v, %v", exceptions, err)
		}
		if other, err := s.Everything().Identity(t.Context(), w.ID, 2); err != nil || len(other) != 0 {
			t.Errorf("another round has %v, %v", other, err)
		}
	})
}

func TestTheReportSaysWhoseAccessEndedWhen(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC().Truncate(time.Second)
		w := makeWave(t, s, 3, now)
		w.State = exeunt.WaveRunning
		people, _, err := s.WaitingMembers(t.Context(), w.ID, time.Time{}, 2)
		if err != nil {
			t.Fatal(err)
		}
		released := commit(t, s, w.Release(people, now), nil)
		good := openMember(t, s, w, released.Members[0], now)
		bad := openMember(t, s, w, released.Members[1], now)
		at := w.Clock.At.Add(10 * time.Minute)
		for _, step := range good.Steps {
			if step.Branch == "Access" {
				commit(t, s, step.Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed}, at), nil)
			}
		}
		for _, task := range good.Tasks {
			if task.Branch != "Access" || task.State != exeunt.TaskOpen {
				continue
			}
			change, err := task.Complete(nil, nil, "", "Ana Silva", at)
			commit(t, s, change, err)
		}
		f, err := s.Everything().CaseFile(t.Context(), good.Case.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range f.Tasks { // the check of what the directory signed on has come up since
			if task.Branch == "Access" && task.Open() {
				change, err := task.Complete(nil, nil, "", "Ana Silva", at)
				commit(t, s, change, err)
			}
		}
		commit(t, s, bad.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.Denied, "may not")}, at), nil)
		report, err := s.Everything().WaveReport(t.Context(), w.ID, at.Add(3*time.Hour))
		if err != nil || len(report.People) != 3 {
			t.Fatalf("%+v, %v", report, err)
		}
		one, two, three := report.People[0], report.People[1], report.People[2]
		if !one.AccessAt.Equal(at) || one.Late || len(one.Failed) != 0 || one.Entries == 0 || one.Sealed != 0 {
			t.Errorf("whose access ended: %+v", one)
		}
		if !two.AccessAt.IsZero() || !two.Late || len(two.Failed) != 1 || !strings.Contains(two.Failed[0], "may not") || len(two.Open) == 0 || two.Open[0].Task == 0 || two.Open[0].Owner == "" {
			t.Errorf("where a step failed: %+v", two)
		}
		if three.State != exeunt.MemberWaiting || three.Case != 0 || !three.CutOff.Equal(w.Clock.At) {
			t.Errorf("who waits: %+v", three)
		}
		p := report.Progress
		if p.People != 3 || p.Waiting != 1 || p.Cases != 2 || p.Ended != 1 || p.Failed != 1 || p.Late != 1 || report.OnTime != 1 {
			t.Errorf("%+v, %d on time", p, report.OnTime)
		}
		own, err := s.Everything().WaveEntries(t.Context(), w.ID)
		if err != nil || len(own) != 2 || report.Entries <= one.Entries+two.Entries || own[0].Kind != exeunt.EntryWaveReleased {
			t.Errorf("%d entries of its own, %d in all, %v", len(own), report.Entries, err)
		}
		directory := report.Systems[0]
		if directory.System != "directory" || directory.Steps != 4 || directory.Settled != 2 || directory.Failed != 1 || !directory.LastAt.Equal(at) {
			t.Errorf("%+v", directory)
		}
	})
}

func receive(t *testing.T, s *store.Store, e store.Event) {
	t.Helper()
	if _, err := s.Receive(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// A wave under embargo is not there for whoever is not on its list, and neither is what the ledger is told of it.
func TestAnEmbargoedWaveIsHidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		now := time.Now().UTC()
		makeWave(t, s, 1, now)
		ends := now.Add(30 * time.Minute).Truncate(time.Second)
		w := exeunt.Wave{ID: 7, Title: "Secret", Type: exeunt.Layoff, Clock: exeunt.WaveClock{At: now.Add(time.Hour).Truncate(time.Second)},
			Embargo: &exeunt.WaveEmbargo{EmbargoTerms: exeunt.EmbargoTerms{Until: ends.Format(time.RFC3339), VisibleTo: []string{"Hera@acme.example"}}}}
		d := storetest.Departure("S1", "")
		d.TerminationDate = ""
		change, err := exeunt.MakeWave(w, []exeunt.Row{{Line: 2, Departure: d}}, nil, nil, waveMaker, now)
		change = commit(t, s, change, err)
		w = *change.Wave
		if !w.Embargo.Ends.Equal(ends) || !w.VisibleTo(exeunt.Viewer{Email: "hera@acme.example"}) || w.VisibleTo(exeunt.Viewer{}) {
			t.Errorf("%+v", w.Embargo)
		}
		sees := func(v store.View) string {
			waves, err := v.Waves(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			people, err := v.Members(t.Context(), w.ID)
			if err != nil {
				t.Fatal(err)
			}
			entries, err := v.Entries(t.Context(), store.EntryQuery{})
			if err != nil {
				t.Fatal(err)
			}
			taken, err := v.Taken(t.Context(), []string{"northwind/S1"}, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.WaveReport(t.Context(), w.ID, now)
			return fmt.Sprintf("%d waves, %d people, %d entries, %d taken, %s", len(waves), len(people), entries.Total, len(taken), exeunt.KindOf(err))
		}
		const all, none = "2 waves, 1 people, 2 entries, 1 taken, ", "1 waves, 0 people, 1 entries, 0 taken, not_found"
		for email, want := range map[string]string{"hera@acme.example": all, "lea@acme.example": none, "": none} {
			if got := sees(s.For(exeunt.Viewer{Email: email, Roles: []string{"admin"}})); got != want {
				t.Errorf("%q sees %s, want %s", email, got, want)
			}
		}
		if _, err := w.Reveal(ends.Add(-time.Second)); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("revealed before its time: %v", err)
		}
		change, err = w.Reveal(ends)
		commit(t, s, change, err)
		if got := sees(s.For(exeunt.Viewer{})); got != "2 waves, 1 people, 3 entries, 1 taken, " {
			t.Errorf("after the reveal nobody special sees %s", got)
		}
	})
}
