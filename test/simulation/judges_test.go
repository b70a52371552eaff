package simulation_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// scene is one departure in the database, and what the judges are told of it.
type scene struct {
	*world
	who     *person
	file    store.CaseFile
	before  store.CaseFile // the closed case that the case follows, where it does
	entries []store.EntryRow
	log     []exeunt.Record
	vendor  *vendor // the directory
	account *account
	spec    exeunt.ActionSpec // disable
	with    connector.Parameters
	apply   bool // and now the directory is asked to act
}

// set makes a scene in which all is well: access of somebody was ended, seen to be so, and the case goes on.
func set(t *testing.T) *scene {
	w := newWorld(t, 3, storetest.Folder(t))
	w.people, w.pending, w.plot = nil, nil, plot{span: time.Hour}
	w.profile = profile{pends: true}
	s := &scene{world: w, who: &person{leaver: somebody("J1", "Asia/Kolkata")}, vendor: w.vendors["directory"]}
	w.people = []*person{s.who}
	s.vendor.hire("J1", 0)
	s.account = s.vendor.accounts["directory-J1-0"]
	s.spec, _ = s.vendor.system.Can(exeunt.Disable)
	day := exeunt.Date(time.Now().AddDate(0, 0, -1).Format(time.DateOnly))
	d := exeunt.Departure{Leaver: s.who.leaver, Type: exeunt.Voluntary, LastDay: day, TerminationDate: day}
	s.who.newest = said{event: "J1-1", Trigger: exeunt.Trigger{Kind: exeunt.Announced, Departure: d}}
	now := time.Now()
	plan, err := w.Plan(exeunt.Case{ID: 1, Handle: store.Random(16), Generation: 1, Departure: d}, now)
	must(t, err)
	change := plan.Open(exeunt.Trigger{Source: authority, EventID: "J1-1", Departure: d}, "", now)
	must(t, w.store.Commit(t.Context(), &change))
	w.done(t, s, now)
	_, err = w.store.Outbox().Sequence(t.Context(), 1000)
	must(t, err)
	s.file, s.entries, s.log = w.file(1), w.entries(1), w.placed()
	s.with = connector.Parameters{Case: 1, Leaver: s.who.leaver, IdempotencyKey: "h-directory-disable"}
	return s
}

// done lets the directory's disable be done and seen.
func (w *world) done(t *testing.T, s *scene, now time.Time) {
	steps, err := w.store.Steps(t.Context(), 1)
	must(t, err)
	step := steps[slices.IndexFunc(steps, func(s exeunt.Step) bool { return s.Key == "directory-disable" })]
	before := s.vendor.look(s.account)
	change := step.Intend(exeunt.Account{ID: s.account.id}, before, now)
	must(t, w.store.Commit(t.Context(), &change))
	deed := s.account.deed(exeunt.Disable)
	s.account.before["C-1directory-disable"] = maps.Clone(s.account.has)
	s.account.request(1, exeunt.Disable, false).effects++
	deed.holds, deed.shown, s.account.has["enabled"] = true, now, nil
	after := s.vendor.look(s.account)
	change = change.Steps[0].Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed, Account: exeunt.Account{ID: s.account.id}, Changed: true, Seen: after.Facts, Snapshot: before.Snapshot}, now)
	must(t, w.store.Commit(t.Context(), &change))
	deed.looks, deed.worked, deed.sawUndone = 1, true, true // and is to be looked at once more before anything
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *scene) step(key string) *exeunt.Step {
	return &s.file.Steps[slices.IndexFunc(s.file.Steps, func(s exeunt.Step) bool { return s.Key == key })]
}

func (s *scene) says(kind exeunt.EntryKind, step string, detail map[string]string) {
	s.entries = append(s.entries, store.EntryRow{Number: 1000, Entry: exeunt.Entry{Kind: kind, Case: 1, Step: step, Actor: "engine", At: time.Now(), Detail: detail}})
}

// judge lets every judge look at the scene.
func (s *scene) judge() []string {
	f := s.file
	s.checkReplay(f, s.entries)
	s.checkOverrides(f, s.entries)
	s.checkTwoPeople(f)
	s.checkFailures(f, s.entries)
	s.checkSecrets(s.entries)
	s.checkCoverage(f)
	s.checkZone(f.Case)
	s.checkParallel(f, s.entries)
	for _, step := range f.Steps {
		s.checkSeen(f, step)
		s.checkUndo(f, step)
	}
	s.checkFollows(f, []store.CaseFile{f, s.before})
	s.checkTrigger([]store.CaseFile{f})
	s.checkMail([]store.CaseFile{f})
	log := s.checkLedger(s.log)
	s.checkFuse(log)
	s.checkStays([]store.CaseFile{f}, log)
	s.checkWave(log)
	if s.apply {
		s.judgeApply(s.vendor, s.account, s.spec, s.account.deed(s.spec.Action), s.account.request(1, s.spec.Action, s.with.Undo), s.with)
		s.judgeAct(f, s.entries, s.vendor, s.account, s.spec, s.with)
	}
	return s.broken
}

// tells puts an entry into the log as if the engine had.
func (s *scene) tells(kind exeunt.EntryKind, of exeunt.CaseID, detail map[string]string) {
	e := exeunt.Entry{Kind: kind, Case: of, Wave: exeunt.WaveID(len(detail["wave"])), Actor: authority, Detail: detail}
	n := int64(len(s.log))
	s.log = append(s.log, exeunt.Record{N: n, Body: e.Body(), Leaf: fmt.Appendf(nil, `{"n":%d,"case":"x%d","commit":"%s"}`, n, n, exeunt.Commitment([32]byte{}, e.Body()))})
}

// TestTheJudgesSee holds that each invariant's judge speaks when it is broken, and that all are silent when none is.
func TestTheJudgesSee(t *testing.T) {
	for name, c := range map[string]struct {
		invariant int
		spoil     func(*scene)
	}{
		"nothing is wrong":                {0, func(*scene) {}},
		"a second source opened the case": {1, func(s *scene) { s.file.Case.Source = beside }},
		"a second source changed the case": {1, func(s *scene) {
			e := exeunt.Change{}
			e.RecordBy(beside, exeunt.EntryAlert, s.file.Case, time.Now(), "x", nil)
			must(s.t, s.store.Commit(context.Background(), &e))
		}},
		"a system is left out": {2, func(s *scene) {
			s.file.Steps = slices.DeleteFunc(s.file.Steps, func(p exeunt.Step) bool { return p.System == "files" })
		}},
		"a task for no reason": {2, func(s *scene) {
			s.file.Tasks[slices.IndexFunc(s.file.Tasks, func(k exeunt.Task) bool { return k.Coverage != "" })].Reason = ""
		}},
		"confirmed, and nobody saw it": {3, func(s *scene) { s.account.deed(exeunt.Disable).everSeen = false }},
		"confirmed, and it is not so":  {3, func(s *scene) { s.account.deed(exeunt.Disable).holds = false }},
		"acknowledged, and never asked for": {3, func(s *scene) {
			p := s.step("directory-revoke-sessions")
			p.State, p.Account = exeunt.StepAcknowledged, exeunt.Account{ID: s.account.id}
			s.says(exeunt.EntryAcknowledged, p.Key, nil)
		}},
		"acted without a look":            {4, func(s *scene) { s.apply = true; s.account.deed(exeunt.Disable).looks = 0 }},
		"acted although it was seen done": {4, func(s *scene) { s.apply = true; s.account.deed(exeunt.Disable).sawUndone = false }},
		"acted without a second look": {4, func(s *scene) {
			s.apply = true
			r := s.account.request(1, exeunt.Disable, false)
			r.sent, r.answered = 1, true
		}},
		"acted without an intent": {4, func(s *scene) {
			s.apply = true
			s.entries = slices.DeleteFunc(s.entries, func(e store.EntryRow) bool { return e.Kind == exeunt.EntryIntent })
		}},
		"acted without a key": {4, func(s *scene) { s.apply = true; s.with.IdempotencyKey = "" }},
		"repeated blindly": {4, func(s *scene) {
			s.apply = true
			s.spec.Repeatable, s.spec.Proof = false, exeunt.Acknowledged
			s.account.request(1, exeunt.Disable, false).sent = 1
		}},
		"failed, and no task":             {5, func(s *scene) { s.says(exeunt.EntryFailed, "files-transfer-data", map[string]string{"task": "nobody"}) }},
		"failed, and nobody has the task": {5, func(s *scene) { s.step("files-transfer-data").State = exeunt.StepFailed }},
		"nobody was told of a task": {5, func(s *scene) {
			k := &s.file.Tasks[0]
			k.State, k.Steps, k.OpenedAt, k.ClosedAt = exeunt.TaskDone, []string{"x"}, time.Now().Add(-2*time.Hour), time.Now()
		}},
		"a state that nobody recorded":        {6, func(s *scene) { s.step("files-transfer-data").State = exeunt.StepConfirmed }},
		"a task done that nobody recorded":    {6, func(s *scene) { s.file.Tasks[0].State = exeunt.TaskDone }},
		"closed, and the record does not say": {6, func(s *scene) { s.file.Case.ClosedAt = time.Now() }},
		"the record does not begin":           {6, func(s *scene) { s.entries = s.entries[1:] }},
		"an entry is missing in the log":      {6, func(s *scene) { s.log = slices.Delete(s.log, 1, 2) }},
		"two entries are exchanged":           {6, func(s *scene) { s.log[1], s.log[2] = s.log[2], s.log[1] }},
		"an entry was changed":                {6, func(s *scene) { s.log[1].Body = append(slices.Clone(s.log[1].Body), ' ') }},
		"an unrepeatable thing again":         {7, func(s *scene) { s.apply = true; s.spec.Repeatable = false }},
		"acted for a held case":               {7, func(s *scene) { s.apply = true; s.file.Case.State = exeunt.CaseHeld }},
		"acted for a case taken back":         {7, func(s *scene) { s.apply = true; s.file.Case.State = exeunt.CaseRescinded }},
		"HR's word is lost":                   {7, func(s *scene) { s.who.newest.Departure.LastDay = "2031-01-01" }},
		"who stays is leaving":                {7, func(s *scene) { s.who.newest.Kind = exeunt.Rescinded }},
		"who is back is leaving":              {7, func(s *scene) { s.who.newest.Kind = exeunt.Rehired }},
		"begun late for no reason":            {8, func(s *scene) { p := s.step("directory-disable"); p.BegunAt = p.StartsAt.Add(time.Second) }},
		"data destroyed under a legal hold":   {9, func(s *scene) { s.apply, s.spec.Destructive, s.file.Case.LegalHold = true, true, &exeunt.LegalHold{} }},
		"what was there is not recorded":      {10, func(s *scene) { s.step("directory-disable").Snapshot = nil }},
		"put back, and it is not back":        {10, func(s *scene) { p := s.step("directory-disable"); p.Undoes = "x" }},
		"released without a reason":           {11, func(s *scene) { s.says(exeunt.EntryReleased, "", map[string]string{"by": "Priya Nair"}) }},
		"waived by nobody":                    {11, func(s *scene) { s.step("files-transfer-data").State = exeunt.StepWaived }},
		"a dangerous step waived by one": {11, func(s *scene) {
			s.step("directory-remove-groups").State = exeunt.StepWaived
			s.says(exeunt.EntryWaived, "directory-remove-groups", decided())
		}},
		"confirmed by who asked":     {11, func(s *scene) { s.file.Case.Overrides = []exeunt.Deviation{deviation(decision, time.Hour)} }},
		"confirmed after it expired": {11, func(s *scene) { s.file.Case.Overrides = []exeunt.Deviation{deviation(seconded, -time.Hour)} }},
		"done without its approval":  {11, func(s *scene) { s.apply = true; s.step("directory-disable").Approval = &exeunt.Approval{} }},
		"the fuse released by one": {11, func(s *scene) {
			s.tells(exeunt.EntryFuseReleased, 0, map[string]string{"fuse": "F-1", "by": "a", "asked_by": "a", "reason": "r"})
		}},
		"begun under the fuse": {11, func(s *scene) {
			s.tells(exeunt.EntryHeld, 2, map[string]string{"fuse": "F-1"})
			s.tells(exeunt.EntryIntent, 2, nil)
		}},
		"more of the held are released than was said": {11, func(s *scene) {
			s.tells(exeunt.EntryHeld, 2, map[string]string{"fuse": "F-1"})
			s.tells(exeunt.EntryHeld, 3, map[string]string{"fuse": "F-1"})
			s.tells(exeunt.EntryFuseReleased, 0, map[string]string{"fuse": "F-1", "cases": "C-3", "by": "a", "asked_by": "b", "reason": "r"})
			s.tells(exeunt.EntryReleased, 2, nil)
		}},
		"who stays is cut as drift": {7, func(s *scene) {
			s.tells(exeunt.EntryRehired, 1, nil)
			s.tells(exeunt.EntryOpened, 1, map[string]string{"follows": "C-1"})
		}},
		"what was never done is cut again": {7, func(s *scene) {
			s.before.Case.ID, s.file.Case.Follows = 9, 9
			s.before.Steps = slices.DeleteFunc(slices.Clone(s.file.Steps), func(p exeunt.Step) bool { return p.Key == "directory-disable" })
		}},
		"released under the fuse": {11, func(s *scene) {
			s.tells(exeunt.EntryHeld, 2, map[string]string{"fuse": "F-1"})
			s.tells(exeunt.EntryReleased, 2, nil)
		}},
		"more than the fuse lets through": {11, func(s *scene) { s.fuse = exeunt.Fuse{Departures: 1, Window: 48 * time.Hour}; s.anotherLeaves() }},
		"a wave approved by its maker": {11, func(s *scene) {
			s.tells(exeunt.EntryWaveMade, 0, map[string]string{"wave": "1", "by": "a"})
			s.tells(exeunt.EntryWaveApproved, 0, map[string]string{"wave": "1", "by": "a"})
		}},
		"a wave that nobody approved": {11, func(s *scene) { s.tells(exeunt.EntryWaveReleased, 0, map[string]string{"wave": "1", "people": "1"}) }},
		"the wrong hour":              {12, func(s *scene) { s.file.Case.CutOff = s.file.Case.CutOff.Add(5 * time.Hour) }},
		"access cut early":            {12, func(s *scene) { s.apply = true; s.file.Case.CutOff = time.Now().Add(time.Minute) }},
		"a secret in an entry":        {13, func(s *scene) { s.says(exeunt.EntryAlert, "", map[string]string{"reason": canary}) }},
		"a secret in a message":       {13, func(s *scene) { s.mail = []letter{{notice: exeunt.Notice{Text: canary}}} }},
		"a secret in the log file":    {13, func(s *scene) { _, _ = watched{s.world}.Write([]byte(canary)) }},
		"looked at under embargo":     {13, func(s *scene) { s.embargo(); s.mayTouch("J2", "looked at") }},
		"written to about an embargo": {13, func(s *scene) { c := s.embargo(); s.deliver(exeunt.Notice{To: hr}, c) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := set(t)
				defer s.store.Close()
				c.spoil(s)
				got := s.judge()
				want := fmt.Sprintf("invariant %d: ", c.invariant)
				if c.invariant == 0 && len(got) > 0 || c.invariant > 0 && !slices.ContainsFunc(got, func(b string) bool { return strings.HasPrefix(b, want) }) {
					t.Errorf("the judges say %q", got)
				}
			})
		})
	}
}

func decided() map[string]string {
	return map[string]string{"by": decision.By, "reason": decision.Reason}
}

// deviation is an override that somebody has confirmed, a while before it expired.
func deviation(by exeunt.Override, before time.Duration) exeunt.Deviation {
	now := time.Now()
	return exeunt.Deviation{State: exeunt.DeviationDone, Request: exeunt.Request{Override: decision, Expires: now.Add(before)}, Second: &by, SecondAt: now}
}

// anotherLeaves lets a second person leave by HR's word.
func (s *scene) anotherLeaves() {
	s.opens("J2", nil)
	_, err := s.store.Outbox().Sequence(context.Background(), 1000)
	must(s.t, err)
	s.log = s.placed()
}

// embargo lets somebody leave in secret.
func (s *scene) embargo() exeunt.Case {
	return s.opens("J2", &exeunt.EmbargoTerms{Until: time.Now().Add(time.Hour).Format(time.RFC3339), VisibleTo: []string{secret.Email}})
}

func (s *scene) opens(id string, embargo *exeunt.EmbargoTerms) exeunt.Case {
	day := exeunt.Date(time.Now().Format(time.DateOnly))
	d := exeunt.Departure{Leaver: somebody(id, "UTC"), Type: exeunt.Voluntary, LastDay: day, TerminationDate: day, Embargo: embargo}
	plan, err := s.Plan(exeunt.Case{ID: 2, Handle: store.Random(16), Generation: 1, Departure: d}, time.Now())
	must(s.t, err)
	change := plan.Open(exeunt.Trigger{Source: authority, EventID: id, Departure: d}, "", time.Now())
	must(s.t, s.store.Commit(context.Background(), &change))
	return *change.Case
}

// deliver lets a message go out at once.
func (s *scene) deliver(n exeunt.Notice, c exeunt.Case) {
	go func() { _ = mailer{s.world, &life{}}.Deliver(context.Background(), n, c, nil) }()
	s.turn.release(s.turn.settle()[0], verdict{})
	synctest.Wait()
}
