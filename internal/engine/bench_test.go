package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// BenchmarkDeparture is a lone departure on an idle engine with instant vendors: from the receipt of
// the HR system's event to the last access step confirmed, every commit durable.
func BenchmarkDeparture(b *testing.B) {
	inventory := storetest.Inventory()
	c := &company{store: storetest.SQLite(b), inventory: inventory, directory: connectortest.NewVendor(inventory[0].Actions...), payroll: connectortest.NewVendor(inventory[2].Actions...)}
	e := engine.New(engine.Config{Store: c.store, Systems: c, Planner: c, Intake: c, Messenger: c, Log: slog.New(slog.DiscardHandler)})
	if err := e.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := e.Stop(ctx); err != nil {
			b.Error(err)
		}
	}()
	changed := e.WatchAll(b.Context())
	n := 0
	for b.Loop() {
		n++
		d := storetest.Departure(fmt.Sprintf("E%d", n), exeunt.Date(time.Now().Format(time.DateOnly)))
		d.Immediate = true
		c.directory.Hire(d.Leaver, "eng")
		c.payroll.Hire(d.Leaver)
		body, err := json.Marshal(exeunt.Trigger{Kind: exeunt.Announced, Departure: d})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.Receive(b.Context(), store.Event{Source: "hr", ID: d.Leaver.ID, Body: body, ReceivedAt: time.Now()}); err != nil {
			b.Fatal(err)
		}
		for c.directory.Applied(exeunt.RemoveGroups) < n || !confirmed(b, c.store, exeunt.CaseID(n)) {
			<-changed
		}
	}
}

func confirmed(b *testing.B, s *store.Store, id exeunt.CaseID) bool {
	b.Helper()
	step, err := s.Step(b.Context(), id, "directory-remove-groups")
	return err == nil && step.State == exeunt.StepConfirmed
}
