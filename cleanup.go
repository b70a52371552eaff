package exeunt

import (
	"fmt"
	"slices"
	"time"
)

// CleanUpSource is the source of a case that ends what an earlier departure missed.
const CleanUpSource = "clean-up"

// CleanUp keeps of the plan of a departure that is over what concerns the systems in which the leaver still has an account,
// and opens it as a case of its own, which follows the one before. The accounts are known, so that nothing is searched again.
func (p Plan) CleanUp(newest Case, accounts map[string]Account, t Trigger, now time.Time) (Change, error) {
	if newest.Open() {
		return Change{}, Errorf(Conflict, "%s's departure is under way: case %s ends what is open", newest.Leaver().Name, newest.ID)
	}
	kept := map[string]bool{}
	// What was done for a date, such as a payment, belongs to the departure and is not done once more.
	p.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return accounts[s.System].ID == "" || s.Action.dated() })
	p.Tasks = slices.DeleteFunc(slices.Clone(p.Tasks), func(task Task) bool { return accounts[task.System].ID == "" })
	for _, s := range p.Steps {
		kept[s.Key] = true
	}
	for _, task := range p.Tasks {
		kept[task.Key] = true
	}
	if len(kept) == 0 {
		return Change{}, Errorf(Unsupported, "the policy ends nothing in these systems: end the accounts by hand, and confirm that they are nobody's")
	}
	gone := func(d Dependency) bool { return !kept[d.Key] }
	for i := range p.Steps {
		s := &p.Steps[i]
		s.After, s.Account, s.Urgent = slices.DeleteFunc(slices.Clone(s.After), gone), accounts[s.System], true
		*s = s.begin(now)
	}
	for i := range p.Tasks {
		task := &p.Tasks[i]
		if task.After = slices.DeleteFunc(slices.Clone(task.After), gone); len(task.After) == 0 {
			task.State = TaskOpen
		}
	}
	p.Case.Follows = newest.ID
	change := p.Open(t, "", now)
	change.Entries[0].Detail["follows"], change.Entries[0].Detail["systems"] = newest.ID.String(), fmt.Sprint(len(accounts))
	return change, nil
}
