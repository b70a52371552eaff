package signals

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Examine says whether the receiver hears what it is to be told. Only a receiver that makes its stream here says so before
// somebody leaves.
func (r *receiver) Examine(ctx context.Context) ([]connector.Right, error) {
	if r.house == nil {
		return []connector.Right{{
			Name: "to be heard by " + r.Audience, State: connector.Unknown,
			Why: "only a running server knows who listens to it", Remedy: "ask it: exeunt signals list",
		}}, nil
	}
	if r.Way != wayStream {
		return []connector.Right{{
			Name: "to be heard by " + r.Audience, State: connector.Unknown,
			Why: "the receiver makes no stream here, so that it says nothing until it is told something", Remedy: connector.Rehearse,
		}}, nil
	}
	stream, err := r.house.Stream(ctx, r.Audience)
	missing := exeunt.KindOf(err) == exeunt.NotFound
	if err != nil && !missing {
		return nil, err
	}
	var rights []connector.Right
	for _, spec := range r.Specs() {
		right := connector.Right{Name: "to tell " + eventOf(spec.Action, false).Short(), For: []exeunt.Action{spec.Action}, State: connector.Granted}
		switch err := stream.Refuses(eventOf(spec.Action, false)); {
		case missing:
			right.State, right.Why = connector.Lacking, "the receiver has made no stream here"
			right.Remedy = "set it up there with the address " + r.house.Issuer() + " and its token"
		case err != nil:
			right.State, right.Why, right.Remedy = connector.Lacking, exeunt.MessageOf(err), "change the stream at the receiver"
		}
		rights = append(rights, right)
	}
	return rights, nil
}
