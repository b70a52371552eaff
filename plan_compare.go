package exeunt

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Effect is what a difference comes to for whoever has to do with the departure.
type Effect string

// The effects, in the order in which they are told.
const (
	EffectAdded      Effect = "added"
	EffectGone       Effect = "gone"
	EffectLater      Effect = "later"       // starts later, or has to be done later
	EffectSooner     Effect = "sooner"      // likewise
	EffectOtherOwner Effect = "other owner" //
	EffectOtherwise  Effect = "otherwise"   // asked for by another rule, or under other conditions
)

// Effects are all of them.
var Effects = []Effect{EffectAdded, EffectGone, EffectLater, EffectSooner, EffectOtherOwner, EffectOtherwise}

// PlanDifference is one step or task that two plans for the same departure do not have alike.
type PlanDifference struct {
	Effects []Effect `json:"effects"`
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
	zone := p.Case.Zone()
	if a, b := before.Case.CutOff, p.Case.CutOff; !a.Equal(b) {
		out = append(out, PlanDifference{Effects: shifted(nil, a, b), Kind: "changed", Key: "cut-off", Title: "Access ends", Rule: p.Case.Policy, Changes: []string{moved("at", a, b, zone)}})
	}
	old := before.works()
	at := make(map[[2]string]int, len(old))
	for i := range old {
		at[[2]string{old[i].kind, old[i].key}] = i
	}
	stays := make([]bool, len(old))
	for _, now := range p.works() {
		i, known := at[[2]string{now.kind, now.key}]
		if !known {
			out = append(out, now.difference("added", []Effect{EffectAdded}, nil))
			continue
		}
		stays[i] = true
		if effects, changes := now.changes(old[i], zone); len(changes) > 0 {
			out = append(out, now.difference("changed", effects, changes))
		}
	}
	for i, gone := range old {
		if !stays[i] {
			out = append(out, gone.difference("removed", []Effect{EffectGone}, nil))
		}
	}
	return out
}

func (w work) difference(kind string, effects []Effect, changes []string) PlanDifference {
	return PlanDifference{Effects: effects, Kind: kind, Key: w.key, Title: w.title, Where: w.where, Rule: w.rule, Changes: changes}
}

// changes are what is different about a step or task that both plans have.
func (w work) changes(old work, zone *time.Location) (effects []Effect, out []string) {
	if !w.startsAt.Equal(old.startsAt) {
		effects, out = shifted(effects, old.startsAt, w.startsAt), append(out, moved("starts", old.startsAt, w.startsAt, zone))
	}
	if !w.deadline.Equal(old.deadline) {
		effects, out = shifted(effects, old.deadline, w.deadline), append(out, moved("by", old.deadline, w.deadline, zone))
	}
	if w.owner != old.owner {
		effects, out = append(effects, EffectOtherOwner), append(out, fmt.Sprintf("owner %s → %s", old.owner, w.owner))
	}
	told := len(out)
	if w.rule != old.rule {
		out = append(out, fmt.Sprintf("rule %s → %s", old.rule, w.rule))
	}
	if a, b := strings.Join(old.notes, "; "), strings.Join(w.notes, "; "); a != b {
		out = append(out, fmt.Sprintf("conditions %q → %q", a, b))
	}
	if len(out) > told {
		effects = append(effects, EffectOtherwise)
	}
	return effects, out
}

// shifted adds that something moved, once for each direction.
func shifted(effects []Effect, from, to time.Time) []Effect {
	effect := EffectSooner
	if to.After(from) {
		effect = EffectLater
	}
	if slices.Contains(effects, effect) {
		return effects
	}
	return append(effects, effect)
}

func moved(what string, from, to time.Time, zone *time.Location) string {
	return fmt.Sprintf("%s %s → %s", what, minute(from, zone), minute(to, zone))
}
