package app

import (
	"context"
	"time"

	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/policy"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/ui"
)

// keepPolicies keeps the policies that cases are planned with from now on, and lets cases find those that they were
// planned with before.
func (a *App) keepPolicies(ctx context.Context, c *config.Config) error {
	set := c.Set
	if err := a.Store.KeepPolicies(ctx, set.Version, set.Text(), time.Now()); err != nil {
		return err
	}
	c.Kept = func(version string) ([]byte, error) {
		kept, err := a.Store.Policies(context.WithoutCancel(ctx), version)
		return kept.Text, err
	}
	return nil
}

// policyBooks are the policies as pages show them.
type policyBooks struct {
	app    *App
	config *config.Config
}

func (p policyBooks) PolicyVersion() string { return p.config.Set.Version }

func (p policyBooks) PolicySets(ctx context.Context) ([]store.PolicySet, error) {
	return p.app.Store.PolicySets(ctx)
}

func (p policyBooks) PolicyBook(ctx context.Context, version string) (ui.PolicyBook, error) {
	set := p.config.Set
	if version != set.Version {
		kept, err := p.app.Store.Policies(ctx, version)
		if err != nil {
			return ui.PolicyBook{}, err
		}
		if set, err = policy.Kept(kept.Text); err != nil {
			return ui.PolicyBook{}, err
		}
	}
	book := ui.PolicyBook{Version: version}
	for _, p := range set.Policies {
		book.Policies = append(book.Policies, p.Policy)
	}
	for _, m := range set.Modifiers {
		book.Modifiers = append(book.Modifiers, m.Modifier)
	}
	for _, f := range set.Files() {
		book.Texts = append(book.Texts, ui.PolicyText{Name: f.Name, Text: string(f.Source)})
	}
	return book, nil
}
