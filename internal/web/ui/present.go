package ui

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// What templates ask for in passing: small texts made from values.

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func noun(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func foldWords(n int) string {
	return plural(n, "does not apply", "do not apply")
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// feedTime is a clock time on the same day and a date on another.
func feedTime(t, now time.Time, zone *time.Location) string {
	if t.In(zone).Format(time.DateOnly) == now.In(zone).Format(time.DateOnly) {
		return t.In(zone).Format("15:04:05")
	}
	return t.In(zone).Format("2 Jan 15:04")
}

// entryNote is the one detail of an entry worth a second line.
func (v viewer) entryNote(e exeunt.Entry) string {
	d := v.details(e)
	switch {
	case d["reason"] != "":
		return sentence(d["reason"])
	case d["note"] != "":
		return "“" + d["note"] + "”"
	case e.Kind == exeunt.EntryIntent && d["before.groups.count"] != "":
		return d["before.groups.count"] + " groups before"
	case d["how"] == "found so already":
		return "Found so already."
	default:
		return ""
	}
}

type identifier struct{ Kind, Value string }

// identifiers are the formats in which systems know the person. The personal address is no business
// of a page.
func identifiers(l exeunt.Leaver) []identifier {
	out := []identifier{{identifierWord(exeunt.EmployeeID), l.ID}}
	for kind, value := range l.Identifiers {
		if value != "" && kind != exeunt.PersonalEmail && value != l.ID {
			out = append(out, identifier{identifierWord(kind), value})
		}
	}
	slices.SortFunc(out[1:], func(a, b identifier) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value)) })
	return out
}

// rowType is how somebody leaves, in a list. A list does not know what is immediate, so who may not
// know the type reads nothing.
func (v viewer) rowType(r store.CaseRow) string {
	if v.may(seeType) {
		return typeWords(r.Type)
	}
	return ""
}

// firstName greets somebody; who has no name is greeted by their address.
func firstName(p exeunt.Person) string {
	first, _, _ := strings.Cut(strings.TrimSpace(p.String()), " ")
	return first
}

// orDash writes a place in the ledger, which is -1 until it is known.
func orDash(n int64) string {
	if n < 0 {
		return "–"
	}
	return number(n)
}
