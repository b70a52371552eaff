package engine_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// slow is a vendor that begins an action a while after it was asked to, as one behind a rate does, and asks once more
// then whether it still may.
type slow struct {
	connector.Connector
	begins func()
	may    chan error
}

func (s slow) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if err := connector.TenureOf(ctx).Over(); err != nil {
		return err
	}
	s.begins()
	<-time.After(5 * time.Second)
	err := connector.TenureOf(ctx).Over()
	s.may <- err
	return err
}

// TestWhoLostTouchWithTheDatabaseActsNoMore has a server whose beats hang between an intent and its action, for nearly
// as long as its lease: by its own clock it must stop before others may begin.
func TestWhoLostTouchWithTheDatabaseActsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var silent atomic.Bool
		heals := make(chan struct{})
		one := make(chan struct{}, 1)
		s, err := storetest.Through(t.Context(), storetest.Folder(t), store.Seam{
			Nodes: store.NewNodes(),
			Write: func(_ context.Context, what string, write func() error) error {
				if silent.Load() && strings.Contains(what, "INSERT nodes") {
					<-heals
				}
				return write()
			},
			Transaction: func(transaction func() error) error {
				one <- struct{}{}
				defer func() { <-one }()
				return transaction()
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		c := newCompany(t, s)
		defer c.stop()
		defer close(heals)
		vendor := slow{c.directory, func() { silent.Store(true) }, make(chan error, 10)}
		c.instead = vendor
		c.directory.Hire(soon().Leaver, "eng")
		c.payroll.Hire(soon().Leaver)
		d := soon()
		d.Type, d.Immediate = exeunt.Involuntary, true
		c.hear("1", exeunt.Announced, d)
		if err := <-vendor.may; exeunt.KindOf(err) != exeunt.Throttled || !strings.Contains(err.Error(), "lost touch") {
			t.Errorf("five seconds after its last beat, with a lease of six, it may act: %v", err)
		}
	})
}
