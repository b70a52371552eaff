// Package wrap holds what every connector needs and none should write: patience with the vendor's
// limits, a bound on each call, a last look for secrets in what comes back, and figures.
//
// Each concern is a decorator over connector.Connector or http.RoundTripper. [Stack] and
// [Lane.Transport] put them together in the one order that works:
//
//	lane := wrap.NewLane(system.Name, system.Rate)
//	c, err := kind.Open(settings, lane.Transport(wrap.HTTP(http.DefaultTransport)))
//	c = wrap.Stack(c, wrap.Options{System: system.Name, Lane: lane, Secrets: secrets, Meter: meter})
//
// From the outside in: Metered sees everything, Redact lets nothing through, Throttle waits for a
// turn, Timeout bounds the call itself but not the wait before it.
package wrap

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// CallTimeout bounds one verb where Options.Timeout is zero.
const CallTimeout = 30 * time.Second

// Options say what Stack puts around a connector. Lane and Meter may be nil.
type Options struct {
	System  string             // name of the system, for messages and figures
	Lane    *Lane              // what all callers of the system share
	Secrets []connector.Secret // never to be seen in a message; see SecretsIn
	Meter   Meter              //
	Timeout time.Duration      // of one verb; zero means CallTimeout
}

// Stack puts the decorators around a connector in their order.
func Stack(c connector.Connector, o Options) connector.Connector {
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = CallTimeout
	}
	c = Timeout(c, o.System, timeout)
	if o.Lane != nil {
		c = Throttle(c, o.Lane)
	}
	c = Redact(c, o.System, o.Secrets)
	if o.Meter != nil {
		c = Metered(c, o.System, o.Meter)
	}
	return c
}

// The verbs, as figures and messages name them.
const (
	verbFind         = "find"
	verbObserve      = "observe"
	verbApply        = "apply"
	verbList         = "list"
	verbExamine      = "examine"
	verbApplications = "applications"
)

// around is a connector of whose every call one function is told. It is what the decorators have in
// common: each is a way to run a call, not a method for each verb.
type around struct {
	next connector.Connector
	run  func(ctx context.Context, verb string, call func(context.Context) error) error
}

func (a around) Find(ctx context.Context, keys []exeunt.Key) (found []exeunt.Found, err error) {
	err = a.run(ctx, verbFind, func(ctx context.Context) (err error) {
		found, err = a.next.Find(ctx, keys)
		return err
	})
	return found, err
}

func (a around) Observe(ctx context.Context, account exeunt.Account) (seen exeunt.Observation, err error) {
	err = a.run(ctx, verbObserve, func(ctx context.Context) (err error) {
		seen, err = a.next.Observe(ctx, account)
		return err
	})
	return seen, err
}

func (a around) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	return a.run(ctx, verbApply, func(ctx context.Context) error {
		return a.next.Apply(ctx, account, action, with)
	})
}

func (a around) List(ctx context.Context, cursor string, attributes []string) (page connector.Page, err error) {
	err = a.run(ctx, verbList, func(ctx context.Context) (err error) {
		page, err = connector.List(ctx, a.next, cursor, attributes)
		return err
	})
	return page, err
}

func (a around) Examine(ctx context.Context) (rights []connector.Right, err error) {
	err = a.run(ctx, verbExamine, func(ctx context.Context) (err error) {
		rights, err = connector.Examine(ctx, a.next)
		return err
	})
	return rights, err
}

func (a around) Applications(ctx context.Context, cursor string) (page connector.Applications, err error) {
	err = a.run(ctx, verbApplications, func(ctx context.Context) (err error) {
		page, err = connector.ListApplications(ctx, a.next, cursor)
		return err
	})
	return page, err
}

// Timeout bounds each verb. What it cuts off is Temporary: whether the system heard is not known.
func Timeout(c connector.Connector, system string, each time.Duration) connector.Connector {
	return around{c, func(ctx context.Context, _ string, call func(context.Context) error) error {
		bounded, cancel := context.WithTimeout(ctx, each)
		defer cancel()
		err := call(bounded)
		if err != nil && bounded.Err() != nil && exeunt.KindOf(err) == exeunt.Internal {
			return connector.Network(system, bounded.Err())
		}
		return err
	}}
}

// Meter takes the figures of every call. Kind is the exeunt.ErrorKind that it ended with, or "ok".
type Meter interface {
	Observe(system, verb, kind string, took time.Duration)
}

// Metered tells the meter of each verb how long it took, waiting for a turn included, and how it ended.
func Metered(c connector.Connector, system string, m Meter) connector.Connector {
	return around{c, func(ctx context.Context, verb string, call func(context.Context) error) error {
		began := time.Now()
		err := call(ctx)
		kind := "ok"
		if err != nil {
			kind = string(exeunt.KindOf(err))
		}
		m.Observe(system, verb, kind, time.Since(began))
		return err
	}}
}
