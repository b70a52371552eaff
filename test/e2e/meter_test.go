package e2e_test

import (
	"sync"
	"testing"
	"time"
)

// meter holds the calls of one system against its limit.
type meter struct {
	perSecond int
	mu        sync.Mutex
	calls     []time.Time
}

func (r *meter) arrive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, time.Now())
}

// judge sees that in no stretch of time there were more calls than the rate and one burst allow, from all
// servers together.
func (r *meter) judge(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	worst, at := 0.0, 0
	for i := range r.calls {
		for j := i; j < len(r.calls); j++ {
			allowed := float64(r.perSecond) * (1 + r.calls[j].Sub(r.calls[i]).Seconds())
			if over := float64(j-i+1) - allowed; over > worst {
				worst, at = over, i
			}
		}
	}
	if worst > jitter {
		t.Errorf("beginning with call %d of %d, there were %.1f more than %d a second allow", at, len(r.calls), worst, r.perSecond)
	}
	t.Logf("the limited system saw %d calls, in no stretch of time more than %d a second and one burst", len(r.calls), r.perSecond)
}

// jitter is how many calls may arrive closer together than they were sent, on a busy machine.
const jitter = 2
