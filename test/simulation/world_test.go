package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// world is one company, its systems and people, and the process that is to survive what happens there.
type world struct {
	t       testing.TB
	seed    uint64
	random  *rand.Rand // the driver's alone: nobody else may draw
	profile profile
	turn    *turnstile
	dir     string
	began   time.Time

	servers int          // how many there are when all are well
	company *store.Nodes // of the several; nil where there is one
	up      []*life      // those that run
	lives   int          // so far
	store   *store.Store // of whoever looks on: no server's
	plot                 // what the seed is about

	inventory []exeunt.System
	vendors   map[string]*vendor
	people    []*person
	pending   []said               // by HR, and not heard by us
	calm      bool                 // no more faults
	stuck     bool                 // people get nowhere today
	patience  int                  // how often they try
	fullUntil time.Time            // the disk
	badUntil  map[string]time.Time // vendors whose credentials are refused

	mu      sync.Mutex
	mail    []letter
	trace   []string
	kinds   map[exeunt.EntryKind]int // of entries, at the end
	faults  map[fault]int
	sending []sent // and not answered yet
	refused []said

	wrong  sync.Mutex
	broken []string // invariants
}

// letter is a message that somebody received.
type letter struct {
	at     time.Time
	notice exeunt.Notice
}

// profile is what sort of trouble a seed makes.
type profile struct {
	vendors float64 // how often a call goes wrong
	writes  float64 // how often a transaction does
	crash   float64 // how often the process dies, at each step of the driver
	mail    float64
	slow    float64 // how often time passes while somebody waits for an answer
	people  float64 // how often somebody decides something
	drift   float64 // how often somebody opens an account again
	pends   bool    // vendors say that they are on their way, instead of nothing
}

func (p profile) calm() bool { return p.vendors+p.writes+p.crash+p.slow+p.drift == 0 }

func newWorld(t testing.TB, seed uint64, dir string) *world {
	w := &world{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0x657865756e74)), turn: newTurnstile(), dir: dir, began: time.Now(),
		inventory: inventory(), vendors: map[string]*vendor{}, badUntil: map[string]time.Time{}, kinds: map[exeunt.EntryKind]int{}, faults: map[fault]int{},
	}
	w.profile = w.trouble()
	w.plot = w.thicken()
	var err error
	if w.store, err = storetest.Through(context.Background(), dir, onlooker); err != nil {
		t.Fatal(err)
	}
	for _, s := range w.inventory {
		if s.Automated() {
			w.vendors[s.Name] = newVendor(w, s)
		}
	}
	for _, v := range w.vendors {
		v.parent = w.vendors[v.system.SSO]
	}
	w.hire()
	return w
}

// trouble draws a profile: some seeds have none of it, some one sort, most all.
func (w *world) trouble() profile {
	p := profile{pends: w.chance(0.5), people: 0.02}
	if w.chance(0.3) {
		p.drift = 0.01
	}
	switch sort := w.random.IntN(10); sort {
	case 0:
	case 1, 2:
		p.vendors, p.mail = 0.25, 0.1
	case 3:
		p.writes = 0.1
	case 4:
		p.crash, p.slow = 0.03, 0.01
	default:
		p = profile{vendors: 0.15, writes: 0.03, crash: 0.01, mail: 0.1, slow: 0.01, people: 0.02, pends: p.pends, drift: p.drift}
	}
	return p
}

func (w *world) chance(p float64) bool { return p > 0 && w.random.Float64() < p }

func pick[T any](w *world, of []T) T { return of[w.random.IntN(len(of))] }

// ---- the process

// poll is long, so that a wake-up that is missing shows.
const poll = 24 * time.Hour

// spread spreads waits without being a matter of who asks first.
func (w *world) spread(most time.Duration) time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, most, time.Now().UnixNano())
	return time.Duration(h.Sum64() % uint64(most+1))
}

// seam is what stands between a life's store and its database.
func (w *world) seam(l *life) store.Seam {
	return store.Seam{
		Nodes: w.company,
		Write: func(ctx context.Context, what string, write func() error) error {
			before := &visitor{at: beforeWrite, label: what, life: l}
			w.turn.pass(context.Background(), before)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := write()
			w.turn.pass(context.Background(), &visitor{at: afterWrite, label: fmt.Sprintf("%06d %s", before.turn, what), life: l}) // two may write the same
			return err
		},
		Transaction: func(transaction func() error) error {
			if got := w.turn.pass(context.Background(), &visitor{at: beforeCommit, life: l}); got.died || got.fault != none {
				return errDisk
			}
			if err := transaction(); err != nil {
				return err
			}
			if got := w.turn.pass(context.Background(), &visitor{at: afterCommit, life: l}); got.died || got.fault != none {
				return errDisk
			}
			return nil
		},
	}
}

var errDisk = exeunt.Errorf(exeunt.Temporary, "the disk is full")

// ---- what the engine asks of its world

type desks struct {
	w    *world
	life *life
}

func (w *world) desks(l *life) desks { return desks{w, l} }

func (d desks) System(name string) (exeunt.System, error) {
	i := slices.IndexFunc(d.w.inventory, func(s exeunt.System) bool { return s.Name == name })
	if i < 0 {
		return exeunt.System{}, exeunt.Errorf(exeunt.NotFound, "no system %s", name)
	}
	return d.w.inventory[i], nil
}

func (d desks) Connector(name string) (connector.Connector, error) {
	return desk{d.w.vendors[name], d.life}, nil
}

func (d desks) Names() []string {
	var names []string
	for _, s := range d.w.inventory {
		names = append(names, s.Name)
	}
	return names
}

func (w *world) Plan(c exeunt.Case, now time.Time) (exeunt.Plan, error) {
	c.Owner = roles("hr", c.Leaver())
	return exeunt.Draft(w.policy(), c, w.inventory, roles, now)
}

func (w *world) Fuse() (exeunt.Fuse, exeunt.Person) { return w.fuse, operator }

func (w *world) Line(role string, l exeunt.Leaver) []exeunt.Person {
	return []exeunt.Person{roles(role, l), second}
}

func (w *world) Operator() exeunt.Person { return operator }

// reader is the intake.
type reader struct {
	w    *world
	life *life
}

func (r reader) Normalise(ctx context.Context, e store.Event) (exeunt.Trigger, error) {
	got := r.w.turn.pass(ctx, &visitor{at: beforeReading, label: e.Source + " " + e.ID, life: r.life})
	if err := got.err(); err != nil {
		return exeunt.Trigger{}, err
	}
	var t exeunt.Trigger
	err := json.Unmarshal(e.Body, &t)
	t.Source, t.EventID, t.ReceivedAt, t.Second = e.Source, e.ID, e.ReceivedAt, e.Source != authority
	return t, err
}

// mailer delivers messages.
type mailer struct {
	w    *world
	life *life
}

func (m mailer) Deliver(ctx context.Context, n exeunt.Notice, c exeunt.Case, _ *exeunt.Task) error {
	got := m.w.turn.pass(ctx, &visitor{at: beforeMail, label: fmt.Sprint(n.ID, " ", n.To.Email, " ", n.Kind, " ", n.Task), life: m.life})
	if got.late || got.fault != none {
		return exeunt.Errorf(exeunt.Temporary, "the mail server does not answer").Because(fmt.Errorf("AUTH %s", canary))
	}
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	m.w.mail = append(m.w.mail, letter{time.Now(), n})
	if c.Embargoed() && !c.Embargo.Lists(n.To.Email) {
		m.w.breaks(13, "%s was written to about %s, which is under embargo: %s", n.To.Email, c.ID, n.Kind)
	}
	return nil
}

// watched is the log of the process.
type watched struct{ w *world }

func (l watched) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(canary)) {
		l.w.breaks(13, "a secret stands in the log: %s", p)
	}
	return len(p), nil
}

// ---- the record of a run

// note keeps what happened. Whoever calls it is the driver.
func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%12s  ", time.Since(w.began).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

// breaks records that an invariant does not hold.
func (w *world) breaks(invariant int, format string, args ...any) {
	w.wrong.Lock()
	defer w.wrong.Unlock()
	w.broken = append(w.broken, fmt.Sprintf("invariant %d: ", invariant)+fmt.Sprintf(format, args...))
}

// report fails the test with all that is needed to see why and to see it again.
func (w *world) report() {
	if w.turn.unclear != "" {
		w.broken = append(w.broken, "two boundaries cannot be told apart, so that the seed does not decide: "+w.turn.unclear)
	}
	if len(w.broken) == 0 {
		return
	}
	slices.Sort(w.broken)
	const last = 60
	w.t.Errorf("seed %d breaks:\n  %s\nthe last steps of %d:\n  %s\nsee it again: %s", w.seed,
		strings.Join(slices.Compact(w.broken), "\n  "), len(w.trace), strings.Join(w.trace[max(0, len(w.trace)-last):], "\n  "), again(w.seed))
}

// fatal ends the run at once: the simulation itself does not work.
func (w *world) fatal(err error) {
	panic(fmt.Sprintf("seed %d: %v: %v\n%s", w.seed, err, errors.Unwrap(err), strings.Join(w.trace[max(0, len(w.trace)-30):], "\n")))
}
