// Package engine runs what follows from changes: it takes jobs from River, reads the truth from the
// store, lets a connector or a pure decision answer, and commits. It decides nothing itself.
//
//   - event.go: what HR said becomes a case, an amendment or a rescission
//   - visit.go: one leaver in one system, converged step by step
//   - chase.go: reminders, closing, delivery of notices
//   - commands.go: what people do
//   - reconcile.go: what a crash may have left behind
//   - queue.go: River, on SQLite and PostgreSQL
//
// Our tables are the truth and River is the dispatcher: a job carries ids, and whoever runs it looks
// first. Running a job twice, or late, or after it became pointless, is harmless.
package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// Systems opens the connectors of the configured systems.
type Systems interface {
	// System returns the system as configured now; NotFound when it was removed.
	System(name string) (exeunt.System, error)
	// Connector returns the system's connector with its lane's limits around it.
	Connector(name string) (connector.Connector, error)
	// Names lists every configured system.
	Names() []string
}

// Planner drafts a plan for a departure with the present configuration.
type Planner interface {
	Plan(c exeunt.Case, now time.Time) (exeunt.Plan, error)
	// Operator is who is alerted when something needs one.
	Operator() exeunt.Person
}

// Intake turns what a source sent into a trigger. Its error is NotFound when the event is no
// departure at all.
type Intake interface {
	Normalise(ctx context.Context, e store.Event) (exeunt.Trigger, error)
}

// Messenger delivers one notice to its person.
type Messenger interface {
	Deliver(ctx context.Context, n exeunt.Notice, c exeunt.Case, t *exeunt.Task) error
}

// Engine runs jobs and commands over one store.
type Engine struct {
	store     *store.Store
	systems   Systems
	planner   Planner
	intake    Intake
	messenger Messenger
	log       *slog.Logger
	node      string
	queue     queue
	bell      bell
	poll      time.Duration
	watch     *watchers
	stop      context.CancelFunc
	running   sync.WaitGroup
}

// Config is what an engine is made of.
type Config struct {
	Store     *store.Store
	Systems   Systems
	Planner   Planner
	Intake    Intake
	Messenger Messenger
	Log       *slog.Logger
	Node      string        // name of this node, the same after a restart
	Committed func()        // called after each commit: the ledger's shipper has something to do
	Alone     bool          // no other node shares the database: whatever is leased or running is left over
	Poll      time.Duration // how often queues are looked at without being woken; a second when zero
}

// New makes an engine and hooks it to the store. Nothing runs until Start.
func New(ctx context.Context, c Config) (*Engine, error) {
	e := &Engine{
		store: c.Store, systems: c.Systems, planner: c.Planner, intake: c.Intake, messenger: c.Messenger,
		log: c.Log, node: c.Node, watch: newWatchers(), bell: newBell(), poll: cmp.Or(c.Poll, fetchPoll),
	}
	q, err := openQueue(ctx, e, c.Alone)
	if err != nil {
		return nil, err
	}
	e.queue = q
	c.Store.OnCommit(e.enqueue, func(id exeunt.CaseID) {
		e.watch.changed(id)
		if c.Committed != nil {
			c.Committed()
		}
	})
	return e, nil
}

// Start puts back what a crash left behind and begins to work. It returns at once; Stop ends it.
func (e *Engine) Start(ctx context.Context) error {
	if err := e.store.DropLeases(ctx, e.node+"/"); err != nil {
		return err
	}
	if err := e.queue.rescue(ctx); err != nil {
		return err
	}
	if err := e.reconcile(ctx, time.Now()); err != nil {
		return err
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	if err := e.queue.start(work); err != nil {
		stop()
		return err
	}
	e.running.Go(func() { e.keepReconciling(work) })
	return nil
}

// Stop lets running visits finish for as long as the context allows, then cancels them. What is cut
// off is found again at the next start.
func (e *Engine) Stop(ctx context.Context) error {
	err := e.queue.stop(ctx)
	e.stop()
	e.running.Wait()
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // the jobs were cancelled; the reconciler finds them
	}
	return err
}

// commit commits and tells apart what somebody else did meanwhile, which is no failure of a job.
func (e *Engine) commit(ctx context.Context, change *exeunt.Change) error {
	return e.store.Commit(ctx, change)
}

// alert tells the operator, in the ledger and by message.
func (e *Engine) alert(ctx context.Context, kind exeunt.EntryKind, what, dedup string, detail map[string]string, also func(context.Context, store.Tx) error) error {
	change := exeunt.Change{Notices: []exeunt.Notice{{Kind: exeunt.NoticeAlert, To: e.planner.Operator(), Text: what, Dedup: dedup}}}
	change.Record(kind, nil, time.Now(), what, detail)
	return e.store.CommitWith(ctx, &change, also)
}
