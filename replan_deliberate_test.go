package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var replanner = exeunt.Override{By: "Hera Lind", Account: "hera@acme.example", Reason: "the policy was mended"}

func TestPlanningAnewSaysWhatItChangesBeforeItDoes(t *testing.T) {
	f := started(t)
	f.work(monday.Add(2 * time.Hour))
	fresh := f.h.draft(t, f.c, leavingAs(exeunt.Layoff)) // other rules for the same departure
	fresh.Case.Departure, fresh.Case.PolicySet = f.c.Departure, "set-2"
	change, err := f.c.Replan(fresh, f.steps, f.tasks, replanner, f.h.now)
	if err != nil {
		t.Fatal(err)
	}
	preview := change.Replanning(f.c, f.steps, f.tasks)
	if preview.Policy != "standard" || preview.NewPolicy != "layoff" || preview.NewPolicyVersion != "l1" || preview.NewPolicySet != "set-2" {
		t.Errorf("it is said to go from %+v", preview)
	}
	said := map[string]string{}
	for _, d := range preview.Differences {
		said[d.Key] = d.Kind + " " + strings.Join(d.Changes, "; ")
	}
	for key, want := range map[string]string{"papers": "added", "hours": "removed", "directory-disable": "changed by "} {
		if !strings.HasPrefix(said[key], want) {
			t.Errorf("%s: %q, want %q", key, said[key], want)
		}
	}
	if _, ok := said["payroll-end-employment"]; ok {
		t.Error("what is done already is said to change")
	}
	f.keep(change)
	f.expect("planned anew", begun(map[string]string{"papers": "open", "hours": "withdrawn", "payroll-schedule-final-pay": "scheduled 26-03-31 17:00"}))
	if f.c.Policy != "layoff" || f.c.PolicySet != "set-2" || f.c.Departure.Type != exeunt.Voluntary {
		t.Errorf("the case is planned by %s of %s, as %s", f.c.Policy, f.c.PolicySet, f.c.Departure.Type)
	}
	entry := f.last.Entries[0]
	if entry.Kind != exeunt.EntryReplanned || entry.Actor != "Hera Lind" || entry.Detail["reason"] != replanner.Reason || entry.Detail["policies"] != "set-2" {
		t.Errorf("the record says %+v", entry)
	}
	if reason := f.task("hours").Reason; !strings.HasPrefix(reason, "after the case was planned anew the policy is layoff") {
		t.Errorf("the task was withdrawn since %q", reason)
	}
	again, err := f.c.Replan(fresh, f.steps, f.tasks, replanner, f.h.now)
	if err != nil || len(again.Differences(f.c, f.steps, f.tasks)) > 0 {
		t.Errorf("planned anew twice it changes %+v, %v", again.Differences(f.c, f.steps, f.tasks), err)
	}
}

// Planning anew changes nothing about the departure, so that what a person has answered about it is not asked again.
func TestPlanningAnewDoesNotHoldWhatAPersonLetGo(t *testing.T) {
	d := leavingAs(exeunt.Voluntary)
	d.LastDay, d.TerminationDate = "2024-01-31", "2024-01-31"
	f := newHouse().open(t, d)
	if f.c.State != exeunt.CaseHeld {
		t.Fatalf("with a last day two years ago it is %s", f.c.State)
	}
	released, err := f.c.Release(f.steps, f.tasks, replanner, f.h.now)
	if err != nil {
		t.Fatal(err)
	}
	f.keep(released)
	change, err := f.c.Replan(f.h.draft(t, f.c, f.c.Departure), f.steps, f.tasks, replanner, f.h.now)
	if err != nil {
		t.Fatal(err)
	}
	f.keep(change)
	if f.c.State != exeunt.CaseRunning {
		t.Errorf("planned anew it is %s", f.c.State)
	}
	f.amend(func(d *exeunt.Departure) { d.LastDay, d.TerminationDate = "2024-02-01", "2024-02-01" })
	if f.c.State != exeunt.CaseHeld {
		t.Errorf("with another day that HR gives it is %s", f.c.State)
	}
}

func TestWhoMayBePlannedAnew(t *testing.T) {
	f := started(t)
	fresh := f.h.draft(t, f.c, leavingAs(exeunt.Voluntary))
	if _, err := f.c.Replan(fresh, f.steps, f.tasks, exeunt.Override{By: "Hera"}, f.h.now); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	over, follows := f.c, f.c
	over.State, over.ClosedAt = exeunt.CaseClosed, f.h.now
	follows.Follows = 7
	for _, c := range []exeunt.Case{over, follows} {
		if _, err := c.Replan(fresh, f.steps, f.tasks, replanner, f.h.now); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s, following %s: %v", c.State, c.Follows, err)
		}
	}
	if slices.ContainsFunc(f.last.Entries, func(e exeunt.Entry) bool { return e.Kind == exeunt.EntryReplanned }) {
		t.Error("a refusal is on record as done")
	}
}
