package policy

import (
	"slices"
	"strings"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/exeunt/exeunt"
)

// mostWitnesses bounds how many departures are tried to find one for which two modifiers count.
const mostWitnesses = 20_000

// together finds a departure for which both modifiers count: among those that have what their conditions speak of.
func together(a, b Modifier) (exeunt.Departure, bool) {
	fields, words := spokenOf(a.read.Applies, b.read.Applies)
	tried := 0
	var found exeunt.Departure
	var search func(i int, d exeunt.Departure) bool
	search = func(i int, d exeunt.Departure) bool {
		if i < len(fields) {
			for _, variant := range variants(fields[i], words, d) {
				if search(i+1, variant) {
					return true
				}
			}
			return false
		}
		if tried++; tried > mostWitnesses {
			return false
		}
		found = d
		return counts(a, d) && counts(b, d)
	}
	return found, search(0, exeunt.Departure{
		Type: exeunt.Voluntary, LastDay: "2026-06-30", TerminationDate: "2026-06-30",
		Leaver: exeunt.Leaver{ID: "0", Name: "Sam Example", Zone: "UTC", Employment: "employee"},
	}) && found.Type != ""
}

func counts(m Modifier, d exeunt.Departure) bool {
	yes, err := m.Applies(exeunt.Facts{Departure: d})
	return err == nil && yes
}

// spokenOf are the fields that conditions look at, and the texts that stand in them.
func spokenOf(expressions ...string) (fields, words []string) {
	envs, err := environments()
	if err != nil {
		return nil, nil
	}
	note := func(list *[]string, s string) {
		if !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for _, expression := range expressions {
		ast, issues := envs[false].Compile(expression)
		if issues.Err() != nil {
			continue
		}
		for _, e := range celast.MatchDescendants(celast.NavigateAST(ast.NativeRep()), anything) {
			switch e.Kind() {
			case celast.SelectKind:
				note(&fields, e.AsSelect().FieldName())
			case celast.LiteralKind:
				if text, ok := e.AsLiteral().(types.String); ok {
					note(&words, string(text))
				}
			default:
			}
		}
	}
	return fields, words
}

func anything(celast.NavigableExpr) bool { return true }

// variants are a departure with each value of a field that a condition may look for.
func variants(field string, words []string, d exeunt.Departure) []exeunt.Departure {
	out := []exeunt.Departure{d}
	each := func(set func(*exeunt.Departure, string)) []exeunt.Departure {
		for _, w := range words {
			next := d
			set(&next, w)
			out = append(out, next)
		}
		return out
	}
	switch field {
	case "flags":
		return flagged(words, d)
	case "type":
		for _, t := range exeunt.DepartureTypes[1:] {
			next := d
			next.Type = t
			out = append(out, next)
		}
		return out
	case "immediate":
		next := d
		next.Immediate = true
		return append(out, next)
	}
	if set, ok := settable[field]; ok {
		return each(set)
	}
	return out
}

// settable are the fields that a condition compares with texts.
var settable = map[string]func(*exeunt.Departure, string){
	"id":         func(d *exeunt.Departure, w string) { d.Leaver.ID = w },
	"entity":     func(d *exeunt.Departure, w string) { d.Leaver.Entity = w },
	"name":       func(d *exeunt.Departure, w string) { d.Leaver.Name = w },
	"title":      func(d *exeunt.Departure, w string) { d.Leaver.Title = w },
	"department": func(d *exeunt.Departure, w string) { d.Leaver.Department = w },
	"place":      func(d *exeunt.Departure, w string) { d.Leaver.Place = w },
	"zone":       func(d *exeunt.Departure, w string) { d.Leaver.Zone = w },
	"country":    func(d *exeunt.Departure, w string) { d.Leaver.Country = w },
	"region":     func(d *exeunt.Departure, w string) { d.Leaver.Region = w },
	"employment": func(d *exeunt.Departure, w string) { d.Leaver.Employment = w },
	"email":      func(d *exeunt.Departure, w string) { d.Leaver.Manager.Email = w },
}

// flagged is a departure with each choice of the flags that conditions look for.
func flagged(words []string, d exeunt.Departure) []exeunt.Departure {
	known := []exeunt.Flag{exeunt.Executive, exeunt.OnLeave, exeunt.LitigationHold, exeunt.Privileged, exeunt.Protected}
	out := []exeunt.Departure{d}
	for _, f := range known {
		if !slices.Contains(words, string(f)) {
			continue
		}
		for _, without := range slices.Clone(out) {
			without.Leaver.Flags = append(slices.Clone(without.Leaver.Flags), f)
			out = append(out, without)
		}
	}
	return out
}

// inWords says who the departure is of.
func inWords(d exeunt.Departure) string {
	l := d.Leaver
	parts := []string{string(d.Type)}
	if d.Immediate {
		parts = append(parts, "immediate")
	}
	for _, f := range l.Flags {
		parts = append(parts, strings.ReplaceAll(string(f), "_", " "))
	}
	for _, p := range []struct{ name, value string }{{"country", l.Country}, {"region", l.Region}, {"entity", l.Entity}, {"department", l.Department}, {"title", l.Title}, {"place", l.Place}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	if l.Employment != "employee" {
		parts = append(parts, l.Employment)
	}
	return strings.Join(parts, ", ")
}
