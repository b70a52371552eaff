package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func planCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "plan", Short: "See what would be done for somebody, and what another configuration would change, without doing it"}
	return group(cmd, planPreviewCommand(c), planDiffCommand(c))
}

func planPreviewCommand(c *console) *cobra.Command {
	var dir, file, of string
	var full bool
	cmd := &cobra.Command{
		Use: "preview --config DIR --leaver FILE", Short: "Print the plan of a departure: every system, when, who, by when, and which rule put it there", Args: cobra.NoArgs,
		Example: `  exeunt plan preview --config examples/acme --leaver examples/acme/leaver.json
  exeunt plan preview --config examples/acme --leaver - --json < leaver.json
  exeunt plan preview --case C-2041 --why      # the departure of a case of the server, as it would be planned now`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var preview exeunt.Preview
			var err error
			switch {
			case of != "" && dir == "" && file == "":
				preview, err = previewOfCase(cmd.Context(), of)
			case of != "" || dir == "" || file == "":
				err = exeunt.Errorf(exeunt.Invalid, "say whose plan: --config DIR and --leaver FILE, or --case C-2041 for a case of the server")
			default:
				preview, err = previewOfFile(c, dir, file)
			}
			if err != nil {
				return err
			}
			return c.print(api.PlanPreview{Schema: "plan/v1", Preview: preview}, func(w io.Writer) { printPreview(w, preview, full) })
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", "configuration folder")
	cmd.Flags().StringVar(&file, "leaver", "", "departure as YAML or JSON, - for standard input")
	cmd.Flags().StringVar(&of, "case", "", "a case of the server, whose departure is planned by its present configuration")
	cmd.Flags().BoolVar(&full, "why", false, "print below each step why it is there and how it will be proven")
	return cmd
}

func previewOfFile(c *console, dir, file string) (exeunt.Preview, error) {
	cfg, err := loaded(c, dir)
	if err != nil {
		return exeunt.Preview{}, err
	}
	source, err := readFile(c.in, file)
	if err != nil {
		return exeunt.Preview{}, err
	}
	d, faults := cfg.Departure(file, source)
	if len(faults.Errors()) > 0 {
		return exeunt.Preview{}, exeunt.Errorf(exeunt.Invalid, "%s", faults.Error())
	}
	return cfg.Preview(exeunt.Case{Departure: d}, time.Now())
}

func previewOfCase(ctx context.Context, of string) (exeunt.Preview, error) {
	id, err := exeunt.ParseCaseID(of)
	if err != nil {
		return exeunt.Preview{}, err
	}
	var found api.PlanPreview
	err = get(ctx, "/cases/"+id.String()+"/preview", &found)
	return found.Preview, err
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

// line is a step or a task in the table.
type line struct {
	branch, what, where, owner, rule, waits, why, proof string
	start, deadline                                     time.Time
}

// printPreview prints a line for each step and task; in full, the reason of each and how it will be proven stand below it.
func printPreview(w io.Writer, preview exeunt.Preview, full bool) {
	zone, err := exeunt.Zone(preview.Zone)
	if err != nil {
		zone = time.UTC
	}
	_, _ = fmt.Fprintf(w, "%s   policy %s (%s)   access ends %s\n", preview.Leaver, preview.Policy, preview.Version, preview.CutOff.In(zone).Format("Mon 2 Jan 2006, 15:04 MST"))
	if preview.Doubt != "" {
		_, _ = fmt.Fprintf(w, "Would be held for a person: %s\n", preview.Doubt)
	}
	if c := preview.Calendar; c != nil {
		_, _ = fmt.Fprintf(w, "Business days by %s%s\n", c.Name, prefixed(": ", c.Doubt))
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nBRANCH\tWHAT\tWHERE\tSTARTS\tBY\tOWNER\tRULE\tWAITS FOR")
	for _, l := range linesOf(preview) {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.branch, l.what, l.where, l.start.In(zone).Format("2 Jan 15:04"), l.deadline.In(zone).Format("2 Jan 15:04"), l.owner, l.rule, l.waits)
		if full {
			_, _ = fmt.Fprintf(t, "\t  why: %s; proof: %s\n", l.why, l.proof)
		}
	}
	_ = t.Flush()
	printModified(w, preview)
	for _, l := range preview.Missing {
		_, _ = fmt.Fprintf(w, "Missing: %s: %s: %s\n", l.Title, l.What, l.Do)
	}
	_, _ = fmt.Fprintf(w, "\n%s: %s. None is left out.\n", spelling.Count(len(preview.Systems), "system", "systems"), preview.Summary())
}

func linesOf(p exeunt.Preview) []line {
	var out []line
	for _, s := range p.Steps {
		out = append(out, line{s.Branch, s.Title, s.SystemTitle, s.Owner.String(), ruled(s.Rule, s.Modified), waits(s.After), s.Why, string(s.Grade), s.StartsAt, s.Deadline})
	}
	for _, t := range p.Tasks {
		out = append(out, line{t.Branch, t.Title, "person", t.Owner.String(), ruled(t.Rule, t.Modified), waits(t.After), t.Why, string(t.Grade), t.StartsAt, t.Deadline})
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
func printModified(w io.Writer, p exeunt.Preview) {
	said := map[string]bool{}
	say := func(line string) {
		if !said[line] {
			_, _ = fmt.Fprintln(w, line)
		}
		said[line] = true
	}
	if len(p.Applied) > 0 {
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
	for _, gone := range p.LeftOut {
		say(fmt.Sprintf("Modifier %s: %s is left out: %s", gone.Modifier, gone.Rule, gone.Because))
	}
}

func waits(after []exeunt.Dependency) string {
	if len(after) == 0 {
		return ""
	}
	return after[0].Because
}
