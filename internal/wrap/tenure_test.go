package wrap_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/wrap"
)

// TestTheBudgetBeforeATenureWasAnothersToSpend lets a lane change hands twice: in sum the vendor must not see
// more than the rate and one burst.
func TestTheBudgetBeforeATenureWasAnothersToSpend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		node := func() connector.Connector {
			return wrap.Stack(fake{apply: func(context.Context) error { calls.Add(1); return nil }}, wrap.Options{System: "hr", Lane: wrap.NewLane("hr", exeunt.Rate{PerSecond: 10})})
		}
		work := func(c connector.Connector, since time.Time) {
			ctx := connector.WithTenure(t.Context(), &connector.Tenure{Since: since, Lasts: func() bool { return true }})
			for until := time.Now().Add(2 * time.Second); time.Now().Before(until); {
				if err := apply(ctx, c); err != nil {
					t.Error(err)
				}
			}
		}
		one, two, began := node(), node(), time.Now()
		work(one, time.Time{}) // nobody else can have had it: it may spend the burst at once
		if first := calls.Load(); first != 30 {
			t.Errorf("%d calls in the first two seconds, want the burst of 10 and 20", first)
		}
		work(two, time.Now())
		work(one, time.Now()) // its own old bucket is full again, and void
		if n, most := calls.Load(), 10+int32(10*time.Since(began).Seconds()); n > most {
			t.Errorf("%d calls in %s, want %d at most", n, time.Since(began), most)
		}
	})
}

// TestTwoTenuresSpendOneBudget lets calls of an earlier tenure and of the present one take turns.
func TestTwoTenuresSpendOneBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := wrap.Stack(fake{apply: func(context.Context) error { calls++; return nil }}, wrap.Options{System: "hr", Lane: wrap.NewLane("hr", exeunt.Rate{PerSecond: 10})})
		var both [2]context.Context
		for i := range both {
			both[i] = connector.WithTenure(t.Context(), &connector.Tenure{Since: time.Now(), Lasts: func() bool { return true }})
			time.Sleep(time.Hour)
		}
		for began, i := time.Now(), 0; time.Since(began) < 2*time.Second && calls < 100; i++ {
			if err := apply(both[i%2], c); err != nil {
				t.Error(err)
			}
		}
		if calls > 31 {
			t.Errorf("%d calls in two seconds, want the burst of 10 and 20", calls)
		}
	})
}

// TestAPauseIsHandedOn: the system asked the server that had the lane before.
func TestAPauseIsHandedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		called := false
		c := wrap.Throttle(fake{apply: func(context.Context) error { called = true; return nil }}, wrap.NewLane("hr", exeunt.Rate{}))
		ctx := connector.WithTenure(t.Context(), &connector.Tenure{Since: time.Now(), Lasts: func() bool { return true }, NotBefore: time.Now().Add(time.Minute)})
		if err := apply(ctx, c); exeunt.RetryAfterOf(err) != time.Minute || called {
			t.Errorf("it was called: %t, and answered %v", called, err)
		}
		time.Sleep(time.Minute)
		if err := apply(ctx, c); err != nil || !called {
			t.Errorf("after the pause it was called: %t, %v", called, err)
		}
	})
}

// TestNobodyGoesOutAfterHisTenure is a server that is paused while a call waits for its turn.
func TestNobodyGoesOutAfterHisTenure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over atomic.Bool
		ctx := connector.WithTenure(t.Context(), &connector.Tenure{Since: time.Now(), Lasts: func() bool { return !over.Load() }})
		called := false
		lane := wrap.NewLane("hr", exeunt.Rate{PerSecond: 1})
		c := wrap.Throttle(fake{apply: func(context.Context) error { called = true; return nil }}, lane)
		time.AfterFunc(500*time.Millisecond, func() { over.Store(true) })
		if err := apply(ctx, c); exeunt.KindOf(err) != exeunt.Throttled || called {
			t.Errorf("it was called: %t, and answered %v", called, err)
		}
		// The second request of a verb asks as well.
		next := lane.Transport(roundTrips(func(*http.Request) (*http.Response, error) {
			called = true
			return httptest.NewRecorder().Result(), nil
		}))
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
		if answer, err := next.RoundTrip(r); err == nil || called {
			_ = answer.Body.Close()
			t.Errorf("a request went out after the tenure")
		}
	})
}

type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
