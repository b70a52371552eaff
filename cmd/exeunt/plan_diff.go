package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

// planDiff is how the plan of one departure differs between two configurations.
type planDiff struct {
	Leaver      string                  `json:"leaver"`
	EmployeeID  string                  `json:"employee_id"`
	LastDay     exeunt.Date             `json:"last_day"`
	Policy      string                  `json:"policy,omitempty"` // of the newer configuration
	Error       string                  `json:"error,omitempty"`  // where one of the two has no plan
	Differences []exeunt.PlanDifference `json:"differences,omitempty"`
}

func planDiffCommand(c *console) *cobra.Command {
	var dir, against, file, since string
	cmd := &cobra.Command{
		Use: "diff --config DIR --against DIR", Short: "Show what departures get otherwise by another configuration: policies, systems, people", Args: cobra.NoArgs,
		Long: `Show what departures get otherwise by another configuration, before it is used. The departures come from a file (one
departure, a list of them, or one to a line) or, with --since, from the cases of the server: what would have changed for
last quarter's departures. Nothing is done, and no system is spoken to. Exit code 4 when something differs.`,
		Example: `  exeunt plan diff --config new --against /etc/exeunt --leavers leavers.ndjson
  exeunt plan diff --config new --against /etc/exeunt --since 2026-07-01`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			newer, err := loaded(c, dir)
			if err != nil {
				return err
			}
			older, err := loaded(c, against)
			if err != nil {
				return err
			}
			departures, err := departuresOf(cmd.Context(), c, newer, file, since)
			if err != nil {
				return err
			}
			diffs := compareAll(newer, older, departures)
			differ := 0
			for _, d := range diffs {
				if d.Error != "" || len(d.Differences) > 0 {
					differ++
				}
			}
			document := map[string]any{"schema": "plan-diff/v1", "departures": len(diffs), "differ": differ, "diffs": diffs}
			if err := c.print(document, func(w io.Writer) { printDiffs(w, diffs, differ) }); err != nil || differ == 0 {
				return err
			}
			return exitError{exitNeedsPerson, nil}
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", "configuration folder to look at")
	cmd.Flags().StringVar(&against, "against", "", "configuration folder to compare it with: the one in use")
	cmd.Flags().StringVar(&file, "leavers", "", "departures as YAML or JSON, - for standard input")
	cmd.Flags().StringVar(&since, "since", "", "the departures of the server's cases with a last day from this date on, instead of a file")
	_ = cmd.MarkFlagRequired("config")
	_ = cmd.MarkFlagRequired("against")
	return cmd
}

// announced is a departure and when it was known of, which decides what could still begin in time.
type announced struct {
	exeunt.Departure
	at time.Time
}

func departuresOf(ctx context.Context, c *console, cfg *config.Config, file, since string) ([]announced, error) {
	switch {
	case (file == "") == (since == ""):
		return nil, exeunt.Errorf(exeunt.Invalid, "say which departures: --leavers FILE, or --since 2026-07-01 for those of the server")
	case since != "":
		if _, err := time.Parse(time.DateOnly, since); err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "--since is not a date such as 2026-07-01")
		}
		return departuresSince(ctx, exeunt.Date(since))
	}
	source, err := readFile(c.in, file)
	if err != nil {
		return nil, err
	}
	departures, faults := cfg.Departures(file, source)
	if len(faults.Errors()) > 0 {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s", faults.Errors().Error())
	}
	out := make([]announced, len(departures))
	for i, d := range departures {
		out[i] = announced{d, config.NoticeOf(d, time.Now())}
	}
	return out, nil
}

// departuresSince asks the server for its cases, page by page.
func departuresSince(ctx context.Context, since exeunt.Date) ([]announced, error) {
	var out []announced
	for page := 1; ; page++ {
		var list api.CaseList
		if err := get(ctx, fmt.Sprintf("/cases?size=1000&page=%d", page), &list); err != nil {
			return nil, err
		}
		for _, row := range list.Cases {
			if row.LastDay < since {
				continue
			}
			var f api.CaseFile
			if err := get(ctx, "/cases/"+url.PathEscape(row.ID.String()), &f); err != nil {
				return nil, err
			}
			out = append(out, announced{f.Case.Departure, f.Case.OpenedAt})
		}
		if len(list.Cases) == 0 || page*1000 >= list.Total {
			return out, nil
		}
	}
}

// compareAll drafts both plans of every departure, on every core.
func compareAll(newer, older *config.Config, departures []announced) []planDiff {
	out := make([]planDiff, len(departures))
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			for i := w; i < len(departures); i += workers {
				out[i] = compare(newer, older, departures[i])
			}
		})
	}
	all.Wait()
	return out
}

func compare(newer, older *config.Config, d announced) planDiff {
	out := planDiff{Leaver: d.Leaver.Name, EmployeeID: d.Leaver.ID, LastDay: d.LastDay}
	before, err := older.Plan(exeunt.Case{Departure: d.Departure}, d.at)
	if err != nil {
		out.Error = "before: " + err.Error()
		return out
	}
	after, err := newer.Plan(exeunt.Case{Departure: d.Departure}, d.at)
	if err != nil {
		out.Error = "no plan: " + err.Error()
		return out
	}
	out.Policy, out.Differences = after.Case.Policy, after.Compare(before)
	return out
}

func printDiffs(w io.Writer, diffs []planDiff, differ int) {
	for _, d := range diffs {
		if d.Error == "" && len(d.Differences) == 0 {
			continue
		}
		_, _ = fmt.Fprintf(w, "%s (%s), last day %s%s\n", d.Leaver, d.EmployeeID, d.LastDay, firstOf(prefixed("  policy ", d.Policy), "  "+d.Error))
		printDifferences(w, d.Differences)
	}
	_, _ = fmt.Fprintf(w, "%d of %d departures get another plan.\n", differ, len(diffs))
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
