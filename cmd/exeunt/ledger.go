package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func ledgerCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "ledger", Short: "Check the tamper-evident record, or run it as a process of its own", Example: "  exeunt ledger verify\n  exeunt ledger key > exeunt.vkey"}
	return group(cmd, ledgerVerifyCommand(c), ledgerKeyCommand(c), ledgerServeCommand(c), ledgerRotateCommand(c), ledgerRetireCommand(c), ledgerSealCommand(c), ledgerUnsealCommand(c))
}

func ledgerVerifyCommand(c *console) *cobra.Command {
	var log, policy string
	var keys, published []string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the whole log, and the database against it; exit 5 when anything does not hold", Args: cobra.NoArgs,
		Long: "Check the whole log, and the database against it.\n\nWith --log it is a copy of the log that is checked, without any server or database: the folder `log` of the ledger.\nThe key then comes from --key, from EXEUNT_LEDGER_KEY, or from what `evidence export` remembered.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if log != "" {
				return verifyLogOffline(c, log, keys, policy, published)
			}
			if len(published) > 0 {
				return exeunt.Errorf(exeunt.Invalid, "--published is checked by this program, not by the server that it is about: give the folder log of the ledger, or a copy of it, with --log")
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			r, err := verifyThere(cmd.Context(), c, cl, unseenFor)
			if err != nil {
				return err
			}
			if err := c.print(r, func(w io.Writer) { printReport(w, r) }); err != nil {
				return err
			}
			if !r.Verified {
				return exitError{exitBroken, nil}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&log, "log", "", "check a copy of the log instead, without a server")
	cmd.Flags().StringVar(&policy, "policy", "", "with --log: file with the witnesses that have to have cosigned, and perhaps the log's keys")
	cmd.Flags().StringArrayVar(&keys, "key", nil, "with --log: verifier key of the ledger, or a file that holds it")
	cmd.Flags().StringArrayVar(&published, "published", nil, "with --log: "+publishedHelp)
	return cmd
}

// unseenFor is for how long a check may be unknown to whoever answers: several servers behind one address know of each
// other's checks when they have ended.
const unseenFor = 5 * time.Minute

// verifyThere lets the server check its ledger, and says how far it is until it has ended, however long that takes.
func verifyThere(ctx context.Context, c *console, cl *client, patience time.Duration) (r api.LedgerReport, err error) {
	if err := cl.call(ctx, "POST", "/ledger/verify?wait=1", struct{}{}, &r); err != nil {
		return r, err
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	seen := time.Now()
	for r.Running {
		c.note("%s", progressWords(r.Done, r.Total, r.Rate(time.Now())))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, ctx.Err()
		}
		var list api.CheckList
		err := cl.call(ctx, "GET", "/ledger/checks?limit=50", nil, &list)
		if exeunt.KindOf(err) == exeunt.Temporary {
			continue // it answers again, or the person at the keyboard gives up
		}
		if err != nil {
			return r, err
		}
		same := slices.IndexFunc(list.Checks, func(run store.CheckRun) bool { return run.BegunAt.Equal(r.BegunAt) })
		switch {
		case same >= 0:
			r, seen = api.ReportOf(list.Checks[same]), time.Now()
		case time.Since(seen) > patience:
			return r, exeunt.Errorf(exeunt.Temporary, "the check was broken off: the server's log says why")
		}
	}
	return r, nil
}

// progressWords are how much is done, how fast, and how long the rest takes.
func progressWords(done, total int64, rate float64) string {
	words := fmt.Sprintf("%d of %d entries", done, total)
	if rate > 0 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
		words += fmt.Sprintf(", %.0f a second, %s left", rate, left)
	}
	return words
}

func printReport(w io.Writer, r api.LedgerReport) {
	took := r.EndedAt.Sub(r.BegunAt).Round(time.Millisecond)
	if !r.Verified {
		_, _ = fmt.Fprintf(w, "%s The ledger does not hold: %d differences.\n", symbol("failed"), r.Differences.Count)
		for _, d := range r.Differences.Kept {
			_, _ = fmt.Fprintf(w, "  %s\n", d)
		}
		if more := r.Differences.Count - len(r.Differences.Kept); more > 0 {
			_, _ = fmt.Fprintf(w, "  … and %d more\n", more)
		}
		return
	}
	_, _ = fmt.Fprintf(w, "%s %d entries of %d cases, %d closed, no break; checked in %s. Root %s. Signed by key %s.\n", symbol("done"), r.Entries, r.Cases, r.Closed, took, r.Root, r.Fingerprint)
	_, _ = fmt.Fprintf(w, "  %d bodies opened and compared, %d erased; %d hourly counts agree.\n", r.Bodies, r.Erased, r.Manifests)
	if r.Waiting > 0 {
		_, _ = fmt.Fprintf(w, "  %d newer entries are on their way into the log.\n", r.Waiting)
	}
}

func ledgerKeyCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Print the key by which the ledger's signatures are checked; give it to auditors", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var key api.LedgerKey
			if err := get(cmd.Context(), "/ledger/key", &key); err != nil {
				return err
			}
			return c.print(key, func(w io.Writer) { _, _ = fmt.Fprintln(w, key.Key) })
		},
	}
}
