package app

import (
	"context"
	"testing"

	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// slow is a ledger whose check ends when it is let go.
type slow struct {
	Ledger
	begun, release chan struct{}
}

func (s slow) Check(ctx context.Context, progress func(done, total int64)) (ledger.Checked, error) {
	close(s.begun)
	<-s.release
	return s.Ledger.Check(ctx, progress)
}

// TestACheckOutlastsWhoAskedForIt: whoever waits for so long only learns how far it is, and finds its end among the runs.
func TestACheckOutlastsWhoAskedForIt(t *testing.T) {
	s := newShipping(t, storetest.SQLite(t))
	defer s.serve()()
	s.cases("E1")
	a := s.app()
	s.ship(a)
	checked := slow{a.Ledger, make(chan struct{}), make(chan struct{})}
	a.Proofs.log = checked
	asking, leave := context.WithCancel(t.Context())
	first, err := a.Proofs.VerifyLedger(asking, "Ida Novak", 0)
	must(t, err)
	if leave(); !first.Running || first.Verified || first.Fault != "" || first.BegunAt.IsZero() {
		t.Fatalf("it has ended: %+v", first)
	}
	<-checked.begun
	joined, err := a.Proofs.VerifyLedger(t.Context(), "Hera Lind", 0)
	if err != nil || !joined.Running || !joined.BegunAt.Equal(first.BegunAt) || joined.By != "Ida Novak" {
		t.Errorf("another run was begun: %+v, %v", joined, err)
	}
	if page, err := a.Proofs.Verify(asking, "Ida Novak"); err == nil {
		t.Errorf("whoever has left is waited for: %+v", page)
	}
	runs, err := a.Proofs.Checks(t.Context(), 10)
	if err != nil || len(runs) != 1 || !runs[0].EndedAt.IsZero() {
		t.Fatalf("the runs: %+v, %v", runs, err)
	}
	close(checked.release)
	until(t, "the run has ended and is kept", func() bool {
		runs, err := a.Proofs.Checks(t.Context(), 10)
		must(t, err)
		return len(runs) == 1 && runs[0].BegunAt.Equal(first.BegunAt) && !runs[0].EndedAt.IsZero() && runs[0].Holds()
	})
}
