package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// canary is a secret that vendors let slip into their errors. It must never be seen anywhere else.
const canary = "canary-7f3a-token"

// vendor is a simulated system: its books are what is really so, and its own account of every call.
//
// It needs no lock: calls come through the turnstile one at a time, and what a call does, it does right after.
type vendor struct {
	w        *world
	system   exeunt.System
	accounts map[string]*account
	parent   *vendor // whose sign-on it uses
}

// account is one account in the books.
type account struct {
	id, leaver string
	has        map[string][]string
	owns       []string // that nobody else does
	done       map[exeunt.Action]*deed
	asked      map[string]*request            // by case and action
	before     map[string]map[string][]string // what was there when a step first acted, by its key
}

// deed is what the books say about one action at one account.
type deed struct {
	holds     bool
	shown     time.Time // from when on a look shows it
	looks     int       // calls of Observe so far
	worked    bool      // the last of them did,
	sawUndone bool      // and did not show it
	by        *life     // whose look that was
	drifted   bool      // somebody else has changed it since
	everSeen  bool      // a look has shown that it holds, and it did
}

// request is what one case has asked for at one account.
type request struct {
	sent     int  // how often
	effects  int  // how often that took effect
	answered bool // the last answer left open whether it was done, and reached a process that lived
	refused  bool // the last answer said for sure that nothing was done
	looks    int  // the deed's looks when it was last sent
}

func newVendor(w *world, system exeunt.System) *vendor {
	return &vendor{w: w, system: system, accounts: map[string]*account{}}
}

func (v *vendor) hire(leaver string, n int) {
	id := fmt.Sprintf("%s-%s-%d", v.system.Name, leaver, n)
	has := map[string][]string{"enabled": {"true"}, "groups": {"all", "team-" + leaver, "on-call"}, "employment": {"active"}}
	v.accounts[id] = &account{id: id, leaver: leaver, has: has, owns: []string{"share of " + leaver}, before: map[string]map[string][]string{}, done: map[exeunt.Action]*deed{}, asked: map[string]*request{}}
}

func (a *account) request(of exeunt.CaseID, action exeunt.Action, undo bool) *request {
	key := fmt.Sprint(of, action, undo)
	r := a.asked[key]
	if r == nil {
		r = &request{}
		a.asked[key] = r
	}
	return r
}

func (a *account) deed(action exeunt.Action) *deed {
	d := a.done[action]
	if d == nil {
		d = &deed{}
		a.done[action] = d
	}
	return d
}

// desk is the vendor as one process speaks to it.
type desk struct {
	*vendor
	life *life
}

func (d desk) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	who := keys[slices.IndexFunc(keys, func(k exeunt.Key) bool { return k.Attribute == string(exeunt.EmployeeID) })].Value
	got := d.w.turn.pass(ctx, d.visitor(beforeSearch, fmt.Sprint(who, " ", connector.PlaceOf(ctx).UnixMilli()), nil)) // the check of a wave asks too
	if err := got.err(); err != nil {
		return nil, err
	}
	var found []exeunt.Found
	for _, id := range slices.Sorted(maps.Keys(d.accounts)) {
		if d.accounts[id].leaver == who {
			found = append(found, exeunt.Found{Account: exeunt.Account{ID: id, Login: who}, Has: map[string][]string{string(exeunt.EmployeeID): {who}}})
		}
	}
	return found, nil
}

func (d desk) visitor(at place, about string, wired func()) *visitor {
	return &visitor{at: at, label: d.system.Name + " " + about, life: d.life, wired: wired}
}

func (d desk) Observe(ctx context.Context, of exeunt.Account) (exeunt.Observation, error) {
	a, cutOff := d.accounts[of.ID], ctx.Err() != nil
	if a != nil {
		for _, spec := range d.system.Actions {
			deed := a.deed(spec.Action)
			deed.looks++
			if deed.by == d.life && !cutOff { // what another server saw stays true while this one looks
				deed.worked, deed.sawUndone = false, false
			}
		}
	}
	if cutOff {
		return exeunt.Observation{}, notSent(ctx)
	}
	got := d.w.turn.pass(ctx, d.visitor(beforeLook, of.ID, nil))
	if err := got.err(); err != nil {
		return exeunt.Observation{}, err
	}
	if a == nil {
		return exeunt.Observation{}, exeunt.Errorf(exeunt.NotFound, "the account is gone")
	}
	d.w.mayTouch(a.leaver, "looked at in "+d.system.Name)
	o := d.look(a)
	for _, spec := range d.system.Actions {
		a.deed(spec.Action).by = d.life
	}
	if got.fault == answerLate {
		d.w.turn.pass(ctx, d.visitor(afterLook, of.ID, nil))
	}
	return o, nil
}

// notSent is what every client says to who was cut off: nothing reaches the vendor on their behalf.
func notSent(ctx context.Context) error {
	return exeunt.Errorf(exeunt.Temporary, "not sent").Because(ctx.Err())
}

// look reads the books, and keeps what it told.
func (v *vendor) look(a *account) exeunt.Observation {
	now := time.Now()
	o := exeunt.Observation{At: now, Standing: map[exeunt.Action]exeunt.Standing{}, Snapshot: map[string][]string{}, Facts: map[string]string{"seen": a.id}}
	for key, values := range a.has {
		o.Snapshot[key] = slices.Clone(values)
	}
	for _, spec := range v.system.Actions {
		deed := a.deed(spec.Action)
		if spec.ByHand {
			o.HandOver(spec.Action, a.owns)
			deed.holds = len(a.owns) == 0
			deed.everSeen = deed.everSeen || deed.holds
			continue
		}
		holds := deed.holds || v.inherits(a, spec.Action)
		switch {
		case spec.Proof == exeunt.Acknowledged:
			o.Standing[spec.Action] = exeunt.Unknown
		case holds && now.Before(deed.shown) && v.w.profile.pends:
			o.Standing[spec.Action] = exeunt.Pending
		case holds && now.Before(deed.shown), !holds:
			o.Standing[spec.Action] = exeunt.Absent
		default:
			o.Standing[spec.Action] = exeunt.Holds
			deed.everSeen = true
		}
		deed.worked, deed.sawUndone = true, o.Standing[spec.Action] != exeunt.Holds
	}
	return o
}

// handOver gives what a person alone owns to somebody else, and says whether there was anything.
func (v *vendor) handOver(leaver string) (some bool) {
	for _, a := range v.accounts {
		if a.leaver == leaver && len(a.owns) > 0 {
			a.owns, a.deed(exeunt.HandOver).drifted, some = nil, false, true
		}
	}
	return some
}

// inherits says whether access ended because the single sign-on was cut.
func (v *vendor) inherits(a *account, action exeunt.Action) bool {
	if v.parent == nil || action != exeunt.Disable {
		return false
	}
	for _, up := range v.parent.accounts {
		if up.leaver == a.leaver && !up.deed(exeunt.Disable).holds {
			return false
		}
	}
	return true
}

func (d desk) Apply(ctx context.Context, of exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	a := d.accounts[of.ID]
	if a == nil { // it was there a moment ago
		return exeunt.Errorf(exeunt.NotFound, "the account is gone")
	}
	if ctx.Err() != nil {
		return notSent(ctx)
	}
	spec, _ := d.system.Can(action)
	deed := a.deed(action)
	what := fmt.Sprintf("%s %s undo=%t", of.ID, action, with.Undo)
	asked := a.request(with.Case, action, with.Undo)
	d.w.judgeApply(d.vendor, a, spec, deed, asked, with)
	if _, key, _ := strings.Cut(with.IdempotencyKey, "-"); a.before[with.Case.String()+key] == nil {
		a.before[with.Case.String()+key] = maps.Clone(a.has)
	}
	asked.sent++
	asked.looks, asked.answered, asked.refused, deed.worked, deed.sawUndone = deed.looks, false, false, false, false
	request := d.visitor(beforeApply, what, func() { d.take(a, spec, with, time.Now()) })
	got := d.w.turn.pass(ctx, request)
	if !request.sent { // as the lane of every connector does: see wrap.Lane
		if err := connector.TenureOf(ctx).Over(); err != nil {
			asked.refused = true
			connector.NotServed(ctx)
			return err
		}
	}
	if got.late {
		return timeout()
	}
	err := got.err()
	switch {
	case err != nil && got.fault != answerLost && !request.sent:
		asked.answered = got.fault == temporary || got.fault == foreign // and whoever hears that looks again
		asked.refused = got.fault == throttled || got.fault == unauthorised
		return err
	case got.fault != lie && !request.sent:
		shown := time.Now()
		if got.fault == showsLate {
			shown = shown.Add(spec.Settles * 2 / 3)
		}
		d.take(a, spec, with, shown)
	}
	got = d.w.turn.pass(ctx, d.visitor(afterApply, what, nil))
	asked.answered = true
	if got.late {
		err = timeout()
	}
	return err
}

// take does an action in the books.
func (v *vendor) take(a *account, spec exeunt.ActionSpec, with connector.Parameters, shown time.Time) {
	deed := a.deed(spec.Action)
	a.request(with.Case, spec.Action, with.Undo).effects++
	if with.Undo {
		deed.holds = false
		for _, key := range spec.Takes {
			for _, value := range with.Snapshot[key] {
				if !slices.Contains(a.has[key], value) {
					a.has[key] = append(slices.Clone(a.has[key]), value)
				}
			}
		}
		return
	}
	if !deed.holds {
		deed.shown = shown
	}
	deed.holds, deed.drifted = true, false
	for _, key := range spec.Takes {
		a.has[key] = nil
	}
}

// fault is what goes wrong at a boundary.
type fault string

const (
	none         fault = ""
	answerLate   fault = "answer late"         // time passes between what was seen and its being told
	throttled    fault = "throttled"           //
	unauthorised fault = "unauthorised"        //
	temporary    fault = "temporary"           // nothing was done
	foreign      fault = "foreign error"       // one of an unknown kind, with a secret in it
	denied       fault = "denied"              // for good
	answerLost   fault = "answer lost"         // it was done
	lie          fault = "lie"                 // answered well, nothing done
	showsLate    fault = "shows late"          //
	diskFull     fault = "disk full"           // the transaction fails, nothing is written
	unheard      fault = "commit unheard"      // the transaction is durable, and fails
	undelivered  fault = "message undelivered" //
	death        fault = "the process dies"    // at whatever boundary
	pause        fault = "the process is paused"
)

func timeout() error { return exeunt.Errorf(exeunt.Temporary, "no answer came in time") }

// err is what a vendor answers.
func (v verdict) err() error {
	if v.late {
		return timeout()
	}
	switch v.fault {
	case throttled:
		return exeunt.Errorf(exeunt.Throttled, "too many requests").After(90 * time.Second)
	case unauthorised:
		return exeunt.Errorf(exeunt.Unauthorised, "the credentials are refused")
	case temporary:
		return exeunt.Errorf(exeunt.Temporary, "the system is busy").Because(errors.New("503 " + canary))
	case foreign:
		return errors.New("unexpected reply: bearer " + canary)
	case denied:
		return exeunt.Errorf(exeunt.Denied, "the permission is missing")
	case answerLost:
		return exeunt.Errorf(exeunt.Temporary, "the connection was cut before the answer").Because(errors.New("read: " + canary))
	default:
		return nil
	}
}
