package exeunt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestWhatTheFuseLetsThrough(t *testing.T) {
	count := exeunt.Fuse{Departures: 3, Window: time.Hour}
	share := exeunt.Fuse{Window: 24 * time.Hour, Headcount: 200, Percent: 2}
	both := exeunt.Fuse{Departures: 10, Window: time.Hour, Headcount: 200, Percent: 2}
	listed := exeunt.Fuse{Protected: []string{"7"}}
	for _, c := range []struct {
		name   string
		fuse   exeunt.Fuse
		leaver exeunt.Leaver
		others int
		kind   exeunt.TripKind
		why    string
	}{
		{"the last that fits", count, exeunt.Leaver{}, 2, "", ""},
		{"one too many", count, exeunt.Leaver{}, 3, exeunt.TripMass, "more than 3 departures within 1 h"},
		{"the last of the share", share, exeunt.Leaver{}, 3, "", ""},
		{"beyond the share", share, exeunt.Leaver{}, 4, exeunt.TripMass, "more than 2% of 200 people within 1 d"},
		{"the smaller limit counts", both, exeunt.Leaver{}, 4, exeunt.TripMass, "more than 2% of 200 people within 1 h"},
		{"one alone is never too many", exeunt.Fuse{Headcount: 10, Percent: 1, Window: time.Hour}, exeunt.Leaver{}, 0, "", ""},
		{"a share without a headcount", exeunt.Fuse{Percent: 1, Window: time.Hour}, exeunt.Leaver{}, 99, "", ""},
		{"no fuse at all", exeunt.Fuse{}, exeunt.Leaver{}, 99, "", ""},
		{"on the list", listed, exeunt.Leaver{ID: "7"}, 0, exeunt.TripProtected, "protected"},
		{"not on the list", listed, exeunt.Leaver{ID: "8"}, 0, "", ""},
		{"flagged", exeunt.Fuse{}, exeunt.Leaver{ID: "8", Flags: []exeunt.Flag{exeunt.Protected}}, 0, exeunt.TripProtected, "protected"},
	} {
		got := c.fuse.Judge(c.leaver, c.others)
		if got.Kind != c.kind || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func tripped(t *testing.T) exeunt.Trip {
	t.Helper()
	change := exeunt.Verdict{Kind: exeunt.TripMass, Why: "more than 3 departures within 1 h"}.Blow(1, 5, hilde, monday)
	if len(change.Notices) != 1 || change.Notices[0].To != hilde || change.Notices[0].Case != 0 || change.Entries[0].Kind != exeunt.EntryTripped || change.Trip.Case != 0 {
		t.Fatalf("%+v", change)
	}
	return *change.Trip
}

func TestTheFuseIsReleasedByTwoPeople(t *testing.T) {
	trip := tripped(t)
	lea := exeunt.Override{By: "Lea Roth", Account: "lea@x.example", Reason: "agreed with the board"}
	if _, err := trip.Confirm(lea, nil, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("confirmed what nobody asked for: %v", err)
	}
	asked, err := trip.AskRelease(ana, 0, monday)
	if err != nil || asked.Trip.State != exeunt.TripOpen || asked.Entries[0].Actor != ana.By {
		t.Fatalf("%v %+v", err, asked.Trip)
	}
	if _, err := asked.Trip.AskRelease(lea, 0, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("asked twice: %v", err)
	}
	again := exeunt.Override{By: "Ana S.", Account: "ANA@x.example", Reason: "I am sure of myself"}
	if _, err := asked.Trip.Confirm(again, nil, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("one person did both: %v", err)
	}
	if _, err := asked.Trip.Confirm(lea, nil, monday.Add(exeunt.RequestLasts)); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "expired") {
		t.Errorf("confirmed after it had expired: %v", err)
	}
	if _, err := asked.Trip.Confirm(exeunt.Override{By: "Lea", Reason: "ok"}, nil, monday); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("confirmed without a reason: %v", err)
	}
	released, err := asked.Trip.Confirm(lea, nil, monday.Add(time.Hour))
	if err != nil || released.Trip.State != exeunt.TripReleased || !released.Trip.RemindAt.IsZero() {
		t.Fatalf("%v %+v", err, released.Trip)
	}
	if e := released.Entries[0]; e.Actor != lea.By || e.Detail["asked_by"] != ana.By || e.Detail["reason"] != lea.Reason || e.Detail["asked_reason"] != ana.Reason {
		t.Errorf("%+v", e)
	}
	for _, decide := range []func() (exeunt.Change, error){
		func() (exeunt.Change, error) { return released.Trip.Confirm(lea, nil, monday) },
		func() (exeunt.Change, error) { return released.Trip.Reject(lea, monday) },
		func() (exeunt.Change, error) { return released.Trip.AskRelease(lea, 0, monday) },
	} {
		if _, err := decide(); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("decided twice: %v", err)
		}
	}
}

func TestARejectedTripCanStillBeReleased(t *testing.T) {
	trip := tripped(t)
	rejected, err := trip.Reject(ana, monday)
	if err != nil || rejected.Trip.State != exeunt.TripRejected || rejected.Entries[0].Actor != ana.By {
		t.Fatalf("%v %+v", err, rejected.Trip)
	}
	if _, ok := rejected.Trip.Remind(hilde, monday.Add(100*time.Hour)); ok {
		t.Error("a decided trip is chased")
	}
	asked, err := rejected.Trip.AskRelease(ana, time.Hour, monday)
	if err != nil || asked.Trip.State != exeunt.TripOpen || asked.Trip.RemindAt.IsZero() {
		t.Errorf("%v %+v", err, asked.Trip)
	}
}

func TestAnUndecidedTripIsChased(t *testing.T) {
	trip := tripped(t)
	if _, ok := trip.Remind(hilde, monday.Add(59*time.Minute)); ok {
		t.Error("chased too soon")
	}
	operator := exeunt.Person{Name: "Olga", Email: "olga@x.example"}
	told, ok := trip.Remind(operator, monday.Add(time.Hour))
	if !ok || len(told.Notices) != 2 || told.Notices[1].To != operator || !told.Trip.RemindAt.Equal(monday.Add(5*time.Hour)) {
		t.Errorf("%v %+v", ok, told)
	}
}

func TestOnePersonCannotReleaseACaseThatTheFuseHolds(t *testing.T) {
	c, steps, tasks := running(t)
	trip := tripped(t)
	opening := exeunt.Change{Case: &c, Notices: []exeunt.Notice{{}}}.Tripped(trip, monday)
	if opening.Case.State != exeunt.CaseHeld || opening.Case.Fuse != 1 || opening.Case.Hold != trip.Why || len(opening.Notices) != 0 {
		t.Fatalf("%+v", opening.Case)
	}
	if c.Fuse != 0 {
		t.Error("the case given was changed")
	}
	if _, err := opening.Case.Release(steps, tasks, ana, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("released by one: %v", err)
	}
	if _, err := opening.Case.ReleaseFused(trip, steps, tasks, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("let go by a trip that is not released: %v", err)
	}
	trip.State, trip.Decision = exeunt.TripReleased, &ana
	released, err := opening.Case.ReleaseFused(trip, steps, tasks, monday)
	if err != nil || released.Case.State == exeunt.CaseHeld || released.Case.Fuse != 0 || released.Entries[0].Actor != ana.By {
		t.Errorf("%v %+v", err, released.Case)
	}
}

// A doubtful departure that comes with a mass of others stays doubtful when those are let go.
func TestADoubtOutlastsTheFuse(t *testing.T) {
	c, steps, tasks := running(t)
	c.State, c.Hold = exeunt.CaseHeld, "the last day lies in the far past"
	trip := tripped(t)
	held := exeunt.Change{Case: &c}.Tripped(trip, monday).Case
	trip.State, trip.Decision = exeunt.TripReleased, &ana
	released, err := held.ReleaseFused(trip, steps, tasks, monday)
	if err != nil || released.Case.State != exeunt.CaseHeld || released.Case.Hold != c.Hold || released.Case.Fuse != 0 {
		t.Fatalf("%v %+v", err, released.Case)
	}
	if _, err := released.Case.Release(steps, tasks, ana, monday); err != nil {
		t.Errorf("one person releases what is doubtful: %v", err)
	}
}

func TestARequestLastsAsLongAsItSays(t *testing.T) {
	for lasts, ok := range map[time.Duration]bool{0: true, time.Minute: true, 7 * 24 * time.Hour: true, time.Second: false, 8 * 24 * time.Hour: false, -time.Hour: false} {
		if _, err := exeunt.Ask(ana, lasts, monday); (err == nil) != ok {
			t.Errorf("%s: %v", lasts, err)
		}
	}
}

func TestChosenCasesAreReleasedAndTheOthersStayHeld(t *testing.T) {
	trip := tripped(t)
	held := []exeunt.Case{{ID: 4, State: exeunt.CaseHeld, Fuse: 1}, {ID: 5, State: exeunt.CaseHeld, Fuse: 1}, {ID: 7, State: exeunt.CaseHeld, Fuse: 1, Embargo: &exeunt.Embargo{Until: monday.AddDate(0, 1, 0)}}}
	ids := []exeunt.CaseID{4, 5, 7}
	for name, only := range map[string][]exeunt.CaseID{"not held": {9}, "secret": {4, 7}} {
		if _, err := trip.Choose(held, only); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := trip.Choose(held, make([]exeunt.CaseID, 200)); exeunt.KindOf(err) != exeunt.Conflict { // the same one two hundred times
		t.Errorf("of one case: %v", err)
	}
	many := make([]exeunt.CaseID, exeunt.MostChosen+1)
	for i := range many {
		many[i] = exeunt.CaseID(i + 1)
	}
	if _, err := trip.Choose(held, many); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("too many: %v", err)
	}
	only, err := trip.Choose(held, []exeunt.CaseID{5, 4, 5})
	if err != nil || len(only) != 2 {
		t.Fatalf("%v %v", only, err)
	}
	asked := must(trip.AskRelease(ana, 0, monday, only...))
	if e := asked.Entries[0]; e.What != "Ana Silva asks to release C-4, C-5 of F-1" || e.Detail["cases"] != "C-4, C-5" || !strings.Contains(asked.Notices[0].Text, "C-4, C-5 of F-1") {
		t.Errorf("%+v", e)
	}
	if _, err := asked.Trip.Confirm(lea, ids[2:], monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("none of them is held any more: %v", err)
	}
	some := must(asked.Trip.Confirm(lea, ids[1:], monday)) // HR has taken the first one back
	if got := some.Trip; got.State != exeunt.TripOpen || got.Request != nil || len(got.Asked) > 0 || len(got.LetGo) != 1 || got.LetGo[0] != 5 || !got.RemindAt.After(monday) || some.Entries[0].Detail["cases"] != "C-5" {
		t.Errorf("%+v %+v", got, some.Entries[0])
	}
	if _, err := held[0].ReleaseFused(*some.Trip, nil, nil, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("the other one goes on, too: %v", err)
	}
	if change, err := held[1].ReleaseFused(*some.Trip, nil, nil, monday); err != nil || change.Case.State == exeunt.CaseHeld || change.Entries[0].Actor != lea.By {
		t.Errorf("the chosen one stays held: %v", err)
	}
	last := must(asked.Trip.Confirm(lea, ids[:2], monday))
	if last.Trip.State != exeunt.TripReleased || !last.Trip.RemindAt.IsZero() {
		t.Errorf("with the last of its cases the trip is %s", last.Trip.State)
	}
	if rejected := must(asked.Trip.Reject(ana, monday)); len(rejected.Trip.Asked) > 0 {
		t.Errorf("a rejected trip is asked for %v", rejected.Trip.Asked)
	}
}

func TestARejectedTripWaitsForTheOpenOne(t *testing.T) {
	trip := must(tripped(t).Reject(ana, monday)).Trip
	open := exeunt.Trip{ID: 2, Kind: exeunt.TripMass, State: exeunt.TripOpen}
	if err := trip.Reopens(&open); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "decide on F-2 first") {
		t.Errorf("%v", err)
	}
	if err := trip.Reopens(nil); err != nil {
		t.Error(err)
	}
	if err := open.Reopens(&open); err != nil {
		t.Error(err)
	}
}
