package simulation_test

import (
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// Who stays, or works here again, is not cut as somebody who left (7).

// checkStays follows the log: after HR has taken a departure back, or has hired its leaver again, nothing is opened
// because access came back, until HR announces that they leave.
func (w *world) checkStays(files []store.CaseFile, log []exeunt.Entry) {
	leaver, putsBack := map[exeunt.CaseID]string{}, map[exeunt.CaseID]bool{}
	for _, f := range files {
		leaver[f.Case.ID], putsBack[f.Case.ID] = f.Case.Leaver().Key(), f.Case.PutsBack != 0
	}
	stays := map[string]string{}
	for _, e := range log {
		who := leaver[e.Case]
		switch e.Kind {
		case exeunt.EntryRescinded, exeunt.EntryRehired:
			stays[who] = e.What
		case exeunt.EntryAmended:
			delete(stays, who)
		case exeunt.EntryOpened:
			why, stay := stays[who]
			switch {
			case putsBack[e.Case]:
				stays[who] = e.What
			case e.Detail["follows"] == "":
				delete(stays, who)
			case stay:
				w.breaks(7, "%s cuts again somebody who stays: %s", e.Case, why)
			}
		}
	}
}

// checkFollows sees that a case which goes on from a closed one does again what that one had done, and nothing else, or
// undoes it.
func (w *world) checkFollows(f store.CaseFile, files []store.CaseFile) {
	if f.Case.Follows == 0 {
		return
	}
	earlier := map[string]exeunt.Step{}
	for at := f.Case.Follows; at != 0; {
		i := slices.IndexFunc(files, func(o store.CaseFile) bool { return o.Case.ID == at })
		if i < 0 {
			w.breaks(7, "%s follows %s, which is not there", f.Case.ID, at)
			return
		}
		for _, s := range files[i].Steps {
			earlier[s.Key] = s
		}
		at = files[i].Case.Follows
	}
	for _, s := range f.Steps {
		was, known := earlier[s.Key]
		if s.Undoes == "" && (!known || was.System != s.System || was.Action != s.Action || was.Account.ID != s.Account.ID) {
			w.breaks(7, "%s, which cuts again what came back, has the step %s, which the cases before it did not do to %s", f.Case.ID, s.Key, s.Account.ID)
		}
	}
}
