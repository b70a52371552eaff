package exeunt_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// A look that a system refuses is told once, also where an error that passed came before it.
func TestARefusedLookIsToldAfterAPassingErrorToo(t *testing.T) {
	for looks := range 3 {
		step := exeunt.Step{Key: "directory-disable", State: exeunt.StepConfirmed, Proof: exeunt.Observed, System: "directory", SettledAt: monday, Looks: looks, Owner: owner}
		of := exeunt.Case{ID: 1, State: exeunt.CaseClosed, ClosedAt: monday, Departure: leaving}
		last := looks == 2 // which alone is tried again after it was refused
		for i, x := range []struct {
			kind exeunt.ErrorKind
			told bool
		}{{exeunt.Temporary, false}, {exeunt.Denied, true}, {exeunt.Denied, !last}, {exeunt.Unsupported, true}} {
			if step.Looks > 2 {
				break
			}
			change := step.NotLooked(of, exeunt.Errorf(x.kind, "no"), monday.Add(time.Duration(i)*time.Hour))
			if told := len(change.Notices) > 0; told != x.told {
				t.Errorf("look %d, answer %d (%s): told %v, want %v", looks+1, i+1, x.kind, told, x.told)
			}
			step = change.Steps[0]
		}
	}
}
