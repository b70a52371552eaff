package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// member opens the case of one released person of a wave. The person, the event and the case are settled in
// one commit, so that a crash neither loses nor doubles the case.
func (e *Engine) member(ctx context.Context, ev store.Event) error {
	m, err := e.store.Member(ctx, ev.ID)
	if err != nil {
		return err
	}
	defer e.answering.lock(m.Departure.Leaver.Key())()
	if _, done, err := e.store.Event(ctx, ev.Source, ev.ID); err != nil || done { // somebody was at it before us
		return err
	}
	w, err := e.store.Everything().Wave(ctx, m.Wave)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	if w.State == exeunt.WaveStopped {
		return e.refuseMember(ctx, ev, w, m, "the wave was stopped by "+w.Stopped.By+" before", now)
	}
	err = e.answerMember(ctx, ev, w, m, now)
	switch exeunt.KindOf(err) {
	case exeunt.Invalid, exeunt.Ambiguous, exeunt.Unsupported: // trying again cannot help
		return e.refuseMember(ctx, ev, w, m, exeunt.MessageOf(err), now)
	default:
		return err
	}
}

func (e *Engine) answerMember(ctx context.Context, ev store.Event, w exeunt.Wave, m exeunt.Member, now time.Time) error {
	key := m.Departure.Leaver.Key()
	newest, err := e.newest(ctx, key)
	if err != nil {
		return err
	}
	heard, err := e.store.HeardOf(ctx, key)
	if err != nil {
		return err
	}
	t := w.Trigger(m, now)
	means := t.Answer(newest, exeunt.Said{}, now)
	switch {
	case newest != nil && newest.UnderWay() && newest.Follows == 0: // one that follows only cuts again what came back
		return e.joinMember(ctx, ev, w, m, *newest, now)
	case means != exeunt.OpenCase:
		return e.refuseMember(ctx, ev, w, m, fmt.Sprintf("the person has left already, by case %s", newest.ID), now)
	case !heard.At.Before(w.Approved.At): // and what HR said left no departure under way
		return e.refuseMember(ctx, ev, w, m, "since the wave was approved HR has said that the person stays", now)
	}
	return e.openMember(ctx, ev, t, m, newest, now)
}

func (e *Engine) openMember(ctx context.Context, ev store.Event, t exeunt.Trigger, m exeunt.Member, newest *exeunt.Case, now time.Time) error {
	id, err := e.store.NextCase(ctx)
	if err != nil {
		return err
	}
	plan, err := e.planner.Plan(exeunt.Case{ID: id, Handle: store.Random(16), Generation: 1, Departure: t.Departure}, now)
	if err != nil {
		return err
	}
	if err := e.leaveAfterAll(ctx, newest, plan.Case, now); err != nil {
		return err
	}
	change := plan.Open(t, t.Departure.Doubt(now), now)
	change.Members = []exeunt.Member{m.Opened(*change.Case, false)}
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, "opened", id))
}

// joinMember puts a case that HR has opened meanwhile on the wave's clock: HR's facts stay. One that is kept
// from whoever made the wave is not theirs to move; those who know of it are told.
func (e *Engine) joinMember(ctx context.Context, ev store.Event, w exeunt.Wave, m exeunt.Member, c exeunt.Case, now time.Time) error {
	if !c.VisibleTo(exeunt.Viewer{Email: w.Made.Account}) {
		change := c.AskedFor(w.Made.Override, now)
		if err := e.commit(ctx, &change); err != nil {
			return err
		}
		return e.refuseMember(ctx, ev, w, m, exeunt.MessageOf(notOpened()), now)
	}
	if w.Embargoed() && !c.Embargoed() { // its record would tell everybody of the wave
		why := fmt.Sprintf("HR has announced the person openly, by case %s, which a secret wave does not touch", c.ID)
		return e.refuseMember(ctx, ev, w, m, why, now)
	}
	t := w.Trigger(m, now)
	t.Departure = c.Departure.OnClock(m.Departure.CutOffAt)
	change, err := e.amended(ctx, t, c, now)
	if err != nil {
		return err
	}
	change.Members = []exeunt.Member{m.Opened(c, true)}
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, "joined", c.ID))
}

func (e *Engine) refuseMember(ctx context.Context, ev store.Event, w exeunt.Wave, m exeunt.Member, why string, now time.Time) error {
	change := w.Refuse(m, why, e.planner.Operator(), now)
	return e.store.CommitWith(ctx, &change, store.EventDone(ev.Source, ev.ID, why, 0))
}
