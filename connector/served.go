package connector

import (
	"context"
	"sync/atomic"
)

// service is what is known of the requests of one Apply. An action may take several, and that the last of them
// was refused does not say that nothing has happened.
type service struct{ refused, served atomic.Bool }

type serviceKey struct{}

func withService(ctx context.Context) (context.Context, *service) {
	s := &service{}
	return context.WithValue(ctx, serviceKey{}, s), s
}

// NotServed says of the call of a context that a request of it was surely not carried out: our own gate held it
// back, or the system refused it before it did anything. Whoever cannot tell says nothing.
func NotServed(ctx context.Context) {
	if s, ok := ctx.Value(serviceKey{}).(*service); ok {
		s.refused.Store(true)
	}
}

// Served says of the call of a context that a request of it was carried out, or may have been.
func Served(ctx context.Context) {
	if s, ok := ctx.Value(serviceKey{}).(*service); ok {
		s.served.Store(true)
	}
}

// nothingDone says whether surely no request of the call was carried out.
func (s *service) nothingDone() bool { return s.refused.Load() && !s.served.Load() }
