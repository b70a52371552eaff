package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Text is a plan as tests and comparisons keep it: a line for each step and task, in the order of their starts and by the
// clock of the place of work, with what it waits for below it. It says nothing of the present, nor of versions.
func (p Plan) Text() string {
	zone := p.Case.Zone()
	var b strings.Builder
	fmt.Fprintf(&b, "policy %s, cut-off %s\n", p.Case.Policy, p.Case.CutOff.In(zone).Format(time.RFC3339))
	if c := p.Case.Calendar; c != nil {
		fmt.Fprintf(&b, "business days by %s\n", c.words())
	}
	for _, w := range p.works() {
		fmt.Fprintf(&b, "%s  by %s  %-4s %-34s %-22s %s\n", minute(w.startsAt, zone), minute(w.deadline, zone), w.kind, w.key, w.rule, w.owner)
		for _, note := range w.notes {
			b.WriteString(strings.Repeat(" ", 37) + note + "\n")
		}
	}
	for _, gone := range p.Case.LeftOut {
		fmt.Fprintf(&b, "left out by %s: %s: %s\n", gone.Modifier, gone.Rule, gone.Because)
	}
	return b.String()
}

func minute(at time.Time, zone *time.Location) string { return at.In(zone).Format("2006-01-02 15:04") }

// work is a step or a task of a plan, as people compare them.
type work struct {
	kind, key, title, where, rule, owner string
	startsAt, deadline                   time.Time
	notes                                []string // what it waits for, and why
}

// works are the steps and then the tasks, by their starts.
func (p Plan) works() []work {
	var out []work
	for _, s := range p.Steps {
		w := work{"step", s.Key, s.Title, s.SystemTitle, s.Rule, s.Owner.String(), s.StartsAt, s.Deadline, afters(s.After)}
		if s.Approval != nil {
			w.notes = append(w.notes, "approved by "+cmp.Or(s.Approval.Owner.String(), s.Approval.Role)+": "+s.Approval.For)
		}
		if h := s.HeldFor(HoldLegal); h != nil {
			w.notes = append(w.notes, "held: "+h.Reason)
		}
		out = append(out, w.by(s.Modified))
	}
	for _, t := range p.Tasks {
		w := work{"task", t.Key, t.Title, "", t.Rule, t.Owner.String(), t.StartsAt, t.Deadline, afters(t.After)}
		out = append(out, w.by(t.Modified))
	}
	slices.SortStableFunc(out, func(a, b work) int { return a.startsAt.Truncate(time.Minute).Compare(b.startsAt.Truncate(time.Minute)) })
	return out
}

func afters(after []Dependency) []string {
	var out []string
	for _, d := range after {
		out = append(out, "after "+d.Key+": "+d.Because)
	}
	return out
}

// by adds what modifiers did.
func (w work) by(modified []Modification) work {
	for _, m := range modified {
		w.notes = append(w.notes, "by "+m.String())
	}
	return w
}
