package app

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/notify"
	"github.com/exeunt/exeunt/internal/store"
)

// served is all that follows from one configuration. It never changes: another configuration makes another one, which
// takes its place whole, and a request or a plan that began under one ends under it.
type served struct {
	config    *config.Config
	systems   *systems
	sources   *sources
	links     taskLinks
	messenger engine.Messenger
	handler   http.Handler
}

// assemble makes what a configuration asks for. Connectors of systems that are as they were before go on serving, with
// the turns that their callers wait for.
func (a *App) assemble(ctx context.Context, c *config.Config, before *served) (*served, error) {
	if err := a.keepPolicies(ctx, c); err != nil {
		return nil, err
	}
	c.Counts = a.trusts.counts
	if err := a.sealSecrets(ctx, c); err != nil {
		return nil, err
	}
	links, err := a.taskLinks(ctx, c)
	if err != nil {
		return nil, err
	}
	sources, err := openSources(c)
	if err != nil {
		return nil, err
	}
	s := &served{config: c, sources: sources, links: links, messenger: a.messenger(c, links.Links),
		systems: openSystems(c, connectors.Over(signalHouse{a}, os.DirFS(a.options.ConfigDir)), a.metrics)}
	if before != nil {
		s.systems.inherit(before.systems)
	}
	return s, nil
}

// Config is the configuration that is served now.
func (a *App) Config() *config.Config { return a.now.Load().config }

// TaskLink is the one-time address of a task, as its owner gets it by mail.
func (a *App) TaskLink(t exeunt.Task) string {
	links := a.now.Load().links
	return links.URL(links.For(t))
}

// ServeHTTP answers by the configuration that is served when the request begins.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.now.Load().handler.ServeHTTP(w, r) }

// present is what the engine is given: whatever is served at the moment of each question.
type present struct{ app *App }

func (p present) served() *served { return p.app.now.Load() }

// System implements engine.Systems.
func (p present) System(name string) (exeunt.System, error) { return p.served().systems.System(name) }

// Connector implements engine.Systems.
func (p present) Connector(name string) (connector.Connector, error) {
	return p.served().systems.Connector(name)
}

// Names implements engine.Systems.
func (p present) Names() []string { return p.served().systems.Names() }

// Plan implements engine.Planner.
func (p present) Plan(c exeunt.Case, now time.Time) (exeunt.Plan, error) {
	return p.served().config.Plan(c, now)
}

// Fuse implements engine.Planner.
func (p present) Fuse() (exeunt.Fuse, exeunt.Person) { return p.served().config.Fuse() }

// Line implements engine.Planner.
func (p present) Line(role string, l exeunt.Leaver) []exeunt.Person {
	return p.served().config.Line(role, l)
}

// Operator implements engine.Planner.
func (p present) Operator() exeunt.Person { return p.served().config.Operator() }

// Normalise implements engine.Intake.
func (p present) Normalise(ctx context.Context, e store.Event) (exeunt.Trigger, error) {
	return p.served().sources.Normalise(ctx, e)
}

// Deliver implements engine.Messenger.
func (p present) Deliver(ctx context.Context, n exeunt.Notice, c exeunt.Case, t *exeunt.Task) error {
	return p.served().messenger.Deliver(ctx, n, c, t)
}

func (p present) retention() exeunt.Retention { return p.served().config.Retention }

func (p present) version() string { return p.served().config.Version }

// lifetime is how long a sign-in lasts.
func (p present) lifetime() time.Duration {
	return cmp.Or(p.served().config.Session.Lifetime, sessionLifetime)
}

// taskLinks makes the one-time links, signed with a key that is made once per installation.
func (a *App) taskLinks(ctx context.Context, c *config.Config) (taskLinks, error) {
	key, err := a.Store.Setting(ctx, "link_key", func() string { return store.Random(32) })
	if err != nil {
		return taskLinks{}, err
	}
	return taskLinks{Links: notify.NewLinks([]byte(key), c.URL, c.Session.TaskLink), reads: a.reads}, nil
}

func (a *App) messenger(c *config.Config, links notify.Links) engine.Messenger {
	if c.Mail == nil {
		a.options.Log.Warn("no mail server is configured: people are told of their tasks in the pages only")
		return notify.Nobody{}
	}
	return notify.NewMail(mailServer(*c.Mail), links)
}

// engineOf is the engine over what is served.
func (a *App) engineOf(ledger engine.Ledger, committed func()) *engine.Engine {
	p := present{a}
	return engine.New(engine.Config{
		Store: a.Store, Systems: p, Planner: p, Intake: p, Messenger: p, Ledger: ledger,
		Retention: p.retention, Version: p.version, Log: a.options.Log, Committed: committed,
	})
}
