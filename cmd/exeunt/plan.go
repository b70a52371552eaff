package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/spf13/cobra"
)

func planCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "plan", Short: "See what would be done for somebody, and what another configuration would change, without doing it"}
	return group(cmd, planPreviewCommand(c), planDiffCommand(c))
}

// planPreview is what `plan preview --json` prints.
type planPreview struct {
	Schema        string           `json:"schema"`
	Policy        string           `json:"policy"`
	PolicyVersion string           `json:"policy_version"`
	CutOff        time.Time        `json:"cut_off"`
	Zone          string           `json:"zone"`
	Doubt         string           `json:"doubt,omitempty"`     // why a person would have to release it
	Modifiers     []exeunt.Applied `json:"modifiers,omitempty"` // that count, in their order
	LeftOut       []exeunt.LeftOut `json:"left_out,omitempty"`
	Calendar      *exeunt.Calendar `json:"calendar,omitempty"` // by which business days are counted
	Systems       []coverage       `json:"systems"`
	Steps         []exeunt.Step    `json:"steps"`
	Tasks         []exeunt.Task    `json:"tasks"`
}

// coverage is how a plan covers one system.
type coverage struct {
	System string          `json:"system"`
	Title  string          `json:"title"`
	Tier   int             `json:"tier"`
	By     exeunt.Coverage `json:"by"`
}

func planPreviewCommand(c *console) *cobra.Command {
	var dir, file string
	cmd := &cobra.Command{
		Use: "preview --config DIR --leaver FILE", Short: "Print the plan of a departure: every system, when, who, by when, and which rule put it there", Args: cobra.NoArgs,
		Example: "  exeunt plan preview --config examples/acme --leaver examples/acme/leaver.json\n  exeunt plan preview --config examples/acme --leaver - --json < leaver.json",
		RunE: func(*cobra.Command, []string) error {
			cfg, faults := config.Load(dir, connectors.All(os.DirFS(dir)))
			if cfg == nil {
				printFaults(c.err, dir, nil, faults)
				return exitError{exitUsage, nil}
			}
			source, err := readFile(c.in, file)
			if err != nil {
				return err
			}
			d, faults := cfg.Departure(file, source)
			if len(faults.Errors()) > 0 {
				return exeunt.Errorf(exeunt.Invalid, "%s", faults.Error())
			}
			now := time.Now()
			plan, err := cfg.Plan(exeunt.Case{Departure: d}, now)
			if err != nil {
				return err
			}
			preview := previewOf(cfg, plan, now)
			return c.print(preview, func(w io.Writer) { printPreview(w, preview, plan) })
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", "configuration folder")
	cmd.Flags().StringVar(&file, "leaver", "", "departure as YAML or JSON, - for standard input")
	_ = cmd.MarkFlagRequired("config")
	_ = cmd.MarkFlagRequired("leaver")
	return cmd
}

func readFile(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s cannot be read: see that it exists and that you may read it", name).Because(err)
	}
	return b, nil
}

func previewOf(cfg *config.Config, p exeunt.Plan, now time.Time) planPreview {
	out := planPreview{
		Schema: "plan/v1", Policy: p.Case.Policy, PolicyVersion: p.Case.PolicyVersion, CutOff: p.Case.CutOff, Zone: p.Case.Departure.Leaver.Zone,
		Doubt: p.Case.Departure.Doubt(now), Modifiers: p.Case.Modifiers, LeftOut: p.Case.LeftOut, Calendar: p.Case.Calendar, Steps: p.Steps, Tasks: p.Tasks,
	}
	for _, s := range cfg.Inventory() {
		out.Systems = append(out.Systems, coverage{s.Name, s.Title, s.Tier, coveredBy(p, s.Name)})
	}
	return out
}

func coveredBy(p exeunt.Plan, system string) exeunt.Coverage {
	for _, s := range p.Steps {
		if s.System == system {
			return s.Coverage
		}
	}
	for _, t := range p.Tasks {
		if t.System == system {
			return t.Coverage
		}
	}
	return "uncovered" // Draft never leaves one: its property test says so
}

// line is a step or a task in the table.
type line struct {
	branch, what, where, owner, rule, waits string
	start, deadline                         time.Time
}

func printPreview(w io.Writer, preview planPreview, p exeunt.Plan) {
	zone := p.Case.Zone()
	_, _ = fmt.Fprintf(w, "%s   policy %s (%s)   access ends %s\n", p.Case.Departure.Leaver.Name, preview.Policy, preview.PolicyVersion, p.Case.CutOff.In(zone).Format("Mon 2 Jan 2006, 15:04 MST"))
	if preview.Doubt != "" {
		_, _ = fmt.Fprintf(w, "Would be held for a person: %s\n", preview.Doubt)
	}
	if c := preview.Calendar; c != nil {
		_, _ = fmt.Fprintf(w, "Business days by %s%s\n", c.Name, prefixed(": ", c.Doubt))
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nBRANCH\tWHAT\tWHERE\tSTARTS\tBY\tOWNER\tRULE\tWAITS FOR")
	for _, l := range linesOf(p) {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.branch, l.what, l.where, l.start.In(zone).Format("2 Jan 15:04"), l.deadline.In(zone).Format("2 Jan 15:04"), l.owner, l.rule, l.waits)
	}
	_ = t.Flush()
	printModified(w, p)
	counts := map[exeunt.Coverage]int{}
	for _, s := range preview.Systems {
		counts[s.By]++
	}
	_, _ = fmt.Fprintf(w, "\n%s: %d by connector, %d inherited from single sign-on and checked, %d by a person. None is left out.\n",
		spelling.Count(len(preview.Systems), "system", "systems"), counts[exeunt.CoverSteps], counts[exeunt.CoverInherited], counts[exeunt.CoverTask])
}

func linesOf(p exeunt.Plan) []line {
	var out []line
	for _, s := range p.Steps {
		out = append(out, line{s.Branch, s.Title, s.SystemTitle, s.Owner.String(), ruled(s.Rule, s.Modified), waits(s.After), s.StartsAt, s.Deadline})
	}
	for _, t := range p.Tasks {
		out = append(out, line{t.Branch, t.Title, "person", t.Owner.String(), ruled(t.Rule, t.Modified), waits(t.After), t.StartsAt, t.Deadline})
	}
	slices.SortStableFunc(out, func(a, b line) int { return a.start.Compare(b.start) })
	return out
}

// ruled is a rule with the modifiers that had a hand in it.
func ruled(rule string, modified []exeunt.Modification) string {
	var names []string
	for _, m := range modified {
		if !slices.Contains(names, m.Modifier) {
			names = append(names, m.Modifier)
		}
	}
	if len(names) == 0 {
		return rule
	}
	return rule + " (" + strings.Join(names, ", ") + ")"
}

// printModified says what modifiers did, each thing once, and what they leave out.
func printModified(w io.Writer, p exeunt.Plan) {
	said := map[string]bool{}
	say := func(line string) {
		if !said[line] {
			_, _ = fmt.Fprintln(w, line)
		}
		said[line] = true
	}
	if len(p.Case.Modifiers) > 0 {
		_, _ = fmt.Fprintln(w)
	}
	for _, s := range p.Steps {
		for _, m := range s.Modified {
			say(fmt.Sprintf("Modifier %s: %s %s: %s", m.Modifier, s.Rule, m.What, m.Because))
		}
	}
	for _, t := range p.Tasks {
		for _, m := range t.Modified {
			say(fmt.Sprintf("Modifier %s: %s %s: %s", m.Modifier, t.Rule, m.What, m.Because))
		}
	}
	for _, gone := range p.Case.LeftOut {
		say(fmt.Sprintf("Modifier %s: %s is left out: %s", gone.Modifier, gone.Rule, gone.Because))
	}
}

func waits(after []exeunt.Dependency) string {
	if len(after) == 0 {
		return ""
	}
	return after[0].Because
}
