package app

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/policy"
	"github.com/exeunt/exeunt/internal/web"
)

// previews are plans by one configuration. They write nothing but that somebody read what is under embargo.
type previews struct {
	app    *App
	config *config.Config
}

// mostCompared bounds how many departures are compared at once: above those, an answer would take longer than a reader waits.
const mostCompared = 5000

// Preview is the plan that a departure would have. It is the same whether there is a case already: whoever may not see that
// one must not learn of it here.
func (p previews) Preview(_ context.Context, d exeunt.Departure) (exeunt.Preview, error) {
	p.app.complete(&d)
	if err := d.Check(); err != nil {
		return exeunt.Preview{}, err
	}
	d.Embargo = nil // a preview is secret from nobody who may see it
	return p.config.Preview(exeunt.Case{Departure: d}, time.Now())
}

// CompareDepartures plans the departures of some days anew, by other policies and by the present ones.
func (p previews) CompareDepartures(ctx context.Context, who exeunt.Viewer, q web.Comparison) (web.DeparturesCompared, error) {
	out := web.DeparturesCompared{From: q.From, To: q.To, Against: q.Against, Set: p.config.Set.Version}
	if q.From == "" && q.To == "" {
		out.From, out.To = exeunt.LastQuarter(time.Now())
	}
	for _, day := range []exeunt.Date{out.From, out.To} {
		if _, err := exeunt.ParseDate(string(day)); day != "" && err != nil {
			return out, err
		}
	}
	if q.Against != "" && q.Against != out.Set {
		kept, err := p.app.Store.Policies(ctx, q.Against)
		if err == nil {
			_, err = policy.Kept(kept.Text)
		}
		if err != nil { // what nobody kept, or can read any more, must not pass for the present policies
			return out, err
		}
	}
	cases, err := p.app.reads(who).Departures(ctx, out.From, out.To, mostCompared+1)
	if err != nil {
		return out, err
	}
	if out.Cut = len(cases) > mostCompared; out.Cut {
		cases = cases[:mostCompared]
	}
	all, err := config.ComparePlans(ctx, p.config.PlannedAs(q.Against), p.config.PlannedBy(), announced(cases))
	return web.Compared(out, all), err
}

// announced are the departures of cases as they were known when those were opened.
func announced(cases []exeunt.Case) []config.Announced {
	out := make([]config.Announced, len(cases))
	for i, c := range cases {
		d := c.Departure
		d.Embargo = nil // its terms hold once, and change no step
		out[i] = config.Announced{Departure: d, Case: c.ID, At: c.OpenedAt, Set: c.PolicySet}
	}
	return out
}
