package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/wrap"
)

// house is a whole engine with its ledger over one database, and twelve vendors that answer at once. The
// database is as durable as a server's, the ledger is fed as a server's is.
type house struct {
	store   *store.Store
	log     *ledger.Log
	shipper *ledger.Shipper
	engine  *engine.Engine
	systems []exeunt.System
	vendors map[string]*vendor
	lanes   map[string]connector.Connector
	done    chan error // of the shipper
	cancel  context.CancelFunc
	commits chan struct{} // something was committed
}

// The storm of the goals: 25 steps in 12 systems.
const (
	systemsInHouse = 12
	stepsInCase    = 25
)

// openHouse opens a house in a folder, or on a PostgreSQL database. A rate of zero does not limit the vendors.
func openHouse(ctx context.Context, dir, database string, r exeunt.Rate) (*house, error) {
	h := &house{vendors: map[string]*vendor{}, lanes: map[string]connector.Connector{}, done: make(chan error, 1), commits: make(chan struct{}, 1)}
	h.inventory(r)
	var err error
	if h.store, err = store.Open(ctx, dir, database, "bench.example/log"); err != nil {
		return nil, err
	}
	if _, err := h.store.Migrate(ctx); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	if h.log, err = ledger.Open(ctx, dir+"/ledger", "bench.example/log", ledger.Options{Logger: quiet}); err != nil {
		return nil, err
	}
	h.shipper = ledger.NewShipper(h.store.Outbox(), h.log, quiet)
	h.engine = engine.New(engine.Config{Store: h.store, Systems: h, Planner: h, Intake: h, Messenger: h, Log: quiet, Committed: h.committed})
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	go func() { h.done <- h.shipper.Run(work) }()
	return h, h.engine.Start(ctx)
}

// committed wakes the shipper, and whoever waits for a case.
func (h *house) committed() {
	h.shipper.Wake()
	select {
	case h.commits <- struct{}{}:
	default: // one is waiting already
	}
}

func (h *house) close(ctx context.Context) error {
	err := h.engine.Stop(ctx)
	h.cancel()
	shipping := <-h.done
	err = errors.Join(err, shipping)
	if closing := h.log.Close(); err == nil {
		err = closing
	}
	h.store.Close()
	return err
}

// inventory makes twelve systems, of which one has three actions and the others two.
func (h *house) inventory(r exeunt.Rate) {
	owner := exeunt.Person{Name: "Ana Silva", Email: "ana.silva@bench.example"}
	spec := func(order int, a exeunt.Action) exeunt.ActionSpec {
		return exeunt.ActionSpec{Action: a, Title: a.Words(), Order: order, Proof: exeunt.Observed, Repeatable: true, Reversible: true}
	}
	for i := range systemsInHouse {
		actions := []exeunt.ActionSpec{spec(1, exeunt.Disable), spec(2, exeunt.RemoveGroups)}
		if i == 0 {
			actions = append(actions, spec(3, exeunt.RevokeSessions))
		}
		s := exeunt.System{
			Name: fmt.Sprintf("system-%02d", i+1), Title: fmt.Sprintf("System %d", i+1), Kind: "bench", Tier: 1 + i%3, Stage: exeunt.Live,
			Owner: owner, Fallback: "End the account in the console.", Actions: actions, Rate: r,
		}
		v := newVendor(actions)
		h.systems, h.vendors[s.Name] = append(h.systems, s), v
		h.lanes[s.Name] = wrap.Stack(v, wrap.Options{System: s.Name, Lane: wrap.NewLane(s.Name, r)})
	}
}

func (h *house) System(name string) (exeunt.System, error) {
	for _, s := range h.systems {
		if s.Name == name {
			return s, nil
		}
	}
	return exeunt.System{}, exeunt.Errorf(exeunt.NotFound, "there is no system %s", name)
}

func (h *house) Connector(name string) (connector.Connector, error) { return h.lanes[name], nil }

func (h *house) Names() []string {
	var names []string
	for _, s := range h.systems {
		names = append(names, s.Name)
	}
	return names
}

func (h *house) Operator() exeunt.Person {
	return exeunt.Person{Name: "Operator", Email: "ops@bench.example"}
}

// Plan drafts with one rule: cut everything, at the cut-off.
func (h *house) Plan(of exeunt.Case, now time.Time) (exeunt.Plan, error) {
	of.Owner = h.Operator()
	policy := exeunt.Policy{Name: "bench", Version: "1", CutOff: "17:00", AccessSLA: 4 * time.Hour, Rules: []exeunt.Rule{{
		Name: "cut", Actions: []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups, exeunt.RevokeSessions},
		Start: exeunt.Moment{Anchor: exeunt.AtCutOff}, Deadline: exeunt.Moment{Anchor: exeunt.AtStart, Offset: 1000 * time.Hour},
	}}}
	return exeunt.Draft(policy, of, h.systems, func(string, exeunt.Leaver) exeunt.Person { return h.Operator() }, now)
}

func (h *house) Normalise(_ context.Context, e store.Event) (exeunt.Trigger, error) {
	var t exeunt.Trigger
	err := json.Unmarshal(e.Body, &t)
	t.Source, t.EventID, t.OccurredAt, t.ReceivedAt = e.Source, e.ID, e.ReceivedAt, e.ReceivedAt
	return t, err
}

func (h *house) Deliver(context.Context, exeunt.Notice, exeunt.Case, *exeunt.Task) error { return nil }

// announce lets HR say that somebody leaves; what is announced for a day that has passed begins at once.
func (h *house) announce(ctx context.Context, employee string, immediate bool) error {
	day := exeunt.Date(time.Now().AddDate(0, 0, -1).Format(time.DateOnly))
	d := exeunt.Departure{
		Type: exeunt.Voluntary, LastDay: day, TerminationDate: day, Immediate: immediate,
		Leaver: exeunt.Leaver{
			ID: employee, Entity: "bench", Name: "Maya Okonkwo " + employee, Department: "Analytics", Place: "Los Angeles", Zone: "America/Los_Angeles",
			Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: employee + "@bench.example"},
		},
	}
	body, err := json.Marshal(exeunt.Trigger{Kind: exeunt.Announced, Departure: d})
	if err != nil {
		return err
	}
	_, err = h.engine.Receive(ctx, store.Event{Source: "hr", ID: employee, Body: body, ReceivedAt: time.Now()})
	return err
}

// closed waits until a number of cases are closed, which is when their every step is confirmed.
func (h *house) closed(ctx context.Context, n int) error { return h.until(ctx, n, h.store.ClosedCases) }

// opened waits until a number of cases are open or closed.
func (h *house) opened(ctx context.Context, n int) error {
	return h.until(ctx, n, func(ctx context.Context) (int, error) {
		page, err := h.store.Everything().Cases(ctx, store.CaseQuery{Size: 1, Sort: "newest"}, time.Now())
		return page.All, err
	})
}

// pace wakes who waits for few cases with every commit; to look after each would disturb a storm.
func (h *house) pace(n int) <-chan struct{} {
	if n > lonePeople {
		return nil
	}
	return h.commits
}

// until waits until a count is reached; it looks when something has changed, and every 100 ms.
func (h *house) until(ctx context.Context, n int, count func(context.Context) (int, error)) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := count(ctx)
		if err != nil || got >= n {
			return err
		}
		select {
		case <-h.pace(n):
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Line is the one person of the house.
func (h *house) Line(string, exeunt.Leaver) []exeunt.Person { return []exeunt.Person{h.Operator()} }

// Fuse never trips: a storm is what is measured.
func (h *house) Fuse() (exeunt.Fuse, exeunt.Person) { return exeunt.Fuse{}, h.Operator() }
