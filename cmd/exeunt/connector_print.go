package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/web/api"
)

func printConnectors(w io.Writer, sheets []connector.Sheet) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NAME\tKIND\tWHAT\tACTIONS")
	for _, s := range sheets {
		var actions []string
		for _, a := range s.Actions {
			actions = append(actions, string(a.Action))
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Name, s.Kind, s.Title, firstOf(strings.Join(actions, " "), "–"))
	}
	_ = t.Flush()
}

func printConnector(w io.Writer, s connector.Sheet) {
	_, _ = fmt.Fprintf(w, "%s   %s   kind %s\n", s.Name, s.Title, s.Kind)
	if s.SignsIn != "" {
		_, _ = fmt.Fprintf(w, "Signs in with %s.\n", s.SignsIn)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if len(s.Actions) > 0 {
		_, _ = fmt.Fprintln(t, "\nORDER\tACTION\tWHAT\tPROOF\tREPEATABLE\tPUT BACK\tSHOWS WITHIN\tNEEDS")
	}
	for _, a := range s.Actions {
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.Order, a.Action, a.Title, a.Proven(), yesNo(a.Repeatable), yesNo(a.Reversible), connectors.Settles(a), strings.Join(a.Scopes, "; "))
	}
	_ = t.Flush()
	for _, a := range s.Actions {
		if a.Caveat != "" {
			_, _ = fmt.Fprintf(w, "\n%s: %s", a.Action, a.Caveat)
		}
	}
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if len(s.Settings) > 0 {
		_, _ = fmt.Fprintln(t, "\n\nSETTING\tWHAT\tNEEDED\tMEANING")
	}
	for _, set := range s.Settings {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", set.Name, firstOf(strings.Join(set.Values, " or "), set.Type), yesNo(set.Required), set.Meaning)
	}
	_ = t.Flush()
}

func printRights(w io.Writer, found api.SystemCheck) {
	printParts(w, []app.Part{{Kind: "system", Name: found.System, Rights: found.Rights, Fault: found.Fault, Remedy: found.Remedy, Class: found.Class}}, nil)
}

func printTrial(w io.Writer, trial api.SystemTrial) {
	_, _ = fmt.Fprintf(w, "%s in %s (%s)   id %s\n", firstOf(trial.Account.Login, "the account"), trial.System, trial.Stage, trial.Account.ID)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, name := range sorted(trial.Known) {
		_, _ = fmt.Fprintf(t, "known by\t%s\t%s\n", name, strings.Join(trial.Known[name], ", "))
	}
	for _, name := range sorted(trial.Facts) {
		_, _ = fmt.Fprintf(t, "seen\t%s\t%s\n", name, trial.Facts[name])
	}
	_, _ = fmt.Fprintln(t, "\nORDER\tACTION\tNOW\tWOULD\tPROOF\tPUT BACK\tTAKES AWAY")
	for _, p := range trial.Prospects {
		var takes []string
		for _, key := range sorted(p.Removes) {
			takes = append(takes, key+": "+strings.Join(p.Removes[key], ", "))
		}
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", p.Order, p.Action, p.Standing, p.Would, p.Proven(), yesNo(p.Reversible), strings.Join(takes, "; "))
	}
	_ = t.Flush()
	_, _ = fmt.Fprintln(w, "Nothing was done.")
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
