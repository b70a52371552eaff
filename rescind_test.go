package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var stays = exeunt.Trigger{Source: "hr", EventID: "e9", Kind: exeunt.Rescinded}

func (f *file) rescind() {
	f.t.Helper()
	change, err := f.c.Rescind(stays, f.h.inventory, f.steps, f.tasks, f.h.now)
	if err != nil {
		f.t.Fatal(err)
	}
	f.keep(change)
}

func TestBeforeTheCutARescissionOnlyCancels(t *testing.T) {
	h := newHouse()
	h.inventory = h.inventory[:2] // nothing is done at once
	f := h.open(t, leavingAs(exeunt.Voluntary))
	f.rescind()
	f.expect("taken back", map[string]string{"directory-disable": "cancelled", "directory-remove-groups": "cancelled", "chat-check": "withdrawn", "hours": "withdrawn", "purge": "withdrawn"})
	if f.c.State != exeunt.CaseRescinded || len(f.last.Notices) != 0 {
		t.Errorf("%s, %d notices", f.c.State, len(f.last.Notices))
	}
}

func TestWhatAConnectorDidIsPutBackInReverseOrder(t *testing.T) {
	f := cut(t)
	f.rescind()
	f.expect("taken back", map[string]string{
		"directory-disable": "confirmed", "directory-remove-groups": "confirmed", "chat-check": "done", "door-by-hand": "done", "payroll-end-employment": "confirmed",
		"payroll-schedule-final-pay": "cancelled", "hours": "withdrawn", "purge": "withdrawn",
		"directory-remove-groups-undo": "ready", "directory-disable-undo": "waiting", "put-back": "open",
	})
	groups, account := f.step("directory-remove-groups-undo"), f.step("directory-disable-undo")
	if groups.Undoes != "directory-remove-groups" || groups.Action != exeunt.RemoveGroups || groups.Account.ID != "a1" || !slices.Equal(groups.Snapshot["was"], []string{"here"}) || groups.Owner != owner {
		t.Errorf("it puts back %+v", groups)
	}
	if len(account.After) != 1 || account.After[0].Key != groups.Key || groups.Order >= account.Order {
		t.Errorf("the account comes back after %v", account.After)
	}
	if list := f.task("put-back").Checklist; len(list) != 2 || list[0] != "payroll: Do end employment" || list[1] != "door: end access by hand, done by Max" {
		t.Errorf("by hand: %q", list)
	}
	f.detail("put_back", "directory-remove-groups; directory-disable")
	f.wasTold("put-back", hilde.Email)
	f.do("directory-remove-groups-undo")
	f.do("directory-disable-undo")
	if got := f.step("directory-disable-undo"); got.State != exeunt.StepConfirmed || got.Proof != exeunt.Observed || !slices.Equal(got.Snapshot["was"], []string{"here"}) {
		t.Errorf("%+v", got)
	}
}

func TestOnlyWhatWeDidIsPutBack(t *testing.T) {
	for name, c := range map[string]struct {
		until func(*file)
		want  exeunt.StepState // of the undo of disabling; "" for none
		item  string
	}{
		"done by us":        {func(f *file) { f.do("directory-disable") }, exeunt.StepReady, ""},
		"found so already":  {func(f *file) { f.keep(f.step("directory-disable").Finish(exeunt.Outcome{Kind: exeunt.Done}, f.h.now)) }, "", ""},
		"answer unknown":    {func(f *file) { f.intend("directory-disable") }, exeunt.StepReady, ""},
		"failed after it":   {func(f *file) { f.intend("directory-disable"); f.fail("directory-disable") }, exeunt.StepReady, ""},
		"failed before it":  {func(f *file) { f.fail("directory-disable") }, "", ""},
		"waived after it":   {func(f *file) { f.intend("directory-disable"); f.waive("directory-disable") }, exeunt.StepReady, ""},
		"done by hand":      {func(f *file) { f.fail("directory-disable"); f.complete("directory-disable-by-hand") }, "", "directory: Do disable, done by hand by Max"},
		"not to be undone":  {func(f *file) { f.do("directory-disable"); f.h.inventory[0].Actions[0].Reversible = false }, "", "directory: Do disable"},
		"nothing recorded":  {func(f *file) { f.do("directory-disable"); f.h.inventory[0].Actions[0].Takes = []string{"else"} }, "", "directory: Do disable"},
		"not live any more": {func(f *file) { f.intend("directory-disable"); f.h.inventory[0].Stage = exeunt.Manual }, "", "directory: Do disable may have taken effect: look"},
		"no longer there":   {func(f *file) { f.do("directory-disable"); f.h.inventory = f.h.inventory[1:] }, "", "directory: Do disable"},
	} {
		f := started(t)
		f.h.now = afterCutOff(f)
		c.until(f)
		f.rescind()
		i := slices.IndexFunc(f.steps, func(s exeunt.Step) bool { return s.Undoes == "directory-disable" })
		switch {
		case i < 0 && c.want != "":
			t.Errorf("%s: it is not put back", name)
		case i >= 0 && f.steps[i].State != c.want:
			t.Errorf("%s: the step that puts it back is %s, want %q", name, f.steps[i].State, c.want)
		}
		if list := f.task("put-back").Checklist; (c.item != "") != slices.Contains(list, c.item) || c.item == "" && len(list) != 1 {
			t.Errorf("%s: by hand %q, want %q", name, list, c.item)
		}
		for _, task := range f.tasks {
			if task.Open() && task.Key != "put-back" {
				t.Errorf("%s: %s is still open", name, task.Key)
			}
		}
		for _, s := range f.steps {
			if s.Undoes == "" && !s.State.Settled() {
				t.Errorf("%s: %s is still %s", name, s.Key, s.State)
			}
		}
	}
}

func (f *file) waive(key string) {
	f.t.Helper()
	f.step(key)
	for i := range f.steps {
		f.steps[i].Tier = 3 // of no high risk: one person is enough
	}
	change, err := f.c.Waive(key, f.steps, f.tasks, hilde, exeunt.Override{By: "Ida", Reason: "not needed any more"}, 0, f.h.now)
	if err != nil {
		f.t.Fatal(err)
	}
	f.keep(change)
}

func TestWhatCannotBePutBackBecomesATaskWithWhatWasThere(t *testing.T) {
	f := cut(t)
	f.rescind()
	f.fail("directory-remove-groups-undo")
	task := f.task("directory-remove-groups-undo-by-hand")
	if !strings.Contains(task.Title, "undo: do remove groups by hand") || !slices.Equal(task.Checklist, []string{"was: here"}) || !strings.Contains(task.Procedure, "Put back by hand") || task.Owner != owner {
		t.Errorf("%+v", task)
	}
	f.complete(task.Key)
	if got := f.step("directory-remove-groups-undo").State; got != exeunt.StepAttested {
		t.Errorf("done by hand it is %s", got)
	}
	if got := f.step("directory-disable-undo").State; got != exeunt.StepReady {
		t.Errorf("what waited for it is %s", got)
	}
	cutting := exeunt.Step{Case: 1, Key: "x", System: "directory", SystemTitle: "directory", Title: "Disable"}
	both := exeunt.GiveUpAll([]exeunt.Step{cutting, f.step("directory-disable-undo")}, troubled(exeunt.GaveUp, exeunt.Denied), f.h.now)
	if len(both.Tasks) != 2 || len(both.Steps) != 2 || len(both.Entries) != 2 || len(both.Tasks[0].Steps) != 1 {
		t.Errorf("one task for ending and for putting back: %+v", both.Tasks)
	}
}

func TestAClosedCaseIsPutBackByACaseOfItsOwn(t *testing.T) {
	f := cut(t)
	closed, err := f.c.Close(f.h.now)
	if err != nil {
		t.Fatal(err)
	}
	later := f.h.now.Add(48 * time.Hour)
	change, ok := closed.Case.PutBack(2, "h2", stays, f.h.inventory, f.steps, f.tasks, later)
	back := change.Case
	if !ok || back.ID != 2 || back.Handle != "h2" || back.PutsBack != 1 || back.State != exeunt.CaseRescinded || !back.Open() || back.Version != 0 || back.Generation != 1 {
		t.Fatalf("%t %+v", ok, back)
	}
	if e := change.Entries[0]; e.Kind != exeunt.EntryOpened || e.Case != 2 || e.Detail["puts_back"] != "C-1" {
		t.Errorf("it begins with %+v", e)
	}
	for _, s := range change.Steps {
		if s.Case != 2 || s.Undoes == "" || s.Snapshot == nil || !s.Deadline.After(later) {
			t.Errorf("%+v", s)
		}
	}
	if len(change.Steps) != 2 || len(change.Tasks) != 1 || change.Tasks[0].Case != 2 {
		t.Errorf("%d steps, %d tasks", len(change.Steps), len(change.Tasks))
	}
	if _, ok := closed.Case.PutBack(2, "h2", stays, f.h.inventory, nil, nil, later); ok {
		t.Error("there was nothing to put back")
	}
}

// A visit that was under way when the departure was taken back may act after the undo has looked.
func TestWhatTakesEffectAfterItWasTakenBackIsPutBackAgain(t *testing.T) {
	did := exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed, Changed: true}
	f := started(t)
	f.h.now = afterCutOff(f)
	f.intend("directory-disable")
	visited := f.step("directory-disable")
	f.rescind()
	f.keep(f.step("directory-disable-undo").Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed}, f.h.now)) // it found it open
	change := f.c.Overtaken(visited, did, f.steps, f.h.now)
	f.keep(change)
	if s := f.step("directory-disable-undo"); s.State != exeunt.StepReady || s.Attempt != 0 || !s.SettledAt.IsZero() || change.Entries[0].Kind != exeunt.EntryOvertaken {
		t.Errorf("the undo is %s; %+v", s.State, change.Entries)
	}
	if again := f.c.Overtaken(visited, did, f.steps, f.h.now); len(again.Steps) != 0 {
		t.Error("an undo that has not looked yet is touched")
	}
	if task := f.c.Overtaken(visited, did, nil, f.h.now); len(task.Tasks) != 1 || len(task.Notices) != 1 {
		t.Error("without an undo nobody is asked")
	}
	closed, err := f.c.Close(f.h.now)
	if err != nil {
		t.Fatal(err)
	}
	if sealed := closed.Case.Overtaken(visited, did, f.steps, f.h.now); sealed.Entries[0].Case != 0 || sealed.Entries[0].About != 1 || len(sealed.Notices) != 1 {
		t.Errorf("the record of a closed case is written to: %+v", sealed.Entries)
	}
}

func TestWhatAnUndoOpensAfterTheNextDepartureHasEndedItIsLookedAtAgain(t *testing.T) {
	f := cut(t)
	undo := exeunt.Step{Case: 7, Key: "directory-disable-undo", Undoes: "directory-disable", System: "directory", SystemTitle: "directory", Action: exeunt.Disable}
	change, ok := f.c.LookAgain(undo, f.steps, f.h.now)
	if !ok || len(change.Steps) != 1 || change.Steps[0].Key != "directory-disable" || change.Steps[0].State != exeunt.StepReady || !change.Steps[0].SettledAt.IsZero() || len(change.Entries) != 1 {
		t.Errorf("%t %+v", ok, change)
	}
	f.rescind()
	if _, ok := f.c.LookAgain(undo, f.steps, f.h.now); ok {
		t.Error("a departure that was taken back ends access again")
	}
}

// A look for drift that began before a departure was taken back would cut again what is right from then on: every step
// that is looked at gets a new version, so that the two collide.
func TestALookUnderWayCollidesWithARescission(t *testing.T) {
	f := cut(t)
	change := must(f.c.Rescind(stays, f.h.inventory, f.steps, f.tasks, f.h.now))
	n := 0
	for _, s := range f.steps {
		if s.State == exeunt.StepConfirmed && s.Proof == exeunt.Observed {
			n++
			if !slices.ContainsFunc(change.Steps, func(o exeunt.Step) bool { return o.Key == s.Key && o.State == s.State && o.Version == s.Version }) {
				t.Errorf("%s is not saved", s.Key)
			}
		}
	}
	if n == 0 {
		t.Error("nothing is looked at: the test shows nothing")
	}
}

// Access that has not ended when somebody is back must not end then.
func TestAccessOfSomebodyWhoIsBackIsLeftAlone(t *testing.T) {
	back := exeunt.Trigger{Source: "hr", Kind: exeunt.Rehired}
	f := started(t)
	f.h.now = afterCutOff(f).AddDate(0, 0, 3)
	f.intend("directory-disable")
	back.Departure.Leaver.HiredOn = "2026-05-01" // weeks ahead: until then it is right that access ends
	later := must(f.c.Rehire(back, f.steps, f.tasks, f.h.now))
	if len(later.Steps) != 1 || later.Steps[0].State != exeunt.StepConfirmed || later.Case.State != exeunt.CaseRehired || len(later.Tasks) != 1 {
		t.Errorf("before they are back nothing changes, and what is confirmed is saved so that a look for drift collides: %+v", later.Steps)
	}
	back.Departure.Leaver.HiredOn = "2026-04-02"
	f.keep(must(f.c.Rehire(back, f.steps, f.tasks, f.h.now)))
	for key, want := range map[string]exeunt.StepState{"directory-disable": exeunt.StepCancelled, "directory-remove-groups": exeunt.StepCancelled, "payroll-end-employment": exeunt.StepConfirmed, "payroll-schedule-final-pay": exeunt.StepWaiting} {
		if got := f.step(key).State; got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	if got := f.task("rehired-2"); !slices.Equal(got.Checklist, []string{"directory: Do disable may have taken effect: look"}) {
		t.Errorf("the case owner looks at %q", got.Checklist)
	}
	if f.task("door-by-hand").State != exeunt.TaskWithdrawn || f.task("hours").State != exeunt.TaskOpen {
		t.Errorf("the door is %s, the hours are %s", f.task("door-by-hand").State, f.task("hours").State)
	}
}

// What was decided, or asked, about the record of a closed case is not decided about that of the next one.
func TestACaseThatGoesOnFromAnotherTakesOverItsFactsOnly(t *testing.T) {
	f := cut(t)
	closed := *must(f.c.Close(f.h.now)).Case
	ask := must(exeunt.Ask(lea, time.Hour, f.h.now))
	closed.Erasure, closed.EraseAsk = &exeunt.Erasure{DecidedAt: f.h.now}, &ask
	closed.Overrides = []exeunt.Deviation{{N: 1, Kind: exeunt.DeviateWaive, State: exeunt.DeviationDone}}
	closed.LegalHold = &exeunt.LegalHold{Override: ana, Owner: hilde, Since: f.h.now, Ask: &ask}
	closed.Embargo = &exeunt.Embargo{Until: f.h.now, EndedAt: f.h.now}
	back, ok := closed.PutBack(2, "h2", stays, f.h.inventory, f.steps, f.tasks, f.h.now)
	again, _ := exeunt.CutAgainAnew(closed, closed, f.steps[:1], 2, "h2", f.h.now)
	if !ok {
		t.Fatal("there was nothing to put back")
	}
	for name, next := range map[string]*exeunt.Case{"puts back": back.Case, "cuts again": again.Case} {
		if next.Erasure != nil || next.EraseAsk != nil || len(next.Overrides) > 0 || next.LegalHold == nil || next.LegalHold.Ask != nil {
			t.Errorf("the case that %s is born with %+v, %+v, %+v, %+v", name, next.Erasure, next.EraseAsk, next.Overrides, next.LegalHold)
		}
		if next.LegalHold.By != ana.By || next.Embargo == nil || next.Policy != closed.Policy || next.PolicyVersion != closed.PolicyVersion || next.Owner != closed.Owner ||
			next.Leaver().ID != closed.Leaver().ID || next.CutOffClock != closed.CutOffClock || next.Handle != "h2" || !next.OpenedAt.Equal(f.h.now) || !next.Open() {
			t.Errorf("the case that %s lacks something: %+v", name, next)
		}
	}
	if closed.LegalHold.Ask == nil {
		t.Error("the request about the closed case is gone")
	}
}

// A step that is looked at again since an undo took effect after it is looked at for drift again, too.
func TestWhatIsDoneAgainIsLookedAtForDriftAgain(t *testing.T) {
	f := cut(t)
	undo := exeunt.Step{Case: 7, Key: "directory-disable-undo", Undoes: "directory-disable", System: "directory", SystemTitle: "directory", Action: exeunt.Disable}
	f.keep(f.c.EndLooks(f.steps, "for good", f.h.now))
	if _, looks := f.step("directory-disable").DueAt(); looks {
		t.Fatal("the looks have not ended")
	}
	change, _ := f.c.LookAgain(undo, f.steps, f.h.now)
	f.keep(change)
	f.keep(f.step("directory-disable").Finish(exeunt.Outcome{Kind: exeunt.Done, Proof: exeunt.Observed}, f.h.now))
	if at, looks := f.step("directory-disable").DueAt(); !looks || !at.Equal(f.h.now.Add(24*time.Hour)) {
		t.Errorf("the next look is at %s", at)
	}
}
