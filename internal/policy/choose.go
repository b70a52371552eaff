package policy

import (
	"github.com/exeunt/exeunt"
)

// Choose is the policy of a departure: the first whose condition holds.
func Choose(policies []Policy, d exeunt.Departure) (exeunt.Policy, error) {
	for _, p := range policies {
		ok, err := p.applies(d)
		if err != nil {
			return exeunt.Policy{}, err
		}
		if ok {
			return p.Policy, nil
		}
	}
	return exeunt.Policy{}, exeunt.Errorf(exeunt.Invalid, "no policy applies to this departure (type %s): add one to the folder policies, or widen the applies of one", d.Type).In("type")
}

func (p Policy) applies(d exeunt.Departure) (bool, error) {
	if p.Applies == nil {
		return true, nil
	}
	ok, err := p.Applies(exeunt.Facts{Departure: d})
	if err != nil {
		return false, exeunt.Errorf(exeunt.KindOf(err), "policy %s: %s", p.Name, exeunt.MessageOf(err)).Because(err)
	}
	return ok, nil
}

// Without lists the types of departure for which an ordinary employee finds no policy.
func Without(policies []Policy) []exeunt.DepartureType {
	var out []exeunt.DepartureType
	for _, t := range exeunt.DepartureTypes {
		ordinary := exeunt.Departure{Type: t, LastDay: "2026-06-30", TerminationDate: "2026-06-30",
			Leaver: exeunt.Leaver{ID: "0", Name: "Sam Example", Zone: "UTC", Employment: "employee"}}
		if _, err := Choose(policies, ordinary); err != nil {
			out = append(out, t)
		}
	}
	return out
}
