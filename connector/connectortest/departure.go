package connectortest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// answerAfter is how long the systems of a benchmark take for each answer.
const answerAfter = 50 * time.Millisecond

// Departures measures the time from trigger to all confirmed: one whole departure of somebody who has one of everything,
// standard and immediate, step by step as the engine goes, when each answer takes 50 ms. What a system does shows after the
// lag, which Later brings about; nobody sleeps until then, the time is added. It reports the requests, how many of them went
// in a row since each waited for another, those that were asked before in the same words, and the seconds.
func Departures(b *testing.B, lag time.Duration, subject func(testing.TB) Subject) {
	for _, immediate := range []bool{false, true} {
		b.Run(map[bool]string{false: "standard", true: "immediate"}[immediate], func(b *testing.B) {
			s := subject(b)
			line := &line{next: s.Transport}
			s.Transport = line
			var took time.Duration
			for b.Loop() {
				b.StopTimer()
				leaver := s.Hire(b)
				if lag > 0 && s.Later != nil {
					s.Later(b) // hired long ago
				}
				b.StartTimer()
				took += s.depart(b, leaver, immediate, lag)
			}
			n := float64(b.N)
			b.ReportMetric(float64(line.requests)/n, "requests")
			b.ReportMetric(float64(line.longest)/n, "in-a-row")
			b.ReportMetric(float64(line.again())/n, "asked-again")
			b.ReportMetric(took.Seconds()/n, "s-to-confirmed")
			line.tell(b)
		})
	}
}

// forEver bounds a departure that does not end.
const forEver = time.Hour

// running is a step of a departure on its way.
type running struct {
	aim  connector.Aim
	step exeunt.Step
	due  time.Time
}

// depart ends everything, and returns how long it took on the clock of whoever waits for it.
func (s Subject) depart(b *testing.B, leaver exeunt.Leaver, immediate bool, lag time.Duration) time.Duration {
	b.Helper()
	var skipped time.Duration
	now := func() time.Time { return time.Now().Add(skipped) }
	began, changed := now(), now()
	c := s.open(b)
	account := s.find(b, c, leaver)
	steps := s.running(b, leaver, account, immediate)
	for len(steps) > 0 {
		if s.Later != nil && now().Sub(changed) >= lag {
			s.Later(b)
			changed = now()
		}
		if skipped > forEver {
			b.Fatalf("%s is not done after %v", steps[0].aim.Spec.Action, skipped)
		}
		var left []*running
		for _, r := range steps {
			if r.due.After(now()) || !r.attempt(b, c, now, func() { changed = now() }) {
				left = append(left, r)
			}
		}
		if steps = left; len(steps) > 0 {
			next := slices.MinFunc(steps, func(a, b *running) int { return a.due.Compare(b.due) }).due
			skipped += max(0, next.Sub(now()))
		}
	}
	return now().Sub(began)
}

func (s Subject) running(t testing.TB, leaver exeunt.Leaver, account exeunt.Account, immediate bool) (all []*running) {
	specs := s.specs(t)
	slices.SortStableFunc(specs, func(a, b exeunt.ActionSpec) int { return a.In(immediate) - b.In(immediate) })
	for _, spec := range specs {
		all = append(all, &running{aim: aim(leaver, account, spec)})
	}
	return all
}

// attempt says whether the step is over. It waits between looks as the engine does: see exeunt.Step.Pause.
func (r *running) attempt(b *testing.B, c connector.Connector, now func() time.Time, changed func()) bool {
	b.Helper()
	spec := r.aim.Spec
	r.aim.Settling = r.aim.Intended && now().Sub(r.step.AppliedAt) < spec.Settles
	acted := false
	out, err := connector.Converge(b.Context(), c, r.aim, func(exeunt.Observation) error {
		acted, r.aim.Intended, r.step.AppliedAt = true, true, now()
		r.step.Attempt++
		return nil
	})
	if out.Changed {
		changed()
	}
	switch {
	case err != nil || out.Kind == exeunt.GaveUp:
		b.Fatalf("%s: %s %v", spec.Action, reason(out), err)
	case out.Kind == exeunt.NotYet, out.Kind == exeunt.TryAgain:
		out.Settles = spec.Settles
		r.due = now().Add(r.step.Pause(out, now()))
		if out.Kind == exeunt.NotYet {
			r.step.Awaits++
		} else if !acted {
			r.step.Attempt++
		}
		return false
	}
	return true
}

// line is the way to a system that is far away. It knows which requests waited for others.
type line struct {
	next http.RoundTripper

	mu       sync.Mutex
	requests int
	over     int // the longest row of requests that are answered
	longest  int
	asked    map[string]int
}

func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.requests++
	place := l.over + 1
	if l.asked == nil {
		l.asked = map[string]int{}
	}
	body, err := drained(&r.Body)
	l.asked[fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)]++
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if err := rest(r.Context(), answerAfter); err != nil {
		return nil, err
	}
	next := l.next
	if next == nil {
		next = http.DefaultTransport
	}
	answer, err := next.RoundTrip(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = max(l.over, place)
	l.longest = max(l.longest, place)
	return answer, err
}

func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// again counts the requests that had been made before.
func (l *line) again() (n int) {
	for _, times := range l.asked {
		n += times - 1
	}
	return n
}

// tell names what was asked most often.
func (l *line) tell(b *testing.B) {
	b.Helper()
	most := slices.SortedFunc(maps.Keys(l.asked), func(x, y string) int { return l.asked[y] - l.asked[x] })
	for _, request := range most[:min(6, len(most))] {
		b.Logf("%4d × %.220s", l.asked[request], request)
	}
}
