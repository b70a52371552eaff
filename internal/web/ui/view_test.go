package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

var errSecret = errors.New("password hunter2 was refused")

func textLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestTimesInWords(t *testing.T) {
	berlin, _ := exeunt.Zone("Europe/Berlin")
	singapore, _ := exeunt.Zone("Asia/Singapore")
	cases := []struct{ got, want string }{
		{clock(18*time.Minute + 42*time.Second), "18:42"}, {clock(62*time.Minute + 3*time.Second), "1:02:03"},
		{took(44 * time.Second), "44 s"}, {took(164 * time.Second), "2 min 44 s"}, {took(72 * time.Minute), "1 h 12 min"}, {took(30 * time.Hour), "30 h"}, {took(3 * day), "3 d"},
		{distance(noon.Add(11*time.Minute), noon), "in 11 min"}, {distance(noon.Add(-2*day), noon), "2 d ago"},
		{due(noon.Add(-2*day), noon), "2 d late"}, {due(noon.Add(time.Hour), noon), "Due in 1 h"},
		{at(noon, berlin), "Thu 19 Nov, 19:18 CET"}, {full(noon, singapore), "Fri 20 Nov 2026, 02:18:42 +08 (+08:00)"},
		{relativeDay("2026-11-19", noon, berlin), "today"}, {relativeDay("2026-11-19", noon, singapore), "yesterday"}, {relativeDay("2026-11-20", noon, berlin), "tomorrow"},
		{shortDay("2026-11-19", noon), "Thu 19 Nov"}, {shortDay("2025-11-19", noon), "19 Nov 2025"}, {shortDay("", noon), "–"},
		{number(48211), "48,211"}, {number(-1), "-1"}, {number(100), "100"}, {initials("Maya van Okonkwo"), "MO"}, {initials("Ö"), "Ö"}, {initials(""), ""},
		{shareWords(8409, 8412), "99.9%"}, {shareWords(8412, 8412), "100%"}, {lower("SSO sign-on"), "SSO sign-on"}, {lower("Disable user"), "disable user"}, {sentence("waits"), "Waits."},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// TestConfirmedIsSaidOfWhatWasSeenOnly holds the second principle of the design.
func TestConfirmedIsSaidOfWhatWasSeenOnly(t *testing.T) {
	states := []exeunt.StepState{exeunt.StepWaiting, exeunt.StepScheduled, exeunt.StepReady, exeunt.StepRunning, exeunt.StepAcknowledged, exeunt.StepAttested, exeunt.StepFailed, exeunt.StepByHand, exeunt.StepWaived, exeunt.StepSkipped, exeunt.StepCancelled}
	for _, state := range states {
		if st, word := stepStatus(exeunt.Step{State: state}, noon); st == statusDone || word == "Confirmed" {
			t.Errorf("%s shows as %s, %s", state, st, word)
		}
	}
	if st, word := stepStatus(exeunt.Step{State: exeunt.StepConfirmed}, noon); st != statusDone || word != "Confirmed" {
		t.Errorf("confirmed shows as %s, %s", st, word)
	}
}

// TestAxis holds that every scale runs forward, begins and ends at the edges, and gives the first
// half hour of an immediate departure half of the width.
func TestAxis(t *testing.T) {
	immediate := exeunt.Case{OpenedAt: noon, CutOff: noon, AccessBy: noon.Add(30 * time.Minute)}
	ahead := exeunt.Case{OpenedAt: noon.Add(-9 * day), CutOff: noon, AccessBy: noon.Add(4 * time.Hour)}
	for _, c := range []exeunt.Case{immediate, ahead} {
		for _, scale := range scales {
			a := newAxis(c, noon.Add(20*day), scale.Key)
			before := -1.0
			for d := -10 * day; d < 30*day; d += 10 * time.Minute {
				x := a.x(d)
				if x < before || x < 0 || x > 100 {
					t.Fatalf("%s: %v lies at %g after %g", scale.Key, d, x, before)
				}
				before = x
			}
		}
	}
	a := newAxis(immediate, noon, scaleAuto)
	if x := a.x(30 * time.Minute); x != 52 || len(a.Segments) != 3 {
		t.Errorf("the first half hour ends at %g of %d segments", x, len(a.Segments))
	}
	var labels []string
	for _, m := range a.Marks {
		labels = append(labels, m.Label)
	}
	if got := strings.Join(labels, " | "); got != "0 | 5 min | 10 min | 15 min | 20 min | 25 min | 30 min | 12 h | 1 d | 8 d | 14 d" {
		t.Errorf("marks: %s", got)
	}
	if a := newAxis(ahead, noon.Add(20*day), scaleAuto); a.Segments[0].Label != "Before the cut-off" || a.Segments[3].Label != "First 21 days" {
		t.Errorf("segments: %+v", a.Segments)
	}
}

// TestOneChangeSendsOneRow holds that the stream sends the smallest piece that suffices.
func TestOneChangeSendsOneRow(t *testing.T) {
	file := maya(noon)
	view := func(now time.Time) caseView {
		return viewCase(file, nil, LedgerCheck{}, viewer{newWorld(noon).users["hr"]}, scaleAuto, now)
	}
	sent := marks(view(noon).parts(), map[string]string{})
	ids := func(now time.Time) string {
		var out []string
		for _, p := range changed(view(now).parts(), sent) {
			out = append(out, p.id)
		}
		return strings.Join(out, " ")
	}
	if got := ids(noon.Add(30 * time.Second)); got != "" {
		t.Errorf("time alone sends %q", got)
	}
	before := view(noon).Digest
	file.Steps[5].State, file.Steps[5].SettledAt, file.Steps[5].Version = exeunt.StepConfirmed, noon, 9
	if got := ids(noon); got != "facts b-access s-salesforce-freeze-user" {
		t.Errorf("one confirmed step sends %q", got)
	}
	if view(noon).Digest == before {
		t.Error("the digest does not tell a page that is not current")
	}
	if got := ids(noon.Add(20 * time.Minute)); !strings.Contains(got, "t-badges-by-hand") {
		t.Errorf("a deadline that passed sends %q", got)
	}
}

// TestNeedsAreOneMatterEach holds that several steps which failed for one reason are one line.
func TestNeedsAreOneMatterEach(t *testing.T) {
	file := maya(noon)
	file.Steps[0].State = exeunt.StepFailed
	file.Steps[2].State = exeunt.StepFailed
	file.Tasks[1].Steps = []string{file.Steps[0].Key, file.Steps[2].Key}
	var said []string
	for _, n := range viewCase(file, nil, LedgerCheck{}, viewer{newWorld(noon).users["hr"]}, scaleAuto, noon).Needs {
		said = append(said, n.Subject)
	}
	if got := strings.Join(said, " "); got != "Entra ID: 2 steps stopped. Snowflake: disable user stopped. Tom Reyes: approve final timesheet." {
		t.Errorf("needs: %s", got)
	}
}

func TestMeasuresAreNeverMadeUp(t *testing.T) {
	for _, m := range measures(store.Overview{}) {
		if m.Value != "" || m.Why == "" {
			t.Errorf("%s: %q because %q", m.Title, m.Value, m.Why)
		}
	}
	m := revocation([]time.Duration{5 * time.Hour, time.Hour, 2 * time.Hour})
	if m.Value != "2 h" || !m.Met || !strings.HasPrefix(m.Goal, "Goal under 4 h. 2 of 3 cases") {
		t.Errorf("%+v", m)
	}
	if m := share("x", 2, 3, 950, "Goal 95%", ""); m.Value != "66.6%" || m.Met {
		t.Errorf("%+v", m)
	}
}

// TestGeneratedTemplatesAreCurrent generates each template anew and compares.
func TestGeneratedTemplatesAreCurrent(t *testing.T) {
	files, _ := filepath.Glob("*.templ")
	if len(files) < 8 {
		t.Fatalf("only %d templates", len(files))
	}
	for _, name := range files {
		parsed, err := parser.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if _, err := generator.Generate(parsed, &out, generator.WithFileName(name), generator.WithVersion("v0.3.977")); err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile(strings.TrimSuffix(name, ".templ") + "_templ.go")
		if err != nil {
			t.Fatal(err)
		}
		if squash(out.String()) != squash(string(committed)) {
			t.Errorf("%s has changed since it was generated: run go generate ./internal/web/ui", name)
		}
	}
}

// squash leaves out what gofmt decides.
func squash(s string) string { return regexp.MustCompile(`\s+`).ReplaceAllString(s, "") }

// TestVendoredFiles holds the tables that say what was taken from where.
func TestVendoredFiles(t *testing.T) {
	for _, folder := range []string{"assets", "testdata"} {
		readme, err := os.ReadFile(filepath.Join(folder, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		rows := regexp.MustCompile("(?m)^\\| `([^`]+)` .*`([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(readme), -1)
		if len(rows) == 0 {
			t.Errorf("%s: no file is listed", folder)
		}
		for _, row := range rows {
			content, err := os.ReadFile(filepath.Join(folder, row[1]))
			if err != nil {
				t.Error(err)
			}
			if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != row[2] {
				t.Errorf("%s is not the file that its table names", row[1])
			}
		}
	}
}

// TestContrast computes the contrast of every text and bar colour on its surface, in both themes
// (WCAG 2.2, 1.4.3 and 1.4.11).
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("assets/app.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+):light-dark\((#[0-9a-f]{3,6}),(#[0-9a-f]{3,6})\)`).FindAllStringSubmatch(string(css), -1) {
		colours[m[1]] = [2]string{m[2], m[3]}
	}
	check := func(front, back string, least float64) {
		for theme := range 2 {
			if got := contrast(colours[front][theme], colours[back][theme]); got < least {
				t.Errorf("%s on %s, theme %d: %.2f, at least %.1f is needed", front, back, theme, got, least)
			}
		}
	}
	for _, text := range []string{"ink", "ink-2", "ink-3", "accent", "done", "running", "person", "failed", "waiting", "scheduled", "override"} {
		check(text, "surface", 4.5)
		check(text, "bg", 4.5)
	}
	for _, s := range []string{"done", "running", "person", "failed", "waiting", "scheduled", "override"} {
		check(s, s+"-soft", 4.5)
		check(s+"-bar", "surface", 3)
	}
	check("field", "surface", 3)
	check("on-button", "button", 4.5)
}

func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(hex string) float64 {
	if len(hex) == 4 {
		hex = fmt.Sprintf("#%c%c%c%c%c%c", hex[1], hex[1], hex[2], hex[2], hex[3], hex[3])
	}
	var r, g, b int
	fmt.Sscanf(hex, "#%02x%02x%02x", &r, &g, &b)
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func linear(channel int) float64 {
	c := float64(channel) / 255
	if c > 0.04045 {
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return c / 12.92
}

// What puts access back tells as much of somebody's accounts as what ends it, and does not count as ending it.
func TestWhatPutsAccessBackIsForThoseWhoMaySeeAccess(t *testing.T) {
	undo := exeunt.Step{Case: 1, Key: "directory-disable-undo", Undoes: "directory-disable", Branch: exeunt.PutBackBranch, State: exeunt.StepFailed, Title: "Undo: disable account"}
	f := store.CaseFile{Case: exeunt.Case{ID: 1, State: exeunt.CaseRescinded, CutOff: noon, AccessBy: noon.Add(time.Hour)}, Steps: []exeunt.Step{undo}}
	for role, sees := range map[string]bool{"it": true, "payroll": false} {
		c := viewCase(f, nil, LedgerCheck{}, viewer{store.User{Roles: []string{role}}}, "", noon.Add(day))
		if len(c.Branches) != 1 || c.Branches[0].Closed == sees || (len(c.Needs) == 1) != sees {
			t.Errorf("%s: %d branches, closed %t, %d needs", role, len(c.Branches), c.Branches[0].Closed, len(c.Needs))
		}
		if c.Facts.Access.All != 0 {
			t.Errorf("%s: it counts as ending access", role)
		}
	}
}
