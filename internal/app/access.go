package app

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// accesses record who came in, looked at what is under embargo and took something out. What they return nil for
// is durable: whoever answers asks them first, and does not answer when they cannot.
type accesses struct {
	store *store.Store

	mu    sync.Mutex
	tally map[string]*told // by what is the same about them
}

// told is what happens again and again within a minute: the first time is recorded at once, the others are
// counted, so that nobody can fill the log by guessing passwords or by polling.
type told struct {
	access exeunt.Access
	until  time.Time
	first  bool // is durable
	more   int  // since then
}

// tallyTime is how long repetitions are counted before their number is recorded.
const tallyTime = time.Minute

func newAccesses(s *store.Store) *accesses {
	return &accesses{store: s, tally: map[string]*told{}}
}

// record makes accesses durable.
func (a *accesses) record(ctx context.Context, list ...exeunt.Access) error {
	if len(list) == 0 {
		return nil
	}
	change := a.change(ctx, list...)
	return a.store.Commit(ctx, &change)
}

// change is the accesses of a request as they shall be committed.
func (a *accesses) change(ctx context.Context, list ...exeunt.Access) exeunt.Change {
	from := askedOf(ctx).from
	for i := range list {
		list[i].From = from
	}
	return exeunt.Accessed(time.Now(), list...)
}

// count makes an access durable when it is the first of its kind within a minute, and counts it otherwise.
func (a *accesses) count(ctx context.Context, access exeunt.Access) error {
	key := fmt.Sprint(access.Kind, "\n", access.Who, "\n", access.Case, access.Wave, "\n", access.What)
	a.mu.Lock()
	t := a.tally[key]
	if t == nil {
		t = &told{access: access, until: time.Now().Add(tallyTime)}
		t.access.From = askedOf(ctx).from
		a.tally[key] = t
	}
	if t.first {
		t.more++
		a.mu.Unlock()
		return nil
	}
	a.mu.Unlock()
	if err := a.record(ctx, access); err != nil { // until one is durable, each says itself
		return err
	}
	a.mu.Lock()
	t.first = true
	a.mu.Unlock()
	return nil
}

// flush records how often it happened again, where the minute is over; all of it when the server stops.
func (a *accesses) flush(ctx context.Context, all bool) error {
	now := time.Now()
	var due []exeunt.Access
	a.mu.Lock()
	for key, t := range a.tally {
		if !all && t.until.After(now) {
			continue
		}
		delete(a.tally, key)
		if t.more > 0 {
			t.access.What += " again"
			t.access.Times = t.more
			due = append(due, t.access)
		}
	}
	a.mu.Unlock()
	if len(due) == 0 {
		return nil
	}
	change := exeunt.Accessed(now, due...)
	return a.store.Commit(ctx, &change)
}

// keep flushes every minute until ctx ends, and then the rest.
func (a *accesses) keep(ctx context.Context, failed func(error)) {
	flush := func(over bool) {
		if err := a.flush(context.WithoutCancel(ctx), over); err != nil {
			failed(err)
		}
	}
	every(ctx, tallyTime, func(time.Time) { flush(false) })
	flush(true)
}

// asked is one request as the record knows it.
type asked struct {
	from exeunt.Whence

	mu   sync.Mutex
	seen map[store.Sealed]bool // what was recorded to be read in it
}

type askedKey struct{}

func askedOf(ctx context.Context) *asked {
	if r, ok := ctx.Value(askedKey{}).(*asked); ok {
		return r
	}
	return &asked{from: exeunt.FromServer, seen: map[store.Sealed]bool{}}
}

// FromShell marks what is done by a command on the server's own machine.
func FromShell(ctx context.Context) context.Context {
	return context.WithValue(ctx, askedKey{}, &asked{from: exeunt.FromShell, seen: map[store.Sealed]bool{}})
}

// remembered gives every request what the record knows of it.
func remembered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), askedKey{}, &asked{from: whence(r), seen: map[store.Sealed]bool{}})))
	})
}

// whence classes the address that a request came from. What a header says of it anybody can write; that there is
// one, from inside, says that a proxy stands before us.
func whence(r *http.Request) exeunt.Whence {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return exeunt.FromMachine // a socket has no address
	}
	address := peer.Addr().Unmap()
	inside := address.IsLoopback() || address.IsPrivate() || address.IsLinkLocalUnicast()
	switch {
	case inside && (r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""):
		return exeunt.FromProxy
	case address.IsLoopback():
		return exeunt.FromMachine
	case inside:
		return exeunt.FromPrivate
	default:
		return exeunt.FromInternet
	}
}

// taken records that somebody takes something out, before they are given it. What they may not see is not there
// for them, and nothing is taken.
func (a *App) taken(ctx context.Context, who exeunt.Viewer, e web.Export) error {
	access := exeunt.Access{Kind: exeunt.EntryExported, Who: who.Signs(), Case: e.Case, Wave: e.Wave, What: e.What + " taken out"}
	see := a.Store.For(who)
	var err error
	switch {
	case e.Case != 0:
		_, err = see.Case(ctx, e.Case)
	case e.Wave != 0:
		_, err = see.Wave(ctx, e.Wave)
	case e.Task != 0:
		var t store.TaskRow
		t, err = see.Task(ctx, e.Task)
		access.Case = t.Case
	}
	if exeunt.KindOf(err) == exeunt.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return a.accesses.count(ctx, access)
}
