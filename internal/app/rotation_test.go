package app

import (
	"context"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// TestServersFollowTheLedgersKey changes the key of a ledger that two servers share, and retires the old one: both go on by
// themselves, and the change is recorded once.
func TestServersFollowTheLedgersKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newShipping(t, db)
		stop := s.serve()
		s.cases("E1")
		s.ship(s.app())
		stop()
		fresh, err := ledger.RotateKey(t.Context(), s.dir, origin)
		must(t, err)
		for _, id := range []string{"E2", "E3"} {
			stop = s.serve()
			s.cases(id)
			one, two := s.app(), s.app()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 2)
			go func() { ended <- one.Shipper.Run(ctx) }()
			go func() { ended <- two.Shipper.Run(ctx) }()
			until(t, "both ship", func() bool {
				n, err := db.Outbox().Backlog(t.Context())
				must(t, err)
				a, b := one.Shipper.Status(), two.Shipper.Status()
				return a.Stopped || b.Stopped || n == 0 && a.Err == nil && b.Err == nil && !a.At.IsZero() && !b.At.IsZero()
			})
			cancel()
			must(t, <-ended)
			must(t, <-ended)
			if known, err := db.Outbox().Ledger(t.Context(), "another"); err != nil || known != fresh {
				t.Errorf("the database believes in %s, %v", known, err)
			}
			if check, err := one.Proofs.Run(t.Context(), "test"); err != nil || !check.Holds() || check.Entries == 0 {
				t.Errorf("the check: %+v, %v", check, err)
			}
			if stop(); id == "E2" {
				must(t, ledger.RetireKey(s.dir))
			}
		}
		page, err := db.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryKeyChanged)})
		if must(t, err); page.Total != 1 || page.Rows[0].Detail["now"] != fresh {
			t.Errorf("the change was recorded %d times: %+v", page.Total, page.Rows)
		}
	})
}
