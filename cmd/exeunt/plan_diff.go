package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/web"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

// planDiffOptions are which departures are compared by what.
type planDiffOptions struct {
	dir, against, file string
	since, until       string
	server             bool
}

func planDiffCommand(c *console) *cobra.Command {
	var o planDiffOptions
	cmd := &cobra.Command{
		Use: "diff --config DIR --against DIR", Short: "Show what departures get otherwise by another configuration: policies, systems, people", Args: cobra.NoArgs,
		Long: `Show what departures get otherwise by another configuration, before it is used. The departures come from a file (one
departure, a list of them, or one to a line) or, with --since, from the cases of the server: what would have changed for
last quarter's departures. First come the numbers, then each departure. Nothing is done, and no system is spoken to.

With --server the server itself compares its own departures, without any folder: its present policies against the ones that
each departure was planned by, or against those of a version that it keeps. Without dates it takes the last quarter.

Exit code 4 when something differs.`,
		Example: `  exeunt plan diff --config new --against /etc/exeunt --leavers leavers.ndjson
  exeunt plan diff --config new --against /etc/exeunt --since 2026-07-01 --until 2026-09-30
  exeunt plan diff --server
  exeunt plan diff --server --against 5d41402abc4b --since 2026-07-01`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := o.compare(cmd.Context(), c)
			if err != nil {
				return err
			}
			document := api.PlanComparison{Schema: "departures-compared/v1", DeparturesCompared: found}
			if err := c.print(document, func(w io.Writer) { printCompared(w, found) }); err != nil || found.Tally.Differ == 0 {
				return err
			}
			return exitError{exitNeedsPerson, nil}
		},
	}
	cmd.Flags().StringVar(&o.dir, "config", "", "configuration folder to look at")
	cmd.Flags().StringVar(&o.against, "against", "", "configuration folder to compare it with: the one in use; with --server a version of the policies")
	cmd.Flags().StringVar(&o.file, "leavers", "", "departures as YAML or JSON, - for standard input")
	cmd.Flags().StringVar(&o.since, "since", "", "the departures of the server's cases with a last day from this date on, instead of a file")
	cmd.Flags().StringVar(&o.until, "until", "", "and up to this date")
	cmd.Flags().BoolVar(&o.server, "server", false, "let the server compare its own departures by its present policies")
	return cmd
}

// compare finds how the departures go otherwise.
func (o planDiffOptions) compare(ctx context.Context, c *console) (web.DeparturesCompared, error) {
	for name, day := range map[string]string{"--since": o.since, "--until": o.until} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return web.DeparturesCompared{}, exeunt.Errorf(exeunt.Invalid, "%s is not a date such as 2026-07-01", name)
		}
	}
	switch {
	case o.server && o.dir+o.file != "":
		return web.DeparturesCompared{}, exeunt.Errorf(exeunt.Invalid, "--server compares what the server has: leave out --config and --leavers")
	case o.server:
		return o.ofServer(ctx)
	case o.dir == "" || o.against == "":
		return web.DeparturesCompared{}, exeunt.Errorf(exeunt.Invalid, "say which configurations: --config NEW --against PRESENT, or --server for what the server has")
	}
	newer, err := loaded(c, o.dir)
	if err != nil {
		return web.DeparturesCompared{}, err
	}
	older, err := loaded(c, o.against)
	if err != nil {
		return web.DeparturesCompared{}, err
	}
	departures, err := o.departures(ctx, c, newer)
	if err != nil {
		return web.DeparturesCompared{}, err
	}
	all, err := config.ComparePlans(ctx, older.PlannedBy(), newer.PlannedBy(), departures)
	return web.Compared(web.DeparturesCompared{From: exeunt.Date(o.since), To: exeunt.Date(o.until), Against: older.Set.Version, Set: newer.Set.Version}, all), err
}

// ofServer asks the server, whose cases know by which policies they were planned.
func (o planDiffOptions) ofServer(ctx context.Context) (web.DeparturesCompared, error) {
	q := url.Values{}
	for name, value := range map[string]string{"against": o.against, "from": o.since, "to": o.until} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var found api.PlanComparison
	err := get(ctx, "/plans/compare?"+q.Encode(), &found)
	return found.DeparturesCompared, err
}

func (o planDiffOptions) departures(ctx context.Context, c *console, cfg *config.Config) ([]config.Announced, error) {
	switch {
	case (o.file == "") == (o.since == ""):
		return nil, exeunt.Errorf(exeunt.Invalid, "say which departures: --leavers FILE, or --since 2026-07-01 for those of the server")
	case o.since != "":
		return departuresSince(ctx, exeunt.Date(o.since), exeunt.Date(o.until))
	}
	source, err := readFile(c.in, o.file)
	if err != nil {
		return nil, err
	}
	departures, faults := cfg.Departures(o.file, source)
	if len(faults.Errors()) > 0 {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s", faults.Errors().Error())
	}
	out := make([]config.Announced, len(departures))
	for i, d := range departures {
		out[i] = config.Announced{Departure: d, At: config.NoticeOf(d, time.Now())}
	}
	return out, nil
}

// departuresSince asks the server for its cases, page by page.
func departuresSince(ctx context.Context, since, until exeunt.Date) ([]config.Announced, error) {
	var out []config.Announced
	for page := 1; ; page++ {
		var list api.CaseList
		if err := get(ctx, fmt.Sprintf("/cases?size=1000&page=%d", page), &list); err != nil {
			return nil, err
		}
		for _, row := range list.Cases {
			if row.LastDay < since || until != "" && row.LastDay > until {
				continue
			}
			var f api.CaseFile
			if err := get(ctx, "/cases/"+url.PathEscape(row.ID.String()), &f); err != nil {
				return nil, err
			}
			out = append(out, config.Announced{Departure: f.Case.Departure, Case: f.Case.ID, At: f.Case.OpenedAt})
		}
		if len(list.Cases) == 0 || page*1000 >= list.Total {
			return out, nil
		}
	}
}

// printCompared prints the numbers, what most departures get otherwise, and then each departure.
func printCompared(w io.Writer, found web.DeparturesCompared) {
	t := found.Tally
	_, _ = fmt.Fprintf(w, "%d of %d departures get another plan.\n", t.Differ, t.Departures)
	if t.Failed > 0 {
		_, _ = fmt.Fprintf(w, "%d have no plan by the one or the other.\n", t.Failed)
	}
	if found.Cut {
		_, _ = fmt.Fprintln(w, "There are more departures than the server compares at once: ask for fewer days.")
	}
	for _, e := range t.Effects {
		if e.Works > 0 {
			_, _ = fmt.Fprintf(w, "  %-12s %6d steps and tasks of %d departures\n", e.Effect, e.Works, e.Departures)
		}
	}
	for i, one := range t.Works {
		if i == 0 {
			_, _ = fmt.Fprintln(w, "\nWhat changes most:")
		}
		if i == mostWorks {
			_, _ = fmt.Fprintf(w, "  and %d more kinds of difference (--json has all)\n", len(t.Works)-mostWorks)
			break
		}
		_, _ = fmt.Fprintf(w, "  %-12s %6d × %s%s   rule %s\n", one.Effect, one.Departures, one.Title, prefixed(" in ", one.Where), one.Rule)
	}
	for _, d := range found.Differ {
		_, _ = fmt.Fprintf(w, "\n%s (%s), last day %s%s\n", d.Leaver, d.EmployeeID, d.LastDay, firstOf(prefixed("  ", d.Error), "  policy "+changedPolicy(d)))
		printDifferences(w, d.Differences)
	}
}

// mostWorks is how many kinds of difference are printed.
const mostWorks = 20

func changedPolicy(d exeunt.DepartureCompared) string {
	if d.Before != "" && d.Before != d.Policy {
		return d.Before + " → " + d.Policy
	}
	return d.Policy
}

func printDifferences(w io.Writer, all []exeunt.PlanDifference) {
	marks := map[string]string{"added": "+", "removed": "-", "changed": "~"}
	for _, one := range all {
		_, _ = fmt.Fprintf(w, "  %s %s%s   rule %s\n", marks[one.Kind], one.Title, prefixed(" in ", one.Where), one.Rule)
		for _, change := range one.Changes {
			_, _ = fmt.Fprintf(w, "      %s\n", change)
		}
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
