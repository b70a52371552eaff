package exeunt

import (
	"cmp"
	"slices"
	"strings"
)

// What a plan asks a person to do in a system.

// addByHand makes the task by which a person covers a system.
func (d *drafter) addByHand(rule Rule, system *System, reason string) error {
	key := system.Name + "-by-hand"
	if !accessBranch(rule) {
		key = system.Name + "-" + rule.Name
	}
	for _, a := range rule.Actions {
		if !slices.Contains(d.byHand[key], a) {
			d.byHand[key] = append(d.byHand[key], a)
		}
	}
	title, would := cmp.Or(system.Title, system.Name)+": "+byHandWords(d.byHand[key]), system.would(d.byHand[key], d.plan.Case.Urgent())
	if i, made := d.taskAt[key]; made {
		d.plan.Tasks[i].Title, d.plan.Tasks[i].Would = title, would // several rules ask one thing of one person: all of it
	}
	return d.add(rule, Task{
		Key: key, System: system.Name, Coverage: CoverTask, Branch: cmp.Or(rule.Branch, system.Branch, "Access"),
		Title: title, Procedure: system.Fallback, Owner: d.owner(rule, system), Reason: reason, Would: would,
	})
}

// would is what the connector of a system in stage shadow would do of what is asked, in its order.
func (s System) would(asked []Action, immediate bool) []Action {
	if !s.Shadowed() {
		return nil
	}
	var out []Action
	for _, spec := range inOrder(s.Actions, immediate) {
		if slices.Contains(asked, spec.Action) {
			out = append(out, spec.Action)
		}
	}
	return out
}

func byHandWords(actions []Action) string {
	if len(actions) > 0 && !slices.Contains(actions, Disable) {
		return actionWords(actions) + " by hand"
	}
	return "end access by hand"
}

func byHandReason(s *System) string {
	switch {
	case s.Asks == Live:
		return "it asks to be live, and nobody has decided on that yet; a person does it, and the connector looks before and after"
	case s.Shadowed():
		return "not trusted to act yet (stage shadow); a person does it, and the connector looks before and after"
	case s.Stage == Shadow:
		return "not trusted to act yet (stage shadow); a person does it"
	case s.Stage == Manual && s.Kind != "manual":
		return "not live yet (stage manual); a person does it"
	default:
		return "tracked by hand (no API)"
	}
}

func actionWords(actions []Action) string {
	var words []string
	for _, a := range actions {
		words = append(words, a.Words())
	}
	return strings.Join(words, ", ")
}
