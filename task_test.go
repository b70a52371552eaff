package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func asked() exeunt.Task {
	return exeunt.Task{ID: 311, Case: 1, Key: "return-assets", State: exeunt.TaskOpen, Title: "Take back the computer", Owner: owner,
		Checklist: []string{"computer", "badge", "phone"}, StartsAt: noon, Deadline: noon.Add(10 * 24 * time.Hour), DeadlineRule: moment("start + 10d")}
}

func TestATaskIsCompletedInSomebodysName(t *testing.T) {
	change, err := asked().Complete(nil, []int{2, 0, 2, 9, -1}, "  phone is lost ", "Max Boss", noon)
	if err != nil {
		t.Fatal(err)
	}
	task := change.Tasks[0]
	if task.State != exeunt.TaskDone || task.DoneBy != "Max Boss" || !slices.Equal(task.Ticked, []int{0, 2}) || task.Note != "phone is lost" || !task.ClosedAt.Equal(noon) {
		t.Errorf("%+v", task)
	}
	if e := change.Entries[0]; e.Kind != exeunt.EntryTaskDone || e.Actor != "Max Boss" || !strings.Contains(e.What, "1 open items") {
		t.Errorf("%+v", e)
	}
	if _, err := asked().Complete(nil, nil, "", " ", noon); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("completed by nobody: %v", err)
	}
}

func TestOnlyAnOpenTaskCanBeChanged(t *testing.T) {
	by := exeunt.Override{By: "Ida", Reason: "on leave until May"}
	for _, state := range []exeunt.TaskState{exeunt.TaskDone, exeunt.TaskWithdrawn, exeunt.TaskWaiting} {
		task := asked()
		task.State = state
		if _, err := task.Complete(nil, nil, "", "Max", noon); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s is completed: %v", state, err)
		}
		if _, err := task.Save(nil, "", "Max", noon); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s is saved: %v", state, err)
		}
		if _, ok := task.Remind(hilde, noon); ok {
			t.Errorf("%s is reminded", state)
		}
		if _, err := task.Reassign(hilde, by, noon); (exeunt.KindOf(err) == exeunt.Conflict) != (state != exeunt.TaskWaiting) {
			t.Errorf("%s is reassigned: %v", state, err)
		}
	}
	change, err := asked().Save([]int{1}, "half", "Max", noon)
	if err != nil || change.Tasks[0].State != exeunt.TaskOpen || len(change.Entries) != 1 {
		t.Errorf("%v %+v", err, change)
	}
	change, err = asked().Reassign(hilde, by, noon)
	if err != nil || change.Tasks[0].Owner != hilde || change.Notices[0].To != hilde || change.Entries[0].Actor != "Ida" {
		t.Errorf("%v %+v", err, change)
	}
	if _, err := asked().Reassign(exeunt.Person{Role: "it"}, by, noon); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("handed to nobody: %v", err)
	}
}

func TestRemindersComeBeforeTheDeadlineAndThenReachTheCaseOwner(t *testing.T) {
	task := asked()
	at := task.RemindAt()
	if !at[0].Equal(task.Deadline.Add(-48*time.Hour)) || !at[1].After(task.Deadline) {
		t.Errorf("reminders at %v", at)
	}
	short := asked()
	short.Deadline = noon.Add(4 * time.Hour)
	if at := short.RemindAt(); !at[0].Equal(noon.Add(2 * time.Hour)) {
		t.Errorf("a short task is first reminded at %v", at[0])
	}
	first, ok := task.Remind(hilde, at[0])
	if !ok || len(first.Notices) != 1 || first.Notices[0].Kind != exeunt.NoticeReminder || first.Tasks[0].Reminded != 1 {
		t.Errorf("%+v", first)
	}
	if next, due := first.Tasks[0].ReminderAt(); !due || !next.Equal(at[1]) {
		t.Errorf("reminded next at %s", next)
	}
	late, _ := first.Tasks[0].Remind(hilde, at[1])
	if len(late.Notices) != 2 || late.Notices[0].To != owner || late.Notices[1].To != hilde || late.Notices[0].Kind != exeunt.NoticeLate || late.Notices[0].Dedup == late.Notices[1].Dedup {
		t.Errorf("%+v", late.Notices)
	}
	if next, due := late.Tasks[0].ReminderAt(); due {
		t.Errorf("reminded for ever: again at %s", next)
	}
}

func TestIDsAreReadAsPeopleSayThem(t *testing.T) {
	for _, s := range []string{"T-311", "t-311", " 311 "} {
		if id, err := exeunt.ParseTaskID(s); err != nil || id != 311 || id.String() != "T-311" {
			t.Errorf("%q is %v, %v", s, id, err)
		}
	}
	for _, s := range []string{"C-2041", "c-2041", "2041"} {
		if id, err := exeunt.ParseCaseID(s); err != nil || id != 2041 || id.String() != "C-2041" {
			t.Errorf("%q is %v, %v", s, id, err)
		}
	}
	for _, s := range []string{"", "C-", "C-0", "C--1", "T-1", "1e3"} {
		if id, err := exeunt.ParseCaseID(s); err == nil {
			t.Errorf("%q is %v", s, id)
		}
	}
}
