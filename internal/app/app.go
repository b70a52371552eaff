// Package app puts the house together: it opens what a configuration names, wires it, starts it and
// stops it. It is the only package that knows all the others.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/notify"
	"github.com/exeunt/exeunt/internal/store"
)

// Options are what a server is started with.
type Options struct {
	ConfigDir   string
	DataDir     string
	Database    string // postgres:// URL, or "" for SQLite in DataDir
	Listen      string // address to listen on
	Environment string // "production", "demo": shown in the pages
	Log         *slog.Logger
	Watch       time.Duration // how often it is looked whether the configuration folder has changed; never when zero
	Simulated   bool          // the systems are simulators: stage live is as the folder says, and the record says why nobody decided
}

// App is a running server.
type App struct {
	Store    *store.Store
	Engine   *engine.Engine
	Ledger   Ledger
	Shipper  *ledger.Shipper
	Accounts *Accounts
	Proofs   *Proofs

	now       atomic.Pointer[served]
	reloading sync.Mutex
	refusal   atomic.Pointer[Refusal] // nil while the folder is what is served

	accesses *accesses
	trusts   *trusts
	options  Options
	metrics  *metrics
	lock     *os.File
	listener net.Listener
	server   *http.Server
	stopping chan struct{} // closed when the server stops: what streams must end then
	shipping sync.WaitGroup
	cancel   context.CancelFunc
}

// LoadConfig reads a configuration folder with every kind of connector. What would only be a warning
// for a check, such as a secret that is not set, is an error here.
func LoadConfig(dir string) (*config.Config, config.Faults) {
	c, faults := config.Load(dir, connectors.All(os.DirFS(dir)))
	if serious := faults.ForServing().Errors(); len(serious) > 0 {
		return nil, serious
	}
	return c, nil
}

// Start opens and starts a server. It returns once the server listens; Stop ends it.
func Start(ctx context.Context, o Options) (*App, error) {
	cfg, faults := LoadConfig(o.ConfigDir)
	if len(faults) > 0 {
		return nil, exeunt.Errorf(exeunt.Invalid, "the configuration in %s has faults:\n%s", o.ConfigDir, faults.Error())
	}
	a := &App{options: o, metrics: newMetrics(), stopping: make(chan struct{})}
	if err := a.start(ctx, cfg); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *App) start(ctx context.Context, cfg *config.Config) error {
	if err := a.takeLock(); err != nil {
		return err
	}
	var err error
	if a.Store, err = store.Open(ctx, a.options.DataDir, a.options.Database, cfg.Ledger.Origin); err != nil {
		return err
	}
	if _, err := a.Store.Migrate(ctx); err != nil {
		return err
	}
	a.trusts = &trusts{store: a.Store}
	first, err := a.assemble(ctx, cfg, nil)
	if err != nil {
		return err
	}
	a.now.Store(first)
	if a.Ledger, err = a.openLedger(ctx); err != nil {
		return err
	}
	if err := a.mayKeepLedger(ctx); err != nil {
		return err
	}
	a.Shipper = ledger.NewShipper(a.Store.Outbox(), a.Ledger, a.options.Log)
	a.Accounts = NewAccounts(a.Store, present{a}.lifetime)
	a.accesses = a.Accounts.accesses
	a.Proofs = &Proofs{store: a.Store, log: a.Ledger, shipper: a.Shipper, accesses: a.accesses, logger: a.options.Log}
	if cfg.Ledger.Witnesses != "" {
		if a.Proofs.policy, err = verify.ParsePolicy(cfg.Ledger.Witnesses); err != nil {
			return err
		}
	}
	if err := a.recordConfiguration(ctx, nil, cfg, byStart); err != nil {
		return err
	}
	if err := a.settleTrusts(ctx, cfg, byStart); err != nil {
		return err
	}
	a.tellUndecided(ctx, cfg)
	a.Engine = a.engineOf(a.Proofs, a.Shipper.Wake)
	first.handler = a.handler(first)
	return a.serve(ctx)
}

// openLedger opens the ledger of this process, or finds the one that has a process of its own.
func (a *App) openLedger(ctx context.Context) (Ledger, error) {
	c := a.Config().Ledger
	if c.Address != "" {
		client, err := remote.NewClient(c.Origin, remote.Target{Address: c.Address, Authority: c.Authority, Certificate: c.Certificate, Key: c.Key.Reveal})
		if err != nil {
			return nil, err
		}
		return client, nil
	}
	log, err := ledger.Open(ctx, filepath.Join(a.options.DataDir, "ledger"), c.Origin, ledger.Options{Witnesses: c.Witnesses, Logger: a.options.Log})
	if err != nil {
		return standIn(err)
	}
	return log, nil
}

// mayKeepLedger refuses to be the second server of a database that keeps its ledger itself: what it did could
// never be proved.
func (a *App) mayKeepLedger(ctx context.Context) error {
	_, contradicts := a.Ledger.(damaged)
	if a.Config().Ledger.Address != "" || !a.Store.Shared() || contradicts {
		return nil // what contradicts a ledger of its own database, or itself, the shipper finds, and tells an operator
	}
	key, err := a.Ledger.VerifierKey(ctx)
	if err != nil {
		return err
	}
	known, err := a.Store.Outbox().Ledger(ctx, key)
	if err != nil || known == key {
		return err
	}
	follow, err := verify.Follow(a.Ledger.Files(ctx), known)
	if err == nil && !slices.Contains(follow, key) {
		err = exeunt.Errorf(exeunt.Conflict, "the entries of this database go to the ledger with the key %s, but the one in %s has the key %s. Several servers on one database share one ledger process: name it under ledger.address in every exeunt.yaml. If this is the only server, bring back the data directory that it had", known, a.options.DataDir, key)
	}
	return err
}

// serve starts the shipper, the engine and the pages, in the order in which each is of use to the next.
func (a *App) serve(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a.cancel = cancel
	a.shipping.Go(func() { a.ship(work) })
	a.shipping.Go(func() { a.keepChecking(work) })
	a.shipping.Go(func() { a.keepManifests(work) })
	a.shipping.Go(func() { a.Proofs.KeepRecords(work, a.options.Log) })
	a.shipping.Go(func() { a.keepWatchingWitnesses(work) })
	a.shipping.Go(func() { a.keepStamping(work) })
	a.shipping.Go(func() { a.keepPublishing(work) })
	a.shipping.Go(func() { a.keepWatchingPublications(work) })
	a.shipping.Go(func() { a.keepWatchingFolder(work) })
	a.shipping.Go(func() { a.keepTrusts(work) })
	a.shipping.Go(func() {
		a.accesses.keep(work, func(err error) {
			a.options.Log.Error("what was counted within the last minute could not be recorded", "error", err)
		})
	})
	if err := a.Engine.Start(ctx); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.options.Listen)
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "cannot listen on %s: %v. Choose another with --listen", a.options.Listen, err)
	}
	a.listener = listener
	a.server = &http.Server{
		Handler: a, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ReadTimeout: 30 * time.Second, WriteTimeout: 2 * time.Minute, // live pages move their own deadline with each event
		ErrorLog: slog.NewLogLogger(a.options.Log.Handler(), slog.LevelDebug),
	}
	a.server.RegisterOnShutdown(sync.OnceFunc(func() { close(a.stopping) })) // Shutdown does not end live pages by itself
	go func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.options.Log.Error("the web server stopped", "error", err)
		}
	}()
	return nil
}

// ship runs the shipper. When the log and the database contradict each other it stops for good, which
// readiness and the operator are told.
func (a *App) ship(ctx context.Context) {
	err := a.Shipper.Run(ctx)
	if err == nil || ctx.Err() != nil {
		return
	}
	a.alert(ctx, "The ledger stopped taking entries: "+exeunt.MessageOf(err), "ledger:"+time.Now().UTC().Format(time.DateOnly))
}

// The ledger is checked soon after the start, when a restored backup would show, and every hour.
const (
	firstCheck = 10 * time.Second
	checkEvery = time.Hour
)

// manifestEvery is how often it is asked whether the hour has its manifest.
const manifestEvery = 5 * time.Minute

func (a *App) keepManifests(ctx context.Context) {
	every(ctx, manifestEvery, func(now time.Time) {
		if _, err := a.Store.Outbox().Manifest(ctx, now); err != nil && ctx.Err() == nil {
			a.options.Log.Warn("no manifest could be recorded; it is tried again in five minutes", "error", err)
		}
	})
}

func (a *App) keepChecking(ctx context.Context) {
	again(ctx, firstCheck, func(time.Time) time.Duration {
		a.check(ctx)
		return checkEvery
	})
}

// check verifies the ledger once, and alerts when it does not hold.
func (a *App) check(ctx context.Context) {
	run, err := a.Proofs.Run(ctx, byItself) // an error is logged there, and it is tried again in an hour
	if fault := run.Fault(); err == nil && fault != "" {
		a.alert(ctx, "The ledger does not hold: "+fault, "ledger-check:"+run.EndedAt.Format(time.DateOnly))
	}
}

// alert tells the operator, in the record and by message, once.
func (a *App) alert(ctx context.Context, what, dedup string) {
	change := exeunt.Change{Once: true, Notices: []exeunt.Notice{{Kind: exeunt.NoticeAlert, To: a.Config().Operator(), Text: what, Dedup: dedup}}}
	change.Record(exeunt.EntryAlert, nil, time.Now(), what, nil)
	err := a.Store.Commit(ctx, &change)
	if exeunt.KindOf(err) == exeunt.Conflict {
		return
	}
	a.options.Log.Error(what)
	if err != nil {
		a.options.Log.Error("the operator could not be alerted", "error", err)
	}
}

// URL is where the server listens.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }

// How long each phase of stopping may take. Each has its own time, so that a slow page takes none away
// from the visits to systems.
const (
	pagesStop  = 3 * time.Second
	engineStop = 10 * time.Second
)

// Stop lets running visits finish for a while and closes everything. What is cut off goes on at the
// next start.
func (a *App) Stop() {
	if err := within(pagesStop, a.server.Shutdown); err != nil {
		_ = a.server.Close() // what is still on its way is cut
	}
	if err := within(engineStop, a.Engine.Stop); err != nil {
		a.options.Log.Warn("the engine did not stop cleanly; what was running is found at the next start", "error", err)
	}
	a.close()
}

func within(limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return do(ctx)
}

func (a *App) close() {
	if a.cancel != nil {
		a.cancel()
	}
	if a.Proofs != nil {
		a.Proofs.stop()
	}
	a.shipping.Wait()
	if a.Ledger != nil {
		if err := a.Ledger.Close(); err != nil {
			a.options.Log.Warn("the ledger did not close cleanly", "error", err)
		}
	}
	if a.Store != nil {
		a.Store.Close()
	}
	if a.lock != nil {
		_ = a.lock.Close()
	}
}

func mailServer(m config.Mail) notify.MailServer {
	server := notify.MailServer{Host: m.Host, Port: m.Port, From: m.From, Username: m.Username, TLS: strings.Replace(m.TLS, "implicit", "tls", 1)}
	if !m.Password.IsZero() {
		server.Password = m.Password.Reveal
	}
	return server
}
