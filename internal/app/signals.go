package app

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/signals"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/exeunt/exeunt/internal/web/ssf"
	"github.com/exeunt/exeunt/internal/wrap"
)

// signalHouse is what the installation keeps for receivers of signals: their streams and tokens in the database, which all
// servers share, and the keys. It implements signals.House.
type signalHouse struct{ app *App }

// mostWaiting is how many tokens a receiver may leave waiting: more than a company has people.
const mostWaiting = 100_000

// Issuer is the address of the installation.
func (h signalHouse) Issuer() string { return issuer(h.app.Config()) }

func issuer(c *config.Config) string { return strings.TrimRight(c.URL, "/") }

// Stream implements signals.House.
func (h signalHouse) Stream(ctx context.Context, receiver string) (exeunt.SignalStream, error) {
	return h.app.Store.SignalStream(ctx, receiver)
}

// Mentioned implements signals.House.
func (h signalHouse) Mentioned(ctx context.Context, receiver, subject string) (wanted, said bool, err error) {
	return h.app.Store.Mentioned(ctx, receiver, subject)
}

// Signals implements signals.House.
func (h signalHouse) Signals(ctx context.Context, receiver, subject string) ([]exeunt.Signal, error) {
	told, err := h.app.Store.Signals(ctx, receiver, subject)
	if err != nil {
		return nil, err
	}
	return told, h.renew(ctx, told)
}

// Keep implements signals.House.
func (h signalHouse) Keep(ctx context.Context, signal exeunt.Signal) (exeunt.Signal, error) {
	return h.app.Store.KeepSignal(ctx, signal, mostWaiting)
}

// Settle implements signals.House.
func (h signalHouse) Settle(ctx context.Context, receiver, id string, state exeunt.SignalState, reason string) error {
	_, err := h.app.Store.SettleSignal(ctx, receiver, id, state, reason, time.Now())
	return err
}

// Sign implements signals.House. The first key of an algorithm is made when it is first needed.
func (h signalHouse) Sign(ctx context.Context, algorithm, typ string, claims any) (string, error) {
	key, err := h.key(ctx, algorithm)
	if err != nil {
		return "", err
	}
	return signals.Sign(key, typ, claims)
}

// renew signs what waits again, where it was signed by a key that counts no more: it was leaked, or is older than what waits.
func (h signalHouse) renew(ctx context.Context, some []exeunt.Signal) error {
	if !slices.ContainsFunc(some, func(g exeunt.Signal) bool { return g.Token != "" }) {
		return nil
	}
	ever, err := h.app.Store.SignalKeys(ctx, time.Time{})
	if err != nil {
		return err
	}
	now := time.Now()
	counts := slices.DeleteFunc(slices.Clone(ever), func(k exeunt.SignalKey) bool { return !k.EndsAt.IsZero() && !k.EndsAt.After(now) })
	signing := func(algorithm string) exeunt.SignalKey { return exeunt.Signing(counts, algorithm, now) }
	for i, g := range some {
		if g.Token == "" {
			continue
		}
		if some[i].Token, err = signals.Renew(ever, counts, signing, g.Token); err != nil {
			return err
		}
	}
	return nil
}

// shelf is what receivers get from the database, signed by a key that they know.
type shelf struct {
	*store.Store
	house signalHouse
}

// WaitingSignals implements ssf.Streams.
func (s shelf) WaitingSignals(ctx context.Context, receiver string, limit int) ([]exeunt.Signal, bool, error) {
	some, more, err := s.Store.WaitingSignals(ctx, receiver, limit)
	if err != nil {
		return nil, false, err
	}
	return some, more, s.house.renew(ctx, some)
}

// firstKey is why a key is made that follows none.
var firstKey = exeunt.Override{By: byItself, Reason: "there was none"}

func (h signalHouse) key(ctx context.Context, algorithm string) (exeunt.SignalKey, error) {
	now := time.Now()
	keys, err := h.app.Store.SignalKeys(ctx, now)
	if err != nil {
		return exeunt.SignalKey{}, err
	}
	if k := exeunt.Signing(keys, algorithm, now); k.ID != "" {
		return k, nil
	}
	k, err := signals.NewKey(algorithm)
	if err != nil {
		return k, err
	}
	k, err = h.app.Store.FollowKey(ctx, k, keys, true, firstKey, now)
	if exeunt.KindOf(err) != exeunt.Conflict {
		return k, err
	}
	keys, err = h.app.Store.SignalKeys(ctx, now)
	if k = exeunt.Signing(keys, algorithm, time.Now()); err == nil && k.ID == "" {
		err = exeunt.Errorf(exeunt.Temporary, "another server is making the key for security event tokens")
	}
	return k, err
}

// keySet is the public halves of the keys by which tokens of receivers are signed, now and soon.
func (h signalHouse) keySet(ctx context.Context, receivers []ssf.Receiver) (any, error) {
	for _, of := range receivers { // so that it is read before the first token comes
		if _, err := h.key(ctx, algorithmOf(of.Settings)); err != nil {
			return nil, err
		}
	}
	keys, err := h.app.Store.SignalKeys(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	return signals.Set(keys)
}

func algorithmOf(s signals.Settings) string { return cmp.Or(s.Algorithm, "RS256") }

// receivers lists the systems that are told by signals, whatever their stage: a receiver is set up before it goes live.
func receivers(c *config.Config) []ssf.Receiver {
	var out []ssf.Receiver
	for _, system := range c.Systems {
		if system.Kind != signals.KindName {
			continue
		}
		if s, err := signals.Decode(system.Settings); err == nil {
			out = append(out, ssf.Receiver{System: system.System, Settings: s})
		}
	}
	return out
}

// face is what receivers see.
func (h signalHouse) face(c *config.Config) ssf.Config {
	all := receivers(c)
	var streams []ssf.Receiver
	for _, of := range all {
		if of.Settings.Streams() {
			streams = append(streams, of)
		}
	}
	return ssf.Config{
		Issuer: issuer(c), Receivers: streams, Streams: shelf{h.app.Store, h}, Operator: c.Operator(), Log: h.app.options.Log, Done: h.app.stopping,
		Keys: func(ctx context.Context) (any, error) { return h.keySet(ctx, all) },
		Verify: func(ctx context.Context, of ssf.Receiver, stream exeunt.SignalStream, state string) error {
			return h.verifyLater(ctx, of, stream, state)
		},
		Issue: func(ctx context.Context, of ssf.Receiver, claims signals.Access) (string, error) {
			return h.Sign(ctx, algorithmOf(of.Settings), signals.TypeOfAccess, claims)
		},
		Admit: h.admit,
		Refused: func(ctx context.Context) error {
			return h.app.accesses.count(ctx, exeunt.Access{Kind: exeunt.EntrySignInRefused, Who: "somebody unknown", What: "token of a receiver of signals refused"})
		},
	}
}

// admit reads an access token that any server of this installation gave.
func (h signalHouse) admit(ctx context.Context, token string) (signals.Access, error) {
	var a signals.Access
	keys, err := h.app.Store.SignalKeys(ctx, time.Now())
	if err != nil {
		return a, err
	}
	err = signals.Read(keys, signals.TypeOfAccess, token, &a)
	return a, err
}

// verifyLater makes a verification, and sends it after the receiver was answered, where it is pushed. Whether it arrives, the
// receiver sees for itself.
func (h signalHouse) verifyLater(ctx context.Context, of ssf.Receiver, stream exeunt.SignalStream, state string) error {
	if stream.Status == exeunt.StreamDisabled || stream.Push != "" && stream.Status != exeunt.StreamEnabled {
		return exeunt.Errorf(exeunt.Invalid, "the stream is %s: enable it first", stream.Status)
	}
	g, err := signals.Verification(ctx, h, of.Settings, stream, state)
	switch {
	case err != nil:
		return err
	case stream.Push == "":
		_, err := h.Keep(ctx, g)
		return err
	}
	later, cancel := context.WithTimeout(context.WithoutCancel(ctx), wrap.CallTimeout)
	h.app.shipping.Go(func() {
		defer cancel()
		if err := push(later, stream, g); err != nil {
			h.app.options.Log.Warn("a receiver did not take its verification", "system", of.System.Name, "error", err)
		}
	})
	return nil
}

func push(ctx context.Context, stream exeunt.SignalStream, g exeunt.Signal) error {
	client := &http.Client{Transport: wrap.HTTP(http.DefaultTransport), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return signals.Push(ctx, client, stream.Receiver, stream.Push, stream.Authorization, g.Token)
}

// receiverOf finds a system that makes its stream here.
func (h signalHouse) receiverOf(name string) (ssf.Receiver, error) {
	for _, of := range receivers(h.app.Config()) {
		if of.System.Name == name {
			return of, nil
		}
	}
	return ssf.Receiver{}, exeunt.Errorf(exeunt.NotFound, "the configuration has no system %q of kind %s", name, signals.KindName)
}

// List implements api.Signals.
func (h signalHouse) List(ctx context.Context) ([]api.SignalReceiver, error) {
	var out []api.SignalReceiver
	for _, of := range receivers(h.app.Config()) {
		l, id, err := h.listener(ctx, of)
		if err != nil {
			return nil, err
		}
		out = append(out, api.SignalReceiver{
			System: of.System.Name, Title: of.System.Title, Receiver: l.Receiver, Way: l.Way, Stream: id, Delivery: l.Delivery, PushTo: l.PushTo,
			Status: l.Status, Reason: l.Reason, Events: l.Events,
		})
	}
	return out, nil
}

// Listener is how a system listens, as its page shows it; nil when it does not.
func (h signalHouse) Listener(ctx context.Context, system string) (*web.Listener, error) {
	of, err := h.receiverOf(system)
	if err != nil {
		return nil, nil //nolint:nilerr // it is of another kind
	}
	l, _, err := h.listener(ctx, of)
	return &l, err
}

func (h signalHouse) listener(ctx context.Context, of ssf.Receiver) (l web.Listener, stream string, err error) {
	l = web.Listener{Receiver: of.Settings.Audience, Way: of.Settings.Way, PushTo: of.Settings.Endpoint, Status: string(exeunt.StreamEnabled), Events: of.Settings.EventsSupported()}
	if !of.Settings.Streams() {
		return l, "", nil
	}
	s, err := h.Stream(ctx, of.Settings.Audience)
	if exeunt.KindOf(err) == exeunt.NotFound {
		l.Status, l.Events = "no stream", []exeunt.SignalEvent{}
		return l, "", nil
	}
	l.Status, l.Reason, l.Events, l.Delivery, l.PushTo = string(s.Status), s.Reason, s.Events, s.Method(), s.Push
	return l, s.ID, err
}

// Verify implements api.Signals: it sends a verification now, or leaves it for the receiver to fetch.
func (h signalHouse) Verify(ctx context.Context, system string) (id string, sent bool, err error) {
	of, err := h.receiverOf(system)
	if err != nil {
		return "", false, err
	}
	if !of.Settings.Streams() {
		return "", false, exeunt.Errorf(exeunt.Unsupported, "%s has no stream to verify: end a test account to see whether it listens", system)
	}
	stream, err := h.Stream(ctx, of.Settings.Audience)
	if err != nil {
		return "", false, err
	}
	g, err := signals.Verification(ctx, h, of.Settings, stream, "")
	if err != nil {
		return "", false, err
	}
	if stream.Push == "" {
		_, err := h.Keep(ctx, g)
		return g.ID, false, err
	}
	return g.ID, true, push(ctx, stream, g)
}

// Rotate implements api.Signals: another key signs from tomorrow on, or at once.
func (h signalHouse) Rotate(ctx context.Context, algorithm string, atOnce bool, by exeunt.Override) (exeunt.SignalKey, error) {
	now := time.Now()
	before, err := h.app.Store.SignalKeys(ctx, now)
	if err != nil {
		return exeunt.SignalKey{}, err
	}
	k, err := signals.NewKey(algorithm)
	if err != nil {
		return k, err
	}
	return h.app.Store.FollowKey(ctx, k, before, atOnce, by, now)
}
