package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Drift is what was confirmed and is so no longer: somebody, or a synchronisation, has opened the account
// again. Confirmed steps are therefore looked at again, also when their case has long been closed.

// driftLooks are the times after its settlement at which a confirmed step is looked at again (SPEC §6).
var driftLooks = []time.Duration{24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// The wait after a look that the system did not answer doubles each time, from the first to the longest.
const (
	driftRetry   = time.Hour
	longestRetry = 24 * time.Hour
)

// driftLookAt is when a confirmed step is looked at next, if ever. What was put back, or could not be read back
// at all, is not looked at.
func (s Step) driftLookAt() (time.Time, bool) {
	if s.State != StepConfirmed || s.Proof != Observed || s.Undoes != "" || s.Looks >= len(driftLooks) {
		return time.Time{}, false
	}
	at := s.SettledAt.Add(driftLooks[s.Looks])
	if s.NextAttemptAt.After(at) {
		at = s.NextAttemptAt
	}
	return at, true
}

// watched are the steps of a case that are looked at for drift. Who ends the departure saves them as they are: with their
// new versions a look that is under way collides, which would cut again what is right from now on.
func (c Case) watched(steps []Step) []Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool {
		_, looks := s.driftLookAt()
		return s.Case != c.ID || !looks
	})
}

// recordLook adds an entry of a look: to the case's own record while that is open, else beside it, since the
// record of a closed case is sealed.
func (c *Change) recordLook(of Case, s Step, now time.Time, what string, detail map[string]string) {
	if of.Open() {
		c.Record(EntryLooked, s, now, what, detail)
		return
	}
	c.Record(EntryLooked, of.ID, now, what, detail)
	e := &c.Entries[len(c.Entries)-1]
	e.System, e.Step = s.System, s.Key
}

// StillSo notes that a look has shown a confirmed step to be so still.
func (s Step) StillSo(of Case, seen Observation, now time.Time) Change {
	s.Looks++
	s.Rechecks, s.NextAttemptAt, s.Unlooked = 0, time.Time{}, ""
	change := Change{Steps: []Step{s}}
	change.recordLook(of, s, now, fmt.Sprintf("%s: %s still holds after %s", s.SystemTitle, lower(s.Title), days(now.Sub(s.SettledAt))),
		merge(map[string]string{"account": s.Account.ID}, "after.", seen.Facts, nil))
	return change
}

// lastTries is on how many days after it was refused the last look is tried again: after the others there is one more, and
// whoever mends the rights of the account that we have there is to see it made.
const lastTries = 7

// NotLooked notes that the system did not answer a look, which is made later. One that it refused would be refused
// again in an hour: its owner is told once, and the next look is the one that is due anyhow. The last one is tried again
// for some days, and its owner is told when that ends, too.
func (s Step) NotLooked(of Case, why *Error, now time.Time) Change {
	detail := map[string]string{"reason": messageOf(why, "no answer"), "class": string(KindOf(errOrNil(why)))}
	if passes(why) {
		s.NextAttemptAt = now.Add(min(driftRetry<<min(s.Rechecks, 10), longestRetry))
		s.Rechecks++
		change := Change{Steps: []Step{s}}
		change.recordLook(of, s, now, fmt.Sprintf("%s: whether %s still holds is not known yet", s.SystemTitle, lower(s.Title)), detail)
		return change
	}
	first := s.Unlooked != KindOf(errOrNil(why)) // of this look: what passed before it told nobody
	s.Unlooked = KindOf(errOrNil(why))
	if s.Looks == len(driftLooks)-1 && s.Rechecks < lastTries {
		s.NextAttemptAt = now.Add(longestRetry)
		s.Rechecks++
	} else {
		s.Looks++
		s.Rechecks, s.NextAttemptAt, s.Unlooked = 0, time.Time{}, ""
	}
	then := "nobody looks any more"
	next, looks := s.driftLookAt()
	if looks {
		then = "the next look is on " + next.In(of.Zone()).Format(time.DateOnly)
	}
	change := Change{Steps: []Step{s}}
	change.recordLook(of, s, now, fmt.Sprintf("%s: it refuses to show whether %s still holds; %s", s.SystemTitle, lower(s.Title), then), detail)
	if first || !looks {
		change.Notices = []Notice{{Kind: NoticeAlert, To: s.Owner, Dedup: fmt.Sprintf("unlooked:%s:%s", s.System, now.UTC().Format(time.DateOnly)),
			Text: fmt.Sprintf("%s refuses to show whether what was ended there still holds: %s; %s. Look at the rights of the account that Exeunt has there, and at departed people's accounts by hand.", s.SystemTitle, detail["reason"], then)}}
	}
	return change
}

// passes says whether an error may pass by itself.
func passes(err *Error) bool {
	switch KindOf(errOrNil(err)) {
	case Throttled, Temporary, Unauthorised, Internal:
		return true
	default:
		return false
	}
}

// NoMoreLooks ends the looks at a step whose person is back: what is open then is right.
func (s Step) NoMoreLooks(of Case, why string, now time.Time) Change {
	s.Looks, s.NextAttemptAt = len(driftLooks), time.Time{}
	change := Change{Steps: []Step{s}}
	change.recordLook(of, s, now, fmt.Sprintf("%s: %s is not looked at any more: %s", s.SystemTitle, lower(s.Title), why), nil)
	return change
}

// EndLooks ends the looks at everything that a case has confirmed: what is open from now on is right, or for another
// case to decide. Each step gets a new version, so that a look which is under way cuts nothing any more.
func (c Case) EndLooks(steps []Step, why string, now time.Time) Change {
	var change Change
	for _, s := range steps {
		if _, looks := s.driftLookAt(); looks {
			change = change.and(s.NoMoreLooks(c, why, now))
		}
	}
	return change
}

// Replaced sets apart the confirmed steps that another step of the case in the same system does anew, or puts
// back: what holds until then is for people to decide.
func Replaced(confirmed, all []Step) (still, replaced []Step) {
	for _, s := range confirmed {
		anew := slices.ContainsFunc(all, func(o Step) bool {
			return o.Key != s.Key && (o.Undoes == s.Key || o.Action == s.Action && o.Undoes == "" && o.StartsAt.After(s.StartsAt) && o.State != StepCancelled)
		})
		if anew {
			replaced = append(replaced, s)
		} else {
			still = append(still, s)
		}
	}
	return still, replaced
}

// CutAgain reopens confirmed steps of an open case that a look has shown not to hold any more.
func CutAgain(of Case, steps []Step, now time.Time) Change {
	var change Change
	for _, s := range steps {
		s = s.cutAgain(now)
		change.Steps = append(change.Steps, s)
		change.Record(EntryDrifted, s, now, cameBackText(s), map[string]string{"account": s.Account.ID})
	}
	change.Notices = driftNotices(of, steps, now, "is being cut again")
	return change
}

// CutAgainAnew is the case that cuts again what came back after a case was closed, and the end of the looks at
// the old steps: the new ones have their own. It goes on from the newest case of the departure, which is closed,
// too. id and handle are the new case's.
func CutAgainAnew(of, newest Case, steps []Step, id CaseID, handle string, now time.Time) (opened, ended Change) {
	c := newest.next(id, handle, now)
	c.State, c.Follows, c.Wave, c.Source, c.EventID = CaseRunning, newest.ID, newest.Wave, "drift", fmt.Sprintf("%s-%d", of.ID, now.UnixMicro())
	c.Departure.Immediate = true
	c.CutOff, c.AccessBy = now.UTC(), now.UTC().Add(of.AccessBy.Sub(of.CutOff))
	opened.Case = &c
	opened.RecordBy("drift", EntryOpened, c, now, fmt.Sprintf("case opened since access came back after %s was closed", of.ID), map[string]string{
		"follows": newest.ID.String(), "steps": fmt.Sprint(len(steps)), "leaver": c.Leaver().Name, "employee_id": c.Leaver().ID, "entity": c.Leaver().Entity,
	})
	joined, ended := CutAgainIn(c, of, steps, now)
	opened.Steps, opened.Notices, opened.Entries = joined.Steps, joined.Notices, append(opened.Entries, joined.Entries...)
	return opened, ended
}

// CutAgainIn adds to an open case what came back after an older case of the same departure was closed, and ends
// the looks at the old steps. The case is part of the change: once it was taken back, nothing is added to it.
func CutAgainIn(c, of Case, steps []Step, now time.Time) (joined, ended Change) {
	joined.Case = &c
	for _, s := range steps {
		again := s.cutAgain(now)
		again.Case, again.Version, again.After, again.Urgent = c.ID, 0, nil, true
		joined.Steps = append(joined.Steps, again)
		joined.Record(EntryDrifted, again, now, cameBackText(s), map[string]string{"account": s.Account.ID})
		end := s.NoMoreLooks(of, "it came back and is cut again in "+c.ID.String(), now)
		ended.Steps, ended.Entries = append(ended.Steps, end.Steps...), append(ended.Entries, end.Entries...)
	}
	joined.Notices = driftNotices(c, joined.Steps, now, "is being cut again")
	return joined, ended
}

// CutsAgain says whether what came back is done again without asking anybody: not what does more when it is done
// twice, such as a payment, nor what was done for a date or by people.
func (s Step) CutsAgain(spec ActionSpec) bool {
	return s.Action == CheckAccess || spec.Repeatable && !spec.ByHand && !s.Action.dated()
}

// LeftToPeople reports what holds no longer and must not simply be done again.
func LeftToPeople(of Case, steps []Step, now time.Time) Change {
	var change Change
	for _, s := range steps {
		end := s.NoMoreLooks(of, "it holds no longer, and a person has to decide", now)
		end.Entries[0].Kind = EntryDrifted
		change.Steps, change.Entries = append(change.Steps, end.Steps...), append(change.Entries, end.Entries...)
	}
	change.Notices = driftNotices(of, steps, now, "is not done again by itself: decide what is right")
	return change
}

// EndedElsewhere reports steps that were confirmed at an account of which people know better since: it may have been the
// leaver's then, and given to somebody later, or it never was.
func EndedElsewhere(of Case, steps []Step, now time.Time) Change {
	var change Change
	for _, s := range steps {
		end := s.NoMoreLooks(of, "the account is confirmed to be somebody else's, or nobody's", now)
		end.Entries[0].Kind = EntryDrifted
		end.Entries[0].Detail = map[string]string{"account": s.Account.ID}
		change.Steps, change.Entries = append(change.Steps, end.Steps...), append(change.Entries, end.Entries...)
	}
	change.Notices = noticesOf(of, steps, now, func(s Step) string {
		return fmt.Sprintf("%s: what was ended for %s was ended at the account %s, which is confirmed to be somebody else's, or nobody's (%s). If it never was theirs, give it back there and end their own: exeunt reconcile shows it.",
			s.SystemTitle, of.Leaver().Name, cmp.Or(s.Account.Login, s.Account.ID), of.ID)
	})
	return change
}

func (s Step) cutAgain(now time.Time) Step {
	s = s.again(now)
	s.BegunAt, s.AppliedAt, s.StartsAt = time.Time{}, time.Time{}, now
	s.Reason = "it came back"
	return s
}

func cameBackText(s Step) string {
	return fmt.Sprintf("%s: %s held no longer: it is done again", s.SystemTitle, lower(s.Title))
}

// driftNotices report what came back.
func driftNotices(of Case, steps []Step, now time.Time, then string) []Notice {
	return noticesOf(of, steps, now, func(s Step) string {
		return fmt.Sprintf("%s: what was ended for %s came back, and %s (%s). Find out who or what did it.", s.SystemTitle, of.Leaver().Name, then, of.ID)
	})
}

// noticesOf tell whoever owns the case and the systems, once for each system.
func noticesOf(of Case, steps []Step, now time.Time, text func(Step) string) []Notice {
	var out []Notice
	told := map[string]bool{}
	for _, s := range steps {
		if told[s.System] {
			continue
		}
		told[s.System] = true
		for _, to := range uniquePeople(s.Owner, of.Owner) {
			out = append(out, Notice{Kind: NoticeAlert, To: to, Case: of.ID, Dedup: fmt.Sprintf("drift:%s:%d", s.System, now.UnixMicro()), Text: text(s)})
		}
	}
	return out
}

func days(d time.Duration) string {
	n := int(d.Round(24*time.Hour) / (24 * time.Hour))
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}
