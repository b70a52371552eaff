package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func systemShadowCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "shadow [NAME]", Short: "Compare what people did with what a connector in stage shadow would have done", Args: cobra.MaximumNArgs(1),
		Example: "  exeunt system shadow\n  exeunt system shadow corp-directory --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				var list api.ShadowList
				if err := get(cmd.Context(), "/shadow", &list); err != nil {
					return err
				}
				return c.print(list, func(w io.Writer) { printShadows(w, list.Reports) })
			}
			var f api.ShadowFile
			if err := get(cmd.Context(), "/systems/"+url.PathEscape(args[0])+"/shadow", &f); err != nil {
				return err
			}
			return c.print(f, func(w io.Writer) { printShadow(w, f.Report) })
		},
	}
}

func systemLiveCommand(c *console) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "live NAME", Short: "Decide that the connector of a system acts, whose file says stage: live", Args: cobra.ExactArgs(1),
		Long: `Decide that the connector of a system acts in departures that are planned from now on. Its file has to say stage: live; until
somebody has decided, it counts as shadow. The record keeps who decided, why, and what exeunt system shadow said then.

In a system of tier 1 whose comparison does not speak for it, another person has to decide the same within a day.`,
		Example: "  exeunt system live corp-directory --reason \"ten departures agreed with what Ida did\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			var out api.Live
			if err := answered(cmd.Context(), "/systems/"+url.PathEscape(args[0])+"/live", reason, &out); err != nil {
				return err
			}
			return c.print(out, func(w io.Writer) {
				if out.State == "asked" {
					_, _ = fmt.Fprintf(w, "%s is asked to go live. It needs another person, since %s: they run the same command before %s.\n", args[0], out.Trust.Against, stamp(out.Trust.Ask.Expires, ""))
					return
				}
				_, _ = fmt.Fprintf(w, "%s %s is live: its connector acts in departures that are planned from now on.\n", symbol("done"), args[0])
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	return cmd
}

func systemBackCommand(c *console) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "back NAME", Short: "Take the connector of a system back to stage shadow at once", Args: cobra.ExactArgs(1),
		Long:    "Take the connector of a system back to stage shadow: people do what is planned from now on. Cases under way keep their plan.",
		Example: "  exeunt system back corp-directory --reason \"it took groups away that we need\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := post(cmd.Context(), "/systems/"+url.PathEscape(args[0])+"/back", map[string]string{"reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "system": args[0]}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%s counts as stage shadow from now on. Cases under way keep their plan: exeunt case replan C-1 takes one to the present one.\n", args[0])
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

// answered posts a decision and reads what came of it.
func answered(ctx context.Context, path, reason string, out any) error {
	client, err := newClient()
	if err != nil {
		return err
	}
	return client.call(ctx, http.MethodPost, path, map[string]string{"reason": reason}, out)
}

func printShadows(w io.Writer, reports []exeunt.ShadowReport) {
	if len(reports) == 0 {
		_, _ = fmt.Fprintln(w, "No system is in stage shadow, and nothing was compared.")
		return
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "SYSTEM\tTIER\tSTAGE\tCOMPARED\tAGREED\tDID MORE\tSTILL OPEN\tNOT FOUND\tWOULD FAIL\tUNSEEN\tWAITING\tAGAINST GOING LIVE")
	for _, r := range reports {
		n := r.Tally
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", r.System, r.Tier, stageWords(r.Stage, r.Asks), n.Compared, n.Agreed, n.DidMore, n.StillOpen, n.NotFound, n.WouldFail, n.Unseen, n.Waiting, r.Against)
	}
	_ = t.Flush()
}

func printShadow(w io.Writer, r exeunt.ShadowReport) {
	n := r.Tally
	_, _ = fmt.Fprintf(w, "%s   tier %d   %s\n", r.Title, r.Tier, stageWords(r.Stage, r.Asks))
	_, _ = fmt.Fprintf(w, "%d compared: %d agreed, in %d the person did more, %d ticked and still open. %d accounts not found, %d would have failed, %d cannot be compared, %d wait.\n",
		n.Compared, n.Agreed, n.DidMore, n.StillOpen, n.NotFound, n.WouldFail, n.Unseen, n.Waiting)
	if r.Against != "" && r.Stage != exeunt.Live {
		_, _ = fmt.Fprintf(w, "Against going live: %s.\n", r.Against)
	}
	printTrust(w, r.Trust)
	if r.Asks == exeunt.Live {
		_, _ = fmt.Fprintf(w, "It asks to be live:\n  exeunt system live %s --reason \"…\"\n", r.System)
	}
	if len(r.Lines) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nCASE\tWHO\tLOOKED AT\tTICKED BY\tCOMPARED\tWHY")
	for _, l := range r.Lines {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Case, l.Name, stamp(l.SeenAt(), "–"), firstOf(l.DoneBy, "–"), l.Verdict.Words(), l.Why)
	}
	_ = t.Flush()
}

func printTrust(w io.Writer, t *exeunt.Trust) {
	switch {
	case t == nil:
	case t.By == nil:
		_, _ = fmt.Fprintf(w, "%s asks that it goes live (%s); another person has to decide the same before %s.\n", t.Ask.By, t.Ask.Reason, stamp(t.Ask.Expires, ""))
	case t.Second != nil:
		_, _ = fmt.Fprintf(w, "Live since %s: %s (%s) and %s (%s) decided.\n", stamp(t.Second.At, ""), t.By.By, t.By.Reason, t.Second.By, t.Second.Reason)
	default:
		_, _ = fmt.Fprintf(w, "Live since %s: %s decided (%s).\n", stamp(t.By.At, ""), t.By.By, t.By.Reason)
	}
}

// stageWords is the stage that counts, and the one that its file asks for.
func stageWords(counts, asks exeunt.Stage) string {
	if asks != "" {
		return fmt.Sprintf("%s (asks to be %s)", counts, asks)
	}
	return string(counts)
}
