package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
)

func printWave(w io.Writer, f api.WaveFile) {
	v := f.Wave
	_, _ = fmt.Fprintf(w, "%s   %s   %s   %s   access ends %s\n", v.Title, v.ID, v.State, spelling.Count(v.Size, "person", "people"), v.Clock)
	for _, d := range []struct {
		verb string
		of   *exeunt.Decision
	}{{"Made", &v.Made}, {"Approved", v.Approved}, {"Started", v.Started}, {"Gone on", v.WentOn}, {"Stopped", v.Stopped}} {
		if d.of != nil {
			_, _ = fmt.Fprintf(w, "%-9s %s by %s: %s\n", d.verb, d.of.At.UTC().Format("2006-01-02 15:04 MST"), d.of.By, d.of.Reason)
		}
	}
	if v.Unstarted() {
		printCheck(w, f)
		return
	}
	p := f.Progress
	_, _ = fmt.Fprintf(w, "%d of %d started: %s\n\n", p.People-p.Waiting, p.People, p)
	t := tabwriter.NewWriter(w, 2, 4, 2, ' ', 0)
	for _, m := range f.Members {
		if status, words := memberWords(m); status == "failed" || status == "person" {
			_, _ = fmt.Fprintf(t, "  %s\t%d\t%s\t%s\n", symbol(status), m.Position, m.Departure.Leaver.Name, words)
		}
	}
	_ = t.Flush()
	printWaveSystems(w, f.Systems)
	switch v.State {
	case exeunt.WaveHeld:
		_, _ = fmt.Fprintf(w, "\nNext: exeunt wave go-on %s, or stop it\n", v.ID)
	case exeunt.WaveRunning, exeunt.WaveCanary:
		_, _ = fmt.Fprintf(w, "\nStop new starts: exeunt wave stop %s\n", v.ID)
	default: // nothing comes next by a person
	}
}

// memberWords is how one person of a wave stands, misses first.
func memberWords(m store.MemberRow) (status, words string) {
	switch {
	case m.State == exeunt.MemberRefused:
		return "failed", "no case: " + m.Reason
	case m.Of != nil && m.Of.Failed > 0:
		return "failed", fmt.Sprintf("%s: %s", m.Case, m.Of.Worst)
	case m.Of != nil && m.Of.Attention():
		return "person", fmt.Sprintf("%s: %s", m.Case, firstOf(m.Of.Worst, string(m.Of.State)))
	case m.Of != nil && m.Of.Ended():
		return "done", "access ended"
	case m.Of != nil:
		return "running", string(m.Of.State)
	default:
		return "waiting", string(m.State)
	}
}

func printWaveSystems(w io.Writer, systems []store.WaveSystem) {
	if len(systems) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nSYSTEM\tSTEPS\tDONE\tFAILED\tLAST MINUTE\tLAST DONE")
	for _, s := range systems {
		last := "–"
		if !s.LastAt.IsZero() {
			last = s.LastAt.UTC().Format("15:04:05 MST")
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\n", s.System, s.Steps, s.Settled, s.Failed, s.Recent, last)
	}
	_ = t.Flush()
}

func printCheck(w io.Writer, f api.WaveFile) {
	check := f.Wave.Check
	switch {
	case check == nil:
		_, _ = fmt.Fprintf(w, "Not checked yet: exeunt wave check %s\n", f.Wave.ID)
		return
	case f.Wave.Checking():
		_, _ = fmt.Fprintf(w, "Check %d runs: %d of %d looks\n", check.Round, check.Looked(), check.Looks)
		return
	}
	_, _ = fmt.Fprintf(w, "\nCheck %d: %s\n", check.Round, check.Summary())
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nSYSTEM\tFOUND\tMISSING\tAMBIGUOUS\tNOT ASKED\tWHY")
	for _, i := range check.Identity {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\n", firstOf(i.Title, i.System), i.Found, i.Missing, i.Ambiguous, i.Unknown, i.Why)
	}
	_, _ = fmt.Fprintln(t, "\nSYSTEM\tPEOPLE\tSTEPS\tREQUESTS\tTAKES")
	for _, b := range check.Budget {
		_, _ = fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\n", b.Title, b.Visits, b.Steps, b.Requests, b.Takes)
	}
	_, _ = fmt.Fprintln(t, "\nBY HAND\tTASKS")
	for _, o := range check.ByHand {
		_, _ = fmt.Fprintf(t, "%s\t%d\n", o.Owner, o.Tasks)
	}
	_ = t.Flush()
	for _, lines := range [][]string{check.Late, check.Joining, check.Unknown} {
		for _, line := range lines {
			_, _ = fmt.Fprintf(w, "%s %s\n", symbol("person"), line)
		}
	}
	for i, e := range f.Exceptions {
		if i == 0 {
			_, _ = fmt.Fprintln(w)
		}
		_, _ = fmt.Fprintf(w, "%s row %d, %s: %s\n", symbol("person"), e.Position, e.Name, e.Words())
	}
}

func printWaveReport(w io.Writer, r api.WaveReport) {
	_, _ = fmt.Fprintf(w, "%s   %s   %s   access ends %s\n", r.Wave.Title, r.Wave.ID, r.Wave.State, r.Wave.Clock)
	_, _ = fmt.Fprintf(w, "%s; %d within their limit. %d of %d entries are in the ledger.\n", r.Progress, r.OnTime, r.Sealed, r.Entries)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nROW\tPERSON\tCASE\tACCESS ENDED\tFAILED\tOPEN")
	for _, p := range r.People {
		ended, of := "–", string(p.State)
		if !p.AccessAt.IsZero() {
			ended = p.AccessAt.UTC().Format("2006-01-02 15:04:05 MST")
		}
		if p.Late {
			ended += " late"
		}
		if p.Case != 0 {
			of = p.Case.String()
		}
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%d\n", p.Row, p.Name, of, ended, len(p.Failed), len(p.Open))
	}
	_ = t.Flush()
	printWaveSystems(w, r.Systems)
	for _, p := range r.People {
		for _, failed := range p.Failed {
			_, _ = fmt.Fprintf(w, "%s %s, %s: %s\n", symbol("failed"), p.Case, p.Name, failed)
		}
		for _, o := range p.Open {
			_, _ = fmt.Fprintf(w, "%s %s, %s: %s, due %s\n", symbol("person"), o.Task, o.Owner, o.Title, o.Deadline.UTC().Format("2006-01-02 15:04 MST"))
		}
	}
}
