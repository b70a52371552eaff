package exeunt

import (
	"cmp"
	"slices"
	"time"
)

// DepartureCompared is how the plan of one departure differs between two sets of policies or inventories.
type DepartureCompared struct {
	Case        CaseID           `json:"case,omitempty"` // zero for one that is no case
	Leaver      string           `json:"leaver"`
	EmployeeID  string           `json:"employee_id"`
	LastDay     Date             `json:"last_day"`
	Before      string           `json:"before,omitempty"` // the policy that it takes by the older ones
	Policy      string           `json:"policy,omitempty"` // by the newer ones
	Error       string           `json:"error,omitempty"`  // where one of the two has no plan
	Differences []PlanDifference `json:"differences,omitempty"`
}

// Differs says whether the departure would go otherwise.
func (d DepartureCompared) Differs() bool { return d.Error != "" || len(d.Differences) > 0 }

// Has says whether some difference of the departure has an effect.
func (d DepartureCompared) Has(e Effect) bool {
	return slices.ContainsFunc(d.Differences, func(one PlanDifference) bool { return slices.Contains(one.Effects, e) })
}

// EffectTally is how many steps and tasks of how many departures an effect is on.
type EffectTally struct {
	Effect     Effect `json:"effect"`
	Works      int    `json:"works"` // steps and tasks
	Departures int    `json:"departures"`
}

// WorkTally is a step or task that differs alike in some departures.
type WorkTally struct {
	Effect     Effect `json:"effect"`
	Title      string `json:"title"`
	Where      string `json:"where,omitempty"`
	Rule       string `json:"rule"`
	Departures int    `json:"departures"`
}

// DeparturesTally says in numbers how departures would go otherwise.
type DeparturesTally struct {
	Departures int           `json:"departures"`
	Differ     int           `json:"differ"`
	Failed     int           `json:"failed"` // without a plan by the one or the other
	Effects    []EffectTally `json:"effects"`
	Works      []WorkTally   `json:"works"` // what concerns most departures first
}

// TallyDepartures counts what differs.
func TallyDepartures(all []DepartureCompared) DeparturesTally {
	out := DeparturesTally{Departures: len(all), Effects: make([]EffectTally, len(Effects)), Works: []WorkTally{}}
	for i, e := range Effects {
		out.Effects[i].Effect = e
	}
	works := map[WorkTally]int{}
	for _, d := range all {
		if d.Error != "" {
			out.Failed++
		}
		if d.Differs() {
			out.Differ++
		}
		for i, e := range Effects {
			if d.Has(e) {
				out.Effects[i].Departures++
			}
		}
		for _, one := range d.Differences {
			for _, e := range one.Effects {
				out.Effects[slices.Index(Effects, e)].Works++
				works[WorkTally{Effect: e, Title: one.Title, Where: one.Where, Rule: one.Rule}]++
			}
		}
	}
	for w, n := range works {
		w.Departures = n
		out.Works = append(out.Works, w)
	}
	slices.SortFunc(out.Works, func(a, b WorkTally) int {
		return cmp.Or(cmp.Compare(b.Departures, a.Departures), cmp.Compare(slices.Index(Effects, a.Effect), slices.Index(Effects, b.Effect)),
			cmp.Compare(a.Title, b.Title), cmp.Compare(a.Where, b.Where), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}

// LastQuarter is the first and the last day of the calendar quarter before the one of a day.
func LastQuarter(day time.Time) (from, to Date) {
	year, month, _ := day.Date()
	begin := time.Date(year, (month-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	return Date(begin.AddDate(0, -3, 0).Format(time.DateOnly)), Date(begin.AddDate(0, 0, -1).Format(time.DateOnly))
}
