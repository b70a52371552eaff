package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

const eraseHelp = `Destroy what the record of a closed case says: in the ledger its key, so that no entry can be read any more, and in the
database everything of the person. That there was a case, that it was erased, when and by which rule stays, and every proof
still verifies.

Cases whose retention is over (retention in exeunt.yaml) are erased without being asked. Before that, another person has to
ask for the same within the time of the first request. A legal hold keeps a case from being erased.

Without a case it lists what was erased.`

func eraseCommand(c *console) *cobra.Command {
	var ask request
	cmd := &cobra.Command{
		Use: "erase [CASE --reason TEXT]", Short: "Destroy the record of a closed case, or list what was erased", Long: eraseHelp, Args: cobra.MaximumNArgs(1),
		Example: "  exeunt erase\n  exeunt erase C-17 --reason \"the person asked for erasure, ticket 4711\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return listErased(cmd.Context(), c)
			}
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			var answer api.Overridden
			if err := cl.call(cmd.Context(), "POST", "/cases/"+id.String()+"/erase", api.OverrideBody{Reason: ask.reason, Lasts: ask.lasts}, &answer); err != nil {
				return err
			}
			return c.print(answer, func(w io.Writer) {
				if answer.State == exeunt.DeviationAsked {
					_, _ = fmt.Fprintf(w, "%s waits: another person has to ask for the same\n", id)
					return
				}
				_, _ = fmt.Fprintf(w, "%s is erased as soon as the ledger has the decision; see exeunt erase\n", id)
			})
		},
	}
	cmd.Flags().StringVar(&ask.reason, "reason", "", "why, for the record (at least 10 characters)")
	cmd.Flags().StringVar(&ask.lasts, "lasts", "", "how long it waits for the second person: 30m, 8h, 2d (a day when left out)")
	return cmd
}

func listErased(ctx context.Context, c *console) error {
	var list api.ErasureList
	if err := get(ctx, "/erasures", &list); err != nil {
		return err
	}
	return c.print(list, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "CASE\tCLOSED\tDECIDED\tDONE\tRULE")
		for _, e := range list.Erasures {
			done, rule := "waits for the ledger", e.Rule
			if !e.DoneAt.IsZero() {
				done = e.DoneAt.Local().Format("2 Jan 2006, 15:04 MST")
			}
			if e.By != nil {
				rule = cmp.Or(rule, "decision") + ", " + e.By.By + ": " + e.By.Reason
			}
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", e.Case, e.ClosedAt.Local().Format("2 Jan 2006"), e.DecidedAt.Local().Format("2 Jan 2006, 15:04 MST"), done, rule)
		}
		_ = t.Flush()
	})
}
