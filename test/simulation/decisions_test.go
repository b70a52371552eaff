package simulation_test

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// What takes two people, or a person in time (11): overrides, the fuse, waves.

// checkTwoPeople sees that no override that needs a second person had an effect without one, or too late.
func (w *world) checkTwoPeople(f store.CaseFile) {
	for _, d := range f.Case.Overrides {
		if d.State != exeunt.DeviationDone || d.Expires.IsZero() {
			continue
		}
		switch {
		case d.Second == nil || d.SamePerson(*d.Second):
			w.breaks(11, "%s: what %s asked for was done without another person: %s", f.Case.ID, d.By, d.What)
		case d.SecondAt.After(d.Expires):
			w.breaks(11, "%s: what %s asked for was done after it had expired: %s", f.Case.ID, d.By, d.What)
		}
	}
	for _, s := range f.Steps {
		if s.State == exeunt.StepWaived && s.Dangerous() && !slices.ContainsFunc(f.Case.Overrides, func(d exeunt.Deviation) bool {
			return d.Kind == exeunt.DeviateWaive && d.Step == s.Key && d.State == exeunt.DeviationDone && !d.Expires.IsZero()
		}) {
			w.breaks(11, "%s %s is left open by one person alone", f.Case.ID, s.Key)
		}
	}
}

// checkFuse follows the log: what the fuse holds begins after two people have released it, and no more departures come
// through within the window than it lets.
func (w *world) checkFuse(log []exeunt.Entry) {
	released := map[string]bool{}
	holds := map[exeunt.CaseID]string{}
	letGo := map[exeunt.CaseID]bool{}
	through := map[exeunt.CaseID]bool{} // of HR's departures
	begun := len(log)
	for i, e := range log {
		switch e.Kind {
		case exeunt.EntryFuseReleased:
			if cases := e.Detail["cases"]; cases == "" {
				released[e.Detail["fuse"]] = true
			} else {
				for name := range strings.SplitSeq(cases, ", ") {
					letGo[caseNamed(name)] = true
				}
			}
			begun = min(begun, i)
			if e.Detail["by"] == "" || e.Detail["by"] == e.Detail["asked_by"] || e.Detail["reason"] == "" {
				w.breaks(11, "%s was released by one person alone: %v", e.Detail["fuse"], e.Detail)
			}
		case exeunt.EntryHeld:
			if trip := e.Detail["fuse"]; trip != "" && !released[trip] {
				holds[e.Case] = trip
			}
		case exeunt.EntryReleased:
			if trip := holds[e.Case]; trip != "" && !released[trip] && !letGo[e.Case] {
				w.breaks(11, "%s goes on, and %s, which holds it, was released by nobody", e.Case, trip)
			}
			delete(holds, e.Case)
		case exeunt.EntryRescinded, exeunt.EntryRehired:
			delete(holds, e.Case)
		case exeunt.EntryIntent:
			if trip := holds[e.Case]; trip != "" && !released[trip] && !letGo[e.Case] {
				w.breaks(11, "%s %s begins while %s holds the case", e.Case, e.Step, trip)
			}
		case exeunt.EntryOpened:
			through[e.Case] = i < begun && e.Actor == authority
		}
	}
	w.checkThrough(through, log)
}

// caseNamed is the case of a name such as C-7.
func caseNamed(name string) exeunt.CaseID {
	return exeunt.CaseID(atoi(strings.TrimPrefix(name, "C-")))
}

// checkThrough counts the departures that came through before anybody released any.
func (w *world) checkThrough(through map[exeunt.CaseID]bool, log []exeunt.Entry) {
	if w.fuse.Departures == 0 || w.fuse.Window < w.span {
		return // then the window moves, and whoever left it counts no more
	}
	held := map[exeunt.CaseID]bool{}
	for _, e := range log {
		if e.Kind == exeunt.EntryHeld && e.Detail["fuse"] != "" {
			held[e.Case] = true
		}
	}
	people := map[string]bool{}
	for id, by := range through {
		c, err := w.store.Case(context.Background(), id)
		if err == nil && by && !held[id] && c.PutsBack == 0 && c.Follows == 0 && c.Wave == 0 {
			people[c.Leaver().Key()] = true
		}
	}
	if len(people) > w.fuse.Departures {
		w.breaks(11, "%d people left within the window of a fuse that lets %d through", len(people), w.fuse.Departures)
	}
}

// checkWave follows the log: two people stand behind a wave, its canary is no larger than was said, nobody goes after its
// stop, and whoever was released has one case or a reason why there is none.
func (w *world) checkWave(log []exeunt.Entry) {
	made, approved, wentOn, stopped := map[exeunt.WaveID]string{}, map[exeunt.WaveID]bool{}, map[exeunt.WaveID]bool{}, map[exeunt.WaveID]bool{}
	byID, before := map[exeunt.WaveID]exeunt.Wave{}, map[exeunt.WaveID]int{}
	for _, v := range w.waves() {
		byID[v.ID] = v
		w.checkMembers(v)
	}
	for _, e := range log {
		switch v := byID[e.Wave]; e.Kind {
		case exeunt.EntryWaveMade:
			made[e.Wave] = e.Detail["by"]
		case exeunt.EntryWaveApproved:
			approved[e.Wave] = true
			if e.Detail["by"] == made[e.Wave] {
				w.breaks(11, "%s was made and approved by %s", e.Wave, e.Detail["by"])
			}
		case exeunt.EntryWaveWentOn:
			wentOn[e.Wave] = true
		case exeunt.EntryWaveStopped:
			stopped[e.Wave] = true
		case exeunt.EntryWaveReleased:
			if !wentOn[e.Wave] {
				before[e.Wave] += atoi(e.Detail["people"])
			}
			if !approved[e.Wave] || stopped[e.Wave] || v.Canary > 0 && before[e.Wave] > v.Canary {
				w.breaks(11, "%s releases people: approved %t, stopped %t, %d before the hold point of a canary of %d", e.Wave, approved[e.Wave], stopped[e.Wave], before[e.Wave], v.Canary)
			}
		}
	}
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

func (w *world) checkMembers(v exeunt.Wave) {
	people, err := w.store.Everything().Members(context.Background(), v.ID)
	if err != nil {
		w.fatal(err)
	}
	for _, m := range people {
		c, err := w.store.Case(context.Background(), m.Case)
		switch m.State {
		case exeunt.MemberOpened, exeunt.MemberJoined, exeunt.MemberStopped:
			if err != nil || c.Leaver().Key() != m.Departure.Leaver.Key() {
				w.breaks(7, "%s: %s is %s, and the case is %s: %v", v.ID, m.Departure.Leaver.ID, m.State, m.Case, err)
			}
		case exeunt.MemberRefused:
			if m.Reason == "" {
				w.breaks(5, "%s: %s was refused for no reason", v.ID, m.Departure.Leaver.ID)
			}
		case exeunt.MemberReleased:
			w.breaks(7, "%s: %s was released, and no case came of it", v.ID, m.Departure.Leaver.ID)
		case exeunt.MemberWaiting:
			if v.State != exeunt.WaveStopped && v.State != exeunt.WaveDraft && v.State != exeunt.WaveChecked {
				w.breaks(7, "%s is %s, and %s waits", v.ID, v.State, m.Departure.Leaver.ID)
			}
		}
	}
}
