package ui

import (
	"net/http"
	"slices"

	"github.com/exeunt/exeunt"
)

// tripView is the page of one trip of the fuse.
type tripView struct {
	exeunt.Trip
	Viewer viewer
	Held   []exeunt.Case // that the viewer may see, at most heldShown
	View   caseView      // its zone and moment, for times
	Error  string        // of a form on the page
	Typed  string        // what was typed
	Form   string        // which form
	Chosen []string      // the cases that were chosen in it
}

// heldShown bounds the list of cases on the page.
const heldShown = 200

func (v tripView) waits() bool { return v.Request.Waits(v.View.Now) }

// own says whether the viewer is the one who asked, so that somebody else has to confirm.
func (v tripView) own() bool {
	return v.Request != nil && v.Request.SamePerson(v.Viewer.override(""))
}

// typed is what a form of the page held when it was refused.
func (v tripView) typed(form string) string {
	if v.Form == form {
		return v.Typed
	}
	return ""
}

// chooses says whether the viewer may ask for single cases now: where there are several, and no request waits.
func (v tripView) chooses() bool {
	return v.Viewer.may(decideFuse) && v.Kind == exeunt.TripMass && v.State != exeunt.TripReleased && !v.waits() && len(v.Held) > 1
}

// choosable says whether a case may be asked for alone: the request is for everybody to read.
func (v tripView) choosable(c exeunt.Case) bool { return v.chooses() && !c.Embargoed() }

func (v tripView) chosen(c exeunt.Case) bool { return slices.Contains(v.Chosen, c.ID.String()) }

// asking says what a request does.
func (v tripView) asking() string {
	const second = "Another person has to confirm it within a day."
	if !v.chooses() {
		return second
	}
	return "Choose cases in the list to ask for these alone; without a choice it is for all of them. " + second
}

// confirming says what a confirmation does.
func (v tripView) confirming() string {
	if len(v.Asked) == 0 {
		return "Every held case goes on at once. Your name and reason stay in the record for good."
	}
	return upper(v.AsksFor()) + " " + map[bool]string{true: "goes", false: "go"}[len(v.Asked) == 1] + " on at once; the others stay held. Your name and reason stay in the record for good."
}

func (v tripView) state() (status, string) {
	switch v.State {
	case exeunt.TripReleased:
		return statusOverride, "Released"
	case exeunt.TripRejected:
		return statusPerson, "Stays held"
	default:
		if v.waits() {
			return statusPerson, "Waits for a second person"
		}
		return statusPerson, "Needs a decision"
	}
}

func (s *server) tripPage(v *visit) error {
	view, err := s.readTrip(v)
	if err != nil {
		return err
	}
	return v.show(tripTemplate(s.tripChrome(v, view), view))
}

func (s *server) tripChrome(v *visit, view tripView) chrome {
	return s.chrome(v, "overview", "Fuse "+view.ID.String(), crumb{"Overview", "/"})
}

func (s *server) readTrip(v *visit) (tripView, error) {
	view := tripView{Viewer: v.viewer, View: caseView{Viewer: v.viewer, Zone: v.zone, Now: v.now}}
	id, err := exeunt.ParseTripID(v.PathValue("id"))
	if err != nil {
		return view, nothingHere()
	}
	read := s.Reader(v.Viewer())
	if view.Trip, err = read.Trip(v.Context(), id); err != nil {
		return view, err
	}
	view.Held, err = read.HeldByTrip(v.Context(), id, heldShown)
	return view, err
}

// decideTrip takes a decision on what the fuse holds. One that is refused comes back beside its field,
// with the trip as it is now.
func (s *server) decideTrip(v *visit) error {
	view, err := s.readTrip(v)
	if err != nil {
		return err
	}
	commands, by, act := s.Commands(v.Viewer()), v.override(v.PostFormValue("reason")), v.PathValue("act")
	only, err := caseIDs(v.PostForm["case"])
	if err != nil {
		return err
	}
	said := ""
	switch act {
	case "release":
		err, said = commands.AskFuseRelease(v.Context(), view.ID, by, 0, only...), "Asked for. Another person has to confirm it within a day."
	case "confirm":
		err, said = commands.ConfirmFuseRelease(v.Context(), view.ID, by), "Released. What was asked for goes on."
	case "reject":
		err, said = commands.RejectFuseRelease(v.Context(), view.ID, by), "Its cases stay held."
	default:
		return nothingHere()
	}
	switch exeunt.KindOf(err) {
	case "":
		s.changed()
		return v.goTo("/fuse/"+view.ID.String(), said)
	case exeunt.Invalid, exeunt.Conflict, exeunt.Denied:
		status := map[exeunt.ErrorKind]int{exeunt.Invalid: http.StatusUnprocessableEntity, exeunt.Conflict: http.StatusConflict, exeunt.Denied: http.StatusForbidden}[exeunt.KindOf(err)]
		message := sentence(exeunt.MessageOf(err))
		if view, err = s.readTrip(v); err != nil {
			return err
		}
		view.Error, view.Form, view.Typed, view.Chosen = message, act, v.PostFormValue("reason"), v.PostForm["case"]
		return write(v.w, v.Request, status, tripTemplate(s.tripChrome(v, view), view))
	default:
		return err
	}
}

// caseIDs reads the cases that were chosen in a form.
func caseIDs(names []string) ([]exeunt.CaseID, error) {
	ids := make([]exeunt.CaseID, len(names))
	for i, name := range names {
		id, err := exeunt.ParseCaseID(name)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

// undecided are the trips that need a person now.
func undecided(trips []exeunt.TripTally) []exeunt.TripTally {
	var out []exeunt.TripTally
	for _, t := range trips {
		if t.State == exeunt.TripOpen {
			out = append(out, t)
		}
	}
	return out
}
