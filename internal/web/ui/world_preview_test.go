package ui

import (
	"context"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// previewPolicy is a policy with a modifier, over the systems of the world.
func previewPolicy() exeunt.Policy {
	moment := func(text string) exeunt.Moment {
		var m exeunt.Moment
		_ = m.UnmarshalText([]byte(text))
		return m
	}
	cut := exeunt.Rule{Name: "cut-access", Title: "End access", Branch: "Access", Actions: []exeunt.Action{exeunt.Disable, exeunt.RevokeSessions, exeunt.RemoveGroups}, Start: moment("cut-off"), Deadline: moment("start + 30m"),
		Text: exeunt.ConditionTexts{Systems: `system.branch == "Access"`}, Systems: func(f exeunt.Facts) (bool, error) { return f.System.Branch == "", nil }}
	pay := exeunt.Rule{Name: "final-pay", Title: "Schedule final pay", Branch: "Payroll", Actions: []exeunt.Action{exeunt.EndEmployment}, Start: moment("last-day"), Deadline: moment("start + 2d"),
		Text: exeunt.ConditionTexts{Systems: `system.branch == "Payroll"`}, Systems: func(f exeunt.Facts) (bool, error) { return f.System.Branch == "Payroll", nil }, After: []exeunt.After{{Rule: "approve-hours", Because: "final pay is computed from the approved hours"}}}
	task := func(name, title, owner, start, deadline string) exeunt.Rule {
		return exeunt.Rule{Name: name, Title: title, Branch: "Tasks", Task: &exeunt.TaskPattern{Owner: owner}, Start: moment(start), Deadline: moment(deadline)}
	}
	later := moment("last-day + 14d")
	return exeunt.Policy{
		Name: "standard", Title: "Standard departure", Version: "a81f02c4d9e0", Set: "set-2", CutOff: "17:00", AccessSLA: 4 * time.Hour,
		Rules: []exeunt.Rule{cut, pay, task("approve-hours", "Approve the final timesheet", "manager", "last-day - 2d", "last-day"), task("return-assets", "Take back what belongs to the company", "manager", "last-day - 5d", "last-day")},
		Modifiers: []exeunt.Modifier{{Name: "on-leave", Version: "89e8260b7954", Because: "somebody on leave is not at work", Applies: func(f exeunt.Facts) (bool, error) { return f.Departure.Leaver.Has(exeunt.OnLeave), nil },
			Change: []exeunt.Adjustment{{Rule: "return-assets", Because: "it comes by post", Deadline: &later}}, Add: []exeunt.Rule{task("call", "Call them at home", "hr", "trigger", "start + 1d")}}},
	}
}

func (w *world) Preview(_ context.Context, d exeunt.Departure) (exeunt.Preview, error) {
	if d.Leaver.Zone == "" {
		d.Leaver.Zone = "America/Los_Angeles"
	}
	w.previewed = append(w.previewed, d)
	if err := d.Check(); err != nil {
		return exeunt.Preview{}, err
	}
	policy := previewPolicy()
	roles := func(role string, _ exeunt.Leaver) exeunt.Person {
		return exeunt.Person{Name: "The " + role, Email: role + "@northwind.example", Role: role}
	}
	systems := w.systems
	for i := range w.many {
		s := w.systems[2]
		s.Name, s.Title = fmt.Sprintf("app-%03d", i), fmt.Sprintf("Application %03d", i)
		systems = append(systems[:len(systems):len(systems)], s)
	}
	plan, err := exeunt.Draft(policy, exeunt.Case{Departure: d, Owner: roles(exeunt.CaseOwner, d.Leaver)}, systems, roles, w.now)
	if err != nil {
		return exeunt.Preview{}, err
	}
	return plan.Preview(policy, systems, w.now), w.broken
}

func (w *world) CompareDepartures(_ context.Context, _ exeunt.Viewer, q web.Comparison) (web.DeparturesCompared, error) {
	if q.Against == "nowhere" {
		return web.DeparturesCompared{}, missing(q.Against)
	}
	about := web.DeparturesCompared{From: q.From, To: q.To, Against: q.Against, Set: "set-2"}
	if q.From == "" && q.To == "" {
		about.From, about.To = exeunt.LastQuarter(w.now)
	}
	var all []exeunt.DepartureCompared
	for i, r := range w.rows[:60] {
		d := exeunt.DepartureCompared{Case: r.ID, Leaver: r.Name, EmployeeID: r.EmployeeID, LastDay: r.LastDay, Before: "standard", Policy: "standard"}
		if q.From != "2020-01-01" && i%3 != 0 {
			d.Differences = []exeunt.PlanDifference{
				{Effects: []exeunt.Effect{exeunt.EffectLater}, Kind: "changed", Key: "return-assets", Title: "Take back what belongs to the company", Rule: "return-assets", Changes: []string{"by 2026-09-07 17:00 → 2026-09-14 17:00"}},
				{Effects: []exeunt.Effect{exeunt.EffectAdded}, Kind: "added", Key: "figma-by-hand", Title: "Figma: end access by hand", Where: "Figma", Rule: "full-coverage"},
			}
		}
		if i%12 == 1 && len(d.Differences) > 0 {
			d.Policy = "immediate"
			d.Differences = append(d.Differences, exeunt.PlanDifference{Effects: []exeunt.Effect{exeunt.EffectOtherOwner}, Kind: "changed", Key: "exit-interview", Title: "Hold the exit interview", Rule: "exit-interview", Changes: []string{"owner Wanda Kern → Willi Kern"}})
		}
		all = append(all, d)
	}
	return web.Compared(about, all), w.broken
}
