package connector

import (
	"cmp"
	"encoding"
	"reflect"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// Sheet says what one connector can do and what it is told, for people who choose one, set it up or review it.
type Sheet struct {
	Name     string              `json:"name"`               // as people ask for it: ldap, github
	Kind     string              `json:"kind"`               // what a system's file names: ldap, http
	Title    string              `json:"title"`              //
	Source   string              `json:"source,omitempty"`   // where the vendor says how its system behaves
	SignsIn  string              `json:"signs_in,omitempty"` // how requests are signed in, where a description says it
	Actions  []exeunt.ActionSpec `json:"actions"`            // in their order
	Settings []Setting           `json:"settings"`           //
	Asks     []string            `json:"asks,omitempty"`     // the rights that exeunt doctor can see without acting, where a description says them
}

// Setting is one thing that a system's file tells its connector.
type Setting struct {
	Name     string   `json:"name"` // as it is written: bind_dn, values.org
	Type     string   `json:"type"` // in words
	Required bool     `json:"required,omitempty"`
	Secret   bool     `json:"secret,omitempty"` // a reference to one: env:NAME or file:/path
	Values   []string `json:"values,omitempty"` // the only ones that it takes
	Meaning  string   `json:"meaning,omitempty"`
}

// Sheet is what a kind can do with settings that leave nothing out.
func (k Kind) Sheet() Sheet {
	s := Sheet{Name: k.Name, Kind: k.Name, Title: k.Title, Actions: slices.Clone(k.Actions), Settings: []Setting{}}
	slices.SortStableFunc(s.Actions, func(a, b exeunt.ActionSpec) int { return cmp.Compare(a.Order, b.Order) })
	if k.Settings != nil {
		s.Settings = settingsOf(k.Settings)
	}
	return s
}

// Scopes are all that the actions need, each once and in order.
func (s Sheet) Scopes() []string {
	var all []string
	for _, a := range s.Actions {
		for _, scope := range a.Scopes {
			if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	}
	return all
}

// settingsOf reads what the fields of a type of settings say of themselves, as the JSON Schemas do.
func settingsOf(t reflect.Type) []Setting {
	out := []Setting{}
	if t.Kind() != reflect.Struct {
		return out
	}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || name == "" || name == "-" {
			continue
		}
		s := Setting{Name: name, Type: words(f.Type), Secret: f.Type == reflect.TypeFor[Secret](), Meaning: f.Tag.Get("jsonschema_description")}
		for rule := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
			if value, ok := strings.CutPrefix(rule, "enum="); ok {
				s.Values = append(s.Values, value)
			}
			s.Required = s.Required || rule == "required"
		}
		out = append(out, s)
	}
	return out
}

// words says what may stand there.
func words(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Secret]():
		return "reference to a secret"
	case t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return "text"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return words(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list of " + words(t.Elem())
	case reflect.Map:
		return words(t.Key()) + " to " + words(t.Elem())
	case reflect.Struct:
		return "settings of its own"
	default:
		return "text"
	}
}
