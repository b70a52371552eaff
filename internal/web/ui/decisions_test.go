package ui

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func because(reason string) url.Values { return url.Values{"reason": {reason}} }

func TestACaseIsHeldAndReleasedOnItsPage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const page = "/cases/C-2050"
		says(t, send(h, "hr", page, nil), 200, "Hold the case", "action=\"/cases/C-2050/hold\"", "not:Release the case")
		says(t, send(h, "it", page, nil), 200, "not:Hold the case")
		says(t, send(h, "it", page+"/hold", because("the date is disputed")), 403)
		says(t, send(h, "hr", page+"/hold", because("so")), 422, "at least 10 characters")
		if r := send(h, "hr", page+"/hold", because("the date is disputed")); r.Code != 303 || w.files[2050].Case.State != exeunt.CaseHeld {
			t.Fatalf("%d %s", r.Code, w.files[2050].Case.State)
		}
		says(t, send(h, "hr", page, nil), 200, "The case is held by Priya Nair.", "The date is disputed.", "nobody is reminded until it is released", "Release the case", "not:Hold the case")
		says(t, send(h, "it", page, nil), 200, "The case is held by Priya Nair.", "not:disputed", "not:Release the case")
		says(t, send(h, "hr", page+"/hold", because("the date is disputed")), 409, "held already")
		says(t, send(h, "it", page+"/release", because("it is settled now")), 403)
		if r := send(h, "hr", page+"/release", because("it is settled now")); r.Code != 303 || w.files[2050].Case.State != exeunt.CaseRunning {
			t.Errorf("%d %s", r.Code, w.files[2050].Case.State)
		}
	})
}

func TestTheFuseIsDecidedByTwoPeopleOnItsPage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		blown := exeunt.Verdict{Kind: exeunt.TripMass, Why: "more than 10 departures within 1 h"}.Blow(1, 0, exeunt.Person{Name: "Priya Nair"}, w.now)
		w.trips = []exeunt.Trip{*blown.Trip}
		f := w.files[2050]
		f.Case = *exeunt.Change{Case: &f.Case}.Tripped(*blown.Trip, w.now).Case
		w.files[2050] = f
		const page = "/fuse/F-1"
		says(t, send(h, "hr", "/", nil), 200, "The fuse has tripped.", "More than 10 departures within 1 h. 1 case is held.", "href=\"/fuse/F-1\"", "Decide")
		says(t, send(h, "hr", "/cases/C-2050", nil), 200, "The case is held by the fuse.", "href=\"/fuse/F-1\"", "not:Release the case", "not:Hold the case")
		says(t, send(h, "it", page, nil), 200, "Needs a decision", "not:Ask for the release")
		says(t, send(h, "it", page+"/release", because("the Austin site closes")), 403)
		says(t, send(h, "manager", page, nil), 404)
		says(t, send(h, "hr", "/fuse/F-9", nil), 404)
		says(t, send(h, "hr", page, nil), 200, "Ask for the release", "Keep them held", "C-2050")
		says(t, send(h, "hr", page+"/release", because("so")), 422, "at least 10 characters", ">so</textarea>", "aria-invalid")
		says(t, send(h, "hr", page+"/release", because("the Austin site closes")), 303)
		says(t, send(h, "hr", page, nil), 200, "Waits for a second person", "You asked for the release, so another person has to confirm it.", "not:Confirm the release")
		says(t, send(h, "hr", page+"/confirm", because("the Austin site closes")), 403, "this needs two people, administrators too")
		says(t, send(h, "legal", "/", nil), 200, "Priya Nair asks for the release; another person has to confirm it.")
		says(t, send(h, "legal", page, nil), 200, "Priya Nair: the Austin site closes", "Confirm the release")
		says(t, send(h, "legal", page+"/confirm", because("agreed with the board")), 303)
		says(t, send(h, "legal", page, nil), 200, "Released", "Ana Kofi: agreed with the board", "not:Confirm the release", "not:Keep them held")
		says(t, send(h, "legal", page+"/reject", because("agreed with the board")), 409, "already")
		says(t, send(h, "hr", "/", nil), 200, "not:The fuse has tripped")
	})
}

func TestSomeOfTheHeldCasesAreReleasedOnThePage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		blown := exeunt.Verdict{Kind: exeunt.TripMass, Why: "more than 10 departures within 1 h"}.Blow(1, 0, exeunt.Person{Name: "Priya Nair"}, w.now)
		w.trips = []exeunt.Trip{*blown.Trip}
		var ids []exeunt.CaseID
		for _, id := range slices.Sorted(maps.Keys(w.files))[:3] {
			f := w.files[id]
			f.Case = *exeunt.Change{Case: &f.Case}.Tripped(*blown.Trip, w.now).Case
			w.files[id], ids = f, append(ids, id)
		}
		secret := w.files[ids[2]]
		secret.Case.Embargo = &exeunt.Embargo{Until: w.now.AddDate(0, 0, 3), VisibleTo: []string{"priya.nair@northwind.example"}}
		w.files[ids[2]] = secret
		const page = "/fuse/F-1"
		box := func(id exeunt.CaseID) string {
			return `type="checkbox" form="release" name="case" value="` + id.String() + `"`
		}
		says(t, send(h, "hr", page, nil), 200, box(ids[0]), box(ids[1]), "not:"+box(ids[2]), "Choose cases in the list")
		says(t, send(h, "it", page, nil), 200, "not:checkbox")
		one := because("so")
		one.Set("case", ids[0].String())
		says(t, send(h, "hr", page+"/release", one), 422, "at least 10 characters", box(ids[0])+` aria-label="Choose `+ids[0].String())
		says(t, send(h, "hr", page+"/release", one), 422, " checked")
		one.Set("reason", "this one is right")
		says(t, send(h, "hr", page+"/release", one), 303)
		says(t, send(h, "hr", page, nil), 200, "not:checkbox", "<dt>About</dt><dd>"+ids[0].String()+"</dd>")
		says(t, send(h, "legal", page, nil), 200, ids[0].String()+" goes on at once; the others stay held.")
		says(t, send(h, "legal", page+"/confirm", because("agreed with the board")), 303)
		says(t, send(h, "legal", page, nil), 200, "Needs a decision", "<dt>Released alone</dt><dd>"+ids[0].String()+"</dd>", "Ana Kofi: agreed with the board")
		one.Set("case", "everyone")
		says(t, send(h, "hr", page+"/release", one), 422)
	})
}

func TestAnEmbargoIsShownChangedAndEndedOnThePage(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const page = "/cases/C-2050"
		f := w.files[2050]
		until := w.now.AddDate(0, 0, 3)
		f.Case.Embargo = &exeunt.Embargo{Until: until, VisibleTo: []string{"priya.nair@northwind.example"}}
		w.files[2050] = f
		says(t, send(h, "hr", page, nil), 200, "Under embargo until "+at(until, f.Case.Zone())+".", "Only these people can see it: priya.nair@northwind.example.", "Reveal the case", "Change the embargo")
		says(t, send(h, "it", page, nil), 200, "Under embargo", "not:Reveal the case", "not:Change the embargo")
		says(t, send(h, "it", page+"/reveal", because("it is known by now")), 403)
		says(t, send(h, "hr", page+"/reveal", because("so")), 422, "at least 10 characters")
		later := because("the council meets later")
		later.Set("embargo.until", until.AddDate(0, 0, 1).In(f.Case.Zone()).Format("2006-01-02T15:04"))
		later.Set("embargo.visible_to", "eva@northwind.example; tom@northwind.example")
		if r := send(h, "hr", page+"/embargo", later); r.Code != 303 || len(w.files[2050].Case.Embargo.VisibleTo) != 3 || !w.files[2050].Case.Embargo.Until.After(until) {
			t.Fatalf("%d %+v", r.Code, w.files[2050].Case.Embargo)
		}
		if r := send(h, "hr", page+"/reveal", because("it is known by now")); r.Code != 303 || w.files[2050].Case.Embargoed() {
			t.Errorf("%d %+v", r.Code, w.files[2050].Case.Embargo)
		}
		says(t, send(h, "hr", page, nil), 200, "not:Under embargo")
	})
}

func TestACaseIsStartedUnderEmbargo(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		form := url.Values{"leaver.name": {"Eva Lind"}, "leaver.id": {"E-1"}, "leaver.zone": {"Europe/Berlin"}, "type": {"layoff"}, "last_day": {"2026-11-30"}, "reason": {"decided by the board"}}
		form.Set("embargo.until", "2026-11-28T09:00")
		says(t, send(h, "hr", "/cases", form), 422, "at least one person who may see the case", "id=\"embargo.visible_to-err\"", "2026-11-28T09:00")
		form.Set("embargo.visible_to", "priya.nair@northwind.example")
		if r := send(h, "hr", "/cases", form); r.Code != 303 || len(w.started) != 1 || w.started[0].Embargo == nil || w.started[0].Embargo.Until != "2026-11-28T09:00" {
			t.Errorf("%d, started %+v", r.Code, w.started)
		}
	})
}

// approving gives a case a step that waits for approval, and the task that asks for it.
func (w *world) approving(owner exeunt.Person) exeunt.Task {
	f := w.files[2050]
	s := f.Steps[0]
	s.Key, s.Title, s.SystemTitle, s.State, s.Branch, s.SettledAt = "drive-wipe", "Wipe the drive", "Drive", exeunt.StepHeld, "Access", time.Time{}
	s.Approval = &exeunt.Approval{Role: owner.Role, Owner: owner, For: "it loses data"}
	s.Holds = []exeunt.StepHold{{Kind: exeunt.HoldApproval, Reason: "waits for the approval of " + owner.String() + ": it loses data", Owner: owner, Since: w.now}}
	s.Reason = s.Holds[0].Reason
	f.Steps = append(slices.Clone(f.Steps), s)
	t := exeunt.Task{ID: 999, Case: 2050, Key: "approve-it", Version: 1, State: exeunt.TaskOpen, Asks: exeunt.AsksApproval, Approves: []string{s.Key}, Checklist: []string{"Drive: wipe the drive"},
		Branch: "Access", Owner: owner, Title: "Approve Drive: wipe the drive", Reason: "it loses data", StartsAt: w.now, Deadline: w.now.Add(4 * time.Hour)}
	f.Tasks = append(slices.Clone(f.Tasks), t)
	w.files[2050] = f
	return t
}

func TestASecondPersonApprovesOnThePages(t *testing.T) {
	for _, at := range []string{"/tasks/T-999", "/cases/C-2050/steps/drive-wipe"} {
		inNovember(t, func(t *testing.T, w *world, h http.Handler) {
			w.approving(exeunt.Person{Name: "Ines Roth", Email: "ines.roth@northwind.example", Role: "it"})
			says(t, send(h, "it", "/cases/C-2050", nil), 200, "Ines Roth: approve Drive: wipe the drive.", "It loses data.", "action=\"/tasks/T-999/approve\"", "Waits for approval")
			says(t, send(h, "it", "/cases/C-2050/steps/drive-wipe", nil), 200, "Approve", "Reject", "Waits for the approval of Ines Roth")
			says(t, send(h, "it", "/tasks?sel=T-999", nil), 200, "Approve", "Reject", "not:Complete")
			says(t, send(h, "hr", "/cases/C-2050", nil), 200, "not:/tasks/T-999/approve")
			says(t, send(h, "hr", "/tasks?sel=T-999", nil), 200, "A decision is asked of Ines Roth.")
			says(t, send(h, "hr", at+"/approve", because("it is right to do so")), 403)
			says(t, send(h, "auditor", at+"/approve", because("it is right to do so")), 403)
			says(t, send(h, "it", at+"/approve", because("so")), 422, "at least 10 characters")
			says(t, send(h, "it", "/tasks/T-999", url.Values{"act": {"complete"}, "version": {"1"}}), 403)
			says(t, send(h, "it", at+"/approve", because("it is right to do so")), 303)
			f := w.files[2050]
			if s := f.Steps[len(f.Steps)-1]; s.State == exeunt.StepHeld || s.Approval.By.By != "Ines Roth" {
				t.Errorf("%s: %+v", at, s)
			}
			says(t, send(h, "it", at+"/reject", because("it is wrong after all")), 409)
		})
	}
}

func TestALegalHoldAndItsReleaseOnThePages(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const page = "/cases/C-2050"
		says(t, send(h, "hr", page, nil), 200, "not:Place the legal hold")
		says(t, send(h, "hr", page+"/legal-hold", because("a law suit is coming")), 403)
		says(t, send(h, "legal", page, nil), 200, "Place the legal hold")
		says(t, send(h, "legal", page+"/legal-hold", because("a law suit is coming")), 303)
		says(t, send(h, "it", page, nil), 200, "A legal hold keeps all data.", "Access is cut all the same.", "not:law suit", "not:Ask for the release")
		says(t, send(h, "legal", page, nil), 200, "Ana Kofi: A law suit is coming.", "Ask for the release", "not:Place the legal hold")
		says(t, send(h, "legal", page+"/legal-release", because("the suit is settled")), 303)
		says(t, send(h, "legal", page, nil), 200, "Confirm the release of the legal hold", "Overrides", "Waits for a second person", "Ana Kofi: the suit is settled")
		ask := w.files[2050].Tasks[len(w.files[2050].Tasks)-1]
		says(t, send(h, "legal", "/tasks/"+ask.ID.String()+"/approve", because("the suit is settled")), 403, "this needs two people, administrators too")
		says(t, send(h, "hr", "/tasks/"+ask.ID.String()+"/approve", because("the suit is settled")), 403)
		says(t, send(h, "admin", "/tasks/"+ask.ID.String()+"/approve", because("read the settlement")), 303)
		says(t, send(h, "legal", page, nil), 200, "In effect", "Dana Ortiz: read the settlement", "not:A legal hold keeps all data.", "Place the legal hold")
	})
}

func TestAnOverrideOfTheHighestRiskWaitsForASecondPerson(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const step = "/cases/C-2041/steps/snowflake-disable-user"
		f := w.files[2041]
		f.Steps = slices.Clone(f.Steps)
		f.Steps[6].Tier = 1
		w.files[2041] = f
		says(t, send(h, "it", step, nil), 200, "once another person confirms it, within a day")
		says(t, send(h, "it", step+"/waive", because("the account is a robot's")), 303)
		if got := w.files[2041].Steps[6].State; got != exeunt.StepFailed {
			t.Fatalf("one person made it %s", got)
		}
		ask := w.files[2041].Tasks[len(w.files[2041].Tasks)-1]
		says(t, send(h, "hr", "/cases/C-2041", nil), 200, "Confirm that Snowflake: disable user is left undone", "Waits for a second person")
		says(t, send(h, "payroll", "/cases/C-2041", nil), 200, "not:Snowflake")
		says(t, send(h, "it", "/tasks/"+ask.ID.String()+"/approve", because("I am quite sure")), 403)
		says(t, send(h, "hr", "/tasks/"+ask.ID.String()+"/approve", because("checked with the owner")), 303)
		if got := w.files[2041].Steps[6].State; got != exeunt.StepWaived {
			t.Errorf("two people left it %s", got)
		}
	})
}

func TestAStepIsPutBackWhereSomebodyIsAsked(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		f := w.files[2041]
		i := slices.IndexFunc(f.Steps, func(s exeunt.Step) bool { return s.State == exeunt.StepConfirmed })
		f.Steps = slices.Clone(f.Steps)
		f.Steps[i].AppliedAt = w.now
		s := f.Steps[i]
		page := "/cases/C-2041/steps/" + s.Key
		says(t, send(h, "it", page, nil), 200, "not:Why is it put back?")
		f.Tasks = append(slices.Clone(f.Tasks), exeunt.Task{ID: 999, Case: 2041, Key: "decide-2", Branch: "Tasks", State: exeunt.TaskOpen, Title: "Decide", Checklist: []string{s.Title}, Offers: []string{s.Key}})
		w.files[2041] = f
		says(t, send(h, "it", page, nil), 200, "Why is it put back?", page+"/put-back")
		says(t, send(h, "legal", page, nil), 200, "not:Why is it put back?")
		says(t, send(h, "auditor", page+"/put-back", because("they work another week")), 403)
		if got := send(h, "it", page+"/put-back", because("they work another week")); got.Code != 303 && !strings.Contains(got.Body.String(), "No connector can put back") {
			t.Errorf("it answers %d: %s", got.Code, got.Body)
		}
	})
}
