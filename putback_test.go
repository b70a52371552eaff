package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

const groups, ungroups = "directory-remove-groups", "directory-remove-groups-undo"

func (f *file) putBack(key string) {
	f.t.Helper()
	change, err := f.c.PutBackStep(key, f.h.inventory, f.steps, f.tasks, exeunt.Override{By: "Hilde", Reason: "they work on for a while"}, f.h.now)
	if err != nil {
		f.t.Fatal(err)
	}
	f.keep(change)
}

// dropped is a departure after its cut-off whose new type leaves the groups alone, and whose owner has them put back.
func dropped(t *testing.T) *file {
	f := cut(t)
	f.amend(func(d *exeunt.Departure) { d.Type = exeunt.Retirement })
	f.putBack(groups)
	return f
}

func (f *file) has(key string) bool {
	return slices.ContainsFunc(f.steps, func(s exeunt.Step) bool { return s.Key == key })
}

// What was put back since the plan had left it out is not done any more when the plan asks for it again.
func TestWhatWasPutBackIsDoneAgainWhenThePlanAsksForItAgain(t *testing.T) {
	for name, c := range map[string]struct {
		undo  func(*file)
		again bool
	}{
		"put back":            {func(f *file) { f.do(ungroups) }, true},
		"being put back":      {func(f *file) { f.intend(ungroups) }, true},
		"failed half way":     {func(f *file) { f.intend(ungroups); f.fail(ungroups) }, true},
		"overridden half way": {func(f *file) { f.intend(ungroups); f.waive(ungroups) }, true},
		"never put back":      {func(f *file) { f.waive(ungroups) }, false},
	} {
		f := dropped(t)
		c.undo(f)
		f.amend(func(d *exeunt.Departure) { d.Type = exeunt.Voluntary })
		if again := f.has(groups + "-again-3"); again != c.again {
			t.Errorf("%s: it is done again: %t", name, again)
			continue
		}
		if !c.again {
			continue
		}
		if s := f.step(groups + "-again-3"); s.State != exeunt.StepReady || s.Account.ID != "a1" {
			t.Errorf("%s: it is %s in the account %q", name, s.State, s.Account.ID)
		}
		if asked := f.last.Tasks; slices.ContainsFunc(asked, func(t exeunt.Task) bool { return slices.Contains(t.Offers, groups) }) {
			t.Errorf("%s: somebody is asked whether it is put back", name)
		}
		if u := f.step(ungroups); !u.State.Settled() && !u.TooLate(f.steps, f.h.now) {
			t.Errorf("%s: the undo, which is %s, would open it again", name, u.State)
		}
	}
}

func TestNobodyIsAskedTwiceAboutWhatWasPutBack(t *testing.T) {
	f := dropped(t)
	f.do(ungroups)
	f.amend(lastDay("2026-04-30"))
	if offers := f.task("decide-3").Offers; slices.Contains(offers, groups) || !slices.Contains(offers, "directory-disable") {
		t.Errorf("it is asked about %q", offers)
	}
	f.amend(func(d *exeunt.Departure) { d.Type = exeunt.Voluntary })
	if s := f.step(groups + "-again-4"); s.State != exeunt.StepScheduled || slices.ContainsFunc(f.last.Tasks, func(t exeunt.Task) bool { return slices.Contains(t.Offers, groups) }) {
		t.Errorf("it is %s", s.State)
	}
}

// later is a departure that was moved by a month after it was done, and whose owner has the groups put back until then.
func later(t *testing.T) *file {
	f := cut(t)
	f.amend(lastDay("2026-04-30"))
	f.putBack(groups)
	return f
}

// A rescission does not take for put back what was not, and leaves nothing to nobody.
func TestARescissionFindsWhatWasNotPutBack(t *testing.T) {
	for name, c := range map[string]struct {
		undo func(*file)
		want exeunt.StepState // of the undo after the rescission
		item string
	}{
		"put back":   {func(f *file) { f.do(ungroups) }, exeunt.StepConfirmed, ""},
		"waits":      {func(*file) {}, exeunt.StepReady, ""},
		"failed":     {func(f *file) { f.fail(ungroups) }, exeunt.StepCancelled, "directory: Do remove groups could not be put back before: look"},
		"overridden": {func(f *file) { f.fail(ungroups); f.waive(ungroups) }, exeunt.StepWaived, "directory: Do remove groups could not be put back before: look"},
		"gave way": {func(f *file) {
			f.keep(exeunt.GiveWay([]exeunt.Step{f.step(ungroups)}, f.tasks, "its new time has come", f.h.now))
		}, exeunt.StepReady, ""},
	} {
		f := later(t)
		c.undo(f)
		before := f.step(ungroups).Version
		f.rescind()
		undo := f.step(ungroups)
		if undo.State != c.want {
			t.Errorf("%s: the undo is %s, want %s", name, undo.State, c.want)
		}
		if name == "gave way" && (undo.Version != before+1 || !undo.SettledAt.IsZero() || undo.Reason != "") {
			t.Errorf("%s: not the same step goes on: %+v", name, undo)
		}
		listed := slices.ContainsFunc(f.task("put-back").Checklist, func(item string) bool { return strings.Contains(item, "remove groups") })
		if listed != (c.item != "") || listed && !slices.Contains(f.task("put-back").Checklist, c.item) {
			t.Errorf("%s: by hand %q, want %q", name, f.task("put-back").Checklist, c.item)
		}
		for _, s := range f.steps {
			if s.State == exeunt.StepFailed {
				t.Errorf("%s: %s has failed, and nobody is asked about it", name, s.Key)
			}
		}
	}
}

func TestAnUndoGivesWayWithItsTask(t *testing.T) {
	f := later(t)
	f.fail(ungroups)
	if f.step(ungroups).TooLate(f.steps, f.h.now) {
		t.Error("it gives way before the new time")
	}
	f.h.now = f.step(groups + "-again-2").StartsAt
	if !f.step(ungroups).TooLate(f.steps, f.h.now) || f.step(groups).TooLate(f.steps, f.h.now) {
		t.Error("it does not give way at the new time")
	}
	f.keep(exeunt.GiveWay([]exeunt.Step{f.step(ungroups)}, f.tasks, "its new time has come", f.h.now))
	if u, task := f.step(ungroups), f.task(ungroups+"-by-hand"); u.State != exeunt.StepSkipped || task.State != exeunt.TaskWithdrawn || task.Reason != "its new time has come" {
		t.Errorf("the undo is %s, its task %s: %q", u.State, task.State, task.Reason)
	}
}

// Whoever found that access came back has read the open case before somebody took it back.
func TestWhatCameBackJoinsACaseOnlyAsItWasRead(t *testing.T) {
	f := cut(t)
	older := must(f.c.Close(f.h.now)).Case
	open := f.c
	open.ID, open.Version, open.Follows = 2, 4, 1
	joined, ended := exeunt.CutAgainIn(open, *older, f.steps[:1], f.h.now.Add(24*time.Hour))
	if joined.Case == nil || joined.Case.ID != 2 || joined.Case.Version != 4 || len(joined.Steps) != 1 || len(ended.Steps) != 1 {
		t.Errorf("joined %+v", joined.Case)
	}
}
