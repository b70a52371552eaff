package wrap_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/wrap"
)

// fake is a connector whose verbs are functions; a nil one succeeds.
type fake struct {
	find    func(context.Context) ([]exeunt.Found, error)
	observe func(context.Context) (exeunt.Observation, error)
	apply   func(context.Context) error
}

func (f fake) Find(ctx context.Context, _ []exeunt.Key) ([]exeunt.Found, error) {
	if f.find == nil {
		return nil, nil
	}
	return f.find(ctx)
}

func (f fake) Observe(ctx context.Context, _ exeunt.Account) (exeunt.Observation, error) {
	if f.observe == nil {
		return exeunt.Observation{}, nil
	}
	return f.observe(ctx)
}

func (f fake) Apply(ctx context.Context, _ exeunt.Account, _ exeunt.Action, _ connector.Parameters) error {
	if f.apply == nil {
		return nil
	}
	return f.apply(ctx)
}

func apply(ctx context.Context, c connector.Connector) error {
	return c.Apply(ctx, exeunt.Account{ID: "1"}, exeunt.Disable, connector.Parameters{})
}

func TestTimeoutCutsOffACallThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := fake{apply: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		began := time.Now()
		err := apply(t.Context(), wrap.Stack(hangs, wrap.Options{System: "hr"}))
		if exeunt.KindOf(err) != exeunt.Temporary || time.Since(began) != wrap.CallTimeout {
			t.Errorf("got %v (%s) after %s, want temporary after %s", err, exeunt.KindOf(err), time.Since(began), wrap.CallTimeout)
		}
	})
}

func TestThrottleRunsNoMoreAtOnceThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		slow := fake{apply: func(context.Context) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return nil
		}}
		c := wrap.Throttle(slow, wrap.NewLane("hr", exeunt.Rate{Concurrency: 3}))
		began := time.Now()
		var wg sync.WaitGroup
		for range 9 {
			wg.Go(func() {
				if err := apply(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if most.Load() != 3 || time.Since(began) != 3*time.Second {
			t.Errorf("%d ran at once and all took %s, want 3 and 3s", most.Load(), time.Since(began))
		}
	})
}

func TestThrottleKeepsToTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := wrap.Throttle(fake{}, wrap.NewLane("hr", exeunt.Rate{PerSecond: 2}))
		began := time.Now()
		for range 6 {
			if err := apply(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("6 calls at 2 a second took %s, want 2s: 2 at once, then one each half second", took)
		}
	})
}

func TestAPauseHoldsEveryCallerOfTheSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls int
		busy := fake{apply: func(context.Context) error {
			calls++
			return exeunt.Errorf(exeunt.Throttled, "slow down").After(time.Minute)
		}}
		lane := wrap.NewLane("hr", exeunt.Rate{})
		_ = apply(t.Context(), wrap.Throttle(busy, lane))
		time.Sleep(20 * time.Second)

		other := wrap.Throttle(fake{}, lane)
		err := apply(t.Context(), other)
		e, ok := errors.AsType[*exeunt.Error](err)
		if !ok || e.Kind != exeunt.Throttled || e.RetryAfter != 40*time.Second {
			t.Fatalf("another caller got %#v, want throttled with the 40 s that are left", err)
		}
		time.Sleep(39 * time.Second)
		began := time.Now()
		if err := apply(t.Context(), other); err != nil || time.Since(began) != time.Second {
			t.Errorf("with a second left: %v after %s, want it to wait that second itself", err, time.Since(began))
		}
		if calls != 1 {
			t.Errorf("the busy system was called %d times, want once", calls)
		}
	})
}

func TestAShorterPauseDoesNotEndALongerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := wrap.NewLane("hr", exeunt.Rate{})
		lane.Pause(time.Minute)
		lane.Pause(time.Second)
		if lane.Paused() != time.Minute {
			t.Errorf("paused for %s, want 1m", lane.Paused())
		}
	})
}

func TestThrottleGivesUpWhenNoSeatComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := wrap.NewLane("hr", exeunt.Rate{Concurrency: 1})
		release := make(chan struct{})
		go apply(t.Context(), wrap.Throttle(fake{apply: func(context.Context) error { <-release; return nil }}, lane))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := apply(ctx, wrap.Throttle(fake{}, lane)); exeunt.KindOf(err) != exeunt.Throttled {
			t.Errorf("got %v, want throttled: nothing was sent", err)
		}
		close(release)
	})
}

func TestRedactLetsNoSecretThrough(t *testing.T) {
	const secret = "s3cr3t-value+with/odd=signs"
	t.Setenv("WRAP_TEST_SECRET", secret)
	secrets := wrap.SecretsIn([]byte(`{"base_url":"https://hr.example","auth":[{"token":"env:WRAP_TEST_SECRET"}]}`))
	if len(secrets) != 1 {
		t.Fatalf("found %d secrets in the settings, want 1", len(secrets))
	}
	for name, leak := range map[string]string{
		"the configured secret":   "refused " + secret,
		"its form in a query":     "refused s3cr3t-value%2Bwith%2Fodd%3Dsigns",
		"a bearer header":         "sent Authorization: Bearer abcdef0123456789abcdef",
		"a basic header":          "sent Authorization: Basic dXNlcjpwYXNzd29yZA==",
		"a JSON Web Token":        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
		"a named token":           `{"access_token":"abcdef0123456789"}`,
		"a password in an adress": "dial ldaps://cn=admin:hunter2hunter2@ldap.example",
	} {
		t.Run(name, func(t *testing.T) {
			for kind, err := range map[string]error{
				"ours":          exeunt.Errorf(exeunt.Denied, "%s", leak),
				"by hand":       exeunt.Errorf(exeunt.Denied, "do it").Instead("run " + leak),
				"ours, wrapped": fmt.Errorf("outer %s: %w", leak, exeunt.Errorf(exeunt.Denied, "%s", leak).Because(errors.New(leak))),
				"foreign":       errors.New(leak),
			} {
				got := apply(t.Context(), wrap.Redact(fake{apply: func(context.Context) error { return err }}, "hr", secrets))
				for e := got; e != nil; e = errors.Unwrap(e) {
					for _, part := range []string{"s3cr3t", "abcdef0123456789", "dXNlcjpwYXNzd29yZA", "eyJzdWIi", "hunter2"} {
						own, _ := errors.AsType[*exeunt.Error](e)
						if strings.Contains(e.Error(), part) || own != nil && strings.Contains(strings.Join(own.ByHand, "\n"), part) {
							t.Errorf("%s: %q still shows %q", kind, e, part)
						}
					}
				}
			}
		})
	}
}

func TestRedactKeepsWhatTheEngineDecidesOn(t *testing.T) {
	cause := errors.New("cause")
	in := exeunt.Errorf(exeunt.Throttled, "token permissions are missing: wait for the basic administration to answer").After(time.Minute).Instead("ring them").Because(cause)
	err := apply(t.Context(), wrap.Redact(fake{apply: func(context.Context) error { return in }}, "hr", nil))
	e, ok := errors.AsType[*exeunt.Error](err)
	if !ok || e.Kind != in.Kind || e.RetryAfter != in.RetryAfter || e.Message != in.Message || !slices.Equal(e.ByHand, in.ByHand) || !errors.Is(err, cause) {
		t.Errorf("got %#v, want the same kind, wait, words and cause", err)
	}
	if err := apply(t.Context(), wrap.Redact(fake{apply: func(context.Context) error { return context.DeadlineExceeded }}, "hr", nil)); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a deadline became %s, want temporary", exeunt.KindOf(err))
	}
}

func TestRedactCleansFacts(t *testing.T) {
	looks := fake{observe: func(context.Context) (exeunt.Observation, error) {
		return exeunt.Observation{Facts: map[string]string{"note": "api_key=abcdef0123456789", "status": "active"}}, nil
	}}
	seen, err := wrap.Redact(looks, "hr", nil).Observe(t.Context(), exeunt.Account{ID: "1"})
	if err != nil || strings.Contains(seen.Facts["note"], "abcdef") || seen.Facts["status"] != "active" {
		t.Errorf("got %v, %v", seen.Facts, err)
	}
}

type figures []string

func (f *figures) Observe(system, verb, kind string, took time.Duration) {
	*f = append(*f, fmt.Sprintf("%s %s %s %s", system, verb, kind, took))
}

func TestMeteredTellsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got figures
		c := wrap.Stack(fake{
			find:  func(context.Context) ([]exeunt.Found, error) { time.Sleep(time.Second); return nil, nil },
			apply: func(context.Context) error { return exeunt.Errorf(exeunt.Denied, "no") },
		}, wrap.Options{System: "hr", Meter: &got})
		_, _ = c.Find(t.Context(), nil)
		_, _ = c.Observe(t.Context(), exeunt.Account{})
		_ = apply(t.Context(), c)
		want := "hr find ok 1s, hr observe ok 0s, hr apply denied 0s"
		if strings.Join(got, ", ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}

// Who stands further ahead goes first, however many waited before; who stands alike goes in the order of arrival.
func TestTheMostUrgentCallerGoesNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := wrap.NewLane("hr", exeunt.Rate{PerSecond: 1, Concurrency: 2})
		var mu sync.Mutex
		var order []string
		var all sync.WaitGroup
		began := time.Now()
		call := func(name string, place time.Time) {
			all.Go(func() {
				err := apply(connector.WithPlace(t.Context(), place), wrap.Throttle(fake{apply: func(context.Context) error {
					mu.Lock()
					order = append(order, fmt.Sprint(name, int(time.Since(began).Seconds())))
					mu.Unlock()
					return nil
				}}, lane))
				if err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		for i := range 5 {
			call("wave", began.Add(time.Duration(i)*time.Second))
		}
		call("urgent", began.Add(-24*time.Hour))
		all.Wait()
		if got := fmt.Sprint(order); got != "[wave0 urgent1 wave2 wave3 wave4 wave5]" {
			t.Errorf("in order: %s", got)
		}
	})
}

// A caller who gives up while it waits takes neither a seat nor a request with it.
func TestWhoGivesUpLeavesHisTurnToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := wrap.NewLane("hr", exeunt.Rate{PerSecond: 1, Concurrency: 1})
		for range 5 {
			gone, leave := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_ = apply(gone, wrap.Throttle(fake{}, lane))
			leave()
		}
		began := time.Now()
		for range 3 {
			if err := apply(t.Context(), wrap.Throttle(fake{}, lane)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("three calls took %s", took)
		}
	})
}
