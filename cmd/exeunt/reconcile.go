package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func reconcileCommand(c *console) *cobra.Command {
	var people, reason string
	var leave bool
	cmd := &cobra.Command{
		Use: "reconcile [--people FILE]", Short: "Compare everybody with the accounts of every system, before anything happens", Args: cobra.NoArgs,
		Long: `Compare everybody with the accounts of every system: who has none, who has several, whose do not fit together, and
which accounts are of nobody who works here. The server lists the accounts within the limits of each system, and goes on where it
was after a restart. Without --people it says how far that is, and what was found.

The list is CSV as HR exports it: employee_id and name, and the identifiers work_email, login, upn, uuid or identifier:KIND; entity
where there are several. Who left has a last_day in the past: their open accounts are found, too.`,
		Example: `  exeunt reconcile --people hr-export.csv
  exeunt reconcile                              # go on watching, or see what was found
  exeunt reconcile findings --system crm --kind orphaned
  exeunt reconcile confirm 17 --leaver main/4711 --reason "asked her: it is the old name"
  exeunt reconcile confirm 18 --nobody --reason "the backup service of IT"
  exeunt reconcile clean-up 19 --reason "left in March, and was missed"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if people != "" {
				if err := beginReconciliation(cmd.Context(), people, reason); err != nil {
					return err
				}
			}
			return c.awaitReconciliation(cmd.Context(), leave)
		},
	}
	cmd.Flags().StringVar(&people, "people", "", "file with everybody, as CSV; begins a new reconciliation")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	cmd.Flags().BoolVar(&leave, "no-wait", false, "say how far it is and leave it to the server")
	cmd.AddCommand(reconcileFindingsCommand(c), reconcileConfirmCommand(c), reconcileCleanUpCommand(c), reconcileStopCommand(c))
	return cmd
}

func beginReconciliation(ctx context.Context, file, reason string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "%s cannot be read: see that it exists and that you may read it", file).Because(err)
	}
	return post(ctx, "/reconciliation", map[string]string{"people": string(text), "reason": reason})
}

// awaitReconciliation says how far it is until it has ended, and then what was found.
func (c *console) awaitReconciliation(ctx context.Context, leave bool) error {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	said := ""
	for {
		var r api.ReconciliationFile
		if err := get(ctx, "/reconciliation", &r); err != nil {
			return err
		}
		if !r.EndedAt.IsZero() || leave {
			return c.printReconciliation(r)
		}
		if text := reconcileProgress(r.Reconciliation); text != said {
			c.note("%s", text)
			said = text
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.note("Work on the server goes on: exeunt reconcile")
			return ctx.Err()
		}
	}
}

// reconcileProgress is how many systems are compared, and how many accounts are listed so far.
func reconcileProgress(r exeunt.Reconciliation) string {
	ended, listed := 0, 0
	for _, s := range r.Systems {
		listed += s.Listed
		if !s.Open() {
			ended++
		}
	}
	return fmt.Sprintf("%d of %d systems compared, %s listed", ended, len(r.Systems), spelling.Count(listed, "account", "accounts"))
}

func (c *console) printReconciliation(r api.ReconciliationFile) error {
	if err := c.print(r, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "SYSTEM\tSTATE\tACCOUNTS\tMATCHED\tMISSING\tAMBIGUOUS\tMISMATCHED\tORPHANED\tCLOSED\tWHY")
		for _, s := range r.Systems {
			n := s.Tally
			_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", s.System, s.State, s.Listed, n.Matched, n.Missing, n.Ambiguous, n.Mismatched, n.Orphaned, n.Closed, s.Why)
		}
		_ = t.Flush()
	}); err != nil {
		return err
	}
	c.note("%s; begun by %s on %s. What to do: exeunt reconcile findings", r.Whom(), r.Begun.By, stamp(r.Begun.At, ""))
	for _, s := range r.Systems {
		if n := s.Tally; s.State == exeunt.ReconcileFailed || n.Ambiguous+n.Mismatched+n.Orphaned > 0 {
			return exitError{exitNeedsPerson, nil}
		}
	}
	return nil
}

func reconcileFindingsCommand(c *console) *cobra.Command {
	var system, kind string
	var after int64
	var limit int
	cmd := &cobra.Command{
		Use: "findings", Short: "List what was found, each with what to do", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{"limit": {strconv.Itoa(limit)}, "after": {strconv.FormatInt(after, 10)}}
			for name, value := range map[string]string{"system": system, "kind": kind} {
				if value != "" {
					q.Set(name, value)
				}
			}
			var list api.FindingList
			if err := get(cmd.Context(), "/reconciliation/findings?"+q.Encode(), &list); err != nil {
				return err
			}
			if err := c.print(list, func(w io.Writer) { printFindings(w, list) }); err != nil {
				return err
			}
			if list.Next > 0 {
				c.note("There are more: --after %d", list.Next)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&system, "system", "", "only those in this system")
	cmd.Flags().StringVar(&kind, "kind", "", "only missing, ambiguous, mismatched or orphaned ones")
	cmd.Flags().Int64Var(&after, "after", 0, "begin after this finding")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many, up to 500")
	return cmd
}

func printFindings(w io.Writer, list api.FindingList) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NO\tSYSTEM\tKIND\tPERSON\tACCOUNT\tWHY\tWHAT TO DO")
	for _, f := range list.Findings {
		person, todo := f.Name, f.Remedy
		if f.Leaver != "" {
			person += " (" + f.Leaver + ")"
		}
		if f.Decided != nil {
			todo = "done by " + f.Decided.By
		}
		account := ""
		for i, a := range f.Accounts {
			if i > 0 {
				account += ", "
			}
			account += a.Login + " [" + a.ID + "]"
		}
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, f.System, f.Kind, person, account, f.Why, todo)
	}
	_ = t.Flush()
}

func reconcileConfirmCommand(c *console) *cobra.Command {
	var account, leaver, reason string
	var nobody, instead bool
	cmd := &cobra.Command{
		Use: "confirm FINDING", Short: "Confirm whose an account is, or that it is nobody's; visits go by that from then on", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseFindingID(args[0])
			if err != nil {
				return err
			}
			if nobody == (leaver != "") {
				return exeunt.Errorf(exeunt.Invalid, "say whose the account is: --leaver ENTITY/NUMBER, or --nobody")
			}
			if err := post(cmd.Context(), fmt.Sprintf("/reconciliation/findings/%d/confirm", id), map[string]any{"account": account, "leaver": leaver, "instead": instead, "reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "finding": args[0]}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, "confirmed") })
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "id of the account; may be left out where the finding has one")
	cmd.Flags().StringVar(&leaver, "leaver", "", "whose it is: entity and HR number, such as main/4711")
	cmd.Flags().BoolVar(&nobody, "nobody", false, "it is nobody's: a service, a shared mailbox")
	cmd.Flags().BoolVar(&instead, "instead", false, "it takes the place of what was confirmed of the account before")
	cmd.Flags().StringVar(&reason, "reason", "", "how you know, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func reconcileCleanUpCommand(c *console) *cobra.Command {
	var kind, reason string
	cmd := &cobra.Command{
		Use: "clean-up FINDING", Short: "End what somebody who left still has, by a case like any departure", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseFindingID(args[0])
			if err != nil {
				return err
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			body := map[string]string{"reason": reason}
			if kind != "" {
				body["type"] = kind
			}
			var begun api.CleanUpBegun
			if err := cl.call(cmd.Context(), "POST", fmt.Sprintf("/reconciliation/findings/%d/clean-up", id), body, &begun); err != nil {
				return err
			}
			return c.print(begun, func(w io.Writer) { _, _ = fmt.Fprintln(w, begun.Case, "ends it: exeunt case show", begun.Case) })
		},
	}
	cmd.Flags().StringVar(&kind, "type", "", "how the person left, where no case says so; voluntary when left out")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func reconcileStopCommand(c *console) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "stop", Short: "Stop the reconciliation that is under way; what was compared stays", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := post(cmd.Context(), "/reconciliation/stop", map[string]string{"reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1"}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "stopped") })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}
