package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/spf13/cobra"
)

// serverFlags are the flags of every command that opens the server's own data.
type serverFlags struct{ config, data, database string }

func (f *serverFlags) add(cmd *cobra.Command, withConfig bool) {
	if withConfig {
		cmd.Flags().StringVar(&f.config, "config", "", "configuration folder")
		_ = cmd.MarkFlagRequired("config")
	}
	cmd.Flags().StringVar(&f.data, "data", "", "data directory")
	cmd.Flags().StringVar(&f.database, "database", os.Getenv("EXEUNT_DATABASE"), "postgres:// URL; SQLite in the data directory when empty (env EXEUNT_DATABASE)")
	_ = cmd.MarkFlagRequired("data")
}

func serveCommand(c *console) *cobra.Command {
	var f serverFlags
	var listen string
	var verbose bool
	var watch time.Duration
	cmd := &cobra.Command{
		Use: "serve --config DIR --data DIR", Short: "Run the server: webhooks, engine, ledger, pages, API", Args: cobra.NoArgs,
		Example: "  exeunt serve --config /etc/exeunt --data /var/lib/exeunt\n  exeunt serve --config examples/acme --data .data --listen 0.0.0.0:8080\n  exeunt serve --config /etc/exeunt --data /var/lib/exeunt --database postgres://exeunt@db/exeunt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := app.Start(cmd.Context(), app.Options{
				ConfigDir: f.config, DataDir: f.data, Database: f.database, Listen: listen, Environment: "production", Log: newLog(c.err, verbose, c.json), Watch: watch,
			})
			if err != nil {
				return err
			}
			defer a.Stop()
			if err := welcome(cmd.Context(), c, a); exeunt.KindOf(err) == exeunt.Temporary { // it serves, and goes on when the database is back
				c.note("Whether there is an administrator could not be found out: %s. If there is none, start again or see exeunt token invite --help.", exeunt.MessageOf(err))
			} else if err != nil {
				return err
			}
			reloadAtSignals(cmd.Context(), c, a)
			c.note("Stopping. What is running goes on at the next start.")
			return nil
		},
	}
	f.add(cmd, true)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address to listen on")
	cmd.Flags().DurationVar(&watch, "watch", 5*time.Second, "how often to look whether the configuration folder has changed; 0 for never")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every detail")
	return cmd
}

// reloadAtSignals reads the configuration again at each SIGHUP, until the server shall stop. What comes of it is in the log.
func reloadAtSignals(ctx context.Context, c *console, a *app.App) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			if _, err := a.Reload(ctx, app.BySignal); err != nil {
				c.note("The configuration could not be read again: %s", exeunt.MessageOf(err))
			}
		}
	}
}

// newLog logs to stderr, readable for people or as JSON.
func newLog(w io.Writer, verbose, asJSON bool) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// welcome says where the pages are and, at the first start, how the administrator comes in.
func welcome(ctx context.Context, c *console, a *app.App) error {
	c.note("Exeunt for %s: %s", a.Config().Company, a.URL())
	invitation, err := a.Accounts.FirstAdministrator(ctx)
	if err != nil {
		return err
	}
	if invitation != "" {
		c.note("First start. Become the administrator with this one-time link (valid for 7 days):\n  %s/invitation/%s", a.URL(), invitation)
	}
	return nil
}

// openStore opens and migrates the data of a server, beside the server when it runs.
func openStore(ctx context.Context, f serverFlags) (*store.Store, error) {
	s, err := store.Open(ctx, f.data, f.database, "")
	if err != nil {
		return nil, err
	}
	if _, err := s.Migrate(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func migrateCommand(c *console) *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use: "migrate --data DIR", Short: "Bring the database to this version's schema; serve does it too", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := store.Open(cmd.Context(), f.data, f.database, "")
			if err != nil {
				return err
			}
			defer s.Close()
			ran, err := s.Migrate(cmd.Context())
			if err != nil {
				return err
			}
			return c.print(map[string]any{"schema": "migrated/v1", "ran": ran}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%d schema files ran; the database is up to date.\n", ran) })
		},
	}
	f.add(cmd, false)
	return cmd
}
