package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/demo"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/spf13/cobra"
)

func demoCommand(c *console) *cobra.Command {
	var once, verbose bool
	var dir, listen string
	cmd := &cobra.Command{
		Use: "demo", Short: "Run the demo company: simulated systems, real everything else, live in the browser", Args: cobra.NoArgs,
		Example: "  exeunt demo\n  exeunt demo --once --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				made, err := os.MkdirTemp("", "exeunt-demo-")
				if err != nil {
					return err
				}
				defer func() { _ = os.RemoveAll(made) }()
				dir = made
			}
			if once {
				listen = "127.0.0.1:0"
			}
			log := newLog(io.Discard, false, false)
			if verbose {
				log = newLog(c.err, false, false)
			}
			d, err := demo.Start(cmd.Context(), demo.Options{Dir: dir, Listen: listen, Log: log})
			if err != nil {
				return err
			}
			defer d.Stop()
			if once {
				return demoOnce(cmd.Context(), c, d)
			}
			return demoLive(cmd.Context(), c, d, dir)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "run to the end without a browser, verify, print a summary; exit 0 only if all of it is proven")
	cmd.Flags().StringVar(&dir, "dir", "", "keep configuration and data in this folder; a temporary one when empty")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address to listen on")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the server's log")
	return cmd
}

// demoPatience bounds a run to the end. It takes well under a minute; a system that lies takes longest.
const demoPatience = 5 * time.Minute

func demoOnce(ctx context.Context, c *console, d *demo.Demo) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	summary, err := d.RunOnce(ctx, func(s string) { c.note("%s", s) })
	if err != nil {
		return err
	}
	if err := c.print(summary, func(w io.Writer) { printSummary(w, summary) }); err != nil {
		return err
	}
	if !summary.Good() {
		return exitError{exitFailed, nil}
	}
	return nil
}

func printSummary(w io.Writer, s demo.Summary) {
	_, _ = fmt.Fprintf(w, "%d cases, %d closed, in %.1f s\nSteps  %s\nTasks  %s\nLedger %d entries, verified: %t (with the evidence of %s)\n",
		s.Cases, s.Closed, s.Seconds, counts(s.Steps), counts(s.Tasks), s.LedgerEntries, s.Verified, s.Evidence)
	for _, o := range s.Open {
		_, _ = fmt.Fprintln(w, symbol("failed"), o)
	}
}

func counts(by map[string]int) string {
	text := ""
	for _, state := range []string{"confirmed", "acknowledged", "attested", "done", "skipped", "waived", "failed", "by_hand", "waiting", "scheduled", "ready", "running", "open", "withdrawn", "cancelled"} {
		if by[state] > 0 {
			text += fmt.Sprintf("%d %s  ", by[state], state)
		}
	}
	return text
}

func demoLive(ctx context.Context, c *console, d *demo.Demo, dir string) error {
	if err := welcome(ctx, c, d.App); err != nil {
		return err
	}
	if known, err := d.App.Store.Everything().Cases(ctx, store.CaseQuery{}, time.Now()); err != nil || known.All > 0 {
		c.note("Going on with the %d cases in %s.", known.All, dir)
	} else if err := announceAll(ctx, c, d); err != nil {
		return err
	}
	if err := suggest(ctx, c, d, dir); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// announceAll sends the departures with a pause between them, so that there is something to watch.
func announceAll(ctx context.Context, c *console, d *demo.Demo) error {
	for _, dep := range d.Departures(time.Now(), false) {
		if err := d.Announce(ctx, dep); err != nil {
			return err
		}
		c.note("  %s leaves (%s, last day %s): BambooHR said so by signed webhook", dep.Person.Name(), dep.How, dep.Day)
		select {
		case <-time.After(400 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// suggest says what to try next, with a token that works.
func suggest(ctx context.Context, c *console, d *demo.Demo, dir string) error {
	token, err := d.App.Accounts.CreateToken(ctx, store.User{Email: "cli@localhost", Name: "Command line", Roles: []string{"admin"}}, "demo", 24*time.Hour)
	if err != nil {
		return err
	}
	c.note("\nTry next:")
	if link, err := taskLink(ctx, d); err != nil {
		return err
	} else if link != "" {
		c.note("  Do a manager's task without an account (also on a phone):\n    %s", link)
	}
	c.note(`  In another terminal:
    export EXEUNT_URL=%s EXEUNT_TOKEN=%s
    exeunt case list
    exeunt case watch C-1          # Customer records answers 200 and does nothing: see it caught
    exeunt ledger verify
    exeunt evidence export C-1 && exeunt evidence verify C-1.evidence.zip
  The configuration that all this runs on is in %s/config.
Stop with Ctrl C.`, d.App.URL(), token, dir)
	return nil
}

// taskLink is the one-time link of a manager's open task.
func taskLink(ctx context.Context, d *demo.Demo) (string, error) {
	rows, err := d.App.Store.Everything().Tasks(ctx, store.TaskQuery{}, time.Now())
	if err != nil {
		return "", err
	}
	for _, t := range rows {
		if t.Key == "knowledge-transfer" && t.State == exeunt.TaskOpen {
			return d.App.TaskLink(t.Task), nil
		}
	}
	return "", nil
}
