package main

import (
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func systemCommand(c *console) *cobra.Command {
	show := systemShowCommand(c)
	cmd := &cobra.Command{
		Use: "system [NAME]", Short: "List and show systems, compare people with connectors, and decide which act", Args: cobra.MaximumNArgs(1),
		Example: "  exeunt system list\n  exeunt system show corp-directory\n  exeunt system try corp-directory --reason \"renewed the token\"\n  exeunt system shadow corp-directory\n  exeunt system live corp-directory --reason \"ten departures agreed\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return show.RunE(cmd, args)
		},
	}
	return group(cmd, systemListCommand(c), show, systemTryCommand(c), systemShadowCommand(c), systemLiveCommand(c), systemBackCommand(c))
}

func systemListCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List every system: how access ends there, and when that was last proven", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.SystemList
			if err := get(cmd.Context(), "/systems", &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) { printSystems(w, list, time.Now()) })
		},
	}
}

func systemShowCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show one system: whether it is left alone, and what to do about it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var f api.SystemFile
			if err := get(cmd.Context(), "/systems/"+url.PathEscape(args[0]), &f); err != nil {
				return err
			}
			return c.print(f, func(w io.Writer) { printSystem(w, f.System, time.Now()) })
		},
	}
}

func systemTryCommand(c *console) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "try NAME", Short: "Try a system at once that is left alone, after you have mended it", Args: cobra.ExactArgs(1),
		Example: "  exeunt system try corp-directory --reason \"renewed the token\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := post(cmd.Context(), "/systems/"+url.PathEscape(args[0])+"/try", map[string]string{"reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "system": args[0]}, func(w io.Writer) { _, _ = fmt.Fprintln(w, args[0], "is tried at once") })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "what was mended, for the record")
	return cmd
}

func printSystems(w io.Writer, list api.SystemList, now time.Time) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "SYSTEM\tTIER\tKIND\tSTAGE\tOWNER\tLAST PROOF\tNEXT LOOK\tOPEN\tFAILED\tAT RISK\tLEFT ALONE")
	for _, s := range list.Systems {
		alone := ""
		if s.LeftAlone != nil {
			alone = span(now.Sub(s.LeftAlone.OpenedAt)) + ": " + s.LeftAlone.Reason
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", s.Name, s.Tier, s.Kind, stageWords(s.Stage, s.Asks), s.Owner, stamp(s.LastProof, "never"), stamp(s.NextLook, "–"), s.Open, s.Failed, s.AtRisk.People(), alone)
	}
	_ = t.Flush()
}

// stamp is a moment in a table.
func stamp(at time.Time, none string) string {
	if at.IsZero() {
		return none
	}
	return at.UTC().Format("2006-01-02 15:04 UTC")
}

func printSystem(w io.Writer, s api.SystemState, now time.Time) {
	_, _ = fmt.Fprintf(w, "%s   %s   tier %d   %s   owner %s\n", firstOf(s.Title, s.Name), s.Kind, s.Tier, stageWords(s.Stage, s.Asks), s.Owner)
	if b := s.LeftAlone; b != nil {
		next := "with its next visit"
		if b.ProbeAt.After(now) {
			next = "in " + span(b.ProbeAt.Sub(now))
		}
		_, _ = fmt.Fprintf(w, "\nLeft alone since %s (%s): %s.\nTried again by itself %s; %d tries in vain so far.\n%s\n  exeunt system try %s\n\n",
			stamp(b.OpenedAt, ""), span(now.Sub(b.OpenedAt)), b.Reason, next, b.Probes, b.Remedy, s.Name)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "In cases\t%d confirmed in 90 days, %d open, %d failed\n", s.Confirmed, s.SystemStats.Open, s.Failed)
	_, _ = fmt.Fprintf(t, "People at risk\t%d: %d whose departure left access open, %d who left and have an open account, %d whose account is not sure\n",
		s.AtRisk.People(), s.AtRisk.Unfinished, s.AtRisk.Left, s.AtRisk.Unsure)
	_, _ = fmt.Fprintf(t, "Last proof\t%s\n", stamp(s.LastProof, "never"))
	_, _ = fmt.Fprintf(t, "Looked at again\tlast %s, next %s\n", stamp(s.LastLook, "never"), stamp(s.NextLook, "none due"))
	_, _ = fmt.Fprintf(t, "By hand\t%s\n", s.Fallback)
	_ = t.Flush()
}
