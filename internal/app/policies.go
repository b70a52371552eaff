package app

import (
	"context"
	"time"
)

// keepPolicies keeps the policies that cases are planned with from now on, and lets cases find those that they were
// planned with before.
func (a *App) keepPolicies(ctx context.Context) error {
	set := a.Config.Set
	if err := a.Store.KeepPolicies(ctx, set.Version, set.Text(), time.Now()); err != nil {
		return err
	}
	a.Config.Kept = func(version string) ([]byte, error) {
		kept, err := a.Store.Policies(context.WithoutCancel(ctx), version)
		return kept.Text, err
	}
	return nil
}
