package httpspec

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// A template is text with {placeholders}; {{ and }} are the braces themselves.

// scan calls on for each part of a template: literal text, or a placeholder's name.
func scan(template string, on func(literal, name string) error) error {
	for template != "" {
		i := strings.IndexAny(template, "{}")
		if i < 0 {
			return on(template, "")
		}
		if i > 0 {
			if err := on(template[:i], ""); err != nil {
				return err
			}
		}
		rest := template[i:]
		if strings.HasPrefix(rest, "{{") || strings.HasPrefix(rest, "}}") {
			if err := on(rest[:1], ""); err != nil {
				return err
			}
			template = rest[2:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		if rest[0] == '}' || end < 2 {
			return fmt.Errorf("%q has a brace that opens or closes nothing: write {name}, or {{ and }} for the braces themselves", template)
		}
		if err := on("", rest[1:end]); err != nil {
			return err
		}
		template = rest[end+1:]
	}
	return nil
}

// placeholders that each place of a description may use. Those that end in a dot take a name.
var (
	inFind   = []string{"identifier", "values."}
	inLook   = []string{"account.id", "account.login", "values."}
	inAction = []string{"account.id", "account.login", "values.", "case", "last_day", "termination_date", "idempotency_key",
		"leaver.id", "leaver.name", "leaver.entity", "leaver.zone", "leaver.identifiers.", "seen.", "item"}
)

func known(name string, allowed []string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return name == a || strings.HasSuffix(a, ".") && strings.HasPrefix(name, a) && len(name) > len(a)
	})
}

// vars are the values of placeholders for one request.
type vars map[string]string

// value refuses to leave a hole: a request with an empty date would mean something else.
func (v vars) value(name string) (string, error) {
	if value := v[name]; value != "" {
		return value, nil
	}
	return "", exeunt.Errorf(exeunt.Invalid, "the request needs {%s}, which is not known for this leaver: complete it in the HR system, or do this step by hand", name)
}

// render fills a template; escape says how a value is made safe for its place.
func (v vars) render(template string, escape func(string) (string, error)) (string, error) {
	var out strings.Builder
	err := scan(template, func(literal, name string) error {
		if name == "" {
			out.WriteString(literal)
			return nil
		}
		value, err := v.value(name)
		if err != nil {
			return err
		}
		if value, err = escape(value); err != nil {
			return err
		}
		out.WriteString(value)
		return nil
	})
	return out.String(), err
}

// plain is for query values, which url.Values escapes, and JSON texts, which encoding/json does.
func plain(value string) (string, error) { return value, nil }

// segment makes a value one segment of a path. Escaping alone is not enough: servers and proxies
// decode %2F and walk "..", and then it is another account's address.
func segment(value string) (string, error) {
	if value == "." || value == ".." || strings.ContainsAny(value, "/\\") || strings.ContainsFunc(value, isControl) {
		return "", exeunt.Errorf(exeunt.Invalid, "an identifier holds characters that cannot stand in an address: do this step by hand")
	}
	return url.PathEscape(value), nil
}

// headerValue refuses what would end a header line.
func headerValue(value string) (string, error) {
	if strings.ContainsFunc(value, isControl) {
		return "", exeunt.Errorf(exeunt.Invalid, "a value holds characters that cannot stand in a header: do this step by hand")
	}
	return value, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func (v vars) renderMap(templates map[string]string, escape func(string) (string, error)) (map[string]string, error) {
	out := make(map[string]string, len(templates))
	for name, template := range templates {
		value, err := v.render(template, escape)
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

// renderBody fills the texts of a body. Values are put into the decoded tree and encoded with it, so
// that a name with quotes stays a name.
func (v vars) renderBody(node any) (any, error) {
	switch n := node.(type) {
	case string:
		return v.render(n, plain)
	case []any:
		out := make([]any, len(n))
		for i, item := range n {
			filled, err := v.renderBody(item)
			if err != nil {
				return nil, err
			}
			out[i] = filled
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(n))
		for key, item := range n {
			filled, err := v.renderBody(item)
			if err != nil {
				return nil, err
			}
			out[key] = filled
		}
		return out, nil
	default:
		return node, nil
	}
}

// actionVars are the placeholders of an action.
func actionVars(values map[string]string, a exeunt.Account, with connector.Parameters) vars {
	v := accountVars(values, a)
	v["last_day"], v["termination_date"] = string(with.LastDay), string(with.TerminationDate)
	v["idempotency_key"] = with.IdempotencyKey
	v["leaver.id"], v["leaver.name"] = with.Leaver.ID, with.Leaver.Name
	v["leaver.entity"], v["leaver.zone"] = with.Leaver.Entity, with.Leaver.Zone
	if with.Case > 0 {
		v["case"] = with.Case.String()
	}
	v["leaver.identifiers."+string(exeunt.EmployeeID)] = with.Leaver.Identifier(exeunt.EmployeeID)
	for kind := range with.Leaver.Identifiers {
		v["leaver.identifiers."+string(kind)] = with.Leaver.Identifier(kind)
	}
	for name, fact := range with.Seen.Facts {
		v["seen."+name] = fact
	}
	return v
}

func accountVars(values map[string]string, a exeunt.Account) vars {
	v := valueVars(values)
	v["account.id"], v["account.login"] = a.ID, a.Login
	return v
}

func valueVars(values map[string]string) vars {
	v := vars{}
	for name, value := range values {
		v["values."+name] = value
	}
	return v
}

// numberText is a YAML number as JSON writes it.
func numberText(n any) (string, bool) {
	switch v := n.(type) {
	case int:
		return strconv.Itoa(v), true
	case float64:
		b, err := json.Marshal(v)
		return string(b), err == nil
	default:
		return "", false
	}
}
