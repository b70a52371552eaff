package entra

import (
	"context"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// kept are the kinds of things that owners look after, by the set that each is in, and in words. What else somebody owns, such
// as devices, goes by another action.
var kept = map[string]struct{ set, words string }{
	"group":            {"/groups/", "the group "},
	"application":      {"/applications/", "the app registration "},
	"servicePrincipal": {"/servicePrincipals/", "the enterprise application "},
}

// owners asks who else owns what the account does, in as few requests as there are batches.
func (t *tenant) owners(ctx context.Context, l *look) error {
	owned := slices.DeleteFunc(slices.Clone(l.owned), func(w object) bool { return kept[w.kind()].set == "" || !guid.MatchString(w.ID) })
	for some := range slices.Chunk(owned, mostParts) {
		var parts []part
		for _, w := range some {
			parts = append(parts, part{ID: w.ID, URL: query(kept[w.kind()].set+w.ID+"/owners", "$select", "id")})
		}
		answers, err := t.batch(ctx, parts)
		if err != nil {
			return err
		}
		for _, w := range some {
			others, err := t.others(ctx, answers[w.ID], l.user.ID)
			switch {
			case refusedAs(err, exeunt.NotFound): // gone meanwhile
			case refusedAs(err, exeunt.Denied, exeunt.Unsupported):
				l.unknown["owned"] = err
				return nil
			case err != nil:
				return err
			case !others:
				l.sole = append(l.sole, w)
			}
		}
	}
	return nil
}

// others says whether anybody but the account is among some owners.
func (t *tenant) others(ctx context.Context, answer answered, id string) (bool, error) {
	if answer.err != nil {
		return false, answer.err
	}
	owners, err := all[object](ctx, t, answer)
	return slices.ContainsFunc(owners, func(o object) bool { return !strings.EqualFold(o.ID, id) }), err
}

// owns names what the account owns, with others or alone, and leaves to people what nobody else looks after.
func (l *look) owns(o *exeunt.Observation, alone bool) {
	if len(l.owned) > 0 {
		o.Facts["owns"] = told(names(l.owned, func(w object) string { return w.Name + " (" + w.kind() + ")" }))
	}
	if alone {
		o.HandOver(exeunt.HandOver, names(l.sole, func(w object) string {
			return kept[w.kind()].words + w.Name + " (" + w.ID + "), which nobody else owns"
		}))
	}
}
