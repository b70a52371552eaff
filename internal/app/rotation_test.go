package app

import (
	"context"
	"fmt"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestServersFollowTheLedgersKey changes the key of a ledger that two servers share and a real witness cosigns, and retires
// the old one: servers and witness go on, and the change is recorded once.
func TestServersFollowTheLedgersKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newShipping(t, db)
		stop := s.serve()
		s.cases("E1")
		s.ship(s.app())
		old, err := s.app().Ledger.VerifierKey(t.Context())
		must(t, err)
		stop()
		witness := testserver.Witness(t, "witness.example/one", origin, old)
		s.policy = fmt.Sprintf("witness one %s %s\nquorum one\n", witness.Key, witness.URL)
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
			until(t, "all is cosigned", func() bool {
				size, err := one.Ledger.Size(t.Context())
				must(t, err)
				signed, cp, err := one.Proofs.published(t.Context(), ledger.CosignedFile)
				if err != nil || cp.Size < size {
					return false
				}
				policy, err := verify.ParsePolicy(s.policy)
				must(t, err)
				_, err = policy.Check(signed)
				return err == nil
			})
			if stop(); id == "E2" {
				must(t, ledger.RetireKey(s.dir))
				witness.Learn(t, origin, fresh)
			}
		}
		page, err := db.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryKeyChanged)})
		if must(t, err); page.Total != 1 || page.Rows[0].Detail["now"] != fresh {
			t.Errorf("the change was recorded %d times: %+v", page.Total, page.Rows)
		}
	})
}
