package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func caseCommand(c *console) *cobra.Command {
	show := caseShowCommand(c)
	cmd := &cobra.Command{
		Use: "case [CASE]", Short: "List, show, watch and correct cases", Args: cobra.MaximumNArgs(1),
		Example: "  exeunt case list --state attention\n  exeunt case show C-2041\n  exeunt case retry C-2041 --step snowflake-disable --reason \"login name corrected\"",
		RunE: func(cmd *cobra.Command, args []string) error { // a noun with an identifier shows it
			if len(args) == 0 {
				return cmd.Help()
			}
			return show.RunE(cmd, args)
		},
	}
	return group(cmd, caseListCommand(c), show, caseWatchCommand(c),
		caseRetryCommand(c), caseOverrideCommand(c), casePutBackCommand(c), caseOverridesCommand(c),
		caseDecisionCommand(c, "hold", "Stop a case until somebody releases it", "held"), caseDecisionCommand(c, "release", "Let a held case go on", "released"), caseReplanCommand(c),
		caseDecisionCommand(c, "legal-hold", "Stop everything destructive of a case; access is cut all the same", "under legal hold"), caseLegalReleaseCommand(c),
		caseDecisionCommand(c, "reveal", "End the embargo of a case before its time", "revealed"), caseEmbargoCommand(c))
}

func caseListCommand(c *console) *cobra.Command {
	q := url.Values{}
	var state, text, kind, sort string
	cmd := &cobra.Command{
		Use: "list", Short: "List cases, those that need a person first", Args: cobra.NoArgs,
		Example: "  exeunt case list\n  exeunt case list --state attention\n  exeunt case list --text okonkwo --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			for k, v := range map[string]string{"state": state, "q": text, "type": kind, "sort": sort} {
				if v != "" {
					q.Set(k, v)
				}
			}
			var list api.CaseList
			if err := get(cmd.Context(), "/cases?"+q.Encode(), &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) { printCases(w, list) })
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "attention, running, scheduled, held or closed")
	cmd.Flags().StringVar(&text, "text", "", "part of a name, case or employee number")
	cmd.Flags().StringVar(&kind, "type", "", "type of departure")
	cmd.Flags().StringVar(&sort, "sort", "", "last-day, name or newest")
	return cmd
}

func get(ctx context.Context, path string, into any) error {
	cl, err := newClient()
	if err != nil {
		return err
	}
	return cl.call(ctx, "GET", path, nil, into)
}

func post(ctx context.Context, path string, in any) error {
	cl, err := newClient()
	if err != nil {
		return err
	}
	return cl.call(ctx, "POST", path, in, nil)
}

func printCases(w io.Writer, list api.CaseList) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "CASE\tPERSON\tSTATE\tLAST DAY\tDONE\tOPEN\tATTENTION")
	for _, r := range list.Cases {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d of %d\t%d\t%s\n", r.ID, r.Name, r.State, r.LastDay, r.Settled, r.Steps, r.OpenTasks, r.Worst)
	}
	_ = t.Flush()
	_, _ = fmt.Fprintf(w, "%d of %d\n", len(list.Cases), list.Total)
}

func caseShowCommand(c *console) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "show CASE", Short: "Show one case: what is open first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := fetchCase(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.print(f, func(w io.Writer) { printCase(w, f, all, time.Now()) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "show settled steps too")
	return cmd
}

func fetchCase(ctx context.Context, name string) (api.CaseFile, error) {
	var f api.CaseFile
	id, err := exeunt.ParseCaseID(name)
	if err != nil {
		return f, err
	}
	return f, get(ctx, "/cases/"+id.String(), &f)
}

func printCase(w io.Writer, f api.CaseFile, all bool, now time.Time) {
	l := f.Case.Departure.Leaver
	_, _ = fmt.Fprintf(w, "%s   %s   %s   last day %s   access ends %s\n", l.Name, f.Case.ID, f.Case.State, f.Case.Departure.LastDay, f.Case.CutOff.In(f.Case.Zone()).Format("Mon 2 Jan 2006, 15:04 MST"))
	printHold(w, f.Case)
	printEmbargo(w, f.Case)
	printKin(w, f)
	_, _ = fmt.Fprintf(w, "Record  %s, %d in the ledger\n\n", spelling.Count(f.Logged, "entry", "entries"), f.Sealed)
	t := tabwriter.NewWriter(w, 2, 4, 2, ' ', 0)
	hidden := 0
	for _, s := range f.Steps {
		if s.State.Settled() && !all {
			hidden++
			continue
		}
		word, status := stepWords(s, now)
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", symbol(status), s.Branch, s.SystemTitle, s.Title, word)
	}
	for _, task := range f.Tasks {
		if !task.Open() && !all {
			hidden++
			continue
		}
		word, status := taskWords(task, now)
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", symbol(status), task.Branch, task.ID, task.Title, word)
	}
	_ = t.Flush()
	if hidden > 0 {
		_, _ = fmt.Fprintf(w, "  … %d settled not shown (--all)\n", hidden)
	}
	for _, s := range f.Steps {
		if s.State == exeunt.StepFailed {
			_, _ = fmt.Fprintf(w, "\nNext: exeunt case retry %s --step %s\n", f.Case.ID, s.Key)
			return
		}
	}
}

// printKin names the cases that go on from one another.
func printKin(w io.Writer, f api.CaseFile) {
	if f.Case.Follows != 0 {
		_, _ = fmt.Fprintf(w, "Follows %s, whose access came back\n", f.Case.Follows)
	}
	if f.Case.PutsBack != 0 {
		_, _ = fmt.Fprintf(w, "Puts back what %s did\n", f.Case.PutsBack)
	}
	for _, id := range f.FollowedBy {
		_, _ = fmt.Fprintf(w, "Followed by %s, since access came back\n", id)
	}
	for _, id := range f.PutBackBy {
		_, _ = fmt.Fprintf(w, "Put back by %s\n", id)
	}
}

// stepWords is the status of a step in words, and which symbol stands for it.
func stepWords(s exeunt.Step, now time.Time) (words, status string) {
	switch s.State {
	case exeunt.StepConfirmed:
		return "confirmed", "done"
	case exeunt.StepAcknowledged:
		return "acknowledged; cannot be read back", "done"
	case exeunt.StepAttested:
		return s.Reason, "done"
	case exeunt.StepFailed:
		return s.Reason, "failed"
	case exeunt.StepByHand:
		return s.Reason, "person"
	case exeunt.StepWaived:
		return "overridden by " + s.Reason, "override"
	case exeunt.StepSkipped, exeunt.StepCancelled:
		return s.Reason, "skipped"
	case exeunt.StepWaiting:
		return s.Reason, "waiting"
	case exeunt.StepHeld:
		return s.Reason, "person"
	case exeunt.StepScheduled:
		return "starts in " + span(s.StartsAt.Sub(now)), "scheduled"
	default:
		if s.Attempt > 0 && s.Reason != "" {
			return fmt.Sprintf("attempt %d: %s", s.Attempt, s.Reason), "running"
		}
		return "running", "running"
	}
}

func taskWords(t exeunt.Task, now time.Time) (words, status string) {
	switch {
	case t.State == exeunt.TaskDone:
		return "done by " + t.DoneBy, "done"
	case t.State == exeunt.TaskWithdrawn:
		return t.Reason, "skipped"
	case t.State == exeunt.TaskWaiting:
		return "waits: " + t.After[0].Because, "waiting"
	case t.Late(now):
		return fmt.Sprintf("%s, %s late", t.Owner, span(now.Sub(t.Deadline))), "person"
	default:
		return fmt.Sprintf("%s, due in %s", t.Owner, span(t.Deadline.Sub(now))), "person"
	}
}

// span is a length of time in its largest unit.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
}

func caseWatchCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "watch CASE", Short: "Print what happens in a case until it is closed or only people are left to act", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var seen int64
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				f, err := fetchCase(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				seen = c.printNew(f, seen)
				if done, err := watched(f); done {
					return err
				}
				select {
				case <-tick.C:
				case <-cmd.Context().Done():
					c.note("Work on the server goes on: exeunt case show %s", f.Case.ID)
					return cmd.Context().Err()
				}
			}
		},
	}
}

// printNew prints the entries that were not printed before, oldest first.
func (c *console) printNew(f api.CaseFile, seen int64) int64 {
	for i := len(f.Entries) - 1; i >= 0; i-- {
		e := f.Entries[i]
		if e.Number <= seen {
			continue
		}
		seen = e.Number
		_ = c.printLine(e, func(w io.Writer) {
			_, _ = fmt.Fprintf(w, "%s  %-16s  %s\n", e.At.In(f.Case.Zone()).Format("15:04:05 MST"), e.Kind, e.What)
		})
	}
	return seen
}

// watched says whether there is anything left that happens by itself.
func watched(f api.CaseFile) (bool, error) {
	if !f.Case.Open() {
		return true, nil
	}
	for _, s := range f.Steps {
		if s.State == exeunt.StepReady || s.State == exeunt.StepRunning {
			return false, nil
		}
	}
	return true, exitError{exitNeedsPerson, fmt.Errorf("case %s: what is left waits for people, dates or other steps", f.Case.ID)}
}

// printLine writes one object of a stream: a line of JSON with --json, else text.
func (c *console) printLine(object any, text func(io.Writer)) error {
	if !c.json {
		text(c.out)
		return nil
	}
	return encodeLine(c.out, object)
}
