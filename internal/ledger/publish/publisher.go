package publish

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Log is the ledger whose checkpoints are published, see [ledger.Log].
type Log interface {
	Origin() string
	ToPublish(ctx context.Context) (verify.Checkpoint, error)
	OpenPublished(signed []byte) (verify.Checkpoint, error)
	GoesOnFrom(ctx context.Context, published verify.Checkpoint) error
	Publish(ctx context.Context, places []ledger.Publication) ([]ledger.Publication, error)
	Published(ctx context.Context, p ledger.Publication) error
}

// Place is somewhere that checkpoints are published in.
type Place interface {
	// Where says where that is, for people and without secrets.
	Where() string
	// Put publishes a checkpoint. It may be repeated.
	Put(ctx context.Context, cp verify.Checkpoint) error
}

// Readable is a place that can be looked into.
type Readable interface {
	Place
	// AtLeast is the smallest checkpoint of a log there that is over so many entries; nil when there is none.
	AtLeast(ctx context.Context, origin string, size int64) (signed []byte, err error)
	// Kept sees that a checkpoint which lies there is as safe as it is configured to be.
	Kept(ctx context.Context, origin string, size int64) error
}

// Target is a place by the name and kind that the configuration gives it.
type Target struct {
	Name, Kind string
	Place      Place
	Every      time.Duration // at most one checkpoint in this time
}

// Publisher publishes the checkpoints of a log in every target.
type Publisher struct {
	Log     Log
	Targets []Target
	Logger  *slog.Logger
}

const (
	lookEvery   = 5 * time.Second  // how often it is looked whether there is a newer checkpoint
	attemptTime = time.Minute      // for one publication in one place
	firstPause  = 30 * time.Second // after a failure
	longPause   = 30 * time.Minute // after many
)

// Run publishes until the context ends.
func (p Publisher) Run(ctx context.Context) {
	places := make([]ledger.Publication, len(p.Targets))
	for i, t := range p.Targets {
		places[i] = ledger.Publication{Target: t.Name, Kind: t.Kind, Where: t.Place.Where()}
	}
	for { // what is remembered may be on a disk that is full for a while
		known, err := p.Log.Publish(ctx, places)
		if err == nil {
			places = known
			break
		}
		p.Logger.Error("no checkpoint is published", "why", exeunt.MessageOf(err), "in", longPause)
		if !pause(ctx, longPause) {
			return
		}
	}
	var all sync.WaitGroup
	for i, t := range p.Targets {
		all.Go(func() { p.keep(ctx, t, places[i]) })
	}
	all.Wait()
}

// keep publishes in one target until the context ends.
func (p Publisher) keep(ctx context.Context, t Target, known ledger.Publication) {
	wait := time.Duration(0)
	var last attempt
	for failures := 0; pause(ctx, wait); {
		err := p.turn(ctx, t, &last, &known, time.Now())
		switch {
		case err == nil:
			failures, wait = 0, lookEvery
		case ctx.Err() == nil:
			wait = min(firstPause<<min(failures, 10), longPause)
			failures++
			p.Logger.Warn("no newer checkpoint is published; it is tried again", "target", t.Name, "why", exeunt.MessageOf(err), "in", wait)
		}
	}
}

// turn publishes the newest checkpoint when that is due, and notes how it went.
func (p Publisher) turn(ctx context.Context, t Target, a *attempt, known *ledger.Publication, now time.Time) error {
	next := *known
	newest, err := p.Log.ToPublish(ctx)
	switch {
	case exeunt.KindOf(err) == exeunt.NotFound:
		return nil
	case err != nil:
	case known.Fault == "" && newest.Size < known.Size: // witnesses lag behind, or the log was put back
		err = p.Log.GoesOnFrom(ctx, known.Checkpoint(newest.Origin))
	case known.Fault == "" && (newest.Size == known.Size || recent(known.At, now, t.Every)):
		return nil
	default:
		next, err = a.within(ctx, attemptTime, next, func(ctx context.Context, next *ledger.Publication) error {
			return p.publish(ctx, t, next, newest)
		})
	}
	if ctx.Err() != nil {
		return ctx.Err() // stopped: how it went is seen at the next start
	}
	next.Fault, next.Conflict = "", exeunt.KindOf(err) == exeunt.Conflict
	switch {
	case err == nil:
		next.Since = time.Time{}
	default:
		next.Fault = exeunt.MessageOf(err)
		if next.Since.IsZero() || next.Since.After(now) {
			next.Since = now.UTC()
		}
	}
	if next != *known {
		if noted := p.Log.Published(ctx, next); noted != nil {
			return noted
		}
		*known = next
	}
	return err
}

// recent says whether something was less than a time ago. A clock that was ahead then says nothing.
func recent(at, now time.Time, within time.Duration) bool {
	return !at.After(now) && now.Sub(at) < within
}

// publish puts a checkpoint into a place, unless the place has it. The log has to go on from what was published before,
// and from what lies there: otherwise nothing is added to it.
func (p Publisher) publish(ctx context.Context, t Target, known *ledger.Publication, cp verify.Checkpoint) error {
	if known.Size > 0 {
		if err := p.Log.GoesOnFrom(ctx, known.Checkpoint(cp.Origin)); err != nil {
			return err
		}
	}
	if readable, ok := t.Place.(Readable); ok {
		return p.publishSeen(ctx, readable, known, cp)
	}
	if cp.Size <= known.Size {
		return nil
	}
	if err := t.Place.Put(ctx, cp); err != nil {
		return err
	}
	published(known, cp)
	return nil
}

// publishSeen publishes where it can be read back. What lies there beyond what is remembered comes first: after a restored
// backup it is what the ledger has forgotten, and the log has to go on from each.
func (p Publisher) publishSeen(ctx context.Context, place Readable, known *ledger.Publication, cp verify.Checkpoint) error {
	if err := p.stillThere(ctx, place, *known); err != nil {
		return err
	}
	for {
		there, err := p.find(ctx, place, known.Size+1)
		if err != nil {
			return err
		}
		if there.Size == 0 {
			break
		}
		published(known, there)
	}
	if cp.Size > known.Size {
		if err := place.Put(ctx, cp); err != nil {
			return err
		}
		there, err := p.find(ctx, place, cp.Size)
		if err == nil && there.Size != cp.Size {
			err = exeunt.Errorf(exeunt.Temporary, "the checkpoint was taken, but it does not lie there")
		}
		if err != nil {
			return err
		}
		cp = there
	} else {
		cp = known.Checkpoint(cp.Origin)
	}
	if err := place.Kept(ctx, cp.Origin, cp.Size); err != nil {
		return err
	}
	if cp.Size > known.Size {
		published(known, cp)
	}
	return nil
}

func published(known *ledger.Publication, cp verify.Checkpoint) {
	known.Size, known.Root, known.At = cp.Size, cp.Root, time.Now().UTC()
}

// stillThere sees that what was published last lies where it was put: a share may not be mounted, and somebody may have
// cleared up.
func (p Publisher) stillThere(ctx context.Context, place Readable, known ledger.Publication) error {
	if known.Size == 0 {
		return nil
	}
	there, err := p.find(ctx, place, known.Size)
	if err == nil && there.Size != known.Size {
		err = exeunt.Errorf(exeunt.NotFound, "the checkpoint over %d entries that was published there is gone: see whether the share is mounted, and who removed it. To begin anew, give the target another name", known.Size)
	}
	return err
}

// find is what lies there over so many entries or more, and is a beginning of the log; the zero checkpoint when nothing does.
func (p Publisher) find(ctx context.Context, place Readable, size int64) (verify.Checkpoint, error) {
	signed, err := place.AtLeast(ctx, p.Log.Origin(), size)
	if err != nil || signed == nil {
		return verify.Checkpoint{}, err
	}
	there, err := p.Log.OpenPublished(signed)
	if err == nil && there.Size < size {
		err = exeunt.Errorf(exeunt.Conflict, "a checkpoint over %d entries lies there by a name that says at least %d: find out who put it there, and move it away", there.Size, size)
	}
	if err == nil {
		err = p.Log.GoesOnFrom(ctx, there)
	}
	return there, err
}

// pause waits, and says whether to go on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}
