package engine_test

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// company is an engine over a fresh store with one vendor in memory behind each automated system.
type company struct {
	t         *testing.T
	store     *store.Store
	engine    *engine.Engine
	directory *connectortest.Vendor
	payroll   *connectortest.Vendor
	inventory []exeunt.System
	mu        sync.Mutex
	told      []exeunt.Notice
	mailFault error
	fuse      exeunt.Fuse
	approvals exeunt.Approvals
	policySet string              // version of the present policies
	instead   connector.Connector // of the directory; nil for that itself
	broken    error               // why the directory has no connector
}

func newCompany(t *testing.T, s *store.Store) *company {
	t.Helper()
	inventory := storetest.Inventory()
	c := &company{t: t, store: s, inventory: inventory, directory: connectortest.NewVendor(inventory[0].Actions...), payroll: connectortest.NewVendor(inventory[2].Actions...)}
	c.start()
	return c
}

// start begins a fresh engine over the store, as after a restart.
func (c *company) start() {
	c.t.Helper()
	e := engine.New(engine.Config{Store: c.store, Systems: c, Planner: c, Intake: c, Messenger: c, Log: slog.New(slog.DiscardHandler), Node: "one", Poll: 24 * time.Hour})
	if err := e.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.engine = e
}

func (c *company) stop() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.engine.Stop(ctx); err != nil {
		c.t.Error(err)
	}
}

// stock is the inventory as configured now.
func (c *company) stock() []exeunt.System {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inventory
}

// reconfigure gives the running engine another inventory.
func (c *company) reconfigure(inventory []exeunt.System) {
	c.mu.Lock()
	c.inventory = inventory
	c.mu.Unlock()
	c.engine.Reconfigured()
}

func (c *company) System(name string) (exeunt.System, error) {
	for _, s := range c.stock() {
		if s.Name == name {
			return s, nil
		}
	}
	return exeunt.System{}, exeunt.Errorf(exeunt.NotFound, "no system %s", name)
}

func (c *company) Connector(name string) (connector.Connector, error) {
	if c.broken != nil && name == "directory" {
		return nil, c.broken
	}
	if c.instead != nil && name == "directory" {
		return c.instead, nil
	}
	return map[string]connector.Connector{"directory": c.directory, "payroll": c.payroll}[name], nil
}

func (c *company) Names() []string {
	var names []string
	for _, s := range c.stock() {
		names = append(names, s.Name)
	}
	return names
}

func (c *company) Plan(of exeunt.Case, now time.Time) (exeunt.Plan, error) {
	of.Owner = storetest.Roles("hr", of.Departure.Leaver)
	policy := storetest.Policy()
	policy.Set = cmp.Or(of.PolicySet, c.policies())
	policy.Approvals = c.approvals
	return exeunt.Draft(policy, of, c.stock(), storetest.Roles, now)
}

// policies is the version of the present ones.
func (c *company) policies() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.policySet
}

func (c *company) Fuse() (exeunt.Fuse, exeunt.Person) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fuse, exeunt.Person{Name: "Hera Lind", Email: "hera@x.example", Role: "hr"}
}

func (c *company) Line(role string, l exeunt.Leaver) []exeunt.Person {
	return []exeunt.Person{storetest.Roles(role, l), {Name: "Dora Deputy", Email: "dora@x.example", Role: role}, c.Operator()}
}

func (c *company) Operator() exeunt.Person {
	return exeunt.Person{Name: "Operator", Email: "ops@x.example"}
}

func (c *company) Normalise(_ context.Context, e store.Event) (exeunt.Trigger, error) {
	if string(e.Body) == "lunch" {
		return exeunt.Trigger{}, exeunt.Errorf(exeunt.NotFound, "it is about lunch")
	}
	var t exeunt.Trigger
	err := json.Unmarshal(e.Body, &t)
	t.Source, t.EventID, t.ReceivedAt = e.Source, e.ID, e.ReceivedAt
	if t.OccurredAt.IsZero() {
		t.OccurredAt = e.ReceivedAt
	}
	return t, err
}

func (c *company) Deliver(_ context.Context, n exeunt.Notice, _ exeunt.Case, _ *exeunt.Task) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mailFault != nil {
		return c.mailFault
	}
	c.told = append(c.told, n)
	return nil
}

// hear lets the HR system say something.
func (c *company) hear(event string, kind exeunt.TriggerKind, d exeunt.Departure) {
	c.t.Helper()
	c.hearAt(event, kind, d, time.Now())
}

// hearAt lets it say something that happened at a moment of its own clock.
func (c *company) hearAt(event string, kind exeunt.TriggerKind, d exeunt.Departure, at time.Time) {
	c.t.Helper()
	body, err := json.Marshal(exeunt.Trigger{Kind: kind, OccurredAt: at, Departure: d})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.engine.Receive(c.t.Context(), store.Event{Source: "hr", ID: event, Body: body, ReceivedAt: time.Now()}); err != nil {
		c.t.Fatal(err)
	}
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (c *company) only() store.CaseFile {
	c.t.Helper()
	page, err := c.store.Everything().Cases(c.t.Context(), store.CaseQuery{}, time.Now())
	if err != nil || len(page.Rows) != 1 {
		c.t.Fatalf("%d cases, %v", len(page.Rows), err)
	}
	f, err := c.store.Everything().CaseFile(c.t.Context(), page.Rows[0].ID)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

func (c *company) step(key string) exeunt.Step {
	c.t.Helper()
	f := c.only()
	i := slices.IndexFunc(f.Steps, func(s exeunt.Step) bool { return s.Key == key })
	if i < 0 {
		c.t.Fatalf("there is no step %s", key)
	}
	return f.Steps[i]
}

func (c *company) task(key string) exeunt.Task {
	c.t.Helper()
	t, err := c.store.TaskByKey(c.t.Context(), c.only().Case.ID, key)
	if err != nil || t == nil {
		c.t.Fatalf("there is no task %s, %v", key, err)
	}
	return *t
}

func (c *company) expect(want map[string]exeunt.StepState) {
	c.t.Helper()
	for key, state := range want {
		if got := c.step(key); got.State != state {
			c.t.Errorf("%s is %s (%s), expected %s", key, got.State, got.Reason, state)
		}
	}
}

// soon is somebody whose access ends ten minutes after the bubble begins, which it does at midnight UTC
// on 1 January 2000: fourteen hours ahead, on Kiritimati, it is 14:10 then.
func soon() exeunt.Departure {
	d := storetest.Departure("E1", "2000-01-01")
	d.Leaver.Zone, d.CutOffClock = "Pacific/Kiritimati", "14:10"
	return d
}

var cutOff = time.Date(2000, 1, 1, 0, 10, 0, 0, time.UTC)

// leaving is somebody who leaves at once.
func leaving() exeunt.Departure {
	d := storetest.Departure("E1", "1999-12-31")
	d.Immediate = true
	return d
}

func inBubble(t *testing.T, run func(*testing.T, *company)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, storetest.SQLite(t))
		defer c.stop()
		run(t, c)
	})
}
