package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func fuseCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use: "fuse", Short: "See and decide on departures that the fuse holds",
		Example: "  exeunt fuse list\n  exeunt fuse release F-1 --reason \"the Austin site closes\"\n  exeunt fuse release F-1 --case C-5 --case C-7 --reason \"these two are right\"\n  exeunt fuse confirm F-1 --reason \"agreed with the board\"   # by another person",
	}
	return group(cmd, fuseListCommand(c), fuseShowCommand(c),
		fuseDecisionCommand(c, "release", "Ask for the release of what a trip holds, or of some of its cases; another person confirms it", "waits for another person to confirm it"),
		fuseDecisionCommand(c, "confirm", "Confirm the release that another person asked for", "released"),
		fuseDecisionCommand(c, "reject", "Keep what a trip holds, for HR to take back", "stays held"))
}

func fuseListCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List when the fuse tripped, those without a decision first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.TripList
			if err := get(cmd.Context(), "/fuse", &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
				_, _ = fmt.Fprintln(t, "TRIP\tSTATE\tHELD\tTRIPPED\tWHY")
				for _, r := range list.Trips {
					_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", r.ID, tripState(r.Trip), r.Held, r.TrippedAt.Local().Format("2 Jan 2006, 15:04 MST"), r.Why)
				}
				_ = t.Flush()
			})
		},
	}
}

func tripState(t exeunt.Trip) string {
	if t.Request != nil {
		return "asked by " + t.Request.By
	}
	return string(t.State)
}

func fuseShowCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "show TRIP", Short: "Show one trip and the cases that it holds", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := fetchTrip(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.print(f, func(w io.Writer) { printTrip(w, f) })
		},
	}
}

func fetchTrip(ctx context.Context, name string) (api.TripFile, error) {
	var f api.TripFile
	id, err := exeunt.ParseTripID(name)
	if err != nil {
		return f, err
	}
	return f, get(ctx, "/fuse/"+id.String(), &f)
}

func printTrip(w io.Writer, f api.TripFile) {
	t := f.Trip
	_, _ = fmt.Fprintf(w, "%s   %s   %s   %s\n", t.ID, t.State, t.TrippedAt.Local().Format("Mon 2 Jan 2006, 15:04 MST"), t.Why)
	if r := t.Request; r != nil {
		_, _ = fmt.Fprintf(w, "%s asks for the release of %s: %s\nConfirm it as another person by %s: exeunt fuse confirm %s\n", r.By, t.AsksFor(), r.Reason, r.Expires.Local().Format("Mon 2 Jan, 15:04 MST"), t.ID)
	}
	if d := t.Decision; d != nil {
		_, _ = fmt.Fprintf(w, "%s by %s: %s\n", t.Decided(), d.By, d.Reason)
	}
	_, _ = fmt.Fprintf(w, "%s held\n", spelling.Count(len(f.Held), "case", "cases"))
	for _, id := range f.Held {
		_, _ = fmt.Fprintln(w, " ", id)
	}
}

func fuseDecisionCommand(c *console, verb, short, done string) *cobra.Command {
	var reason, lasts string
	var cases []string
	cmd := &cobra.Command{
		Use: verb + " TRIP --reason TEXT", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseTripID(args[0])
			if err != nil {
				return err
			}
			body := map[string]any{"reason": reason}
			if lasts != "" {
				body["lasts"] = lasts
			}
			if len(cases) > 0 {
				body["cases"] = cases
			}
			if err := post(cmd.Context(), "/fuse/"+id.String()+"/"+verb, body); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "fuse": id.String()}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, done) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	if verb == "release" {
		cmd.Flags().StringVar(&lasts, "lasts", "", "how long it waits for the second person: 30m, 8h, 2d (a day when left out)")
		cmd.Flags().StringSliceVar(&cases, "case", nil, "only this case; may be given again (every case that the trip holds when left out)")
	}
	return cmd
}
