package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// waveView is the page of one wave.
type waveView struct {
	exeunt.Wave
	Progress   exeunt.WaveProgress
	People     []personRow // misses first
	Systems    []waveSystem
	Exceptions []store.Look
	Entries    []store.EntryRow
	Viewer     viewer
	Zone       *time.Location
	Now        time.Time

	Error, Form, Typed string // of a decision that was refused
}

// personRow is one person of the wave as the page shows it.
type personRow struct {
	store.MemberRow
	Status status
	Word   string
}

// Miss says whether the row is one that somebody has to look at.
func (r personRow) Miss() bool { return r.Status == statusFailed || r.Status == statusPerson }

// waveSystem is how the wave stands in one system, beside what that system allows.
type waveSystem struct {
	store.WaveSystem
	Title string
	Limit string
}

func titlesOf(systems []exeunt.System) map[string]string {
	out := map[string]string{}
	for _, s := range systems {
		out[s.Name] = cmp.Or(s.Title, s.Name)
	}
	return out
}

func viewWave(f store.WaveFile, systems []exeunt.System, v *visit) waveView {
	view := waveView{Wave: f.Wave, Progress: f.Progress, Viewer: v.viewer, Zone: v.zone, Now: v.now}
	if f.Wave.Clock.At.IsZero() && len(f.Members) > 0 {
		view.Zone = zoneOr(f.Members[0].Departure.Leaver.Zone, v.zone)
	}
	for _, m := range f.Members {
		row := personRow{MemberRow: m}
		row.Status, row.Word = memberStatus(m, f.Wave, v.now, view.Zone)
		view.People = append(view.People, row)
	}
	slices.SortStableFunc(view.People, func(a, b personRow) int { return cmp.Compare(urgency(a.Status), urgency(b.Status)) })
	titles := titlesOf(systems)
	for _, s := range f.Systems {
		row := waveSystem{WaveSystem: s, Title: orElse(titles[s.System], s.System)}
		if i := slices.IndexFunc(systems, func(known exeunt.System) bool { return known.Name == s.System }); i >= 0 {
			row.Limit = limitWords(systems[i].Rate)
		}
		view.Systems = append(view.Systems, row)
	}
	slices.SortStableFunc(view.Systems, func(a, b waveSystem) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(b.Steps-b.Settled, a.Steps-a.Settled))
	})
	return view
}

func limitWords(r exeunt.Rate) string {
	if r.PerSecond > 0 {
		return fmt.Sprintf("%g requests a second", r.PerSecond)
	}
	return fmt.Sprintf("%d requests at once", cmp.Or(r.Concurrency, 4))
}

// urgency is the order of the rows: misses first, finished work last.
func urgency(s status) int {
	return slices.Index([]status{statusFailed, statusPerson, statusRunning, statusScheduled, statusWaiting, statusSkipped, statusDone}, s)
}

// memberStatus is how one person of a wave stands, in a status and in words.
func memberStatus(m store.MemberRow, w exeunt.Wave, now time.Time, zone *time.Location) (status, string) {
	of := m.Of
	switch {
	case m.State == exeunt.MemberRefused:
		return statusFailed, "No case: " + m.Reason
	case m.State == exeunt.MemberWaiting && w.State == exeunt.WaveStopped:
		return statusSkipped, "Not started"
	case m.State == exeunt.MemberWaiting:
		return statusWaiting, "Not started"
	case of == nil:
		return statusRunning, "The case is being opened"
	case of.State == exeunt.CaseRescinded:
		return statusSkipped, "Stays: the departure was taken back"
	case of.Failed > 0:
		return statusFailed, orElse(of.Worst, "A step has failed")
	case of.AccessLate(now):
		return statusFailed, "Access is not proven ended, " + took(now.Sub(of.AccessBy)) + " past its limit"
	case of.State == exeunt.CaseHeld:
		return statusPerson, "Held"
	case of.Attention():
		return statusPerson, orElse(of.Worst, "Needs a person")
	case of.Ended():
		return statusDone, "Access ended " + at(of.AccessAt, zone)
	case of.CutOff.After(now):
		return statusScheduled, "Access ends " + at(of.CutOff, zone)
	default:
		return statusRunning, fmt.Sprintf("%d of %d access steps settled", of.AccessDone, of.AccessSteps)
	}
}

// waveStatus is the wave's own state and its word.
func waveStatus(w exeunt.Wave) (status, string) {
	switch {
	case w.Checking():
		return statusRunning, "Being checked"
	case w.State == exeunt.WaveDraft:
		return statusPerson, "Needs its check"
	case w.State == exeunt.WaveChecked && w.Approved == nil:
		return statusPerson, "Needs a second person"
	case w.State == exeunt.WaveChecked:
		return statusScheduled, "Approved, not started"
	case w.State == exeunt.WaveCanary:
		return statusRunning, "Canary"
	case w.State == exeunt.WaveHeld:
		return statusPerson, "Held until a person goes on"
	case w.State == exeunt.WaveRunning:
		return statusRunning, "Running"
	case w.State == exeunt.WaveStopped:
		return statusOverride, "Stopped"
	default:
		return statusDone, "Done"
	}
}

// phase is one stage of the way of a wave.
type phase struct {
	Label  string
	Status status
	Word   string // for screen readers
	Here   bool
}

// phases are the way of the wave, with where it is.
func (v waveView) phases() []phase {
	rest := v.Size - v.Canary
	labels := []string{"List " + number(v.Size), "Check", "Approval", "Canary " + number(v.Canary), "Hold point", "Rest " + number(rest), "Done"}
	here := map[exeunt.WaveState]int{exeunt.WaveDraft: 1, exeunt.WaveChecked: 2, exeunt.WaveCanary: 3, exeunt.WaveHeld: 4, exeunt.WaveRunning: 5, exeunt.WaveDone: 7}[v.State]
	if v.State == exeunt.WaveStopped {
		here = v.stoppedAt()
	}
	if v.State == exeunt.WaveChecked && v.Approved != nil {
		here = 3
	}
	var out []phase
	for i, label := range labels {
		if v.Canary == 0 && (i == 3 || i == 4) {
			continue
		}
		p := phase{Label: label, Status: statusDone, Word: "done"}
		switch {
		case i > here:
			p.Status, p.Word = statusWaiting, "not yet"
		case i == here && v.State == exeunt.WaveStopped:
			p.Status, p.Word, p.Here = statusOverride, "stopped here", true
		case i == here && (v.Releasing() || v.Checking()):
			p.Status, p.Word, p.Here = statusRunning, "under way", true
		case i == here && i < 7:
			p.Status, p.Word, p.Here = statusPerson, "needs a person", true
		}
		out = append(out, p)
	}
	return out
}

// stoppedAt is the stage at which the wave was stopped.
func (v waveView) stoppedAt() int {
	switch {
	case v.WentOn != nil || v.Started != nil && v.Canary == 0:
		return 5
	case !v.HeldAt.IsZero():
		return 4
	case v.Started != nil:
		return 3
	case v.Approved != nil || v.Check != nil:
		return 2
	default:
		return 1
	}
}

// misses are the people whom somebody has to look at, as many as the page shows.
func (v waveView) misses() (shown []personRow, more int) {
	for _, p := range v.People {
		if p.Miss() {
			shown = append(shown, p)
		}
	}
	if n := len(shown); n > missesShown {
		return shown[:missesShown], n - missesShown
	}
	return shown, 0
}

// What the page shows of a long list; the report has all of it.
const (
	missesShown = 20
	peopleShown = 40
)

func (v waveView) people() (shown []personRow, more int) {
	if n := len(v.People); n > peopleShown {
		return v.People[:peopleShown], n - peopleShown
	}
	return v.People, 0
}

// strip is the heat strip: each person one cell, all cells of a status one path, so that ten thousand
// people are still eight elements. The statuses differ by shape as well as by colour.
type strip struct {
	Width, Height int
	Paths         []stripPath
}

type stripPath struct {
	Status status
	Count  int
	D      string
}

const (
	cell    = 10
	columns = 100
)

// shapes draw one cell from its top left corner.
var shapes = map[status]string{
	statusFailed:    "h3l3 3v3l-3 3h-3l-3-3v-3z", // an octagon, begun 3 to the right
	statusPerson:    "l4.5 9h-9z",
	statusRunning:   "h8v8h-8zm2 2v4h4v-4z",
	statusScheduled: "v8h1.5v-8zm5 0v8h1.5v-8z",
	statusWaiting:   "h3v3h-3z",
	statusSkipped:   "h8v1.5h-8z",
	statusDone:      "h9v9h-9z",
}

var offsets = map[status][2]int{statusFailed: {3, 0}, statusPerson: {4, 0}, statusWaiting: {3, 3}, statusSkipped: {0, 4}}

func (v waveView) strip() strip {
	byRow := slices.Clone(v.People)
	slices.SortFunc(byRow, func(a, b personRow) int { return cmp.Compare(a.Position, b.Position) })
	draw, count := map[status]*strings.Builder{}, map[status]int{}
	for i, p := range byRow {
		if draw[p.Status] == nil {
			draw[p.Status] = &strings.Builder{}
		}
		offset := offsets[p.Status]
		fmt.Fprintf(draw[p.Status], "M%d %d%s", i%columns*cell+offset[0], i/columns*cell+offset[1], shapes[p.Status])
		count[p.Status]++
	}
	out := strip{Width: min(len(byRow), columns) * cell, Height: (len(byRow) + columns - 1) / columns * cell}
	for _, s := range []status{statusFailed, statusPerson, statusRunning, statusScheduled, statusWaiting, statusSkipped, statusDone} {
		if draw[s] != nil {
			out.Paths = append(out.Paths, stripPath{s, count[s], draw[s].String()})
		}
	}
	return out
}

var stripWords = map[status]string{
	statusFailed: "failed", statusPerson: "need a person", statusRunning: "running", statusScheduled: "scheduled", statusWaiting: "not started", statusSkipped: "not leaving", statusDone: "ended",
}

// words say what the strip shows.
func (s strip) words() string {
	var out []string
	for _, p := range s.Paths {
		out = append(out, number(p.Count)+" "+stripWords[p.Status])
	}
	return strings.Join(out, ", ")
}

// clockWords is the wave's one clock.
func (v waveView) clockWords() string {
	if v.Clock.At.IsZero() {
		return longDay(v.Clock.Day) + ", " + v.Clock.Clock + " at each place of work"
	}
	return at(v.Clock.At, v.Zone)
}

// parts are the live pieces of the page.
func (v waveView) parts() []part {
	_, word := waveStatus(v.Wave)
	p := v.Progress
	misses, more := v.misses()
	var missing, systems []string
	for _, m := range misses {
		missing = append(missing, fmt.Sprint(m.Position, m.Word))
	}
	for _, s := range v.Systems {
		systems = append(systems, fmt.Sprint(s.System, s.Steps, s.Settled, s.Failed, s.Running, s.Recent))
	}
	mark := fmt.Sprint(v.Version, p)
	if v.Checking() {
		mark += fmt.Sprint(v.Check.Looked())
	}
	return []part{
		{id: "state", mark: word, swap: "outerMorph", draw: waveState(v), say: "Wave: " + lower(word)},
		{id: "decisions", mark: fmt.Sprint(v.State), swap: "outerMorph", draw: waveStop(v)},
		{id: "phases", mark: fmt.Sprint(v.State, v.Checking(), v.Approved != nil), swap: "outerMorph", draw: wavePhases(v)},
		{id: "facts", mark: mark, swap: "outerMorph", draw: waveFacts(v), say: p.String()},
		{id: "decide", mark: fmt.Sprint(v.State, v.Checking(), v.Approved != nil, v.Version), swap: "outerMorph", draw: waveDecide(v)},
		{id: "needs", mark: strings.Join(missing, " ") + fmt.Sprint(more), swap: "outerMorph", draw: waveMisses(v)},
		{id: "systems", mark: strings.Join(systems, " "), swap: "outerMorph", draw: waveSystems(v)},
		{id: "people", mark: mark, swap: "outerMorph", draw: wavePeople(v)},
		{id: "check", mark: fmt.Sprint(v.Version), swap: "outerMorph", draw: waveCheck(v)},
		{id: "feed", mark: fmt.Sprint(len(v.Entries)), swap: "outerMorph", draw: waveFeed(v)},
	}
}

func (v waveView) digest() string { return digestOf(v.parts()) }

func (v waveView) streamURL() string {
	return "/waves/" + v.ID.String() + "/stream?since=" + v.digest()
}

// own says whether the viewer made the wave, so that somebody else has to approve it.
func (v waveView) own() bool { return v.Made.SamePerson(v.Viewer.override("")) }

func (v waveView) typed(form string) string {
	if v.Form == form {
		return v.Typed
	}
	return ""
}

// stoppable says whether there is something to stop.
func (v waveView) stoppable() bool {
	return v.State != exeunt.WaveStopped && v.State != exeunt.WaveDone && v.Viewer.may(approveWaves)
}

// reportView is the printable report.
type reportView struct {
	store.WaveReport
	visit  *visit
	titles map[string]string
}
