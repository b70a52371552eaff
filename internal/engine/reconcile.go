package engine

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// listAttempts is how often a page is asked for before the list is given up. To be told to wait is not to fail.
const listAttempts = 5

// backOfTheLine is where whoever lists everybody stands in a system's line: behind all that a departure needs.
var backOfTheLine = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// listing is what a lane does for a reconciliation, beside its visits and within the same tenure: the list of everybody is
// read page by page, each is kept with where the list goes on, and whoever takes the lane over goes on there.
type listing struct {
	e        *Engine
	system   string
	failures int       // of the page that is next
	restarts int       // of the list
	until    time.Time // not before
}

// step reads one page, or compares once the last is read. It says when to come again: zero for when it is woken.
func (l *listing) step(ctx context.Context) (again time.Time, err error) {
	if time.Now().Before(l.until) {
		return l.until, nil
	}
	open, err := l.e.store.Listings(ctx, l.system)
	if err != nil || len(open) == 0 {
		return time.Time{}, err
	}
	at := open[0]
	if at.System.BegunAt.IsZero() {
		at.System.BegunAt = time.Now().UTC()
	}
	system, err := l.e.systems.System(l.system)
	if err != nil {
		return time.Time{}, l.fail(ctx, at, err)
	}
	c, err := l.e.systems.Connector(l.system)
	if err != nil {
		return time.Time{}, l.fail(ctx, at, err)
	}
	if at.Page > 0 && at.Cursor == "" {
		return time.Time{}, l.compare(ctx, at, system)
	}
	page, err := connector.List(connector.WithPlace(ctx, backOfTheLine), c, at.Cursor, system.Correlation.Attributes())
	if ctx.Err() != nil {
		return time.Time{}, ctx.Err()
	}
	if err != nil {
		return l.refused(ctx, at, err)
	}
	l.failures = 0
	if at, err = l.e.store.SavePage(ctx, at, page.Accounts, page.Next); err != nil {
		return time.Now(), ignoreConflict(err)
	}
	l.e.watch.changed(0)
	return time.Now(), nil
}

// refused decides what a page that did not come means.
func (l *listing) refused(ctx context.Context, at store.Listing, err error) (again time.Time, _ error) {
	switch exeunt.KindOf(err) {
	case exeunt.Throttled:
		l.until = time.Now().Add(max(retryAfter(err), time.Second))
		return l.until, nil
	case exeunt.Temporary, exeunt.Internal:
		if l.failures++; l.failures < listAttempts {
			l.until = time.Now().Add(l.e.jitter(exeunt.Backoff(l.failures)))
			return l.until, nil
		}
	case exeunt.Conflict: // the system forgot where the list goes on
		if l.restarts++; l.restarts < listAttempts {
			_, err := l.e.store.ListAgain(ctx, at)
			return time.Now(), err
		}
	default: // the others do not pass by themselves
	}
	return time.Time{}, l.fail(ctx, at, err)
}

func (l *listing) fail(ctx context.Context, at store.Listing, why error) error {
	var change exeunt.Change
	at.System, change = at.System.Fail(why, time.Now())
	return l.end(ctx, at, nil, &change)
}

// compare judges everybody by the rules of the system, as a visit would.
func (l *listing) compare(ctx context.Context, at store.Listing, system exeunt.System) error {
	people, err := l.e.workers.of(ctx, l.e.store, at.Reconciliation)
	if err != nil {
		return err
	}
	accounts, err := l.e.store.ListedAccounts(ctx, at)
	if err != nil {
		return err
	}
	learned, err := l.e.store.Learned(ctx, l.system)
	if err != nil {
		return err
	}
	if learned.Ended, err = l.e.store.EndedOtherwise(ctx, l.system); err != nil {
		return err
	}
	tally, findings, err := exeunt.Compare(l.system, system.Correlation, people, accounts, learned)
	if err != nil {
		return l.fail(ctx, at, err)
	}
	var change exeunt.Change
	at.System, change = at.System.End(tally, time.Now())
	return l.end(ctx, at, findings, &change)
}

func (l *listing) end(ctx context.Context, at store.Listing, findings []exeunt.Finding, change *exeunt.Change) error {
	l.failures, l.restarts = 0, 0
	err := ignoreConflict(l.e.store.EndListing(ctx, at, findings, change))
	l.e.watch.changed(0)
	return err
}

// workers are the people of the reconciliation that is under way, read once for all lanes: they are many.
type workers struct {
	mu             sync.Mutex
	reconciliation int64
	people         []exeunt.Worker
	forget         *time.Timer
}

// workersKept is how long nobody may ask for them before they are forgotten.
const workersKept = 10 * time.Minute

func (w *workers) of(ctx context.Context, s *store.Store, reconciliation int64) ([]exeunt.Worker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.reconciliation != reconciliation {
		people, err := s.Workers(ctx, reconciliation, time.Now())
		if err != nil {
			return nil, err
		}
		w.reconciliation, w.people = reconciliation, people
	}
	if w.forget != nil {
		w.forget.Stop()
	}
	w.forget = time.AfterFunc(workersKept, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reconciliation, w.people = 0, nil
	})
	return w.people, nil
}

// Reconcile begins to compare everybody with the accounts of all systems.
func (e Commands) Reconcile(ctx context.Context, people []exeunt.Worker, by exeunt.Override) (exeunt.Reconciliation, error) {
	by.Account = cmp.Or(by.Account, e.who.Email)
	inventory, err := e.engine.inventory()
	if err != nil {
		return exeunt.Reconciliation{}, err
	}
	r, change, err := exeunt.BeginReconciliation(people, inventory, by, time.Now())
	if err != nil {
		return r, err
	}
	r, err = e.engine.store.BeginReconciliation(ctx, r, people, &change)
	tickle(e.engine.node.checks)
	return r, err
}

// StopReconciling ends the reconciliation that is under way.
func (e Commands) StopReconciling(ctx context.Context, by exeunt.Override) error {
	var change exeunt.Change
	change.Record(exeunt.EntryReconciled, nil, time.Now(), "the reconciliation was stopped", map[string]string{"by": by.By, "reason": by.Reason})
	return e.engine.store.StopReconciliation(ctx, time.Now(), &change)
}

// ConfirmAccount keeps whose an account of a finding is.
func (e Commands) ConfirmAccount(ctx context.Context, finding int64, what exeunt.Confirmation, by exeunt.Override) error {
	by.Account = cmp.Or(by.Account, e.who.Email)
	f, err := e.store.Finding(ctx, finding)
	if err != nil {
		return err
	}
	accounts := []string{what.Account}
	for _, a := range f.Accounts {
		accounts = append(accounts, a.ID)
	}
	before, err := e.engine.store.Mappings(ctx, f.System, accounts...)
	if err != nil {
		return err
	}
	if what.Leaver != "" {
		known, err := e.store.Knows(ctx, what.Leaver)
		if err != nil {
			return err
		}
		what.Unknown = !known
	}
	what.Salt = store.Random(16)
	f, m, change, err := f.Confirm(what, before, by, time.Now())
	if err != nil {
		return err
	}
	return e.engine.store.Decide(ctx, f, &m, &change)
}
