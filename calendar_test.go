package exeunt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var easter = exeunt.Calendar{Name: "easter", Holidays: []exeunt.Date{"2026-04-03", "2026-04-06"}}

func TestBusinessDaysAreThoseOfThePlaceOfWork(t *testing.T) {
	cases := []struct {
		start, deadline string
		lastDay         exeunt.Date
		calendar        *exeunt.Calendar
		wantStart, want string // at the place of work
	}{
		{"last-day", "last-day + 3bd", "2026-03-31", nil, "2026-03-31 17:00", "2026-04-03 17:00"},
		{"last-day", "last-day + 3bd", "2026-03-31", &easter, "2026-03-31 17:00", "2026-04-07 17:00"},
		{"last-day - 5bd", "last-day", "2026-03-31", nil, "2026-03-24 17:00", "2026-03-31 17:00"},
		{"last-day - 1bd", "start + 1bd", "2026-04-07", &easter, "2026-04-02 17:00", "2026-04-07 17:00"},
		{"last-day", "start + 1bd", "2026-04-04", &easter, "2026-04-04 17:00", "2026-04-07 17:00"}, // a Saturday
		{"last-day", "start + 1bd", "2026-04-02", &exeunt.Calendar{Weekend: []time.Weekday{time.Friday, time.Saturday}}, "2026-04-02 17:00", "2026-04-05 17:00"},
		{"cut-off + 1bd", "start + 4h", "2026-03-27", nil, "2026-03-30 17:00", "2026-03-30 21:00"}, // the clocks change in between
		{"trigger", "trigger + 2bd", "2026-03-31", nil, "2026-03-02 10:00", "2026-03-04 10:00"},
		{"termination-date", "termination-date + 1bd", "2026-03-31", nil, "2026-04-01 00:00", "2026-04-02 00:00"},
	}
	for _, c := range cases {
		rule := exeunt.Rule{Name: "r", Task: &exeunt.TaskPattern{Owner: "hr"}, Start: moment(c.start), Deadline: moment(c.deadline)}
		p := exeunt.Policy{Name: "p", Rules: []exeunt.Rule{rule}, Calendar: func() *exeunt.Calendar { return c.calendar }}
		d := leaving
		d.LastDay = c.lastDay
		plan, err := exeunt.Draft(p, exeunt.Case{ID: 1, Departure: d}, nil, someone, monday)
		if err != nil {
			t.Fatal(err)
		}
		at := func(when time.Time) string { return when.In(plan.Case.Zone()).Format("2006-01-02 15:04") }
		if task := plan.Tasks[0]; at(task.StartsAt) != c.wantStart || at(task.Deadline) != c.want {
			t.Errorf("%s until %s: %s until %s, want %s until %s", c.start, c.deadline, at(task.StartsAt), at(task.Deadline), c.wantStart, c.want)
		}
	}
}

func TestACaseKeepsTheCalendarOfItsBusinessDays(t *testing.T) {
	asked := 0
	p := modifiable()
	p.Calendar = func() *exeunt.Calendar { asked++; return &easter }
	if plan := draft(t, p, nil); plan.Case.Calendar != nil || asked != 0 {
		t.Errorf("a plan without business days keeps the calendar %v", plan.Case.Calendar)
	}
	p.Modifiers = []exeunt.Modifier{modifier("a", changed("return-assets", due("last-day + 3bd")))}
	plan := draft(t, p, nil)
	if plan.Case.Calendar == nil || !strings.Contains(plan.Text(), "business days by easter\n") || !strings.Contains(plan.Text(), "by 2026-04-07 17:00  task return-assets") {
		t.Errorf("the plan is counted by %v:\n%s", plan.Case.Calendar, plan.Text())
	}
	// What waits is counted by it when it is let go.
	task := plan.Tasks[0]
	task.State, task.DeadlineRule, task.StartsAt = exeunt.TaskWaiting, moment("start + 1bd"), time.Date(2026, 4, 1, 15, 0, 0, 0, time.UTC)
	task, _ = task.Unblock(plan.Case.Place(), time.Date(2026, 4, 2, 15, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 4, 7, 15, 0, 0, 0, time.UTC); !task.Deadline.Equal(want) {
		t.Errorf("it is due %s, want %s", task.Deadline, want)
	}
}

func TestACalendarOfHolidaysAloneComesToAnEnd(t *testing.T) {
	week := []time.Weekday{0, 1, 2, 3, 4, 5, 6}
	p := exeunt.Policy{Name: "p", Rules: []exeunt.Rule{{Name: "r", Task: &exeunt.TaskPattern{Owner: "hr"}, Start: moment("trigger"), Deadline: moment("start + 1bd")}},
		Calendar: func() *exeunt.Calendar { return &exeunt.Calendar{Weekend: week} }}
	draft(t, p, nil) // it returns
}
