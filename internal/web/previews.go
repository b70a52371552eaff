package web

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Previews are plans that nothing is done by: of a departure that may come, and of those that came by other policies. Pages
// and API ask for the same ones.
type Previews interface {
	// Preview is the plan that the present policies give for a departure. What is left out of it is filled in as for a case.
	Preview(ctx context.Context, d exeunt.Departure) (exeunt.Preview, error)
	// CompareDepartures says how the departures that the viewer may see would go otherwise by the present policies.
	CompareDepartures(ctx context.Context, who exeunt.Viewer, q Comparison) (DeparturesCompared, error)
}

// Comparison is which departures are compared, and with which policies.
type Comparison struct {
	Against  string      // version of the policies to compare with; "" for those that each departure was planned by
	From, To exeunt.Date // last days, both of them included; the last quarter where both are ""
}

// DeparturesCompared is how departures would go otherwise by the present policies.
type DeparturesCompared struct {
	From    exeunt.Date                `json:"from"`
	To      exeunt.Date                `json:"to,omitempty" doc:"Missing when there is no end"`
	Against string                     `json:"against,omitempty" doc:"Version of the policies that it was compared with; missing for those that each departure was planned by"`
	Set     string                     `json:"policies" doc:"Version of the present policies"`
	Cut     bool                       `json:"cut,omitempty" doc:"There are more departures than are compared at once: ask for fewer days"`
	Tally   exeunt.DeparturesTally     `json:"tally"`
	Differ  []exeunt.DepartureCompared `json:"diffs" doc:"The departures that would go otherwise, by their last day"`
}

// Compared puts what was found into an answer: the numbers, and the departures that differ.
func Compared(about DeparturesCompared, all []exeunt.DepartureCompared) DeparturesCompared {
	about.Tally, about.Differ = exeunt.TallyDepartures(all), []exeunt.DepartureCompared{}
	for _, d := range all {
		if d.Differs() {
			about.Differ = append(about.Differ, d)
		}
	}
	return about
}
