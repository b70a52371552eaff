// Package engine runs what is due: it takes visits and duties from the lines in the store, lets a
// connector or a pure decision answer, and commits. It decides nothing itself.
//
//   - node.go: which lanes this node has, and for how long
//   - lane.go: one system's line of visits, drained in the order of its places
//   - visit.go: one leaver in one system, converged step by step
//   - duty.go: what is no visit: events, reminders, messages
//   - reconcile.go: everybody compared with the accounts of systems, before anything happens
//   - event.go: what HR said becomes a case, an amendment or a rescission
//   - chase.go: reminders, and delivery of notices
//   - erase.go: records whose retention is over
//   - close.go: cases of which nothing is left to do
//   - commands.go: what people do
//
// Our tables are the truth and the queue alike: what is due stands in them, and whoever drains a lane
// looks there. Doing something twice, or late, or after it became pointless, is harmless.
package engine

import (
	"cmp"
	"context"
	"fmt"
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
	// Fuse is the brake on mass change, and who is asked when it trips.
	Fuse() (exeunt.Fuse, exeunt.Person)
	// Line is who may stand for a role for one leaver, in the order in which they are asked.
	Line(role string, l exeunt.Leaver) []exeunt.Person
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

// Ledger is what erasing a case needs of the tamper-evident log.
type Ledger interface {
	// Covered is how many entries are under a checkpoint that counts: signed, and cosigned where witnesses are configured.
	Covered(ctx context.Context) (int64, error)
	// Erase destroys the key of a case, and with it what its entries say. It may be repeated.
	Erase(ctx context.Context, handle string) error
}

// Engine drains lanes and runs commands over one store.
type Engine struct {
	store     *store.Store
	systems   Systems
	planner   Planner
	intake    Intake
	messenger Messenger
	ledger    Ledger
	retention func() exeunt.Retention
	version   func() string
	log       *slog.Logger
	poll      time.Duration
	lease     time.Duration
	clock     func() time.Time
	spread    func(most time.Duration) time.Duration
	node      *node
	duties    map[string]duty
	closing   *closing
	answering keyed                // by leaver: what is heard of one person is answered one after another
	strays    map[string]time.Time // systems that nobody has configured, and since when; of that duty alone
	watch     *watchers
	checks    checks
	workers   workers
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
	Ledger    Ledger                  // nothing is erased without one
	Retention func() exeunt.Retention // how long closed cases are kept; for good when nil
	Version   func() string           // of the configuration that the others follow, for other nodes to see; may be nil
	Log       *slog.Logger
	Node      string                                 // name of this node, different at each start; random when empty
	Committed func()                                 // called after each commit: the ledger's shipper has something to do
	Poll      time.Duration                          // how often a lane is looked at without being woken; see lanePoll when zero
	Spread    func(most time.Duration) time.Duration // what is added to a wait, so that not all come back at once; random when nil
	Lease     time.Duration                          // how long a node that falls silent keeps its lanes; see laneLease when zero
	Clock     func() time.Time                       // of this node, as it is compared with the database's; time.Now when nil
}

// Timings. Whoever commits wakes the lanes that it concerns; the poll is the net below that, for timers of
// a wall clock that jumps and for a database session that dropped a wake-up.
const (
	lanePoll     = 5 * time.Second
	laneLease    = 6 * time.Second
	visitTimeout = 5 * time.Minute
)

// New makes an engine and hooks it to the store. Nothing runs until Start.
func New(c Config) *Engine {
	e := &Engine{
		store: c.Store, systems: c.Systems, planner: c.Planner, intake: c.Intake, messenger: c.Messenger,
		ledger: c.Ledger, retention: c.Retention, version: c.Version, log: c.Log, strays: map[string]time.Time{}, watch: newWatchers(), poll: cmp.Or(c.Poll, lanePoll), lease: cmp.Or(c.Lease, laneLease), clock: c.Clock,
	}
	if e.spread = c.Spread; e.spread == nil {
		e.spread = anySpread
	}
	if e.retention == nil {
		e.retention = func() exeunt.Retention { return exeunt.Retention{} }
	}
	if e.version == nil {
		e.version = func() string { return "" }
	}
	e.duties = e.allDuties()
	e.closing = newClosing(e)
	e.node = newNode(e, cmp.Or(c.Node, store.Random(8)))
	c.Store.OnCommit(func(done store.Committed) {
		for _, lane := range done.Lanes {
			e.node.wake(lane)
		}
		if done.Settled {
			e.closing.look(done.Case)
		}
		e.watch.changed(done.Case)
		if c.Committed != nil {
			c.Committed()
		}
	})
	return e
}

// Start takes lanes and begins to work. It returns at once; Stop ends it.
func (e *Engine) Start(ctx context.Context) error {
	if _, err := e.store.ForgetNodes(ctx, time.Now()); err != nil {
		return err
	}
	waiting, since, err := e.store.Lateness(ctx, time.Now().Add(-late))
	if err != nil {
		return err
	}
	if e.store.Shared() {
		e.log.Info("this server takes part in the work on its database", "node", e.node.name)
	}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.stop = stop
	if err := e.node.beat(work); err != nil {
		stop()
		return err
	}
	if waiting > 0 && !e.node.others {
		e.sayLate(work, waiting, since)
	}
	e.running.Go(func() { e.node.keepBeating(work) })
	e.running.Go(func() { e.node.keepListening(work) })
	e.running.Go(func() { e.node.keepChecking(work) })
	e.running.Go(func() { e.closing.run(work) })
	return nil
}

// late is from when on a start after a pause is said to be one.
const late = time.Minute

// sayLate tells that work was due while nobody was there to do it. All of it is in line and begins at once.
func (e *Engine) sayLate(ctx context.Context, visits int, since time.Time) {
	what := fmt.Sprintf("work goes on after a pause: %d steps are due since %s at the longest, and are caught up with now", visits, since.Format(time.RFC3339))
	e.log.Warn(what)
	err := e.alert(ctx, exeunt.EntryAlert, what, "late:"+since.Format(time.RFC3339Nano), map[string]string{"steps": fmt.Sprint(visits), "since": since.Format(time.RFC3339)}, nil)
	if err != nil {
		e.log.Error("the operator could not be told of the pause", "error", err)
	}
}

// Stop lets running visits finish for as long as the context allows, then cancels them. What is cut off
// is found in its lane again, here or on another node.
func (e *Engine) Stop(ctx context.Context) error {
	e.node.leave(ctx)
	if e.stop != nil { // else it never came so far as to begin anything
		e.stop()
	}
	e.running.Wait()
	return e.store.LetGo(context.WithoutCancel(ctx), e.node.name)
}

// Reconfigured says that the configuration is another one: lanes of systems that came begin, and those of systems that went
// end after what is under way. Nobody waits for it.
func (e *Engine) Reconfigured() { tickle(e.node.again) }

// Health says what keeps this node from its part of the work; nil when nothing does.
func (e *Engine) Health() error { return e.node.health() }

// commit commits a change.
func (e *Engine) commit(ctx context.Context, change *exeunt.Change) error {
	return e.store.Commit(ctx, change)
}

// alert tells the operator, in the ledger and by message.
func (e *Engine) alert(ctx context.Context, kind exeunt.EntryKind, what, dedup string, detail map[string]string, also func(context.Context, store.Tx) error) error {
	change := exeunt.Change{Notices: []exeunt.Notice{{Kind: exeunt.NoticeAlert, To: e.planner.Operator(), Text: what, Dedup: dedup}}}
	change.Record(kind, nil, time.Now(), what, detail)
	return e.store.CommitWith(ctx, &change, also)
}
