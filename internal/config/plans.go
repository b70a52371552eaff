package config

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// Preview is the plan of a departure explained, without side effects. The case has its departure and, where it is planned
// by other policies than the present ones, their version.
func (c *Config) Preview(of exeunt.Case, now time.Time) (exeunt.Preview, error) {
	plan, err := c.Plan(of, now)
	if err != nil {
		return exeunt.Preview{}, err
	}
	set, err := c.setOf(of.PolicySet)
	if err != nil {
		return exeunt.Preview{}, err
	}
	by, err := set.Policy(of.Departure)
	if err != nil {
		return exeunt.Preview{}, err
	}
	return plan.Preview(by, c.Inventory(), now), nil
}

// Announced is a departure, and when it was known of, which decides what could still begin in time.
type Announced struct {
	exeunt.Departure
	Case exeunt.CaseID // zero for one that is no case
	At   time.Time
	Set  string // the version of the policies that it was planned by; "" for none
}

// Planner drafts the plan of a departure.
type Planner func(Announced) (exeunt.Plan, error)

// PlannedBy plans departures by the present policies of a configuration.
func (c *Config) PlannedBy() Planner {
	return func(d Announced) (exeunt.Plan, error) { return c.Plan(exeunt.Case{Departure: d.Departure}, d.At) }
}

// PlannedAs plans each departure over the present inventory by the policies of a version, or where that is "" by those that
// it was planned by.
func (c *Config) PlannedAs(version string) Planner {
	return func(d Announced) (exeunt.Plan, error) {
		set := version
		if set == "" {
			set = d.Set
		}
		return c.Plan(exeunt.Case{Departure: d.Departure, PolicySet: set}, d.At)
	}
}

// ComparePlans drafts both plans of every departure, on every core, and says how they differ. It stops when the context
// ends, and then returns its error.
func ComparePlans(ctx context.Context, before, after Planner, all []Announced) ([]exeunt.DepartureCompared, error) {
	out := make([]exeunt.DepartureCompared, len(all))
	var parts sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		parts.Go(func() {
			for i := w; i < len(all) && ctx.Err() == nil; i += workers {
				out[i] = comparePlans(before, after, all[i])
			}
		})
	}
	parts.Wait()
	return out, ctx.Err()
}

func comparePlans(before, after Planner, d Announced) exeunt.DepartureCompared {
	out := exeunt.DepartureCompared{Case: d.Case, Leaver: d.Leaver.Name, EmployeeID: d.Leaver.ID, LastDay: d.LastDay}
	was, err := before(d)
	if err != nil {
		out.Error = "no plan before: " + exeunt.MessageOf(err)
		return out
	}
	out.Before = was.Case.Policy
	will, err := after(d)
	if err != nil {
		out.Error = "no plan: " + exeunt.MessageOf(err)
		return out
	}
	out.Policy, out.Differences = will.Case.Policy, will.Compare(was)
	return out
}
