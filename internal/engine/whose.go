package engine

import (
	"context"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// account is the one at which a visit does its steps: that which an earlier visit found, unless people confirmed since that
// it is not the leaver's, or else the one that is found now.
func (e *Engine) account(ctx context.Context, c connector.Connector, v store.Visit, steps []exeunt.Step) (exeunt.Account, *exeunt.Outcome) {
	before, system := known(v.Steps), steps[0].System
	if before.ID == "" {
		return e.correlate(ctx, c, system, v.Case.Leaver())
	}
	others, err := e.others(ctx, system, before, v.Case.Leaver())
	switch {
	case err != nil:
		return exeunt.Account{}, unread(err)
	case !others:
		return before, nil
	case slices.ContainsFunc(steps, func(s exeunt.Step) bool { return s.Undoes != "" }): // what was taken from one account is not given to another
		return exeunt.Account{}, &exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.Ambiguous,
			"%s is confirmed to be somebody else's, or nobody's, since it was found: nothing is put back to a guess", before.Login)}
	default:
		return e.correlate(ctx, c, system, v.Case.Leaver())
	}
}

// known is the account that an earlier visit found; it is never looked for twice, so that a reused
// address cannot lead to somebody else.
func known(steps []exeunt.Step) exeunt.Account {
	for _, s := range steps {
		if s.Account.ID != "" {
			return s.Account
		}
	}
	return exeunt.Account{}
}

// correlate finds the leaver's account in a system, by what people have confirmed and then by the system's rules.
func (e *Engine) correlate(ctx context.Context, c connector.Connector, system string, l exeunt.Leaver) (exeunt.Account, *exeunt.Outcome) {
	s, err := e.systems.System(system)
	if err != nil {
		return exeunt.Account{}, &exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err))}
	}
	learned, err := e.store.LearnedOf(ctx, system, l.Key())
	if err != nil {
		return exeunt.Account{}, unread(err)
	}
	confirmed := func(ctx context.Context, found []exeunt.Found) (exeunt.Whose, error) {
		var ids []string
		for _, f := range found {
			ids = append(ids, f.ID)
		}
		return e.confirmed(ctx, system, ids...)
	}
	if learned.Account.ID != "" {
		return connector.CorrelateConfirmed(ctx, c, s, l, learned, confirmed)
	}
	return connector.Correlate(ctx, c, s.Correlation, l, confirmed)
}

// others says whether people confirmed that an account is anything but the leaver's.
func (e *Engine) others(ctx context.Context, system string, a exeunt.Account, l exeunt.Leaver) (bool, error) {
	whose, err := e.confirmed(ctx, system, a.ID)
	return whose.Others(a.ID, l.Key()), err
}

// confirmed is what people confirmed of accounts.
func (e *Engine) confirmed(ctx context.Context, system string, accounts ...string) (exeunt.Whose, error) {
	mappings, err := e.store.Mappings(ctx, system, accounts...)
	whose := exeunt.Whose{}
	for _, m := range mappings {
		whose[m.Account.ID] = m.Leaver
	}
	return whose, err
}

// unread is the outcome of what could not be read from our own store: it passes.
func unread(err error) *exeunt.Outcome {
	return &exeunt.Outcome{Kind: exeunt.TryAgain, Err: exeunt.Errorf(exeunt.KindOf(err), "%s", exeunt.MessageOf(err))}
}
