package entra_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/entra"
)

// converge makes one attempt at an action.
func converge(t *testing.T, c connector.Connector, l exeunt.Leaver, action exeunt.Action) exeunt.Outcome {
	t.Helper()
	i := slices.IndexFunc(entra.Kind().Actions, func(a exeunt.ActionSpec) bool { return a.Action == action })
	out, err := connector.Converge(t.Context(), c, connector.Aim{Account: account(l), Spec: entra.Kind().Actions[i], With: with(l)}, func(exeunt.Observation) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func said(out exeunt.Outcome) string {
	if out.Err == nil {
		return ""
	}
	return out.Err.Message
}

// changes are the requests that change something.
func changes(all []string) []string {
	return slices.DeleteFunc(all, func(r string) bool { return strings.HasPrefix(r, "GET ") })
}
