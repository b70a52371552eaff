package connector

import (
	"context"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// Looker is the half of a connector that changes nothing.
type Looker interface {
	Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error)
	Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error)
}

// Trial is what a system says of one account, and what each action would do to it.
type Trial struct {
	Account   exeunt.Account      `json:"account"`
	Known     map[string][]string `json:"known,omitempty"` // by what the system knows it
	Facts     map[string]string   `json:"facts,omitempty"`
	Prospects []Prospect          `json:"actions"`
}

// Prospect is what one action would do at the moment of the look.
type Prospect struct {
	exeunt.ActionSpec
	Standing exeunt.Standing     `json:"standing"`
	Would    string              `json:"would"`                // in words
	Removes  map[string][]string `json:"takes_away,omitempty"` // what is there now and would be taken away; an undo puts it back
}

// Try looks at one account as a visit does and stops before acting: what it is given cannot act. The account is named by
// whatever the system knows people by, or by its immutable id. Nobody and several are errors, as they are in a case.
func Try(ctx context.Context, c Looker, system exeunt.System, named string) (Trial, error) {
	found, known, err := theOne(ctx, c, system, named)
	if err != nil {
		return Trial{}, err
	}
	seen, err := c.Observe(ctx, found.Account)
	if k := exeunt.KindOf(err); k == exeunt.NotFound || k == exeunt.Invalid && !known { // what was named is no id either
		return Trial{}, exeunt.Errorf(exeunt.NotFound, "nobody in %s is known by that; it knows people by %s", system.Name, strings.Join(attributesOf(system), ", ")).Because(err)
	}
	if err != nil {
		return Trial{}, err
	}
	trial := Trial{Account: found.Account, Known: found.Has, Facts: seen.Facts, Prospects: []Prospect{}}
	for _, spec := range system.Actions {
		trial.Prospects = append(trial.Prospects, foresee(found.Account, spec, seen))
	}
	return trial, nil
}

// theOne finds the one account of that name. What finds nobody may be an immutable id, which looking shows.
func theOne(ctx context.Context, c Looker, system exeunt.System, named string) (found exeunt.Found, known bool, err error) {
	if named = strings.TrimSpace(named); named == "" {
		return exeunt.Found{}, false, exeunt.Errorf(exeunt.Invalid, "name the account by what %s knows people by: %s", system.Name, strings.Join(attributesOf(system), ", ")).In("account")
	}
	var keys []exeunt.Key
	for _, attribute := range attributesOf(system) {
		keys = append(keys, exeunt.Key{Attribute: attribute, Value: named})
	}
	all, err := c.Find(ctx, keys)
	if err != nil {
		return exeunt.Found{}, false, err
	}
	if i := slices.IndexFunc(all, func(f exeunt.Found) bool { return f.ID == named }); i >= 0 {
		return all[i], true, nil
	}
	switch len(all) {
	case 0: // its id, perhaps
		return exeunt.Found{Account: exeunt.Account{ID: named}}, false, nil
	case 1:
		return all[0], true, nil
	default:
		return exeunt.Found{}, false, exeunt.Errorf(exeunt.Ambiguous, "%d accounts of %s are known by that: name one by something that no other has", len(all), system.Name)
	}
}

// attributesOf are those by which the system knows people.
func attributesOf(system exeunt.System) []string {
	if names := system.Correlation.Attributes(); len(names) > 0 {
		return names
	}
	return []string{string(system.Identifier)}
}

// foresee says what Converge would do after this look.
func foresee(account exeunt.Account, spec exeunt.ActionSpec, seen exeunt.Observation) Prospect {
	p := Prospect{ActionSpec: spec, Standing: seen.Of(spec.Action)}
	out, ended := Aim{Account: account, Spec: spec}.withoutActing(seen)
	switch {
	case ended && out.Kind == exeunt.Done:
		p.Would = "nothing: it is so already"
		return p
	case ended && out.Kind == exeunt.BecameMoot:
		p.Would = "nothing: " + out.Err.Message
		return p
	case ended && out.Kind == exeunt.ForPeople:
		p.Would = "ask people to do it: " + listed(seen.Snapshot[string(spec.Action)])
		return p
	case ended && out.Kind == exeunt.GaveUp:
		p.Would = "ask people to do it: " + out.Err.Message
		return p
	case ended:
		p.Would = "wait: the system is on its way there"
		return p
	case spec.Proof == exeunt.Observed:
		p.Would = "act, and look again"
	default:
		p.Would = "act, and take the system's word: it cannot be read back"
	}
	for _, key := range spec.Takes {
		if values := seen.Snapshot[key]; len(values) > 0 && key != string(spec.Action) {
			if p.Removes == nil {
				p.Removes = map[string][]string{}
			}
			p.Removes[key] = values
		}
	}
	return p
}
