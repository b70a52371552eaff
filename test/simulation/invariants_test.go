package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// The invariants of the specification, by their numbers. Those that are judged while things happen stand in
// judge_test.go, in the mailer and in the log of world_test.go, and in people_test.go.

// check looks at what is there after everything has come to its end.
func (w *world) check() {
	files := w.files()
	w.checkWhole(files)
	for _, f := range files {
		w.checkCoverage(f)
		for _, s := range f.Steps {
			w.checkSeen(f, s)
			w.checkUndo(f, s)
		}
		w.checkZone(f.Case)
		w.checkFollows(f, files)
		if w.profile.calm() && w.lives == 1 {
			w.checkParallel(f, w.entries(f.Case.ID))
		}
	}
	w.checkTrigger(files)
	w.checkMail(files)
	log := w.checkLedger(w.placed())
	w.checkFuse(log)
	w.checkStays(files, log)
	w.checkWave(log)
}

// checkWhole sees that state and record agree (5, 6, 11, 13). It holds at every moment, so that it is looked at
// after each crash too.
func (w *world) checkWhole(files []store.CaseFile) {
	for _, f := range files {
		entries := w.entries(f.Case.ID)
		w.checkReplay(f, entries)
		w.checkOverrides(f, entries)
		w.checkTwoPeople(f)
		w.checkSecrets(entries)
		w.checkFailures(f, entries)
	}
}

func (w *world) checkSecrets(entries []store.EntryRow) {
	for _, e := range entries {
		if strings.Contains(string(e.Body()), canary) {
			w.breaks(13, "a secret stands in an entry: %s %s", e.Kind, e.What)
		}
	}
}

// states are what an entry says of its step.
var states = map[exeunt.EntryKind]exeunt.StepState{
	exeunt.EntryIntent: exeunt.StepRunning, exeunt.EntryConfirmed: exeunt.StepConfirmed, exeunt.EntryAcknowledged: exeunt.StepAcknowledged,
	exeunt.EntryAttested: exeunt.StepAttested, exeunt.EntryRetry: exeunt.StepReady, exeunt.EntryRetried: exeunt.StepReady,
	exeunt.EntryCameBack: exeunt.StepReady, exeunt.EntryDrifted: exeunt.StepReady, exeunt.EntryFailed: exeunt.StepFailed, exeunt.EntryByHand: exeunt.StepByHand, exeunt.EntrySkipped: exeunt.StepSkipped, exeunt.EntryWaived: exeunt.StepWaived,
}

// checkReplay gives the state of everything from the record alone (6).
func (w *world) checkReplay(f store.CaseFile, entries []store.EntryRow) {
	told := map[string]exeunt.StepState{}
	done := map[string]bool{}
	var rescinded, amended, rehired, stopped, closed bool
	for _, e := range entries {
		if s, ok := states[e.Kind]; ok {
			told[e.Step] = s
		}
		switch e.Kind {
		case exeunt.EntryRescinded:
			rescinded = true
		case exeunt.EntryRehired:
			rehired = true
		case exeunt.EntryAmended:
			amended = true
			for _, keys := range []string{e.Detail["scheduled_anew"], e.Detail["added"]} { // also what an earlier change had cancelled
				for key := range strings.SplitSeq(keys, "; ") {
					delete(told, key)
				}
			}
		case exeunt.EntryLegalHold, exeunt.EntryLegalReleased, exeunt.EntryStepHeld, exeunt.EntryApproved:
			stopped = true
		case exeunt.EntryClosed:
			closed = true
		case exeunt.EntryTaskDone:
			done[e.Task] = true
		}
	}
	for _, s := range f.Steps {
		was, known := told[s.Key]
		agrees := was == s.State
		switch s.State {
		case exeunt.StepWaiting, exeunt.StepScheduled, exeunt.StepReady, exeunt.StepHeld: // where nothing has begun nothing is said
			agrees = agrees || !known || was == exeunt.StepReady || stopped
		case exeunt.StepCancelled: // the change of the plan says so for all of them
			agrees = rescinded || amended || rehired
		}
		if !agrees {
			w.breaks(6, "%s %s is %s, and its record says %q", f.Case.ID, s.Key, s.State, was)
		}
	}
	for _, t := range f.Tasks {
		if (t.State == exeunt.TaskDone) && !done[t.Key] {
			w.breaks(6, "%s task %s is done, and its record does not say so", f.Case.ID, t.Key)
		}
	}
	if closed != !f.Case.Open() || (rescinded || f.Case.PutsBack != 0) != (f.Case.State == exeunt.CaseRescinded) {
		w.breaks(6, "%s is %s, closed at %s, and its record says rescinded %t, closed %t", f.Case.ID, f.Case.State, f.Case.ClosedAt, rescinded, closed)
	}
	if n := len(entries); n == 0 || entries[0].Kind != exeunt.EntryOpened || closed && entries[n-1].Kind != exeunt.EntryClosed {
		w.breaks(6, "the record of %s does not begin with its opening or end with its close", f.Case.ID)
	}
}

// checkFailures sees that whatever failed became the task of somebody named, who is told (5).
func (w *world) checkFailures(f store.CaseFile, entries []store.EntryRow) {
	for _, e := range entries {
		if e.Kind != exeunt.EntryFailed && e.Kind != exeunt.EntryByHand {
			continue
		}
		i := slices.IndexFunc(f.Tasks, func(t exeunt.Task) bool { return t.Key == e.Detail["task"] })
		switch {
		case i < 0:
			w.breaks(5, "%s %s failed, and there is no task %q", f.Case.ID, e.Step, e.Detail["task"])
		case !f.Tasks[i].Owner.Named() || f.Tasks[i].Procedure == "":
			w.breaks(5, "%s %s failed, and nobody is asked to do anything", f.Case.ID, e.Step)
		}
	}
	for _, s := range f.Steps {
		if !s.State.WithPeople() {
			continue
		}
		if !slices.ContainsFunc(f.Tasks, func(t exeunt.Task) bool { return t.State == exeunt.TaskOpen && slices.Contains(t.Steps, s.Key) }) {
			w.breaks(5, "%s %s is with people, and no open task stands in for it", f.Case.ID, s.Key)
		}
	}
}

// checkOverrides sees that every deviation has a name and a reason (11).
func (w *world) checkOverrides(f store.CaseFile, entries []store.EntryRow) {
	waived := map[string]bool{}
	for _, e := range entries {
		switch e.Kind {
		case exeunt.EntryWaived:
			waived[e.Step] = true
			fallthrough
		case exeunt.EntryRetried, exeunt.EntryReleased, exeunt.EntryTaskReassigned, exeunt.EntryApproved, exeunt.EntryAsked, exeunt.EntryLegalReleased:
			if e.Detail["by"] == "" || e.Detail["reason"] == "" || e.Actor == "engine" {
				w.breaks(11, "%s %s: without a name or a reason: %v", f.Case.ID, e.Kind, e.Detail)
			}
		case exeunt.EntryHeld:
			if e.Detail["reason"] == "" {
				w.breaks(11, "%s was held for no reason", f.Case.ID)
			}
		}
	}
	for _, s := range f.Steps {
		if s.State == exeunt.StepWaived && !waived[s.Key] {
			w.breaks(11, "%s %s is waived, and nobody has", f.Case.ID, s.Key)
		}
	}
}

// checkCoverage sees that every system is in the plan, and that what a person does has a reason (2).
func (w *world) checkCoverage(f store.CaseFile) {
	if f.Case.PutsBack != 0 || f.Case.Follows != 0 { // it is no departure
		return
	}
	plan := exeunt.Plan{Case: f.Case, Steps: f.Steps, Tasks: f.Tasks}
	if left := plan.Uncovered(w.inventory); len(left) > 0 {
		w.breaks(2, "%s leaves out %v", f.Case.ID, left)
	}
	for _, t := range f.Tasks {
		if t.Coverage != "" && t.Reason == "" {
			w.breaks(2, "%s %s is done by hand for no written reason", f.Case.ID, t.Key)
		}
	}
}

// checkSeen sees that a confirmed step was so, by the vendor's books, at a look that the vendor remembers (3).
func (w *world) checkSeen(f store.CaseFile, s exeunt.Step) {
	v := w.vendors[s.System]
	if v == nil || s.Undoes != "" {
		return
	}
	spec, _ := v.system.Can(s.Action)
	switch s.State {
	case exeunt.StepConfirmed:
		action := s.Action
		if action == exeunt.CheckAccess {
			action = exeunt.Disable
		}
		a := w.remembered(v, s.Account.ID)
		switch {
		case a == nil || !a.deed(action).everSeen:
			w.breaks(3, "%s %s is confirmed, and nobody has seen it", f.Case.ID, s.Key)
		case spec.Proof == exeunt.Acknowledged:
			w.breaks(3, "%s %s is confirmed, and cannot be read back", f.Case.ID, s.Key)
		case s.Action != exeunt.CheckAccess && !a.deed(action).holds && !a.deed(action).drifted && f.Case.State != exeunt.CaseRescinded && !w.leavesAgain(f.Case):
			w.breaks(3, "%s %s is confirmed, and it is not so", f.Case.ID, s.Key)
		}
	case exeunt.StepAcknowledged:
		if a := w.remembered(v, s.Account.ID); a == nil || a.request(f.Case.ID, s.Action, false).sent == 0 || spec.Proof != exeunt.Acknowledged || s.Proof != exeunt.Acknowledged {
			w.breaks(3, "%s %s is acknowledged with proof %s, and was never asked for or can be read back", f.Case.ID, s.Key, s.Proof)
		}
	}
}

func (w *world) remembered(v *vendor, id string) *account {
	return v.accounts[id]
}

// checkUndo sees that what a removal took away was recorded before, and that what was put back is back (10).
func (w *world) checkUndo(f store.CaseFile, s exeunt.Step) {
	v := w.vendors[s.System]
	if v == nil || w.remembered(v, s.Account.ID) == nil {
		return
	}
	spec, _ := v.system.Can(s.Action)
	a := w.remembered(v, s.Account.ID)
	if before := a.before[s.Case.String()+s.Key]; before != nil && s.Undoes == "" {
		for _, key := range spec.Takes {
			if !slices.Equal(s.Snapshot[key], before[key]) {
				w.breaks(10, "%s %s recorded %s %v before it took away %v", s.Case, s.Key, key, s.Snapshot[key], before[key])
			}
		}
	}
	if s.Undoes == "" || s.State != exeunt.StepConfirmed || w.leavesAgain(f.Case) {
		return
	}
	for _, key := range spec.Takes {
		for _, value := range s.Snapshot[key] {
			if !slices.Contains(a.has[key], value) {
				w.breaks(10, "%s %s is confirmed, and %s %s is not back", s.Case, s.Key, key, value)
			}
		}
	}
}

// leavesAgain says whether there is a later case of the same person, which takes away again.
func (w *world) leavesAgain(c exeunt.Case) bool {
	newest, err := w.store.NewestCaseOf(context.Background(), c.Leaver().Key())
	return err != nil || newest.ID != c.ID
}

// checkZone computes the cut-off once more, in the zone of the place of work, by another way (12).
func (w *world) checkZone(c exeunt.Case) {
	d := c.Departure
	if d.Immediate || c.State == exeunt.CaseRescinded {
		return
	}
	zone, err := time.LoadLocation(d.Leaver.Zone)
	if err != nil {
		w.breaks(12, "%s has no zone: %v", c.ID, err)
		return
	}
	var year, month, day, hour, minute int
	clock := d.CutOffClock
	if clock == "" {
		clock = "17:00"
	}
	_, _ = fmt.Sscanf(string(d.LastDay), "%d-%d-%d", &year, &month, &day)
	_, _ = fmt.Sscanf(clock, "%d:%d", &hour, &minute)
	want := time.Date(year, time.Month(month), day, hour, minute, 0, 0, zone)
	if !d.CutOffAt.IsZero() { // the clock of a wave
		want = d.CutOffAt
	}
	if c.CutOff.Equal(want) {
		return
	}
	// What had passed when it was decided is caught up at once; and a cut-off that has passed stays.
	for _, e := range w.entries(c.ID) {
		if e.Kind == exeunt.EntryOpened || e.Kind == exeunt.EntryAmended || e.Kind == exeunt.EntryRevealed || e.Kind == exeunt.EntryEmbargoed {
			if d := c.CutOff.Sub(e.At); d > -time.Minute && d < time.Minute || c.Embargo != nil && c.CutOff.Equal(c.Embargo.Until) || c.CutOff.Before(e.At) {
				return
			}
		}
	}
	w.breaks(12, "%s ends access at %s, and %s %s in %s is %s", c.ID, c.CutOff, d.LastDay, clock, d.Leaver.Zone, want.UTC())
}

// checkParallel sees that without trouble every step begins at the very instant that it may (8).
func (w *world) checkParallel(f store.CaseFile, entries []store.EntryRow) {
	if slices.ContainsFunc(entries, func(e store.EntryRow) bool {
		return e.Kind == exeunt.EntryHeld || e.Kind == exeunt.EntryRetried || e.Kind == exeunt.EntryApproved || e.Kind == exeunt.EntryLegalReleased
	}) || slices.ContainsFunc(f.Tasks, func(t exeunt.Task) bool { return t.Asks == exeunt.AsksApproval }) { // an amendment may lift what somebody was asked about
		return
	}
	for _, s := range f.Steps {
		if !s.BegunAt.IsZero() && s.BegunAt.Sub(s.StartsAt) > 0 {
			w.breaks(8, "%s %s could start at %s and began at %s, and nothing was in its way", f.Case.ID, s.Key, s.StartsAt, s.BegunAt)
		}
	}
}

// checkTrigger sees that the last word of HR is what has come about (1, 7), and that one departure is one case.
func (w *world) checkTrigger(files []store.CaseFile) {
	for _, f := range files {
		for _, e := range w.entries(f.Case.ID) {
			if f.Case.Source == beside || e.Actor == beside && e.Kind != exeunt.EntryNoted {
				w.breaks(1, "%s was changed by %s, which is not the authoritative source: %s", f.Case.ID, beside, e.What)
			}
		}
	}
	for _, p := range w.people {
		var newest *exeunt.Case
		open := 0
		for _, f := range files {
			if f.Case.Leaver().ID == p.leaver.ID {
				newest = &f.Case
				if f.Case.Open() && f.Case.State != exeunt.CaseRescinded {
					open++
				}
			}
		}
		last := p.newest
		asked := slices.ContainsFunc(files, func(f store.CaseFile) bool { // a departure that comes before the one under way is over is a person's to sort out
			return f.Case.Leaver().ID == p.leaver.ID && slices.ContainsFunc(f.Tasks, func(t exeunt.Task) bool { return t.Key == "next-departure-"+string(last.Departure.LastDay) })
		})
		switch {
		case open > 1:
			w.breaks(1, "%s has %d departures under way", p.leaver.ID, open)
		case last.Kind == exeunt.Announced && (newest == nil || newest.State == exeunt.CaseRescinded):
			w.breaks(7, "%s leaves, by HR's last word (%s), and there is no case", p.leaver.ID, last.event)
		case last.Kind == exeunt.Announced && newest.Departure.LastDay != last.Departure.LastDay && !asked:
			w.breaks(7, "%s leaves on %s, by HR's last word (%s), and the case says %s", p.leaver.ID, last.Departure.LastDay, last.event, newest.Departure.LastDay)
		case last.Kind == exeunt.Rehired && newest != nil && newest.UnderWay() && newest.RehiredOn == "" && newest.Wave == 0:
			w.breaks(7, "%s works here again, by HR's last word (%s), and %s is %s", p.leaver.ID, last.event, newest.ID, newest.State)
		case last.Kind == exeunt.Rescinded && newest != nil && newest.Wave == 0 && newest.State != exeunt.CaseRescinded && newest.Open():
			w.breaks(7, "%s stays, by HR's last word (%s), and %s is %s", p.leaver.ID, last.event, newest.ID, newest.State)
		}
	}
}

// checkMail sees that whoever had to do something was told, and was told no secret (5, 13).
func (w *world) checkMail(files []store.CaseFile) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.mail {
		if strings.Contains(fmt.Sprintf("%+v", l.notice), canary) {
			w.breaks(13, "a secret was written to %s: %s", l.notice.To.Email, l.notice.Text)
		}
	}
	if w.profile.writes+w.profile.crash > 0 || w.lives > 1 {
		return // a wake-up may be lost with an answer, and the poll that is the net is a day long here
	}
	for _, f := range files {
		for _, t := range f.Tasks {
			if t.State != exeunt.TaskDone || len(t.Steps) == 0 || t.ClosedAt.Sub(t.OpenedAt) < time.Hour {
				continue // whoever was quick was not to be bothered any more
			}
			if !slices.ContainsFunc(w.mail, func(l letter) bool { return l.notice.Case == t.Case && l.notice.Task == t.Key }) {
				w.breaks(5, "%s: nobody was told of the task %s", t.Case, t.Key)
			}
		}
	}
}

// placed reads the log's leaves in their order.
func (w *world) placed() []exeunt.Record {
	records, err := w.store.Outbox().Sequenced(context.Background(), 0, 1<<20)
	if err != nil {
		w.breaks(6, "the log cannot be read: %v", err)
	}
	return records
}

// checkLedger follows the log and every chain in it: nothing is missing, nothing is there twice (6).
func (w *world) checkLedger(records []exeunt.Record) (log []exeunt.Entry) {
	type end struct {
		seq    int64
		hash   string
		closed bool
	}
	ends := map[string]end{}
	for i, r := range records {
		var e exeunt.Entry
		if err := json.Unmarshal(r.Body, &e); err != nil {
			w.breaks(6, "entry %d does not decode: %v", i, err)
		}
		log = append(log, e)
		w.kinds[e.Kind]++
		var leaf exeunt.Leaf
		if err := json.Unmarshal(r.Leaf, &leaf); err != nil {
			w.breaks(6, "leaf %d does not decode: %v", i, err)
			continue
		}
		last, known := ends[leaf.Case]
		switch {
		case leaf.N != int64(i):
			w.breaks(6, "leaf %d has the number %d", i, leaf.N)
		case known && (leaf.Seq != last.seq+1 || leaf.Prev != last.hash) || !known && leaf.Seq != 0:
			w.breaks(6, "leaf %d does not follow the one before it in its case", i)
		case leaf.Commit != exeunt.Commitment(r.Salt, r.Body):
			w.breaks(6, "leaf %d does not commit to its entry", i)
		case last.closed:
			w.breaks(6, "leaf %d comes after its case was closed", i)
		case leaf.Kind == exeunt.LeafClose && leaf.Count != leaf.Seq+1:
			w.breaks(6, "leaf %d counts %d leaves of its case, and it is the %d.", i, leaf.Count, leaf.Seq+1)
		}
		ends[leaf.Case] = end{leaf.Seq, exeunt.LeafHash(r.Leaf), leaf.Kind == exeunt.LeafClose && leaf.Case != ""}
	}
	return log
}
