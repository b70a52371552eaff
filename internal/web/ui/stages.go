package ui

import (
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// shadowShown is how many departures a system's page compares.
const shadowShown = 20

// shadowView compares what people did in a system with what its connector would have done, and says who decides.
type shadowView struct {
	exeunt.ShadowReport
	Shown []exeunt.ShadowLine
}

func (s *server) shadow(v *visit, system exeunt.System) (shadowView, error) {
	report, err := web.ReportOf(v.Context(), s.Reader(v.Viewer()), system)
	return shadowView{report, report.Lines[:min(len(report.Lines), shadowShown)]}, err
}

// tells says whether there is anything to tell: nothing is compared where no connector is set up, nor where it has been live
// from the start.
func (v shadowView) tells(s exeunt.System) bool {
	return len(s.Actions) > 0 && (s.Stage == exeunt.Shadow || len(v.Lines) > 0 || v.Trust != nil)
}

// needsTwo says whether one person alone cannot decide that the connector acts.
func (v shadowView) needsTwo() bool { return v.Tier == 1 && v.Against != "" }

// askedFor is the request that waits for a second person; nil when none does.
func (v shadowView) askedFor(visit *visit) *exeunt.Request {
	if v.Trust == nil || v.Trust.By != nil || !v.Trust.Ask.Waits(visit.now) {
		return nil
	}
	return v.Trust.Ask
}

func (v shadowView) question() string {
	if v.needsTwo() {
		return "Why may its connector act? Another person has to decide the same within a day, since " + v.Against + "."
	}
	return "Why may its connector act from now on?"
}

// verdictStatus is how a comparison is drawn.
func verdictStatus(v exeunt.ShadowVerdict) status {
	switch v {
	case exeunt.ShadowAgreed:
		return statusDone
	case exeunt.ShadowDidMore:
		return statusPerson
	case exeunt.ShadowStillOpen, exeunt.ShadowWouldFail:
		return statusFailed
	case exeunt.ShadowNotFound:
		return statusLate
	case exeunt.ShadowUnseen:
		return statusSaid
	default:
		return statusWaiting
	}
}

// stageWords is the stage that counts, and the one that the system's file asks for.
func stageWords(s exeunt.System) string {
	if s.Asks != "" {
		return upper(string(s.Stage)) + ": its file asks for " + string(s.Asks) + ", and nobody has decided"
	}
	return upper(string(s.Stage))
}

func (s *server) goLive(v *visit) error {
	if err := reasonFor(v); err != nil {
		return err
	}
	name := v.PathValue("id")
	trust, err := s.Commands(v.Viewer()).GoLive(v.Context(), name, v.override(v.PostFormValue("reason")))
	message := "It is live: its connector acts in departures that are planned from now on."
	if trust.By == nil {
		message = "You have asked for it. Another person has to decide the same within a day."
	}
	return s.decidedStage(v, message, err)
}

func (s *server) stepBack(v *visit) error {
	err := s.Commands(v.Viewer()).StepBack(v.Context(), v.PathValue("id"), v.override(v.PostFormValue("reason")))
	return s.decidedStage(v, "People do what is planned there from now on. Cases under way keep their plan.", err)
}

// decidedStage shows the system as it is after a decision. One that came too late, or was the same person's, is said there.
func (s *server) decidedStage(v *visit, message string, err error) error {
	if kind := exeunt.KindOf(err); kind == exeunt.Conflict || kind == exeunt.Denied {
		message, err = sentence(exeunt.MessageOf(err)), nil
	}
	if err != nil {
		return err
	}
	s.changed()
	return v.goTo("/systems/"+v.PathValue("id"), message)
}
