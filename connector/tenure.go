package connector

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// Tenure is the time in which this server has a system's lane, among several that share the work. It comes
// with the context of every call, so that what waits for its turn asks once more before it goes out.
type Tenure struct {
	Since time.Time   // the rate budget before it was another server's to spend; zero when there can be no other
	Lasts func() bool // whether the lane is surely still ours

	NotBefore time.Time // the system asked whoever had the lane before to leave it alone until then
}

type tenureKey struct{}

// WithTenure puts a tenure into a context.
func WithTenure(ctx context.Context, t *Tenure) context.Context {
	return context.WithValue(ctx, tenureKey{}, t)
}

// TenureOf is the tenure of a context; nil for a call that no lane makes.
func TenureOf(ctx context.Context) *Tenure {
	t, _ := ctx.Value(tenureKey{}).(*Tenure)
	return t
}

// Over is the error of a call that comes too late: nothing was sent. It is nil while the tenure lasts.
func (t *Tenure) Over() error {
	if t == nil || t.Lasts() {
		return nil
	}
	return exeunt.Errorf(exeunt.Throttled, "this server has lost touch with the database, and another may be at it by now: nothing was sent")
}

type placeKey struct{}

// WithPlace puts into a context where the caller stands in the system's line: the earlier goes first.
func WithPlace(ctx context.Context, place time.Time) context.Context {
	return context.WithValue(ctx, placeKey{}, place)
}

// PlaceOf is where the caller of a context stands; the zero time, which is before all others, for one who stands
// in no line: a person waits for the answer.
func PlaceOf(ctx context.Context) time.Time {
	place, _ := ctx.Value(placeKey{}).(time.Time)
	return place
}
