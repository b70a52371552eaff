package ui

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
)

// leftAlone is a system that is left alone since it does not answer, or does not let us in.
type leftAlone struct {
	exeunt.Breaker
	System exeunt.System
}

func (a leftAlone) title() string { return cmp.Or(a.System.Title, a.System.Name) }

// next says when it is tried again by itself. A try needs a visit that is due there.
func (a leftAlone) next(now time.Time) string {
	if a.ProbeAt.After(now) {
		return "Tried again " + distance(a.ProbeAt, now)
	}
	return "Tried again with its next visit"
}

// tries says how often it was tried in vain, once it was.
func (a leftAlone) tries() string {
	if a.Probes == 0 {
		return ""
	}
	return ", after " + plural(a.Probes, "try", "tries") + " in vain"
}

// leftAlones are the systems of the inventory that are left alone, the longest first. One that was taken out of
// the configuration concerns nobody any more.
func (s *server) leftAlones(v *visit) ([]leftAlone, error) {
	open, err := s.Reader(v.Viewer()).OpenBreakers(v.Context())
	if err != nil {
		return nil, err
	}
	var out []leftAlone
	for _, system := range s.Inventory.Systems() {
		if b, ok := open[system.Name]; ok {
			out = append(out, leftAlone{b, system})
		}
	}
	slices.SortStableFunc(out, func(a, b leftAlone) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return out, nil
}

func findAlone(all []leftAlone, system string) *leftAlone {
	i := slices.IndexFunc(all, func(a leftAlone) bool { return a.Breaker.System == system })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// trySystem has a system tried at once that somebody has mended.
func (s *server) trySystem(v *visit) error {
	name := v.PathValue("id")
	err := s.Commands(v.Viewer()).TryNow(v.Context(), name, v.override(v.PostFormValue("reason")))
	message := "It is tried now."
	if exeunt.KindOf(err) == exeunt.Conflict { // it answers again, or somebody else was faster
		message, err = sentence(exeunt.MessageOf(err)), nil
	}
	if err != nil {
		return err
	}
	s.changed()
	return v.goTo("/systems/"+name, message)
}

// waits says whether a step waits for a system that is left alone: it would be done by now, or goes on by itself.
func (c caseView) waits(s exeunt.Step) *leftAlone {
	due := s.State == exeunt.StepReady || s.State == exeunt.StepRunning || s.State == exeunt.StepScheduled
	passing := s.State == exeunt.StepFailed && s.Passing()
	if due && !s.StartsAt.After(c.Now) || passing {
		return findAlone(c.Alone, s.System)
	}
	return nil
}

// waitNote says why nothing happens in a system, as far as the viewer sees systems.
func (c caseView) waitNote(a leftAlone) string {
	if !c.Viewer.may(seeSystems) {
		return a.title() + " does not answer. It goes on by itself when it does."
	}
	note := a.title() + " is left alone. " + sentence(a.Reason)
	if a.ProbeAt.After(c.Now) {
		return note + " It is tried again at " + near(a.ProbeAt, c.Now, c.Zone) + "."
	}
	return note + " It is tried again with its next visit."
}

// goesOn says how a failed step may go on without anybody's doing.
func (c caseView) goesOn(s exeunt.Step) string {
	if a := c.waits(s); a != nil {
		return " It goes on by itself when " + a.title() + " answers again."
	}
	if !s.NextAttemptAt.After(c.Now) {
		return ""
	}
	return " It is looked at again at " + near(s.NextAttemptAt, c.Now, c.Zone) + " and goes on by itself when that is mended."
}

// cameBack says of a step that failed how often it went on by itself.
func cameBack(s exeunt.Step) string {
	if s.Comebacks == 1 {
		return "Went on by itself after it had failed."
	}
	return fmt.Sprintf("Went on by itself %d times after it had failed.", s.Comebacks)
}

// nextLook is when a settled or failed step is looked at again; zero when it is not.
func (v stepView) nextLook() time.Time {
	at, ok := v.Step.DueAt()
	settled := v.Step.State == exeunt.StepConfirmed && v.Case.State != exeunt.CaseRescinded || v.Step.State.WithPeople()
	if !ok || !settled {
		return time.Time{}
	}
	return at
}

// kin are the cases that go on from one another, in words, with their addresses.
func (c caseView) kin() []kin {
	var out []kin
	add := func(word, why string, ids ...exeunt.CaseID) {
		for _, id := range ids {
			if id != 0 {
				out = append(out, kin{word, id, why})
			}
		}
	}
	add("Follows", "whose access came back", c.Case.Follows)
	add("Puts back", "whose departure was taken back", c.Case.PutsBack)
	add("Followed by", "since access came back", c.FollowedBy...)
	add("Put back by", "since the departure was taken back", c.PutBackBy...)
	return out
}

type kin struct {
	Word string
	Case exeunt.CaseID
	Why  string
}

// aloneCount says how many there are.
func aloneCount(n int) string { return plural(n, "system is", "systems are") + " left alone" }
