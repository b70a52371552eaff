package simulation_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
)

// What bounds a run: the trouble ends at the latest then, and what has not come to rest by then never does.
const (
	mostTrouble = 6000
	mostTurns   = 20000
)

// run lets the world go its way, then heals it, lets everything come to its end, and looks whether it is well.
func (w *world) run() {
	w.start()
	turns := 0
	for ; turns < mostTrouble && !w.over(); turns++ {
		w.turnOnce()
	}
	w.calm = true
	w.note("everything is healed")
	w.fullUntil = time.Time{}
	w.oneIsLeft()
	for ; turns < mostTurns && !w.rested(); turns++ {
	}
	if turns == mostTurns {
		w.breaks(7, "it does not come to rest: %s", w.unrest())
	}
	if len(w.serving()) > 0 {
		w.check()
	}
	for len(w.up) > 0 {
		w.crash(w.up[0])
	}
	w.turn.settle()
	w.store.Close()
}

// over says whether nothing more is to come from outside.
func (w *world) over() bool {
	return len(w.pending)+len(w.sending) == 0 && time.Since(w.began) > w.span
}

// turnOnce lets one thing happen.
func (w *world) turnOnce() {
	waiting := w.turn.settle()
	w.resend()
	serving := len(w.serving()) > 0
	switch {
	case len(w.up) == 0:
		w.turn.elapse(pick(w, []time.Duration{time.Millisecond, 3 * time.Second, 20 * time.Minute, w.span / 40, w.span / 6}))
		w.start()
	case w.buries():
	case w.chance(w.profile.crash):
		if w.chance(0.5) {
			w.checkWhole(slices.Collect(w.open()))
		}
		w.crash(pick(w, w.up))
	case w.servers > 1 && w.chance(0.01):
		w.shuffle()
	case serving && w.chance(w.profile.people):
		w.somebodyDecides()
	case serving && w.chance(0.01):
		w.sequence()
	case w.chance(w.profile.drift):
		w.reopenSomething()
	case serving && w.due() && (len(waiting) == 0 || w.chance(0.3)):
		w.send()
	case len(waiting) > 0 && w.chance(w.profile.slow):
		w.letPass(pick(w, []time.Duration{time.Second, time.Minute, 10 * time.Minute}))
	case len(waiting) > 0:
		w.release(pick(w, waiting), true)
	case w.servers > 1 && w.chance(0.1):
		w.shuffle()
	default:
		d := w.upTo(w.span/24) + time.Second
		if len(w.pending) > 0 {
			d = max(min(d, time.Until(w.pending[0].at)), time.Millisecond)
		}
		w.letPass(d)
	}
}

func (w *world) letPass(d time.Duration) {
	w.turn.elapse(d)
}

// sequence places what was recorded in the log's order, as the shipper does now and then.
func (w *world) sequence() {
	w.note("the log is put in order")
	s := pick(w, w.serving()).store
	go func() { _, _ = s.Outbox().Sequence(context.Background(), 1000) }()
}

func (w *world) release(v *visitor, faults bool) {
	var with verdict
	if faults {
		with.fault = w.goesWrong(v)
	}
	w.note("%s %s %s", v.at, v.label, with.fault)
	w.faults[with.fault]++
	w.turn.release(v, with)
}

// goesWrong draws the fault of one boundary.
func (w *world) goesWrong(v *visitor) fault {
	system, _, _ := strings.Cut(v.label, " ")
	switch v.at {
	case beforeSearch, beforeLook, beforeApply:
		if time.Now().Before(w.badUntil[system]) {
			return unauthorised
		}
		if !w.chance(w.profile.vendors) {
			return none
		}
		of := []fault{temporary, temporary, throttled, foreign, denied, unauthorised, answerLate}
		if v.at == beforeApply {
			of = []fault{temporary, throttled, denied, answerLost, answerLost, lie, lie, unauthorised}
			if w.vendors[system].settles() {
				of = append(of, showsLate, showsLate, showsLate)
			}
		}
		f := pick(w, of)
		if f == unauthorised {
			w.badUntil[system] = time.Now().Add(w.upTo(2 * time.Hour))
		}
		return f
	case beforeCommit:
		if time.Now().Before(w.fullUntil) {
			return diskFull
		}
		if w.chance(w.profile.writes) {
			w.fullUntil = time.Now().Add(pick(w, []time.Duration{0, 0, 0, 5 * time.Second, time.Minute}))
			return diskFull
		}
	case afterCommit:
		if w.chance(w.profile.writes) {
			return unheard
		}
	case beforeMail:
		if w.chance(w.profile.mail) {
			return undelivered
		}
	case beforeReading:
		if w.chance(w.profile.mail) {
			return temporary
		}
	default:
	}
	return none
}

func (v *vendor) settles() bool {
	return slices.ContainsFunc(v.system.Actions, func(s exeunt.ActionSpec) bool { return s.Settles > 0 })
}

// reopenSomething lets an administrator, or a synchronisation, open again what had been ended.
func (w *world) reopenSomething() {
	v := w.vendors[pick(w, []string{"directory", "wiki"})]
	ids := slices.Sorted(maps.Keys(v.accounts))
	if len(ids) == 0 {
		return
	}
	a := v.accounts[pick(w, ids)]
	if d := a.deed(exeunt.Disable); d.holds {
		w.note("somebody reopens %s", a.id)
		d.holds, a.has["enabled"] = false, []string{"true"}
		d.drifted = true
	}
}

// ---- HR

func (w *world) due() bool { return len(w.pending) > 0 && !w.pending[0].at.After(time.Now()) }

// send lets HR send its next event. It sends what was not taken again, as a webhook is.
func (w *world) send() {
	s := w.pending[0]
	w.pending = w.pending[1:]
	w.note("%s sends %s: %s", s.Source, s.event, s.Kind)
	body, err := json.Marshal(s.Trigger)
	if err != nil {
		w.t.Fatal(err)
	}
	to := pick(w, w.serving())
	w.mu.Lock()
	w.sending = append(w.sending, sent{s, to})
	w.mu.Unlock()
	go func() {
		_, err := to.current.Receive(context.Background(), store.Event{Source: s.Source, ID: s.event, Body: body, ReceivedAt: time.Now()})
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sending = slices.DeleteFunc(w.sending, func(o sent) bool { return o.to == to && o.event == s.event && o.at.Equal(s.at) })
		if err != nil {
			w.refused = append(w.refused, s)
		}
	}()
}

// sent is an event on its way to a server.
type sent struct {
	said
	to *life
}

// resend puts back in line what was not taken: since it was refused, or since nobody lives who would answer.
func (w *world) resend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	again := w.refused
	w.refused = nil
	w.sending = slices.DeleteFunc(w.sending, func(s sent) bool {
		if s.to.over {
			again = append(again, s.said)
		}
		return s.to.over
	})
	slices.SortStableFunc(again, func(a, b said) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.event, b.event)) })
	for _, s := range again {
		s.at = time.Now().Add(time.Minute)
		w.pending = append(w.pending, s)
	}
	slices.SortStableFunc(w.pending, func(a, b said) int { return a.at.Compare(b.at) })
}

// ---- people

// act lets a person give a command. Whether it is refused is between the two of them.
func (w *world) act(what string, do func(context.Context, engine.Commands) error) {
	w.note("somebody %s", what)
	as := pick(w, w.serving()).current.As(exeunt.Viewer{Name: hr.Name, Email: secret.Email})
	go func() {
		if err := do(store.About(context.Background(), "by hand"), as); err != nil && *shown {
			fmt.Printf("%12s  %s was refused: %v\n", time.Since(w.began), what, err)
		}
	}()
}

// rested lets one thing happen, with nothing going wrong, and says whether nothing is left to happen.
func (w *world) rested() bool {
	waiting := w.turn.settle()
	w.resend()
	switch {
	case len(w.up) == 0:
		w.start()
	case w.buries():
	case len(waiting) > 0:
		w.release(pick(w, waiting), false)
	case len(w.serving()) == 0:
		w.letPass(time.Second)
	case w.due():
		w.send()
	case len(w.pending) > 0:
		w.letPass(max(time.Until(w.pending[0].at), time.Millisecond))
	case !w.stuck && w.finishSomething():
		w.stuck = w.patience == 0
		w.patience--
	case w.unrest() == "":
		if n, err := w.store.Outbox().Backlog(context.Background()); err != nil || n > len(w.placed()) {
			w.sequence()
			return false
		}
		return true
	default:
		w.stuck, w.patience = false, 50 // what was refused until now may not be tomorrow
		w.letPass(24 * time.Hour)
	}
	return false
}
