package simulation_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
)

// plot is what a seed is about, beside departures and trouble. A seed has some of it, so that each is soon over.
type plot struct {
	span      time.Duration // of trouble; then all is well
	fuse      exeunt.Fuse
	approvals exeunt.Approvals
	wave      *wave
}

// wave is a mass departure that somebody is to make.
type wave struct {
	at      time.Time // not before
	people  []exeunt.Departure
	request exeunt.WaveRequest
}

// onlooker is the seam of a store that nobody works with.
var onlooker = store.Seam{
	Write:       func(_ context.Context, _ string, write func() error) error { return write() },
	Transaction: func(transaction func() error) error { return transaction() },
}

// thicken draws the plot. What makes many steps of the driver is over earlier.
func (w *world) thicken() plot {
	p := plot{span: 12 * 24 * time.Hour}
	w.servers = 1
	switch w.random.IntN(10) {
	case 0, 1:
		w.servers = 2 + w.random.IntN(2)
		w.company = store.NewNodes()
		p.span = 36 * time.Hour
	case 2:
		p.span = 24 * time.Hour
		w.profile.people = max(w.profile.people, 0.05)
		p.wave = &wave{at: w.began.Add(w.upTo(6 * time.Hour)), request: exeunt.WaveRequest{
			Title: "Site", Type: exeunt.Layoff, Canary: w.random.IntN(3), Rate: pick(w, []int{0, 1, 60}), Opens: pick(w, []exeunt.Opens{exeunt.OpensNow, exeunt.OpensAtCutOff}),
			Clock: pick(w, []string{"now", w.began.Add(6 * time.Hour).Add(w.upTo(12 * time.Hour)).UTC().Format(time.RFC3339), w.began.AddDate(0, 0, 1).Format(time.DateOnly) + " 09:00"}),
		}}
	}
	if w.chance(0.15) {
		p.fuse = pick(w, []exeunt.Fuse{{Departures: 1, Window: 30 * 24 * time.Hour}, {Departures: 2, Window: 24 * time.Hour}, {Protected: []string{"E1"}}})
	}
	if w.chance(0.25) {
		p.approvals = exeunt.Approvals{Approver: "hr", Destructive: true, Lasts: pick(w, []time.Duration{0, time.Hour}), Flags: pick(w, [][]exeunt.Flag{nil, {exeunt.LitigationHold}})}
	}
	return p
}

// policy is the standard one, with what the plot changes of it.
func (w *world) policy() exeunt.Policy {
	p := standard()
	p.Approvals = w.approvals
	return p
}

// ---- the wave

// listed are the people whom the wave is about.
func (w *world) listed(n int) {
	for i := range n {
		p := &person{leaver: somebody(fmt.Sprintf("W%d", i+1), pick(w, zones))}
		w.people = append(w.people, p)
		w.accounts(p.leaver.ID)
		w.wave.people = append(w.wave.people, exeunt.Departure{Leaver: p.leaver})
	}
}

var everyState = []exeunt.WaveState{exeunt.WaveDraft, exeunt.WaveChecked, exeunt.WaveCanary, exeunt.WaveHeld, exeunt.WaveRunning, exeunt.WaveStopped, exeunt.WaveDone}

func (w *world) waves() []exeunt.Wave {
	all, err := w.store.Everything().Waves(context.Background(), everyState...)
	if err != nil {
		w.fatal(err)
	}
	return all
}

// driveWave lets somebody do what comes next in the wave, and says whether anything does.
func (w *world) driveWave() bool {
	all := w.waves()
	if len(all) == 0 {
		return w.makeWave()
	}
	v := all[0]
	on := func(what string, do func(engine.Commands, context.Context, exeunt.WaveID, exeunt.Override) error, by exeunt.Override) bool {
		w.act(fmt.Sprint(what, " ", v.ID), func(ctx context.Context, c engine.Commands) error { return do(c, ctx, v.ID, by) })
		return true
	}
	over := v.State == exeunt.WaveStopped || v.State == exeunt.WaveDone
	switch {
	case !over && !w.calm && w.chance(0.05):
		return on("stops", engine.Commands.StopWave, decision)
	case v.State == exeunt.WaveDraft && v.Check == nil:
		return on("checks", engine.Commands.CheckWave, decision)
	case v.State == exeunt.WaveChecked && v.Approved == nil && v.Check.Fault() != "":
		return on("stops", engine.Commands.StopWave, decision)
	case v.State == exeunt.WaveChecked && v.Approved == nil:
		w.act(fmt.Sprint("wants to approve what they made themselves: ", v.ID), func(ctx context.Context, c engine.Commands) error {
			err := c.ApproveWave(ctx, v.ID, decision)
			if err == nil {
				w.breaks(11, "%s was made and approved by one person", v.ID)
			}
			return err
		})
		return on("approves", engine.Commands.ApproveWave, seconded)
	case v.State == exeunt.WaveChecked:
		return on("starts", engine.Commands.StartWave, decision)
	case v.State == exeunt.WaveHeld:
		return on("goes on with", engine.Commands.GoOnWave, decision)
	}
	return false
}

func (w *world) makeWave() bool {
	if w.calm || time.Now().Before(w.wave.at) {
		return false
	}
	ask := w.wave.request
	ask.People = w.wave.people
	if e1 := w.people[0]; w.chance(0.5) && len(w.pending) > 0 { // HR may say otherwise of one of them
		ask.People = append(ask.People, exeunt.Departure{Leaver: e1.leaver})
	}
	w.act("makes a wave", func(ctx context.Context, c engine.Commands) error {
		_, err := c.MakeWave(ctx, ask, func(*exeunt.Departure) error { return nil }, decision)
		return err
	})
	return true
}

// ---- the fuse

// decideTrip lets somebody do what comes next about a trip of the fuse, and says whether anything does.
func (w *world) decideTrip(id exeunt.TripID) bool {
	t, err := w.store.Everything().Trip(context.Background(), id)
	if err != nil {
		w.fatal(err)
	}
	if t.State == exeunt.TripRejected { // one that has tripped since is decided first
		trips, err := w.store.Everything().Trips(context.Background())
		if err != nil {
			w.fatal(err)
		}
		if i := slices.IndexFunc(trips, func(o exeunt.TripTally) bool { return o.State == exeunt.TripOpen && o.Kind == t.Kind && o.ID != id }); i >= 0 && t.Kind == exeunt.TripMass {
			return w.decideTrip(trips[i].ID)
		}
	}
	switch {
	case t.State == exeunt.TripReleased:
		return false
	case t.State == exeunt.TripOpen && !w.calm && w.chance(0.2):
		w.act(fmt.Sprint("rejects ", id), func(ctx context.Context, c engine.Commands) error { return c.RejectFuseRelease(ctx, id, decision) })
	case t.State == exeunt.TripOpen && t.Request.Waits(time.Now()):
		w.act(fmt.Sprint("wants to confirm alone ", id), func(ctx context.Context, c engine.Commands) error {
			err := c.ConfirmFuseRelease(ctx, id, decision)
			if err == nil {
				w.breaks(11, "%s was released by one person", id)
			}
			return err
		})
		w.act(fmt.Sprint("confirms ", id), func(ctx context.Context, c engine.Commands) error { return c.ConfirmFuseRelease(ctx, id, seconded) })
	default:
		only := w.chosen(id)
		w.act(fmt.Sprint("asks to release ", id, " ", exeunt.CaseNames(only)), func(ctx context.Context, c engine.Commands) error {
			return c.AskFuseRelease(ctx, id, decision, w.patient(id), only...)
		})
	}
	return true
}

// chosen are the cases of a trip that somebody lets go before the others: the one that it has held longest, where it
// holds several and the seed says so.
func (w *world) chosen(id exeunt.TripID) []exeunt.CaseID {
	held := slices.DeleteFunc(w.files(), func(f store.CaseFile) bool { return f.Case.Fuse != id || f.Case.State != exeunt.CaseHeld })
	if len(held) < 2 || (w.seed+uint64(len(held)))%2 == 0 {
		return nil
	}
	return []exeunt.CaseID{held[0].Case.ID}
}

// patient is how long a request lasts that is not drawn, since nobody but the driver may draw.
func (w *world) patient(of fmt.Stringer) time.Duration {
	return []time.Duration{0, 2 * time.Hour, 26 * time.Hour}[(w.seed+uint64(len(of.String())))%3]
}
