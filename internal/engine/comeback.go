package engine

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// lookAgain looks at steps that automation gave up on: whether a person has done them, and whether what
// stopped them is gone, in which case they go on by themselves.
func (e *Engine) lookAgain(ctx context.Context, c connector.Connector, v store.Visit, failed []exeunt.Step) error {
	account, exception := e.account(ctx, c, v, failed)
	if exception != nil {
		return e.stillFailed(ctx, failed, exeunt.MessageOf(exception.Err))
	}
	if !slices.ContainsFunc(v.Steps, func(s exeunt.Step) bool { return s.Account.ID == account.ID }) {
		return e.comeBack(ctx, failed, "the account was found")
	}
	seen, err := c.Observe(ctx, account)
	if err != nil {
		return e.stillFailed(ctx, failed, exeunt.MessageOf(err))
	}
	var passing, lasting []exeunt.Step
	for _, s := range failed {
		switch {
		case s.Undoes == "" && seen.Of(s.Action) == exeunt.Holds:
			s.Account = account // it may have failed before it knew it; whoever confirms says at which account
			if err := e.seenOver(ctx, s, seen, exeunt.Step.SeenDone); err != nil {
				return err
			}
		case s.Undoes == "" && seen.Of(s.Action) == exeunt.Moot:
			s.Account = account
			if err := e.seenOver(ctx, s, seen, exeunt.Step.SeenMoot); err != nil {
				return err
			}
		case s.Grown(seen):
			if err := e.comeBack(ctx, []exeunt.Step{s}, "there is more to do than people were asked for"); err != nil {
				return err
			}
		case s.Passing():
			passing = append(passing, s)
		default:
			lasting = append(lasting, s)
		}
	}
	if err := e.stillFailed(ctx, lasting, "the system answers, and it is not done"); err != nil {
		return err
	}
	return e.comeBack(ctx, passing, "the system answers again")
}

// comeBack puts failed steps back to work, each with those that failed together with it.
func (e *Engine) comeBack(ctx context.Context, failed []exeunt.Step, why string) error {
	resumed := map[store.StepRef]bool{}
	for _, s := range failed {
		if resumed[store.StepRef{Case: s.Case, Key: s.Key}] {
			continue
		}
		if _, due := s.DueAt(); due && s.Approval.Open() {
			if err := e.stillFailed(ctx, []exeunt.Step{s}, "nobody has approved it"); err != nil {
				return err
			}
			continue
		}
		steps, task, err := failedWith(ctx, e.store, s.Case, s.Key)
		if err != nil {
			return err
		}
		change := exeunt.ComeBack(steps, task, why, time.Now())
		for _, back := range change.Steps {
			resumed[store.StepRef{Case: back.Case, Key: back.Key}] = true
		}
		if len(change.Steps) == 0 {
			continue // a person was faster
		}
		if err := ignoreConflict(e.commit(ctx, &change)); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) seenOver(ctx context.Context, s exeunt.Step, seen exeunt.Observation,
	over func(s exeunt.Step, seen exeunt.Observation, task *exeunt.Task, others []exeunt.Step, now time.Time) exeunt.Change,
) error {
	others, task, err := failedWith(ctx, e.store, s.Case, s.Key)
	if err != nil {
		return err
	}
	change := over(s, seen, task, others, time.Now())
	return ignoreConflict(e.commit(ctx, &change))
}

func (e *Engine) stillFailed(ctx context.Context, failed []exeunt.Step, why string) error {
	for _, s := range failed {
		change := s.StillFailed(why, time.Now())
		if err := ignoreConflict(e.commit(ctx, &change)); err != nil {
			return err
		}
	}
	return nil
}
