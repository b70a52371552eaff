package connector

import (
	"context"

	"github.com/exeunt/exeunt"
)

type lookKey struct{}

// lookingAt says in the context of an Observe for which action it is made.
func lookingAt(ctx context.Context, action exeunt.Action) context.Context {
	if action == exeunt.CheckAccess {
		action = exeunt.Disable
	}
	return context.WithValue(ctx, lookKey{}, action)
}

// Looks says whether a look has to show how an action stands, and what it would take away. A system that is asked by a
// request for each kind of thing, and limits requests, can leave out what nobody wants to know now. A look that says nothing
// is about all of them.
func Looks(ctx context.Context, action exeunt.Action) bool {
	only, one := ctx.Value(lookKey{}).(exeunt.Action)
	return !one || only == action
}

// LooksAtAll says whether a look is about everything, and not made for one action.
func LooksAtAll(ctx context.Context) bool {
	_, one := ctx.Value(lookKey{}).(exeunt.Action)
	return !one
}
