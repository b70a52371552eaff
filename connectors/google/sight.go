package google

import (
	"maps"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
)

// sight is what one look saw: what it tells, and what acting on it needs beside that.
type sight struct {
	mu sync.Mutex
	exeunt.Observation

	user    user
	looked  map[exeunt.Action]bool  // what the look was about
	refused map[exeunt.Action]error // why what an action needs could not be read

	appPasswords []appPassword
	grants       []grant
	mobiles      []device
	roles        []assignment // the account's own
	transfers    map[string]exeunt.Standing
}

func (t *tenant) newSight(u user, wants func(exeunt.Action) bool) *sight {
	s := &sight{user: u, looked: map[exeunt.Action]bool{}, refused: map[exeunt.Action]error{}, Observation: exeunt.Observation{
		At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{}, Snapshot: map[string][]string{}, Why: map[exeunt.Action]string{},
	}}
	for _, spec := range t.Specs() {
		s.looked[spec.Action] = wants(spec.Action)
	}
	return s
}

// tell adds what was read for one action. Nothing is said of a standing that is not known.
func (s *sight) tell(action exeunt.Action, standing exeunt.Standing, facts map[string]string, snapshot map[string][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if standing != exeunt.Unknown {
		s.Standing[action] = standing
	}
	maps.Copy(s.Facts, facts)
	maps.Copy(s.Snapshot, snapshot)
}

// moot tells that an action can no longer be done, and why that is of no consequence.
func (s *sight) moot(action exeunt.Action, why string, facts map[string]string) {
	s.tell(action, exeunt.Moot, facts, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Why[action] = why
}

// refuse keeps why an action could not be looked at. Acting without having seen would be acting on nothing, and would count
// as acknowledged.
func (s *sight) refuse(action exeunt.Action, why error) {
	s.tell(action, exeunt.Unknown, map[string]string{string(action): "may not be read"}, nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused[action] = why
}

// recent are the last looks, each until it is acted on: acting on what was read a moment ago spares reading it again.
type recent struct {
	mu sync.Mutex
	of map[string]*sight // by the id of the account
}

// mostRecent bounds them. Of most accounts nothing is done after a look, since it is so already.
const mostRecent = 1000

func (r *recent) keep(account string, s *sight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || len(r.of) >= mostRecent {
		r.of = map[string]*sight{}
	}
	r.of[account] = s
}

// take returns the look of that moment, where it was about the action.
func (r *recent) take(account string, at time.Time, action exeunt.Action) *sight {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.of[account]
	if s == nil || !s.At.Equal(at) || !s.looked[action] {
		return nil
	}
	delete(r.of, account)
	return s
}
