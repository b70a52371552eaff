package connectortest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Verb is one of a connector's.
type Verb string

// The verbs.
const (
	Find         Verb = "find"
	Observe      Verb = "observe"
	Apply        Verb = "apply"
	List         Verb = "list"
	Examine      Verb = "examine"
	Applications Verb = "applications"
)

// Always is, as a number of calls, every call until Heal.
const Always = -1

// Actions is what a Vendor can do unless it is told otherwise: one of each sort.
func Actions() []exeunt.ActionSpec {
	return []exeunt.ActionSpec{
		{Action: exeunt.ResetPassword, Title: "Reset password", Order: 10, Proof: exeunt.Acknowledged, Repeatable: true},
		{Action: exeunt.Disable, Title: "Disable account", Order: 20, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Takes: []string{"enabled"}},
		{Action: exeunt.RevokeSessions, Title: "Revoke sessions", Order: 30, Proof: exeunt.Observed, Repeatable: true},
		{Action: exeunt.RemoveGroups, Title: "Remove groups", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Takes: []string{"groups"}},
	}
}

// Vendor is a system in memory that obeys the contract, until a test tells it not to. It is safe for
// concurrent use, reads the clock of package time (so it lives in a synctest bubble), and counts.
type Vendor struct {
	mu       sync.Mutex
	specs    []exeunt.ActionSpec
	accounts map[string]*record
	dropped  map[string]bool                 // groups that are no more
	lacking  map[exeunt.Action]bool          // that we are not allowed
	moot     map[exeunt.Action]exeunt.Action // what cannot be done once another action is
	offered  []connector.Application
	hired    int
	calls    map[Verb]int
	applied  map[exeunt.Action]int
	undone   map[exeunt.Action]int
	faults   map[Verb]*fault
	lost     int
	lies     int
	lag      int
	slow     time.Duration
	page     int
}

type record struct {
	leaver exeunt.Leaver
	login  string
	groups []string
	owns   []string
	done   map[exeunt.Action]int // looks until it shows; zero shows
	back   map[exeunt.Action]int // undone: looks until that shows
}

type fault struct {
	err   error
	calls int
}

// NewVendor makes an empty system that can do the given actions, or [Actions] when none are given.
func NewVendor(specs ...exeunt.ActionSpec) *Vendor {
	if len(specs) == 0 {
		specs = Actions()
	}
	v := &Vendor{specs: specs, accounts: map[string]*record{}, dropped: map[string]bool{}, lacking: map[exeunt.Action]bool{}, moot: map[exeunt.Action]exeunt.Action{},
		calls: map[Verb]int{}, applied: map[exeunt.Action]int{}, undone: map[exeunt.Action]int{}}
	v.Heal()
	return v
}

// Kind is a kind whose every system is this vendor.
func (v *Vendor) Kind(name string) connector.Kind {
	type none struct{}
	return connector.Define(name, "Vendor in memory", v.specs, func(none, http.RoundTripper) (connector.Connector, error) { return v, nil })
}

// Hire gives the leaver an account with the groups.
func (v *Vendor) Hire(leaver exeunt.Leaver, groups ...string) exeunt.Account {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hired++
	account := exeunt.Account{ID: "account-" + strconv.Itoa(v.hired), Login: leaver.Name}
	if login := leaver.Identifier(exeunt.Login); login != "" {
		account.Login = login
	}
	v.accounts[account.ID] = &record{leaver: leaver, login: account.Login, groups: groups, done: map[exeunt.Action]int{}, back: map[exeunt.Action]int{}}
	return account
}

// Vanish deletes an account.
func (v *Vendor) Vanish(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.accounts, id)
}

// Reopen reverts an action behind everybody's back: drift.
func (v *Vendor) Reopen(id string, action exeunt.Action) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r := v.accounts[id]; r != nil {
		delete(r.done, action)
	}
}

// Own makes the account the only owner of things, and of nothing else.
func (v *Vendor) Own(id string, things ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r := v.accounts[id]; r != nil {
		r.owns = things
	}
}

// Close does an action as a person in the vendor's console does.
func (v *Vendor) Close(id string, action exeunt.Action) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r := v.accounts[id]; r != nil {
		r.done[action] = 0
	}
}

// MootAfter says that an action can no longer be done, and need not be, once another one is.
func (v *Vendor) MootAfter(action, once exeunt.Action) { v.set(func() { v.moot[action] = once }) }

// tooLate says whether an action became moot.
func (v *Vendor) tooLate(r *record, action exeunt.Action) bool {
	_, done := r.done[action]
	_, closed := r.done[v.moot[action]]
	return !done && closed
}

// DropGroup deletes a group, with everybody's membership.
func (v *Vendor) DropGroup(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dropped[name] = true
	for _, r := range v.accounts {
		r.groups = slices.DeleteFunc(slices.Clone(r.groups), func(g string) bool { return g == name })
	}
}

// Fail makes the next calls of a verb return err without doing anything.
func (v *Vendor) Fail(verb Verb, calls int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults[verb] = &fault{err: err, calls: calls}
}

// LoseAnswers makes the next Applies take effect and then report that no answer came.
func (v *Vendor) LoseAnswers(calls int) { v.set(func() { v.lost = calls }) }

// Lie makes the next Applies answer well and do nothing.
func (v *Vendor) Lie(calls int) { v.set(func() { v.lies = calls }) }

// Lag makes what is applied from now on show only after so many looks; until then it is pending.
func (v *Vendor) Lag(looks int) { v.set(func() { v.lag = looks }) }

// Slow makes every call take so long, or until its context ends.
func (v *Vendor) Slow(d time.Duration) { v.set(func() { v.slow = d }) }

// Heal ends every fault.
func (v *Vendor) Heal() {
	v.set(func() { v.faults, v.lost, v.lies, v.lag, v.slow = map[Verb]*fault{}, 0, 0, 0, 0 })
}

// Calls says how often a verb was called, failures included.
func (v *Vendor) Calls(verb Verb) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.calls[verb]
}

// Applied says how often an action took effect or was said to.
func (v *Vendor) Applied(action exeunt.Action) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.applied[action]
}

// Undone says how often an action was put back or was said to be.
func (v *Vendor) Undone(action exeunt.Action) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.undone[action]
}

// Groups are those that the account is in.
func (v *Vendor) Groups(id string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if r := v.accounts[id]; r != nil {
		return r.member()
	}
	return nil
}

// Done says whether an action has taken effect, shown or not.
func (v *Vendor) Done(id string, action exeunt.Action) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := v.accounts[id]
	if r == nil {
		return false
	}
	_, done := r.done[action]
	return done
}

// Find implements connector.Connector. Each identifier is an attribute of its own name.
func (v *Vendor) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	if err := v.enter(ctx, Find); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []exeunt.Found
	for _, id := range slices.Sorted(maps.Keys(v.accounts)) {
		f := v.accounts[id].found(id)
		if slices.ContainsFunc(keys, func(k exeunt.Key) bool { return k.Value != "" && slices.Contains(f.Has[k.Attribute], k.Value) }) {
			out = append(out, f)
		}
	}
	return out, nil
}

// vendorPage is how many accounts a page of a Vendor has, unless it is told otherwise.
const vendorPage = 100

// PageSize says how many accounts a page has.
func (v *Vendor) PageSize(n int) { v.set(func() { v.page = n }) }

// List implements connector.Lister.
func (v *Vendor) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	if err := v.enter(ctx, List); err != nil {
		return connector.Page{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	ids := slices.SortedFunc(maps.Keys(v.accounts), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	from := 0
	if cursor != "" {
		if from = slices.Index(ids, cursor) + 1; from == 0 {
			return connector.Page{}, connector.ErrForgotten("the vendor in memory")
		}
	}
	to := min(from+cmp.Or(v.page, vendorPage), len(ids))
	var page connector.Page
	for _, id := range ids[from:to] {
		page.Accounts = append(page.Accounts, v.accounts[id].found(id))
	}
	if to < len(ids) {
		page.Next = ids[to-1]
	}
	return page, nil
}

func (r *record) found(id string) exeunt.Found {
	_, closed := r.done[exeunt.Disable]
	f := exeunt.Found{Account: exeunt.Account{ID: id, Login: r.login}, Closed: closed, Has: map[string][]string{}}
	for kind := range r.leaver.Identifiers {
		f.Has[string(kind)] = []string{r.leaver.Identifier(kind)}
	}
	if id := r.leaver.Identifier(exeunt.EmployeeID); id != "" {
		f.Has[string(exeunt.EmployeeID)] = []string{id}
	}
	return f
}

// Observe implements connector.Connector.
func (v *Vendor) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	if err := v.enter(ctx, Observe); err != nil {
		return exeunt.Observation{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	r, err := v.record(account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{},
		Facts: map[string]string{"login": r.login, "groups": strconv.Itoa(len(r.groups))}, Snapshot: map[string][]string{}, Why: map[exeunt.Action]string{}}
	for _, spec := range v.specs {
		if spec.ByHand {
			o.HandOver(spec.Action, r.owns)
			continue
		}
		stands := r.look(spec.Action)
		if v.tooLate(r, spec.Action) {
			stands, o.Why[spec.Action] = exeunt.Moot, "it is too late to "+spec.Action.Words()
		}
		if spec.Proof == exeunt.Observed {
			o.Standing[spec.Action] = stands
		}
		for _, key := range spec.Takes {
			switch {
			case stands != exeunt.Absent:
			case key == "groups":
				o.Snapshot[key] = r.member()
			default:
				o.Snapshot[key] = []string{"true"}
			}
		}
	}
	return o, nil
}

// member are the groups of which the account is a member; none once they are removed.
func (r *record) member() []string {
	if _, gone := r.done[exeunt.RemoveGroups]; gone {
		return nil
	}
	return append([]string{}, r.groups...)
}

// look counts down what shows late.
func (r *record) look(action exeunt.Action) exeunt.Standing {
	looks, done := r.done[action]
	switch {
	case r.back[action] > 0:
		r.back[action]--
		return exeunt.Pending
	case !done:
		return exeunt.Absent
	case looks > 0:
		r.done[action]--
		return exeunt.Pending
	}
	return exeunt.Holds
}

// Apply implements connector.Connector.
func (v *Vendor) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if err := v.enter(ctx, Apply); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := connector.Able("the vendor in memory", v.specs, action, with); err != nil {
		return err
	}
	r, err := v.record(account)
	if err != nil {
		return err
	}
	if v.tooLate(r, action) {
		return exeunt.Errorf(exeunt.Conflict, "the vendor in memory does not allow it any more")
	}
	if with.Undo {
		v.undone[action]++
	} else {
		v.applied[action]++
	}
	if spend(&v.lies) {
		return nil
	}
	if with.Undo {
		err = v.putBack(r, action, with.Snapshot["groups"])
	} else if _, already := r.done[action]; !already {
		r.done[action] = v.lag
	}
	if spend(&v.lost) {
		return exeunt.Errorf(exeunt.Temporary, "no answer in time")
	}
	return err
}

// putBack opens what an action closed. Groups come back as they were recorded, those apart that are
// no more.
func (v *Vendor) putBack(r *record, action exeunt.Action, groups []string) error {
	member := r.member()
	if _, done := r.done[action]; done {
		r.back[action] = v.lag
	}
	delete(r.done, action)
	if action != exeunt.RemoveGroups {
		return nil
	}
	r.groups = member
	return connector.PutBack("groups", groups, nil, func(group string) error {
		switch {
		case v.dropped[group]:
			return exeunt.Errorf(exeunt.NotFound, "the vendor in memory has no group %s", group)
		case !slices.Contains(r.groups, group):
			r.groups = append(r.groups, group)
		}
		return nil
	})
}

// enter counts the call, takes its time and fails it where that was asked for.
func (v *Vendor) enter(ctx context.Context, verb Verb) error {
	v.mu.Lock()
	v.calls[verb]++
	slow, f := v.slow, v.faults[verb]
	var err error
	if f != nil && spend(&f.calls) {
		err = f.err
		connector.NotServed(ctx) // a call that is made to fail does nothing
	}
	v.mu.Unlock()
	if slow > 0 {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return connector.Network("the vendor in memory", ctx.Err())
	}
	return err
}

// spend says whether one of a number of calls is left, and takes it.
func spend(calls *int) bool {
	if *calls > 0 {
		*calls--
		return true
	}
	return *calls < 0
}

func (v *Vendor) record(account exeunt.Account) (*record, error) {
	r, ok := v.accounts[account.ID]
	if !ok {
		return nil, exeunt.Errorf(exeunt.NotFound, "the vendor in memory has no account %s", account.ID)
	}
	return r, nil
}

func (v *Vendor) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

// Leaver makes a person with every usual identifier, for tests; n tells people apart.
func Leaver(n int) exeunt.Leaver {
	login := fmt.Sprintf("jdoe%d", n)
	return exeunt.Leaver{
		ID: fmt.Sprintf("E%04d", n), Entity: "corp", Name: fmt.Sprintf("Jane Doe %d", n), Zone: "Europe/Berlin",
		Identifiers: map[exeunt.IdentifierKind]string{
			exeunt.EmployeeID: fmt.Sprintf("E%04d", n), exeunt.Login: login,
			exeunt.WorkEmail: login + "@corp.example", exeunt.PrincipalName: login + "@corp.example",
		},
	}
}
