package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// startWords say what starting a wave does.
func startWords(v waveView) string {
	text := fmt.Sprintf("%s will leave; access ends %s.", plural(v.Size, "person", "people"), v.clockWords())
	if v.Canary > 0 {
		text += fmt.Sprintf(" %d go first; then the wave holds until a person goes on.", v.Canary)
	}
	return text
}

// paceWords say when the cases open and how fast.
func paceWords(v waveView) string {
	text := "Cases open once started"
	if v.Opens == exeunt.OpensAtCutOff {
		text = "Cases open at the clock"
	}
	if v.Rate > 0 {
		text += fmt.Sprintf(", %d a minute", v.Rate)
	}
	return text
}

// budgetWords are the caption of the budget.
func budgetWords(c *exeunt.WaveCheck) string {
	text := "Budget: how long each system takes at its rate, the slowest first"
	if c.SLA > 0 {
		text += "; access is to end within " + took(c.SLA)
	}
	return text
}

// instant is a moment for the record, or a dash.
func instant(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "–"
	}
	return full(t, zone)
}

// endedWords say when somebody's access ended.
func endedWords(p store.ReportPerson, zone *time.Location) string {
	text := instant(p.AccessAt, zone)
	if p.Late {
		text += ", late"
	}
	return text
}

// openWords say what failed for somebody, and who has what open.
func openWords(p store.ReportPerson, zone *time.Location) string {
	lines := append([]string{}, p.Failed...)
	if p.Reason != "" {
		lines = append(lines, upper(p.Reason))
	}
	for _, t := range p.Open {
		lines = append(lines, fmt.Sprintf("%s %s: %s, due %s", t.Task, t.Owner, t.Title, at(t.Deadline, zone)))
	}
	return strings.Join(lines, ". ")
}
