package connector

import (
	"context"

	"github.com/exeunt/exeunt"
)

// RightState says whether we may do something.
type RightState string

// The states. Unknown is an honest one: many systems have no way to ask what one may do without doing it.
const (
	Granted RightState = "granted"
	Lacking RightState = "missing"
	Unknown RightState = "unknown"
)

// Right is one thing that our account in a system has to be allowed, and whether it is.
type Right struct {
	Name   string          `json:"name"`             // in the system's own words: the scope, the right, the request
	For    []exeunt.Action `json:"for,omitempty"`    // what cannot be done without it; everything when empty
	State  RightState      `json:"state"`            //
	Why    string          `json:"why,omitempty"`    // what was seen, or why it cannot be known
	Remedy string          `json:"remedy,omitempty"` // what to do when it is missing, or to become sure
}

// Examiner is a connector that tells what its system lets it do.
type Examiner interface {
	// Examine signs in and asks. It reads only: what could be known only by changing something is Unknown, with what to
	// do to become sure. An error is that the system could not be asked at all; what it refuses is a Lacking right.
	Examine(ctx context.Context) ([]Right, error)
}

// Examine asks a connector for its rights; Unsupported is one that cannot tell.
func Examine(ctx context.Context, c Connector) ([]Right, error) {
	e, ok := c.(Examiner)
	if !ok {
		return nil, exeunt.Errorf(exeunt.Unsupported, "the connector of this system cannot tell what it is allowed: run a case of a test account")
	}
	return e.Examine(ctx)
}

// Rehearse is the remedy for what only acting shows.
const Rehearse = "end a test account once before the system goes live"

// Tried is the right to a request that was made: granted when there was no error, missing when the system refused it for
// what we are. Any other error is returned, since it says nothing of rights.
func Tried(name, remedy string, err error, serves ...exeunt.Action) (Right, error) {
	r := Right{Name: name, For: serves, State: Granted}
	switch exeunt.KindOf(err) {
	case "":
	case exeunt.Denied, exeunt.NotFound, exeunt.Unsupported, exeunt.Invalid:
		r.State, r.Why, r.Remedy = Lacking, exeunt.MessageOf(err), remedy
		if exeunt.KindOf(err) == exeunt.NotFound { // of no account: the place itself is not there
			r.Why = "the system has nothing at this address"
		}
	default:
		return r, err
	}
	return r, nil
}
