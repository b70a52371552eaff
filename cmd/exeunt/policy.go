package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/spf13/cobra"
)

func policyCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "List policies, and test that departures get the plans that they are to have"}
	return group(cmd, policyListCommand(c), policyTestCommand(c))
}

// loaded reads a configuration that has to be valid.
func loaded(c *console, dir string) (*config.Config, error) {
	cfg, faults := config.Load(dir, connectors.All(os.DirFS(dir)))
	if cfg == nil {
		printFaults(c.err, dir, nil, faults.Errors())
		return nil, exitError{exitUsage, nil}
	}
	return cfg, nil
}

// policyLine is one policy as policy list prints it.
type policyLine struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitempty"`
	Version string `json:"version"`
	CutOff  string `json:"cut_off"`
	Rules   int    `json:"rules"`
}

// modifierLine is one modifier as policy list prints it.
type modifierLine struct {
	Name      string   `json:"name"`
	Title     string   `json:"title,omitempty"`
	Version   string   `json:"version"`
	Because   string   `json:"because"`
	Adds      int      `json:"adds"`
	Changes   int      `json:"changes"`
	LeavesOut int      `json:"leaves_out"`
	Over      []string `json:"over,omitempty"`
}

func policyListCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "list --config DIR", Short: "List the policies in the order in which they are asked, the first that applies being used, and the modifiers that change them", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := loaded(c, dir)
			if err != nil {
				return err
			}
			all := make([]policyLine, len(cfg.Policies))
			for i, p := range cfg.Policies {
				all[i] = policyLine{p.Name, p.Title, p.Version, p.CutOff, len(p.Rules)}
			}
			modifiers := make([]modifierLine, len(cfg.Set.Modifiers))
			for i, m := range cfg.Set.Modifiers {
				modifiers[i] = modifierLine{m.Name, m.Title, m.Version, m.Because, len(m.Add), len(m.Change), len(m.Remove), m.Over}
			}
			return c.print(map[string]any{"schema": "policies/v1", "version": cfg.Set.Version, "policies": all, "modifiers": modifiers}, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
				_, _ = fmt.Fprintln(t, "POLICY\tTITLE\tVERSION\tCUT-OFF\tRULES")
				for _, p := range all {
					_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\n", p.Name, p.Title, p.Version, p.CutOff, p.Rules)
				}
				_ = t.Flush()
				_, _ = fmt.Fprintln(t, "\nMODIFIER\tTITLE\tVERSION\tADDS\tCHANGES\tLEAVES OUT\tOVER")
				for _, m := range modifiers {
					_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", m.Name, m.Title, m.Version, m.Adds, m.Changes, m.LeavesOut, strings.Join(m.Over, ", "))
				}
				_ = t.Flush()
			})
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", "configuration folder")
	_ = cmd.MarkFlagRequired("config")
	return cmd
}

// trialResult is how one trial ended.
type trialResult struct {
	File   string   `json:"file"`
	About  string   `json:"about,omitempty"`
	Passed bool     `json:"passed"`
	Error  string   `json:"error,omitempty"`
	Missed []string `json:"missed,omitempty"` // "- " what the plan lacks, "+ " what it has beside
}

func policyTestCommand(c *console) *cobra.Command {
	var dir string
	var update bool
	cmd := &cobra.Command{
		Use: "test --config DIR [FILE...]", Short: "Test that departures get the plans that they are to have",
		Long: `Test that departures get the plans that they are to have: each tests/*.txtar of the configuration, or the files that are
named, holds a departure and its plan. No system is spoken to. With --update the plans are written anew: look at the
difference in git before you keep it.

  what this trial is about
  -- departure.yaml --
  type: voluntary
  last_day: 2027-01-29
  leaver: {id: "67890", name: Jane Doe}
  -- now --
  2026-12-01T09:00:00+01:00
  -- plan.txt --
  policy standard, cut-off 2027-01-29T18:00:00+01:00
  …

Any other file stands in the place of the configuration's: -- systems/crm.yaml --. Exit code 1 when one fails.`,
		Example: "  exeunt policy test --config examples/acme\n  exeunt policy test --config examples/acme --update",
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := loaded(c, dir)
			if err != nil {
				return err
			}
			trials, err := trialsOf(dir, args)
			if err != nil {
				return err
			}
			results, failed := make([]trialResult, len(trials)), 0
			for i, t := range trials {
				if results[i], err = try(dir, cfg, t, update); err != nil {
					return err
				}
				if !results[i].Passed {
					failed++
				}
			}
			document := map[string]any{"schema": "policy-test/v1", "passed": len(results) - failed, "failed": failed, "trials": results}
			if err := c.print(document, func(w io.Writer) { printTrials(w, results, failed) }); err != nil || failed == 0 {
				return err
			}
			return exitError{exitFailed, nil}
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", "configuration folder")
	cmd.Flags().BoolVar(&update, "update", false, "write the plans anew instead of comparing them")
	_ = cmd.MarkFlagRequired("config")
	return cmd
}

func trialsOf(dir string, files []string) ([]config.Trial, error) {
	if len(files) == 0 {
		trials, err := config.Trials(dir)
		if err == nil && len(trials) == 0 {
			err = exeunt.Errorf(exeunt.NotFound, "%s has no trials: write one, as exeunt policy test --help shows", filepath.Join(dir, config.TrialFolder))
		}
		return trials, err
	}
	var out []config.Trial
	for _, name := range files {
		text, err := readFile(nil, name)
		if err != nil {
			return nil, err
		}
		t, err := config.ReadTrial(name, text)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// try runs one trial. A departure that gets no plan at all is a failure of the trial, not of the run.
func try(dir string, cfg *config.Config, t config.Trial, update bool) (trialResult, error) {
	r := trialResult{File: t.File, About: t.About}
	plan, err := t.Plan(dir, cfg, connectors.All)
	switch {
	case err != nil:
		r.Error = err.Error()
	case update:
		r.Passed = true
		if t.Want != plan {
			return r, os.WriteFile(t.File, t.Written(plan), 0o644) //nolint:gosec // the user's own test, beside the configuration
		}
	default:
		r.Missed = t.Missed(plan)
		r.Passed = len(r.Missed) == 0
	}
	return r, nil
}

func printTrials(w io.Writer, results []trialResult, failed int) {
	for _, r := range results {
		if r.Passed {
			_, _ = fmt.Fprintf(w, "%s %s\n", symbol("done"), r.File)
			continue
		}
		_, _ = fmt.Fprintf(w, "%s %s  %s\n", symbol("failed"), r.File, r.About)
		if r.Error != "" {
			_, _ = fmt.Fprintln(w, "    "+r.Error)
		}
		for _, line := range r.Missed {
			_, _ = fmt.Fprintln(w, "    "+line)
		}
	}
	_, _ = fmt.Fprintf(w, "%d passed, %d failed.\n", len(results)-failed, failed)
}
