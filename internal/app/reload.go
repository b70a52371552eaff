package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/web/api"
)

// Asker is who or what asked for the configuration to be read.
type Asker struct {
	Who  string // a person's account; "" for the server itself and for who may send it signals
	From exeunt.Whence
	How  string // in words
}

// Who asks where nobody signed in.
var (
	byStart  = Asker{From: exeunt.FromServer, How: "at the start"}
	byFolder = Asker{From: exeunt.FromServer, How: "since the folder changed"}

	// BySignal is whoever may send the server's process a signal.
	BySignal = Asker{From: exeunt.FromShell, How: "by a signal"}
)

// Refusal is why the folder is not what is served.
type Refusal struct {
	At     time.Time
	Faults config.Faults
}

// String says it for everybody: where the first fault is, and not what stands there, which may be for few. exeunt check says
// that, and so does the log.
func (r Refusal) String() string {
	more := ""
	if n := len(r.Faults) - 1; n > 0 {
		more = fmt.Sprintf(" and in %d more places", n)
	}
	return fmt.Sprintf("The configuration folder has faults, so that what was served before goes on: see %s%s. exeunt check says what is wrong, and what to do", r.Faults[0].Place(), more)
}

// Reload reads the configuration folder as at the start. What is right takes the place of what is served, whole and at
// once; when anything is wrong, what is served goes on and the operator is told.
func (a *App) Reload(ctx context.Context, by Asker) (api.Reload, error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	before := a.now.Load()
	out := api.Reload{Schema: "reload/v1", Before: before.config.Version, After: before.config.Version, Differences: []api.ConfigurationDifference{}, Faults: []api.ConfigurationFault{}}
	cfg, faults := LoadConfig(a.options.ConfigDir)
	if len(faults) == 0 {
		faults = cfg.Follows(before.config)
	}
	if len(faults) > 0 {
		for _, f := range faults {
			out.Faults = append(out.Faults, api.ConfigurationFault{File: f.File, Line: f.Line, Column: f.Column, Path: f.Path, What: f.What, Remedy: f.Remedy})
		}
		a.refuse(ctx, Refusal{time.Now(), faults}, by)
		return out, nil
	}
	if out.Taken = true; cfg.Version == before.config.Version {
		a.refusal.Store(nil)
		return out, nil
	}
	next, err := a.assemble(ctx, cfg, before)
	if err != nil {
		return out, err
	}
	next.handler = a.handler(next)
	if err := a.recordConfiguration(ctx, before.config, cfg, by); err != nil { // first: what is served is in the record
		return out, err
	}
	if err := a.settleTrusts(ctx, cfg, by); err != nil {
		return out, err
	}
	a.now.Store(next)
	a.refusal.Store(nil)
	a.tellUndecided(ctx, cfg)
	a.Engine.Reconfigured()
	out.After = cfg.Version
	var said []string
	for _, d := range config.Compare(before.config, cfg) {
		out.Differences = append(out.Differences, api.ConfigurationDifference(d))
		said = append(said, d.String())
	}
	a.options.Log.Info("another configuration is served", "how", by.How, "before", out.Before, "after", out.After, "differences", said)
	return out, nil
}

// refuse keeps what is served, and says why: in the log, in health, on the overview, and to the operator, once for the
// same faults on a day.
func (a *App) refuse(ctx context.Context, r Refusal, by Asker) {
	a.refusal.Store(&r)
	for _, f := range r.Faults {
		a.options.Log.Error("the configuration folder has a fault and was not taken", "fault", f.String(), "how", by.How)
	}
	sum := sha256.Sum256([]byte(r.Faults.Error()))
	a.alert(ctx, r.String(), "configuration:"+hex.EncodeToString(sum[:8])+":"+r.At.UTC().Format(time.DateOnly))
}

// Misconfigured says in a sentence each what is wrong with the configuration: a folder that was not taken, and servers of
// one database that serve different ones.
func (a *App) Misconfigured(ctx context.Context) ([]string, error) {
	var out []string
	if r := a.refusal.Load(); r != nil {
		out = append(out, r.String())
	}
	versions, err := a.Store.For(exeunt.Viewer{}).Configurations(ctx)
	if err != nil {
		return out, err
	}
	if asked := a.undecided(a.Config()); asked != "" {
		out = append(out, asked)
	}
	if others := elsewhere(versions, a.Config().Version); others != "" {
		out = append(out, others)
	}
	return out, nil
}
