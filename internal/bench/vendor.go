package bench

import (
	"context"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// vendor is a system that answers at once, so that what is measured is ours. It knows everybody, counts its
// calls, and remembers when it was first asked about each person.
type vendor struct {
	actions []exeunt.ActionSpec

	mu    sync.Mutex
	done  map[string]map[exeunt.Action]bool // by account
	first map[string]time.Time              // by employee number
	calls int
	each  map[int64]int // calls by second
}

func newVendor(actions []exeunt.ActionSpec) *vendor {
	return &vendor{actions: actions, done: map[string]map[exeunt.Action]bool{}, first: map[string]time.Time{}, each: map[int64]int{}}
}

func (v *vendor) Find(_ context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count()
	for _, k := range keys {
		if k.Attribute != string(exeunt.EmployeeID) {
			continue
		}
		if _, asked := v.first[k.Value]; !asked {
			v.first[k.Value] = time.Now()
		}
		return []exeunt.Found{{Account: exeunt.Account{ID: "id-" + k.Value, Login: k.Value}, Has: map[string][]string{k.Attribute: {k.Value}}}}, nil
	}
	return nil, nil
}

func (v *vendor) Observe(_ context.Context, account exeunt.Account) (exeunt.Observation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count()
	seen := exeunt.Observation{At: time.Now(), Standing: make(map[exeunt.Action]exeunt.Standing, len(v.actions)), Facts: map[string]string{"login": account.Login}}
	for _, a := range v.actions {
		seen.Standing[a.Action] = exeunt.Absent
		if v.done[account.ID][a.Action] {
			seen.Standing[a.Action] = exeunt.Holds
		}
	}
	return seen, nil
}

func (v *vendor) Apply(_ context.Context, account exeunt.Account, action exeunt.Action, _ connector.Parameters) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.count()
	if v.done[account.ID] == nil {
		v.done[account.ID] = map[exeunt.Action]bool{}
	}
	v.done[account.ID][action] = true
	return nil
}

// askedOf is when the vendor was first asked about somebody; zero when it was not.
func (v *vendor) askedOf(employee string) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.first[employee]
}

func (v *vendor) called() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls
}

func (v *vendor) count() {
	v.calls++
	v.each[time.Now().Unix()]++
}

// beyond counts the calls that exceeded a limit: a bucket that fills at the rate and holds one second of it, as
// vendors count, allows at most twice the rate within one second of the clock.
func (v *vendor) beyond(rate int) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, calls := range v.each {
		n += max(0, calls-2*rate)
	}
	return n
}
