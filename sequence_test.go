package exeunt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// known are the states in which HR's next word may meet a leaver.
var known = map[string]func(*testing.T) *file{
	"no case": func(*testing.T) *file { return nil },
	"scheduled": func(t *testing.T) *file {
		h := newHouse()
		h.inventory = slices.DeleteFunc(h.inventory, func(s exeunt.System) bool { return s.Name == "payroll" })
		return h.open(t, leavingAs(exeunt.Voluntary))
	},
	"running before cut-off": started,
	"running after cut-off":  cut,
	"running long after": func(t *testing.T) *file {
		f := cut(t)
		f.h.now = f.h.now.AddDate(0, 1, 0)
		return f
	},
	"held from its start": func(t *testing.T) *file {
		h := newHouse()
		f := &file{t: t, h: h}
		d := leavingAs(exeunt.Voluntary)
		f.keep(h.draft(t, exeunt.Case{}, d).Open(exeunt.Trigger{Source: "hr", Departure: d}, "more than 25 departures in one hour", h.now))
		return f
	},
	"held under way": func(t *testing.T) *file {
		f := cut(t)
		f.keep(must(f.c.HoldBy(exeunt.Override{By: "Hilde", Reason: "the date is disputed"}, f.h.now)))
		return f
	},
	"rescinded open": func(t *testing.T) *file { f := cut(t); f.rescind(); return f },
	"rescinded closed": func(t *testing.T) *file {
		f := cut(t)
		f.rescind()
		f.do("directory-remove-groups-undo")
		f.do("directory-disable-undo")
		f.complete("put-back")
		f.keep(must(f.c.Close(f.h.now)))
		return f
	},
	"rehired open": func(t *testing.T) *file {
		f := cut(t)
		f.h.now = f.h.now.AddDate(0, 0, 30)
		f.keep(must(f.c.Rehire(exeunt.Trigger{Source: "hr", Kind: exeunt.Rehired}, f.steps, f.tasks, f.h.now)))
		return f
	},
	"closed": func(t *testing.T) *file {
		f := cut(t)
		f.complete("hours")
		f.work(f.h.now)
		f.keep(must(f.c.Close(f.h.now)))
		return f
	},
}

// words are what HR may say next. Each changes what it said first.
var words = map[string]func(*exeunt.Trigger){
	"the same again":    func(*exeunt.Trigger) {},
	"an earlier day":    func(t *exeunt.Trigger) { lastDay("2026-03-20")(&t.Departure) },
	"a later day":       func(t *exeunt.Trigger) { lastDay("2026-05-29")(&t.Departure) },
	"another type":      func(t *exeunt.Trigger) { t.Departure.Type = exeunt.Layoff },
	"another flag":      func(t *exeunt.Trigger) { t.Departure.Leaver.Flags = []exeunt.Flag{exeunt.Privileged} },
	"at once":           func(t *exeunt.Trigger) { t.Departure.Immediate = true },
	"taken back":        func(t *exeunt.Trigger) { t.Kind = exeunt.Rescinded },
	"hired again":       func(t *exeunt.Trigger) { t.Kind = exeunt.Rehired; t.Departure.Leaver.HiredOn = "2026-04-15" },
	"taken back, hired": func(t *exeunt.Trigger) { t.Kind = exeunt.Rescinded; t.Departure.Leaver.HiredOn = "2026-04-15" },
	"hired and leaving": func(t *exeunt.Trigger) {
		lastDay("2026-05-29")(&t.Departure)
		t.Departure.Leaver.HiredOn = "2026-04-15"
	},
	"something older": func(t *exeunt.Trigger) {
		t.OccurredAt = t.OccurredAt.AddDate(0, 0, -60)
		lastDay("2026-03-20")(&t.Departure)
	},
	"another source":     func(t *exeunt.Trigger) { t.Second, t.Source = true, "it" },
	"it contradicts":     func(t *exeunt.Trigger) { t.Second, t.Source = true, "it"; lastDay("2026-05-29")(&t.Departure) },
	"it says they stay":  func(t *exeunt.Trigger) { t.Second, t.Source, t.Kind = true, "it", exeunt.Rescinded },
	"it says hired back": func(t *exeunt.Trigger) { t.Second, t.Source, t.Kind = true, "it", exeunt.Rehired },
}

// hear lets a case, or nobody's case, answer what was said, and says in a line what came of it.
func hear(t *testing.T, f *file, change func(*exeunt.Trigger)) string {
	h, now := newHouse(), monday.AddDate(0, 0, 1)
	var newest *exeunt.Case
	d := leavingAs(exeunt.Voluntary)
	var before []string
	if f != nil {
		h, now, newest, d = f.h, f.h.now.Add(time.Minute), new(f.c), f.c.Departure
		h.now = now
		before = f.lines()
	}
	said := exeunt.Trigger{Source: "hr", EventID: "next", Kind: exeunt.Announced, OccurredAt: now, ReceivedAt: now, Departure: d}
	change(&said)
	answer := said.Answer(newest, exeunt.Said{At: now.Add(-time.Hour)}, now)
	out := []string{string(answer)}
	switch answer {
	case exeunt.Absorb, exeunt.Outdated: // it is recorded, and that is all
	case exeunt.OpenCase, exeunt.Question:
		if f != nil {
			if stops, ok := f.c.LeaveAfterAll(h.draft(t, exeunt.Case{}, said.Departure).Case, f.steps, f.tasks, now); ok {
				f.keep(stops)
			}
		}
		doubt := ""
		if answer == exeunt.Question {
			doubt = "does it mean the same?"
		}
		next := h.draft(t, exeunt.Case{}, said.Departure).Open(said, doubt, now)
		out = append(out, "new case "+string(next.Case.State))
	case exeunt.LeaveAgain:
		f.keep(must(f.c.Rehire(said, f.steps, f.tasks, now)))
		out = append(out, "new case "+string(h.open(t, said.Departure).c.State))
	case exeunt.AmendCase:
		f.keep(must(f.c.Amend(said, h.draft(t, f.c, said.Departure), f.steps, f.tasks, now)))
	case exeunt.RescindCase:
		f.keep(must(f.c.Rescind(said, h.inventory, f.steps, f.tasks, now)))
	case exeunt.RehireCase:
		if !f.c.Open() {
			out = append(out, fmt.Sprintf("%d noted beside it", len(f.c.RehiredAfter(said, f.steps, now).Entries)))
			break
		}
		f.keep(must(f.c.Rehire(said, f.steps, f.tasks, now)))
	case exeunt.TooSoon:
		f.keep(f.c.NextDeparture(said, f.tasks, now))
	case exeunt.TooLate:
		out = append(out, fmt.Sprintf("%d told", len(f.c.ChangedAfter(said, now).Notices)))
	case exeunt.PutBackCase:
		back, _ := f.c.PutBack(2, "h2", said, h.inventory, f.steps, f.tasks, now)
		out = append(out, fmt.Sprintf("new case %s with %d steps, %d tasks", back.Case.State, len(back.Steps), len(back.Tasks)))
	case exeunt.Note:
		if f == nil {
			said.Noted(nil, nil, now)
		} else {
			noted := said.Noted(newest, f.tasks, now)
			f.keep(noted)
			if len(noted.Notices) > 0 {
				out = append(out, "told")
			}
		}
	}
	if f != nil {
		out = append(out, string(f.c.State))
		for _, line := range f.lines() {
			if !slices.Contains(before, line) {
				out = append(out, line)
			}
		}
	}
	return strings.Join(out, "; ")
}

// lines is one line for each step and task.
func (f *file) lines() []string {
	var out []string
	at := func(t time.Time) string { return t.In(f.c.Zone()).Format("06-01-02") }
	for _, s := range f.steps {
		line := s.Key + " " + string(s.State)
		if s.State == exeunt.StepScheduled {
			line += " " + at(s.StartsAt)
		}
		out = append(out, line)
	}
	for _, task := range f.tasks {
		line := task.Key + " " + string(task.State)
		if task.Open() {
			line += " " + at(task.StartsAt)
		}
		if strings.HasPrefix(task.Key, "contradiction-") {
			line = "contradiction " + string(task.State)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// Whatever HR says next, in whatever state: what comes of it is decided, and written down here.
func TestWhateverIsSaidNextHasItsAnswerInEveryState(t *testing.T) {
	for state, make := range known {
		for word, change := range words {
			want, defined := answers[state][word]
			got := hear(t, make(t), change)
			if !defined {
				t.Errorf("nothing is decided for %q when %s:\n\t\t%q: `%s`,", word, state, word, got)
			} else if got != want {
				t.Errorf("%s, %s:\n got %s\nwant %s", state, word, got, want)
			}
		}
	}
}

// answers are, for each state and each word: the answer, new cases, the state of the case, and what changed in it.
var answers = map[string]map[string]string{
	"no case": {
		"the same again":     "open; new case running",
		"an earlier day":     "open; new case running",
		"a later day":        "open; new case running",
		"another type":       "open; new case running",
		"another flag":       "open; new case running",
		"at once":            "open; new case running",
		"taken back":         "absorb",
		"hired again":        "absorb",
		"taken back, hired":  "absorb",
		"hired and leaving":  "open; new case running",
		"something older":    "outdated",
		"another source":     "note",
		"it contradicts":     "note",
		"it says they stay":  "note",
		"it says hired back": "note",
	},
	"scheduled": {
		"the same again":     "absorb; scheduled",
		"an earlier day":     "amend; scheduled; chat-check waiting 26-03-20; directory-disable scheduled 26-03-20; directory-remove-groups scheduled 26-03-20; door-by-hand open 26-03-20; hours open 26-03-19; purge open 33-03-21",
		"a later day":        "amend; scheduled; chat-check waiting 26-05-29; directory-disable scheduled 26-05-29; directory-remove-groups scheduled 26-05-29; door-by-hand open 26-05-29; hours open 26-05-28; purge open 33-05-30",
		"another type":       "amend; scheduled; hours withdrawn; papers open 26-03-02",
		"another flag":       "amend; scheduled; secrets open 26-03-31",
		"at once":            "amend; running; chat-check waiting 26-03-02; directory-disable ready; directory-remove-groups ready; door-by-hand open 26-03-02",
		"taken back":         "rescind; rescinded; chat-check withdrawn; directory-disable cancelled; directory-remove-groups cancelled; door-by-hand withdrawn; hours withdrawn; purge withdrawn",
		"hired again":        "rehire; scheduled; purge withdrawn",
		"taken back, hired":  "rehire; scheduled; purge withdrawn",
		"hired and leaving":  "too soon; scheduled; next-departure-2026-05-29 open 26-03-02",
		"something older":    "outdated; scheduled",
		"another source":     "note; scheduled",
		"it contradicts":     "note; told; scheduled; contradiction open",
		"it says they stay":  "note; told; scheduled; contradiction open",
		"it says hired back": "note; told; scheduled; contradiction open",
	},
	"held from its start": {
		"the same again":     "absorb; held",
		"an earlier day":     "amend; held; chat-check waiting 26-03-20; directory-disable scheduled 26-03-20; directory-remove-groups scheduled 26-03-20; door-by-hand open 26-03-20; hours open 26-03-19; purge open 33-03-21",
		"a later day":        "amend; held; chat-check waiting 26-05-29; directory-disable scheduled 26-05-29; directory-remove-groups scheduled 26-05-29; door-by-hand open 26-05-29; hours open 26-05-28; purge open 33-05-30",
		"another type":       "amend; held; hours withdrawn; papers open 26-03-02; payroll-schedule-final-pay scheduled 26-03-31",
		"another flag":       "amend; held; secrets open 26-03-31",
		"at once":            "amend; held; chat-check waiting 26-03-02; directory-disable ready; directory-remove-groups ready; door-by-hand open 26-03-02",
		"taken back":         "rescind; rescinded; chat-check withdrawn; directory-disable cancelled; directory-remove-groups cancelled; door-by-hand withdrawn; hours withdrawn; payroll-end-employment cancelled; payroll-schedule-final-pay cancelled; purge withdrawn",
		"hired again":        "rehire; rehired; chat-check withdrawn; directory-disable cancelled; directory-remove-groups cancelled; door-by-hand withdrawn; hours withdrawn; payroll-end-employment cancelled; payroll-schedule-final-pay cancelled; purge withdrawn",
		"taken back, hired":  "rehire; rehired; chat-check withdrawn; directory-disable cancelled; directory-remove-groups cancelled; door-by-hand withdrawn; hours withdrawn; payroll-end-employment cancelled; payroll-schedule-final-pay cancelled; purge withdrawn",
		"hired and leaving":  "too soon; held; next-departure-2026-05-29 open 26-03-02",
		"something older":    "outdated; held",
		"another source":     "note; held",
		"it contradicts":     "note; held; contradiction open",
		"it says they stay":  "note; held; contradiction open",
		"it says hired back": "note; held; contradiction open",
	},
	"running before cut-off": {
		"the same again":     "absorb; running",
		"an earlier day":     "amend; running; chat-check waiting 26-03-20; decide-2 open 26-03-02; directory-disable scheduled 26-03-20; directory-remove-groups scheduled 26-03-20; door-by-hand open 26-03-20; hours open 26-03-19; purge open 33-03-21",
		"a later day":        "amend; running; chat-check waiting 26-05-29; decide-2 open 26-03-02; directory-disable scheduled 26-05-29; directory-remove-groups scheduled 26-05-29; door-by-hand open 26-05-29; hours open 26-05-28; purge open 33-05-30",
		"another type":       "amend; running; hours withdrawn; papers open 26-03-02; payroll-schedule-final-pay scheduled 26-03-31",
		"another flag":       "amend; running; secrets open 26-03-31",
		"at once":            "amend; running; chat-check waiting 26-03-02; directory-disable ready; directory-remove-groups ready; door-by-hand open 26-03-02",
		"taken back":         "rescind; rescinded; chat-check withdrawn; directory-disable cancelled; directory-remove-groups cancelled; door-by-hand withdrawn; hours withdrawn; payroll-schedule-final-pay cancelled; purge withdrawn; put-back open 26-03-02",
		"hired again":        "rehire; running; purge withdrawn",
		"taken back, hired":  "rehire; running; purge withdrawn",
		"hired and leaving":  "too soon; running; next-departure-2026-05-29 open 26-03-02",
		"something older":    "outdated; running",
		"another source":     "note; running",
		"it contradicts":     "note; told; running; contradiction open",
		"it says they stay":  "note; told; running; contradiction open",
		"it says hired back": "note; told; running; contradiction open",
	},
	"running after cut-off": {
		"the same again":     "absorb; running",
		"an earlier day":     "amend; running; decide-2 open 26-03-31; purge open 33-03-21",
		"a later day":        "amend; running; chat-check-again-2 waiting 26-05-29; decide-2 open 26-03-31; directory-disable-again-2 scheduled 26-05-29; directory-remove-groups-again-2 scheduled 26-05-29; door-by-hand-again-2 open 26-05-29; hours open 26-05-28; purge open 33-05-30",
		"another type":       "amend; running; hours withdrawn; papers open 26-03-31; payroll-schedule-final-pay ready",
		"another flag":       "amend; running; secrets open 26-03-31",
		"at once":            "amend; running",
		"taken back":         "rescind; rescinded; directory-disable-undo waiting; directory-remove-groups-undo ready; hours withdrawn; payroll-schedule-final-pay cancelled; purge withdrawn; put-back open 26-03-31",
		"hired again":        "rehire; running; purge withdrawn",
		"taken back, hired":  "rehire; running; purge withdrawn",
		"hired and leaving":  "too soon; running; next-departure-2026-05-29 open 26-03-31",
		"something older":    "outdated; running",
		"another source":     "note; running",
		"it contradicts":     "note; told; running; contradiction open",
		"it says they stay":  "note; told; running; contradiction open",
		"it says hired back": "note; told; running; contradiction open",
	},
	"running long after": {
		"the same again":     "absorb; running",
		"an earlier day":     "amend; running; decide-2 open 26-05-01; purge open 33-03-21",
		"a later day":        "amend; running; chat-check-again-2 waiting 26-05-29; decide-2 open 26-05-01; directory-disable-again-2 scheduled 26-05-29; directory-remove-groups-again-2 scheduled 26-05-29; door-by-hand-again-2 open 26-05-29; hours open 26-05-28; purge open 33-05-30",
		"another type":       "amend; running; hours withdrawn; papers open 26-05-01; payroll-schedule-final-pay ready",
		"another flag":       "amend; running; secrets open 26-05-01",
		"at once":            "amend; running",
		"taken back":         "rescind; rescinded; directory-disable-undo waiting; directory-remove-groups-undo ready; hours withdrawn; payroll-schedule-final-pay cancelled; purge withdrawn; put-back open 26-05-01",
		"hired again":        "rehire; rehired; purge withdrawn",
		"taken back, hired":  "rehire; rehired; purge withdrawn",
		"hired and leaving":  "again; new case running; rehired; purge withdrawn",
		"something older":    "outdated; running",
		"another source":     "note; running",
		"it contradicts":     "note; told; running; contradiction open",
		"it says they stay":  "note; told; running; contradiction open",
		"it says hired back": "note; told; running; contradiction open",
	},
	"held under way": {
		"the same again":     "absorb; held",
		"an earlier day":     "amend; held; decide-2 open 26-03-31; purge open 33-03-21",
		"a later day":        "amend; held; chat-check-again-2 waiting 26-05-29; decide-2 open 26-03-31; directory-disable-again-2 scheduled 26-05-29; directory-remove-groups-again-2 scheduled 26-05-29; door-by-hand-again-2 open 26-05-29; hours open 26-05-28; purge open 33-05-30",
		"another type":       "amend; held; hours withdrawn; papers open 26-03-31; payroll-schedule-final-pay ready",
		"another flag":       "amend; held; secrets open 26-03-31",
		"at once":            "amend; held",
		"taken back":         "rescind; rescinded; directory-disable-undo waiting; directory-remove-groups-undo ready; hours withdrawn; payroll-schedule-final-pay cancelled; purge withdrawn; put-back open 26-03-31",
		"hired again":        "rehire; rehired; hours withdrawn; payroll-schedule-final-pay cancelled; purge withdrawn",
		"taken back, hired":  "rehire; rehired; hours withdrawn; payroll-schedule-final-pay cancelled; purge withdrawn",
		"hired and leaving":  "too soon; held; next-departure-2026-05-29 open 26-03-31",
		"something older":    "outdated; held",
		"another source":     "note; held",
		"it contradicts":     "note; held; contradiction open",
		"it says they stay":  "note; held; contradiction open",
		"it says hired back": "note; held; contradiction open",
	},
	"rescinded open": {
		"the same again":     "open; new case running; rescinded; directory-disable-undo cancelled; directory-remove-groups-undo cancelled; put-back withdrawn",
		"an earlier day":     "open; new case running; rescinded; directory-disable-undo cancelled; directory-remove-groups-undo cancelled; put-back withdrawn",
		"a later day":        "open; new case running; rescinded",
		"another type":       "open; new case running; rescinded; directory-disable-undo cancelled; directory-remove-groups-undo cancelled; put-back withdrawn",
		"another flag":       "open; new case running; rescinded; directory-disable-undo cancelled; directory-remove-groups-undo cancelled; put-back withdrawn",
		"at once":            "open; new case running; rescinded; directory-disable-undo cancelled; directory-remove-groups-undo cancelled; put-back withdrawn",
		"taken back":         "absorb; rescinded",
		"hired again":        "absorb; rescinded",
		"taken back, hired":  "absorb; rescinded",
		"hired and leaving":  "open; new case running; rescinded",
		"something older":    "outdated; rescinded",
		"another source":     "note; told; rescinded; contradiction open",
		"it contradicts":     "note; told; rescinded; contradiction open",
		"it says they stay":  "note; rescinded",
		"it says hired back": "note; rescinded",
	},
	"rescinded closed": {
		"the same again":     "open; new case running; rescinded",
		"an earlier day":     "open; new case running; rescinded",
		"a later day":        "open; new case running; rescinded",
		"another type":       "open; new case running; rescinded",
		"another flag":       "open; new case running; rescinded",
		"at once":            "open; new case running; rescinded",
		"taken back":         "absorb; rescinded",
		"hired again":        "absorb; rescinded",
		"taken back, hired":  "absorb; rescinded",
		"hired and leaving":  "open; new case running; rescinded",
		"something older":    "outdated; rescinded",
		"another source":     "note; told; rescinded",
		"it contradicts":     "note; told; rescinded",
		"it says they stay":  "note; rescinded",
		"it says hired back": "note; rescinded",
	},
	"rehired open": {
		"the same again":     "absorb; rehired",
		"an earlier day":     "question; new case held; rehired",
		"a later day":        "open; new case running; rehired",
		"another type":       "question; new case held; rehired",
		"another flag":       "question; new case held; rehired",
		"at once":            "question; new case held; rehired",
		"taken back":         "absorb; rehired",
		"hired again":        "absorb; rehired",
		"taken back, hired":  "absorb; rehired",
		"hired and leaving":  "open; new case running; rehired",
		"something older":    "outdated; rehired",
		"another source":     "note; rehired",
		"it contradicts":     "note; told; rehired; contradiction open",
		"it says they stay":  "note; rehired",
		"it says hired back": "note; rehired",
	},
	"closed": {
		"the same again":     "absorb; closed",
		"an earlier day":     "question; new case held; closed",
		"a later day":        "question; new case held; closed",
		"another type":       "too late; 1 told; closed",
		"another flag":       "too late; 1 told; closed",
		"at once":            "absorb; closed",
		"taken back":         "put back; new case rescinded with 2 steps, 1 tasks; closed",
		"hired again":        "rehire; 5 noted beside it; closed",
		"taken back, hired":  "rehire; 5 noted beside it; closed",
		"hired and leaving":  "open; new case running; closed",
		"something older":    "outdated; closed",
		"another source":     "note; closed",
		"it contradicts":     "note; told; closed",
		"it says they stay":  "note; told; closed",
		"it says hired back": "note; closed",
	},
}
