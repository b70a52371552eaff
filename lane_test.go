package exeunt_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

func TestThePlaceInALane(t *testing.T) {
	step := func(state exeunt.StepState, tier int, urgent bool) exeunt.Step {
		return exeunt.Step{State: state, Tier: tier, Urgent: urgent, StartsAt: monday}
	}
	for name, c := range map[string]struct {
		step  exeunt.Step
		ahead time.Duration
	}{
		"lowest tier":             {step(exeunt.StepReady, 3, false), 0},
		"no tier":                 {step(exeunt.StepReady, 0, false), 0},
		"highest tier":            {step(exeunt.StepReady, 1, false), 2 * time.Hour},
		"immediate":               {step(exeunt.StepReady, 3, true), 24 * time.Hour},
		"immediate, highest tier": {step(exeunt.StepScheduled, 1, true), 26 * time.Hour},
		"a look for drift":        {step(exeunt.StepConfirmed, 1, true), 0},
		"a look at a failed one":  {step(exeunt.StepFailed, 1, true), 0},
	} {
		if got := monday.Sub(c.step.Place(monday)); got != c.ahead {
			t.Errorf("%s: %s ahead, expected %s", name, got, c.ahead)
		}
	}
}
