package connectors

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Page is a sheet as a page of the documentation. It is written by `exeunt connector pages`, and says only what the code
// says: what a person should know beside it stands in docs/connectors.md.
func Page(s connector.Sheet) []byte {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	say("<!-- Written by `exeunt connector pages --out docs/connectors`: do not edit. -->\n\n# %s\n\n%s", s.Name, s.Title)
	if s.Kind != s.Name {
		say(", a description of kind [%s](%s.md)", s.Kind, s.Kind)
	}
	say(". What to know beside it: [Connectors](../connectors.md#%s).\n", anchor(s))
	if s.Source != "" {
		say("\nSource: %s.\n", s.Source)
	}
	if s.SignsIn != "" {
		say("\nSigns in with %s.\n", s.SignsIn)
	}
	b.WriteString(actionsOf(s))
	b.WriteString(scopesOf(s))
	b.WriteString(settingsTable(s))
	return []byte(b.String())
}

// anchor is the heading of docs/connectors.md that tells of it.
func anchor(s connector.Sheet) string {
	if s.Kind != s.Name {
		return "spec-" + s.Name
	}
	return s.Name
}

func actionsOf(s connector.Sheet) string {
	if len(s.Actions) == 0 {
		if s.Name == "http" {
			return "\n## Actions\n\nThose of the description that `spec` names.\n"
		}
		return "\n## Actions\n\nNone: each step is a task of the system's owner.\n"
	}
	var b strings.Builder
	b.WriteString("\n## Actions\n\nIn this order, one after the other.\n\n| order | action | what | proof | repeatable | put back | shows within |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, a := range s.Actions {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s | %s |\n", order(a), a.Action, cell(a.Title), a.Proven(), word(a.Repeatable, "yes", "no"), putBack(a), Settles(a))
	}
	for _, a := range s.Actions {
		if a.Caveat != "" {
			fmt.Fprintf(&b, "\n**%s.** %s\n", a.Title, a.Caveat)
		}
	}
	return b.String()
}

// order is the place of an action, and that in an immediate departure where it is another.
func order(a exeunt.ActionSpec) string {
	if a.Immediate == 0 {
		return fmt.Sprint(a.Order)
	}
	return fmt.Sprintf("%d, at once %d", a.Order, a.Immediate)
}

func putBack(a exeunt.ActionSpec) string {
	switch {
	case a.Destructive:
		return "no: data is lost"
	case !a.Reversible:
		return "no"
	}
	var keys []string
	for _, key := range a.Takes {
		if key != string(a.Action) {
			keys = append(keys, "`"+key+"`")
		}
	}
	return cmp.Or(strings.Join(keys, ", "), "yes")
}

// Settles says how long a system may take to show that an action was done.
func Settles(a exeunt.ActionSpec) string {
	if a.Settles == 0 {
		return "at once"
	}
	text := a.Settles.String() // 10m0s
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return strings.Replace(text, "h0m", "h", 1)
}

func scopesOf(s connector.Sheet) string {
	scopes := s.Scopes()
	if len(scopes) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n## Permissions\n\nWhat our account needs, and nothing more. `exeunt connector check SYSTEM` says which is missing.\n\n| permission | for |\n| --- | --- |\n")
	for _, scope := range scopes {
		var actions []string
		for _, a := range s.Actions {
			for _, needed := range a.Scopes {
				if needed == scope {
					actions = append(actions, "`"+string(a.Action)+"`")
				}
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", cell(scope), strings.Join(actions, ", "))
	}
	if len(s.Asks) > 0 {
		fmt.Fprintf(&b, "\nSeen without acting: %s.\n", strings.Join(s.Asks, ", "))
	}
	return b.String()
}

func settingsTable(s connector.Sheet) string {
	if len(s.Settings) == 0 {
		return "\n## Settings\n\nNone.\n"
	}
	var b strings.Builder
	b.WriteString("\n## Settings\n\n| setting | what stands there | needed | meaning |\n| --- | --- | --- | --- |\n")
	for _, set := range s.Settings {
		what := set.Type
		if len(set.Values) > 0 {
			what = "`" + strings.Join(set.Values, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", set.Name, what, word(set.Required, "yes", ""), cell(set.Meaning))
	}
	return b.String()
}

// cell is text that may stand in a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
