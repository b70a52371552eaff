package ssf

import (
	"context"
	"net/http"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/signals"
)

// question is a poll (RFC 8936 section 2.2).
type question struct {
	MaxEvents *int     `json:"maxEvents"`
	AtOnce    bool     `json:"returnImmediately"`
	Ack       []string `json:"ack"`
	Errors    map[string]struct {
		Err string `json:"err"`
	} `json:"setErrs"`
}

// tokens is the answer to a poll (RFC 8936 section 2.3).
type tokens struct {
	Sets map[string]string `json:"sets"`
	More bool              `json:"moreAvailable,omitempty"`
}

// poll takes what the receiver says of tokens that it has, and gives it those that wait. A token is given until it is
// acknowledged, so that none is lost on its way.
func (f *face) poll(w http.ResponseWriter, r *http.Request, of Receiver) error {
	var asked question
	if err := body(r, &asked); err != nil {
		return err
	}
	s, err := f.Streams.SignalStream(r.Context(), of.Settings.Audience)
	if err != nil {
		return err
	}
	if s.Push != "" {
		return exeunt.Errorf(exeunt.NotFound, "your stream has its tokens pushed: there is nothing to poll")
	}
	if err := f.settle(r.Context(), s, asked); err != nil {
		return err
	}
	limit := maxEvents
	if asked.MaxEvents != nil {
		limit = min(max(*asked.MaxEvents, 0), maxEvents)
	}
	if limit == 0 {
		return answer(w, http.StatusOK, tokens{Sets: map[string]string{}})
	}
	out, err := f.await(r.Context(), of, limit, asked.AtOnce)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// settle keeps what became of tokens.
func (f *face) settle(ctx context.Context, s exeunt.SignalStream, asked question) error {
	for _, id := range asked.Ack {
		if _, err := f.Streams.SettleSignal(ctx, s.Receiver, id, exeunt.SignalDelivered, "", time.Now()); err != nil {
			return err
		}
	}
	for id, said := range asked.Errors {
		if _, err := f.Streams.SettleSignal(ctx, s.Receiver, id, exeunt.SignalRefused, signals.Reason(said.Err), time.Now()); err != nil {
			return err
		}
	}
	return nil
}

// await returns what waits, and where the receiver has time, waits for that itself: for as long as no proxy between us is
// likely to cut off. Another server may be the one that makes the token, so that it is asked for and not listened for.
// The stream is asked for again, too: what is paused meanwhile gives nothing more, and what is enabled does.
func (f *face) await(ctx context.Context, of Receiver, limit int, atOnce bool) (tokens, error) {
	over := time.NewTimer(longestPoll)
	defer over.Stop()
	again := time.NewTicker(pollInterval)
	defer again.Stop()
	for {
		some, more, err := f.fetch(ctx, of, limit)
		if err != nil || len(some) > 0 || atOnce {
			out := tokens{Sets: map[string]string{}, More: more}
			for _, g := range some {
				out.Sets[g.ID] = g.Token
			}
			return out, err
		}
		select {
		case <-again.C:
			continue
		case <-over.C:
		case <-f.Done:
		case <-ctx.Done():
		}
		atOnce = true
	}
}

// fetch is what waits for a receiver now: nothing while its stream is not enabled, or not to be polled any more.
func (f *face) fetch(ctx context.Context, of Receiver, limit int) ([]exeunt.Signal, bool, error) {
	s, err := f.Streams.SignalStream(ctx, of.Settings.Audience)
	if err != nil || s.Status != exeunt.StreamEnabled || s.Push != "" {
		return nil, false, err
	}
	return f.Streams.WaitingSignals(ctx, s.Receiver, limit)
}
