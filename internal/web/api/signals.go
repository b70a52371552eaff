package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// Signals is what callers may ask about receivers of signals.
type Signals interface {
	// List gives every receiver with how it wants to be told.
	List(ctx context.Context) ([]SignalReceiver, error)
	// Verify sends a receiver a verification, or leaves it to be fetched: then sent is false.
	Verify(ctx context.Context, system string) (id string, sent bool, err error)
	// Rotate lets another key sign.
	Rotate(ctx context.Context, algorithm string, atOnce bool, by exeunt.Override) (exeunt.SignalKey, error)
}

// SignalReceiver is one application that listens to who leaves.
type SignalReceiver struct {
	System   string               `json:"system"`
	Title    string               `json:"title,omitempty"`
	Receiver string               `json:"receiver" doc:"What it calls itself: the audience of its tokens"`
	Way      string               `json:"way" enum:"stream,push,global-token-revocation"`
	Stream   string               `json:"stream,omitempty" doc:"The stream_id, where it has made its stream"`
	Delivery string               `json:"delivery,omitempty" enum:"push,poll"`
	PushTo   string               `json:"push_to,omitempty"`
	Status   string               `json:"status" doc:"enabled, paused, disabled, or no stream"`
	Reason   string               `json:"reason,omitempty" doc:"Why, in the receiver's words"`
	Events   []exeunt.SignalEvent `json:"events" doc:"That it asked for"`
	store.SignalStats
	Undelivered []Undelivered `json:"undelivered" doc:"Up to 100 tokens that it has not taken, the oldest first"`
}

// Undelivered is a token that a receiver has not taken.
type Undelivered struct {
	ID     string             `json:"id" doc:"jti"`
	Case   exeunt.CaseID      `json:"case,omitempty"`
	Step   string             `json:"step,omitempty"`
	Event  exeunt.SignalEvent `json:"event"`
	State  exeunt.SignalState `json:"state"`
	Reason string             `json:"reason,omitempty"`
	MadeAt time.Time          `json:"made_at"`
}

// SignalList is every receiver.
type SignalList struct {
	Schema    string           `json:"schema"`
	Receivers []SignalReceiver `json:"receivers"`
}

// SignalSent is a verification that was made.
type SignalSent struct {
	Schema string `json:"schema"`
	ID     string `json:"id" doc:"jti, for the receiver's log"`
	Sent   bool   `json:"sent" doc:"The receiver has it; false where it waits to be fetched"`
}

// SignalKeyFile is a key that signs, or will.
type SignalKeyFile struct {
	Schema string           `json:"schema"`
	Key    exeunt.SignalKey `json:"key"`
}

func (a routes) signals(spec huma.API) {
	huma.Get(spec, "/api/v1/signals", a.listSignals, summary("List who listens to who leaves", "Signals"))
	huma.Post(spec, "/api/v1/systems/{name}/verify", a.verifySignals, summary("Send a receiver of signals a verification", "Signals"), status(http.StatusOK))
	huma.Post(spec, "/api/v1/signals/rotate", a.rotateSignals, summary("Let another key sign security event tokens", "Signals"), status(http.StatusOK))
}

// mostUndelivered is how many tokens are listed for each receiver.
const mostUndelivered = 100

func (a routes) listSignals(ctx context.Context, _ *struct{}) (*answer[SignalList], error) {
	list, err := a.Signals.List(ctx)
	if err != nil {
		return nil, problem(err)
	}
	read := a.Reader(viewer(ctx))
	for i := range list {
		r := &list[i]
		if r.SignalStats, err = read.SignalStats(ctx, r.Receiver, time.Now()); err != nil {
			return nil, problem(err)
		}
		waiting, err := read.Undelivered(ctx, r.Receiver, mostUndelivered)
		if err != nil {
			return nil, problem(err)
		}
		r.Undelivered = []Undelivered{}
		for _, g := range waiting {
			r.Undelivered = append(r.Undelivered, Undelivered{g.ID, g.Case, g.Step, g.Event, g.State, g.Reason, g.MadeAt})
		}
	}
	return &answer[SignalList]{SignalList{"signals/v1", list}}, nil
}

func (a routes) verifySignals(ctx context.Context, in *SystemPath) (*answer[SignalSent], error) {
	id, sent, err := a.Signals.Verify(ctx, in.Name)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[SignalSent]{SignalSent{"signal-sent/v1", id, sent}}, nil
}

func (a routes) rotateSignals(ctx context.Context, in *struct {
	Body struct {
		Algorithm string `json:"algorithm,omitempty" enum:"RS256,ES256" default:"RS256"`
		AtOnce    bool   `json:"at_once,omitempty" doc:"The key before may be known to somebody: it counts no more from now on, and what waits for receivers that poll cannot be verified"`
		Reason    string `json:"reason" minLength:"1" maxLength:"4000"`
	}
}) (*answer[SignalKeyFile], error) {
	by := override(ctx, in.Body.Reason)
	if err := by.Check(); err != nil {
		return nil, problem(err)
	}
	k, err := a.Signals.Rotate(ctx, in.Body.Algorithm, in.Body.AtOnce, by)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[SignalKeyFile]{SignalKeyFile{"signal-key/v1", k}}, nil
}
