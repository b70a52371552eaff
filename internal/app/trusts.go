package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/store"
)

// trusts are in which systems people let connectors act, as this server knows it. Plans ask for each system, so that it is
// kept in memory; what another server's people decided is known within seconds.
type trusts struct {
	store *store.Store
	known atomic.Pointer[map[string]exeunt.Trust]
}

// trustsEvery is how often it is asked what was decided on other servers.
const trustsEvery = 5 * time.Second

func (t *trusts) read(ctx context.Context) error {
	known, err := t.store.Everything().Trusts(ctx)
	if err == nil {
		t.known.Store(&known)
	}
	return err
}

// counts gives a system the stage that counts.
func (t *trusts) counts(s exeunt.System) exeunt.System {
	known := t.known.Load()
	if known == nil {
		return s.Under(nil)
	}
	if trust, ok := (*known)[s.Name]; ok {
		return s.Under(&trust)
	}
	return s.Under(nil)
}

// keepTrusts hears of what is decided on other servers of the database.
func (a *App) keepTrusts(ctx context.Context) {
	if !a.Store.Shared() {
		return
	}
	every(ctx, trustsEvery, func(time.Time) {
		if err := a.trusts.read(ctx); err != nil && ctx.Err() == nil {
			a.options.Log.Warn("what people decided about stages could not be read; it is tried again in some seconds", "error", err)
		}
	})
}

// settleTrusts ends the trust in connectors for which a configuration does not ask any more. Simulators are trusted as it asks.
func (a *App) settleTrusts(ctx context.Context, c *config.Config, by Asker) error {
	if err := a.trusts.read(ctx); err != nil {
		return err
	}
	known := *a.trusts.known.Load()
	for name, t := range known {
		system, why := asksFor(c, t)
		if why == "" || system.Name == "" && a.othersAsk(name) {
			continue
		}
		system.Name = name
		change := t.Lapse(system, why+" ("+by.How+")", time.Now().UTC())
		if err := a.Store.DropTrust(ctx, t, &change); err != nil && exeunt.KindOf(err) != exeunt.Conflict {
			return err
		}
	}
	if a.options.Simulated {
		if err := a.trustSimulators(ctx, c, known); err != nil {
			return err
		}
	}
	return a.trusts.read(ctx)
}

// othersAsk says whether a system that is not in the folder may be in that of another server of the database: of one that
// was never in this one's, this server has nothing to say.
func (a *App) othersAsk(name string) bool {
	_, err := a.Config().System(name) // as it was before a reload
	return a.Store.Shared() && err != nil
}

// asksFor says why a configuration does not ask any more for what was decided; "" when it does.
func asksFor(c *config.Config, t exeunt.Trust) (exeunt.System, string) {
	i := slices.IndexFunc(c.Systems, func(s config.System) bool { return s.Name == t.System })
	if i < 0 {
		return exeunt.System{}, "it was taken out of the configuration"
	}
	switch s := c.Systems[i].System; {
	case s.Stage != exeunt.Live:
		return s, "its file says stage: " + string(s.Stage)
	case s.Kind != t.Kind:
		return s, fmt.Sprintf("its connector was of kind %s and is of kind %s now", t.Kind, s.Kind)
	default:
		return s, ""
	}
}

func (a *App) trustSimulators(ctx context.Context, c *config.Config, known map[string]exeunt.Trust) error {
	for _, s := range c.Systems {
		var before *exeunt.Trust
		if t, ok := known[s.Name]; ok && t.Kind == s.Kind {
			before = &t
		}
		if s.Stage != exeunt.Live || len(s.Actions) == 0 || before.Covers(s.System) {
			continue
		}
		trust, change := exeunt.TrustSimulator(before, s.System, time.Now().UTC())
		if err := a.Store.SaveTrust(ctx, trust, &change); err != nil && exeunt.KindOf(err) != exeunt.Conflict {
			return err
		}
	}
	return nil
}

// undecided says in a sentence which systems ask to be live and wait for a person's decision; "" when none does.
func (a *App) undecided(c *config.Config) string {
	var names []string
	for _, s := range c.Inventory() {
		if s.Asks == exeunt.Live {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "Stage live is asked for and nobody has decided on it, so that people do what is due there and connectors only look: " +
		strings.Join(names, ", ") + `. Decide on each page, or with: exeunt system live NAME --reason "…"`
}

// tellUndecided tells the operator, once a day for the same systems.
func (a *App) tellUndecided(ctx context.Context, c *config.Config) {
	if what := a.undecided(c); what != "" {
		a.alert(ctx, what, "undecided:"+c.Version+":"+time.Now().UTC().Format(time.DateOnly))
	}
}

// GoLive lets the connector of a system act from the next plan on.
func (c commands) GoLive(ctx context.Context, system string, by exeunt.Override) (exeunt.Trust, error) {
	trust, err := c.Commands.GoLive(ctx, system, by)
	if err != nil {
		return trust, err
	}
	return trust, c.trusts.read(ctx)
}

// StepBack lets people do again what is planned from now on.
func (c commands) StepBack(ctx context.Context, system string, by exeunt.Override) error {
	if err := c.Commands.StepBack(ctx, system, by); err != nil {
		return err
	}
	return c.trusts.read(ctx)
}
