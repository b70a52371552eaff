package exeunt

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// PlanDifference is one step or task that two plans for the same departure do not have alike.
type PlanDifference struct {
	Kind    string   `json:"kind"` // added, removed or changed
	Key     string   `json:"key"`
	Title   string   `json:"title"`
	Where   string   `json:"where,omitempty"` // the system; "" for a task of a person
	Rule    string   `json:"rule"`            // that puts it there, or put it there before
	Changes []string `json:"changes,omitempty"`
}

// Compare says how a plan differs from the one before it, in the order of the plans.
func (p Plan) Compare(before Plan) []PlanDifference {
	var out []PlanDifference
	old := before.works()
	zone := p.Case.Zone()
	if a, b := before.Case.CutOff, p.Case.CutOff; !a.Equal(b) {
		out = append(out, PlanDifference{Kind: "changed", Key: "cut-off", Title: "Access ends", Rule: p.Case.Policy, Changes: []string{moved("at", a, b, zone)}})
	}
	for _, now := range p.works() {
		i := slices.IndexFunc(old, func(w work) bool { return w.kind == now.kind && w.key == now.key })
		if i < 0 {
			out = append(out, now.difference("added", nil))
			continue
		}
		if changes := now.changes(old[i], zone); len(changes) > 0 {
			out = append(out, now.difference("changed", changes))
		}
		old = slices.Delete(old, i, i+1)
	}
	for _, gone := range old {
		out = append(out, gone.difference("removed", nil))
	}
	return out
}

func (w work) difference(kind string, changes []string) PlanDifference {
	return PlanDifference{Kind: kind, Key: w.key, Title: w.title, Where: w.where, Rule: w.rule, Changes: changes}
}

func (w work) changes(old work, zone *time.Location) []string {
	var out []string
	if !w.startsAt.Equal(old.startsAt) {
		out = append(out, moved("starts", old.startsAt, w.startsAt, zone))
	}
	if !w.deadline.Equal(old.deadline) {
		out = append(out, moved("by", old.deadline, w.deadline, zone))
	}
	if w.owner != old.owner {
		out = append(out, fmt.Sprintf("owner %s → %s", old.owner, w.owner))
	}
	if w.rule != old.rule {
		out = append(out, fmt.Sprintf("rule %s → %s", old.rule, w.rule))
	}
	if a, b := strings.Join(old.notes, "; "), strings.Join(w.notes, "; "); a != b {
		out = append(out, fmt.Sprintf("conditions %q → %q", a, b))
	}
	return out
}

func moved(what string, from, to time.Time, zone *time.Location) string {
	return fmt.Sprintf("%s %s → %s", what, minute(from, zone), minute(to, zone))
}
