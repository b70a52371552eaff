// Package signals tells applications that listen that somebody leaves, so that they cut live sessions at once: by security
// event tokens of the Shared Signals Framework 1.0 (CAEP 1.0 and RISC 1.0; RFC 8417, pushed by RFC 8935 or polled by RFC 8936),
// or by a Global Token Revocation request (draft-parecki-oauth-global-token-revocation).
//
// A receiver is a system like any other, and telling it is an action: planned with the others, recorded before it is done,
// tried again, and handed to the system's owner where nobody listens. What a receiver does with a message it does not say: it
// is acknowledged, and never observed.
package signals

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// House is what the installation keeps for all receivers. Only a running server has one.
type House interface {
	// Issuer is the address under which receivers know this installation.
	Issuer() string
	// Stream is how a receiver wants to be told; NotFound when it has not said so.
	Stream(ctx context.Context, receiver string) (exeunt.SignalStream, error)
	// Mentioned is what a receiver said of somebody: that it wants to hear of them, that it does not, or nothing.
	Mentioned(ctx context.Context, receiver, subject string) (wanted, said bool, err error)
	// Signals are what a receiver was told, or is to be told, about somebody, the newest last.
	Signals(ctx context.Context, receiver, subject string) ([]exeunt.Signal, error)
	// Keep keeps a token before it is sent, and returns the one that was kept for the same attempts before, if any.
	Keep(ctx context.Context, signal exeunt.Signal) (exeunt.Signal, error)
	// Settle keeps what became of a token.
	Settle(ctx context.Context, receiver, id string, state exeunt.SignalState, reason string) error
	// Sign makes a token of a type (the typ of its header) by the installation's key of an algorithm.
	Sign(ctx context.Context, algorithm, typ string, claims any) (string, error)
}

// KindName is the word in systems/*.yaml.
const KindName = "signals"

// Kind is the kind "signals", of the given house; nil where nothing can be told, such as for checking a configuration.
func Kind(house House) connector.Kind {
	kind := connector.Define(KindName, "Receiver of signals", actions, func(s Settings, rt http.RoundTripper) (connector.Connector, error) {
		r := &receiver{Settings: s.filled(), house: house, http: &http.Client{
			Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		return r, nil
	})
	kind.Claims = func(raw []byte) []connector.Claim {
		s, err := Decode(raw)
		if err != nil { // said elsewhere
			return nil
		}
		out := []connector.Claim{{Setting: "audience", Value: s.Audience}}
		for _, t := range s.Tokens {
			out = append(out, connector.Claim{Setting: "tokens", Value: t})
		}
		return out
	}
	return kind
}

// Knows is the one identifier by which the receiver knows people.
func (s Settings) Knows() connector.Knows {
	s = s.filled()
	return connector.Knows{Attributes: []connector.Attribute{{Name: s.attribute(), Identifier: exeunt.IdentifierKind(s.Identifier), Exact: s.Subject != "email"}}}
}

// Decode reads the settings of a receiver.
func Decode(raw []byte) (Settings, error) {
	var s Settings
	if err := connector.DecodeSettings(raw, &s); err != nil {
		return s, exeunt.Errorf(exeunt.Invalid, "settings of a %s system: %v", KindName, err)
	}
	return s.filled(), nil
}

// Format is how people are named: the format of subject identifiers.
func (s Settings) Format() string { return s.filled().Subject }

// Streams says whether the receiver makes its own stream here.
func (s Settings) Streams() bool { return s.filled().Way == wayStream }

// AllByDefault says whether the receiver hears of everybody of whom it has not said otherwise.
func (s Settings) AllByDefault() bool { return s.filled().Subjects == "all" }

// receiver implements connector.Connector.
type receiver struct {
	Settings
	house House
	http  *http.Client
}

func (s Settings) attribute() string {
	switch s.Subject {
	case "email":
		return "email"
	case "opaque":
		return "id"
	default:
		return "sub"
	}
}

// Find gives everybody of whom the receiver hears: who they are is what it is told, and whether it has an account of theirs
// is nothing that it says.
func (r *receiver) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	if _, err := r.stream(ctx); err != nil {
		return nil, err
	}
	var out []exeunt.Found
	for _, key := range keys {
		if key.Attribute != r.attribute() || key.Value == "" {
			continue
		}
		id := r.subjectID(key.Value)
		hears, err := r.hears(ctx, id)
		if err != nil {
			return nil, err
		}
		if hears && !slices.ContainsFunc(out, func(f exeunt.Found) bool { return f.ID == id }) {
			out = append(out, exeunt.Found{Account: exeunt.Account{ID: id, Login: key.Value}, Has: map[string][]string{key.Attribute: {key.Value}}})
		}
	}
	return out, nil
}

// Observe says what the receiver was told: how it stands with the account there, it cannot be asked.
func (r *receiver) Observe(ctx context.Context, of exeunt.Account) (exeunt.Observation, error) {
	stream, err := r.stream(ctx)
	if err != nil {
		return exeunt.Observation{}, err
	}
	if err := r.heard(ctx, of); err != nil {
		return exeunt.Observation{}, err
	}
	seen := exeunt.Observation{
		At: time.Now(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{"receiver": r.Audience},
		Snapshot: map[string][]string{account: {"enabled"}},
	}
	if r.Way == wayRevocation {
		return seen, nil
	}
	told, err := r.house.Signals(ctx, r.Audience, of.ID)
	if err != nil {
		return exeunt.Observation{}, err
	}
	for _, spec := range r.Specs() {
		last := latest(told, spec.Action, true) // one that was withdrawn may have been fetched, and not acknowledged
		switch {
		case last.ID == "":
			seen.Standing[spec.Action] = exeunt.Absent
			continue
		case last.State == exeunt.SignalWaiting && stream.Status != exeunt.StreamDisabled && (stream.Push == "" || stream.Status == exeunt.StreamPaused):
			seen.Standing[spec.Action] = exeunt.Pending
		}
		seen.Facts["token_"+string(spec.Action)] = last.ID + " " + string(last.State)
	}
	return seen, nil
}

// latest is the newest token of an action, which may be a withdrawn one or not; none has no ID.
func latest(told []exeunt.Signal, action exeunt.Action, withdrawn bool) exeunt.Signal {
	for _, g := range slices.Backward(told) {
		if g.Action == action && (withdrawn || g.State != exeunt.SignalWithdrawn) {
			return g
		}
	}
	return exeunt.Signal{}
}

// Apply tells the receiver. Every attempt at a step tells the same.
func (r *receiver) Apply(ctx context.Context, of exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able(r.Audience, r.Specs(), action, with); err != nil {
		return err
	}
	stream, err := r.stream(ctx)
	if err != nil {
		return err
	}
	if err := r.heard(ctx, of); err != nil {
		return err
	}
	if r.Way == wayRevocation {
		return r.revoke(ctx, of)
	}
	event := eventOf(action, with.Undo)
	if err := stream.Refuses(event); err != nil {
		if lost := r.forget(ctx, stream, of, action, with); lost != nil {
			return lost
		}
		return err
	}
	signal, err := r.signal(ctx, of, action, event, with)
	if err != nil {
		return err
	}
	switch signal.State {
	case exeunt.SignalDelivered:
		return nil
	case exeunt.SignalRefused: // said once; who tries again after that has mended something
		if err := r.house.Settle(ctx, r.Audience, signal.ID, exeunt.SignalTold, signal.Reason); err != nil {
			return err
		}
		return refusal(r.Audience, signal.Reason)
	case exeunt.SignalWaiting, exeunt.SignalTold, exeunt.SignalWithdrawn: // to be told
	}
	if stream.Push == "" || stream.Status == exeunt.StreamPaused {
		return nil // it waits there: see Observe
	}
	if err := r.push(ctx, stream, signal.Token); err != nil {
		if exeunt.KindOf(err) == exeunt.Invalid { // it would never be taken: who tries again sends another one
			_ = r.house.Settle(ctx, r.Audience, signal.ID, exeunt.SignalTold, "") // the refusal is what counts
		}
		return err
	}
	return r.house.Settle(ctx, r.Audience, signal.ID, exeunt.SignalDelivered, "")
}

// forget takes a token back that waits for a receiver that has disabled its stream: nothing is held for it then (SSF 1.0 section
// 8.1.2.1), and the step becomes a task.
func (r *receiver) forget(ctx context.Context, stream exeunt.SignalStream, of exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if stream.Status != exeunt.StreamDisabled {
		return nil
	}
	told, err := r.house.Signals(ctx, r.Audience, of.ID)
	if err != nil {
		return err
	}
	if last := latest(told, action, false); last.Attempts == with.IdempotencyKey && last.State == exeunt.SignalWaiting {
		return r.house.Settle(ctx, r.Audience, last.ID, exeunt.SignalTold, "")
	}
	return nil
}

func eventOf(action exeunt.Action, undo bool) exeunt.SignalEvent {
	switch action {
	case exeunt.Disable:
		if undo {
			return exeunt.SignalAccountEnabled
		}
		return exeunt.SignalAccountDisabled
	case exeunt.RevokeSessions:
		return exeunt.SignalSessionRevoked
	default:
		return exeunt.SignalCredentialChange
	}
}

// signal is the token by which a step is told: the one that was made at its first attempt, unless the receiver refused that, or
// was told something else since, which has to be told otherwise again.
func (r *receiver) signal(ctx context.Context, of exeunt.Account, action exeunt.Action, event exeunt.SignalEvent, with connector.Parameters) (exeunt.Signal, error) {
	told, err := r.house.Signals(ctx, r.Audience, of.ID)
	if err != nil {
		return exeunt.Signal{}, err
	}
	if last := latest(told, action, false); last.ID != "" && last.Attempts == with.IdempotencyKey && last.State != exeunt.SignalTold {
		return last, nil
	}
	made, err := r.makeToken(ctx, of, action, event, with)
	if err != nil {
		return made, err
	}
	return r.house.Keep(ctx, made)
}

// stream is how the receiver is told.
func (r *receiver) stream(ctx context.Context) (exeunt.SignalStream, error) {
	if err := ctx.Err(); err != nil {
		return exeunt.SignalStream{}, connector.Network(r.Audience, err)
	}
	if r.house == nil {
		return exeunt.SignalStream{}, exeunt.Errorf(exeunt.Unsupported, "only a running server tells receivers of signals: ask it with exeunt signals list")
	}
	if r.Way != wayStream {
		return exeunt.SignalStream{Receiver: r.Audience, Push: r.Endpoint, Status: exeunt.StreamEnabled, Events: r.EventsSupported()}, nil
	}
	stream, err := r.house.Stream(ctx, r.Audience)
	if exeunt.KindOf(err) == exeunt.NotFound {
		return stream, exeunt.Errorf(exeunt.Unsupported, "the receiver %s has made no stream here, so that it hears nothing: set it up there with the address %s and its token", r.Audience, r.house.Issuer())
	}
	return stream, err
}

// hears says whether the receiver hears of somebody.
func (r *receiver) hears(ctx context.Context, id string) (bool, error) {
	if r.Way != wayStream {
		return true, nil
	}
	wanted, said, err := r.house.Mentioned(ctx, r.Audience, id)
	if !said {
		wanted = r.Subjects == "all"
	}
	return wanted, err
}

func (r *receiver) heard(ctx context.Context, of exeunt.Account) error {
	hears, err := r.hears(ctx, of.ID)
	if err == nil && !hears {
		err = exeunt.Errorf(exeunt.NotFound, "the receiver %s does not want to hear of this person", r.Audience)
	}
	return err
}

// Subject identifiers (RFC 9493) as the ids of accounts: the format and the value. Addresses are compared without regard to
// capital letters, as the receivers' directories do.
const (
	emailID  = "email:"
	subID    = "sub:"
	opaqueID = "opaque:"
)

func (s Settings) subjectID(value string) string {
	switch s.Subject {
	case "email":
		return emailID + strings.ToLower(value)
	case "opaque":
		return opaqueID + value
	default:
		return subID + value
	}
}

// SubjectID is the id of whom a receiver names by a subject identifier; false for one that is not of its format.
func (s Settings) SubjectID(of map[string]any) (string, bool) {
	s = s.filled()
	text := func(name string) string { v, _ := of[name].(string); return v }
	switch {
	case text("format") != s.Subject:
		return "", false
	case s.Subject == "email":
		return s.subjectID(text("email")), text("email") != ""
	case s.Subject == "opaque":
		return s.subjectID(text("id")), text("id") != ""
	default:
		return s.subjectID(text("sub")), text("sub") != "" && text("iss") == s.SubjectIssuer
	}
}

// subjectOf is the subject identifier of an account.
func (s Settings) subjectOf(of exeunt.Account) map[string]string {
	switch s.Subject {
	case "email":
		return map[string]string{"format": "email", "email": strings.TrimPrefix(of.ID, emailID)}
	case "opaque":
		return map[string]string{"format": "opaque", "id": strings.TrimPrefix(of.ID, opaqueID)}
	}
	return map[string]string{"format": "iss_sub", "iss": s.SubjectIssuer, "sub": strings.TrimPrefix(of.ID, subID)}
}
