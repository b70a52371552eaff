package description

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// Discovery are discovery documents of Google (developers.google.com/discovery/v1/reference/apis).
type Discovery []*document

type document struct {
	ServicePath string            `json:"servicePath"`
	Parameters  map[string]schema `json:"parameters"`
	Methods     map[string]Method `json:"methods"`
	Schemas     map[string]schema `json:"schemas"`
}

// Method is one of an API.
type Method struct {
	ID         string            `json:"id"`
	HTTPMethod string            `json:"httpMethod"`
	Path       string            `json:"path"`
	Parameters map[string]schema `json:"parameters"`
	Takes      schema            `json:"request"`
	Gives      schema            `json:"response"`
	Scopes     []string          `json:"scopes"`

	of *document
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Location   string            `json:"location"`
	Required   bool              `json:"required"`
	ReadOnly   bool              `json:"readOnly"`
	Enum       []string          `json:"enum"`
	Minimum    string            `json:"minimum"`
	Maximum    string            `json:"maximum"`
	Items      *schema           `json:"items"`
	Properties map[string]schema `json:"properties"`
}

// ReadDiscovery reads documents.
func ReadDiscovery(documents ...[]byte) (Discovery, error) {
	var all Discovery
	for _, raw := range documents {
		var d document
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, err
		}
		all = append(all, &d)
	}
	return all, nil
}

// Judge implements connectortest.Description.
func (all Discovery) Judge(x connectortest.Exchange) connectortest.Verdict {
	m, path, err := all.Method(x.Method, x.URL)
	if err != nil {
		return connectortest.Verdict{Faults: []string{err.Error()}}
	}
	v := connectortest.Verdict{Operations: []string{m.ID}}
	if err := m.Check(path, x.URL.Query(), x.Header.Get("Content-Type"), x.Body); err != nil {
		v.Faults = append(v.Faults, err.Error())
	}
	if x.Header.Get("Authorization") == "" {
		v.Faults = append(v.Faults, "no credentials")
	}
	if err := m.answered(x); err != nil {
		v.Faults = append(v.Faults, "the answer: "+err.Error())
	}
	return v
}

// answered holds an answer to the method. Errors have the form of cloud.google.com/apis/design/errors, or of the older
// developers.google.com/workspace/admin/directory/v1/limits.
func (m Method) answered(x connectortest.Exchange) error {
	if x.Status == 0 || x.Status >= http.StatusInternalServerError {
		return nil
	}
	if x.Status >= http.StatusMultipleChoices {
		body, err := object(x.Answer)
		if _, told := body["error"].(map[string]any); err != nil || !told {
			return fmt.Errorf("an error without its object: %.80s", x.Answer)
		}
		return nil
	}
	if m.Gives.Ref == "" {
		return m.empty(x.Answer)
	}
	var value any
	if err := json.Unmarshal(x.Answer, &value); err != nil {
		return fmt.Errorf("%s: %w", m.ID, err)
	}
	return m.Answer(value)
}

// empty is what a method without a response gives: nothing, or an object with nothing in it.
func (m Method) empty(answer []byte) error {
	if text := strings.TrimSpace(string(answer)); text != "" && text != "{}" {
		return fmt.Errorf("%s answers nothing, and has %.80s", m.ID, text)
	}
	return nil
}

// Answer holds a value to what the method answers.
func (m Method) Answer(value any) error { return m.of.check(m.Gives, value, false, m.Gives.Ref) }

// Only leaves of an answer what a mask of fields names.
func (m Method) Only(value any, mask string) (any, error) { return m.of.only(m.Gives, value, mask) }

// Method finds which one a request is, with the values of its path.
func (all Discovery) Method(verb string, address *url.URL) (Method, map[string]string, error) {
	asked := strings.Split(strings.TrimPrefix(address.EscapedPath(), "/"), "/")
	for _, d := range all {
		for _, m := range d.Methods {
			template := strings.Split(d.ServicePath+m.Path, "/")
			values := map[string]string{}
			if m.HTTPMethod != verb || len(template) != len(asked) {
				continue
			}
			same := true
			for j, part := range template {
				if name, variable := strings.CutPrefix(part, "{"); variable {
					value, err := url.PathUnescape(asked[j])
					values[strings.TrimSuffix(name, "}")] = value
					same = same && err == nil && value != ""
				} else {
					same = same && part == asked[j]
				}
			}
			if same {
				m.of = d
				return m, values, nil
			}
		}
	}
	return Method{}, nil, fmt.Errorf("%s %s is no method of Google's", verb, address.Path)
}

// Check says what is wrong with a request.
func (m Method) Check(path map[string]string, query url.Values, contentType string, body []byte) error {
	for name, values := range query {
		p, own := m.Parameters[name]
		if !own {
			p, own = m.of.Parameters[name], m.of.Parameters[name].Type != ""
		}
		if !own || p.Location != "query" || len(values) != 1 {
			return fmt.Errorf("%s has no parameter %s in the query", m.ID, name)
		}
		if err := p.text(values[0]); err != nil {
			return fmt.Errorf("%s: %s %w", m.ID, name, err)
		}
	}
	for name, p := range m.Parameters {
		if p.Required && path[name] == "" && query.Get(name) == "" {
			return fmt.Errorf("%s: %s is required", m.ID, name)
		}
	}
	if m.Takes.Ref == "" {
		if len(body) > 0 {
			return fmt.Errorf("%s takes no body", m.ID)
		}
		return nil
	}
	if media(contentType) != "application/json" {
		return fmt.Errorf("%s: the body is %q", m.ID, contentType)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("%s: %w", m.ID, err)
	}
	return m.of.check(m.Takes, value, true, m.Takes.Ref)
}

// text checks a value of a query.
func (s schema) text(value string) error {
	n, err := strconv.Atoi(value)
	low, _ := strconv.Atoi(s.Minimum)
	high, _ := strconv.Atoi(s.Maximum)
	switch {
	case s.Type == "integer" && (err != nil || s.Minimum != "" && n < low || s.Maximum != "" && n > high):
		return fmt.Errorf("is %q, a number from %q to %q is wanted", value, s.Minimum, s.Maximum)
	case s.Type == "boolean" && value != "true" && value != "false":
		return fmt.Errorf("is %q, a boolean is wanted", value)
	case len(s.Enum) > 0 && !slices.Contains(s.Enum, value):
		return fmt.Errorf("is %q, one of %v is wanted", value, s.Enum)
	}
	return nil
}

// check holds a JSON value to a schema. What the server alone sets is wrong in a request.
func (d *document) check(s schema, value any, sent bool, at string) error {
	if s.Ref != "" {
		ref, known := d.Schemas[s.Ref]
		if !known {
			return fmt.Errorf("%s: testdata has no schema %s", at, s.Ref)
		}
		s = ref
	}
	switch v := value.(type) {
	case map[string]any:
		if s.Type == "object" {
			return d.fields(s, v, sent, at)
		}
	case []any:
		if s.Type == "array" && s.Items != nil {
			return d.items(*s.Items, v, sent, at)
		}
	}
	if s.Type != "any" && !slices.Contains(types[fmt.Sprintf("%T", value)], s.Type) {
		return fmt.Errorf("%s is %T, %s is wanted", at, value, s.Type)
	}
	return nil
}

// types are those of a schema that a value of JSON may be of.
var types = map[string][]string{"string": {"string"}, "bool": {"boolean"}, "float64": {"integer", "number"}, "[]interface {}": {"array"}}

func (d *document) fields(s schema, object map[string]any, sent bool, at string) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		p, known := s.Properties[name]
		if !known || sent && p.ReadOnly {
			return fmt.Errorf("%s has no %s that may be written", at, name)
		}
		if err := d.check(p, object[name], sent, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) items(s schema, list []any, sent bool, at string) error {
	for _, item := range list {
		if err := d.check(s, item, sent, at+"[]"); err != nil {
			return err
		}
	}
	return nil
}

// only leaves of an answer what its mask names (developers.google.com/workspace/admin/directory/v1/guides/performance); a
// name that the schema does not have is refused, as Google does.
func (d *document) only(s schema, value any, mask string) (any, error) {
	if s.Ref != "" {
		s = d.Schemas[s.Ref]
	}
	if list, many := value.([]any); many {
		for i := range list {
			var err error
			if list[i], err = d.only(*s.Items, list[i], mask); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	object, _ := value.(map[string]any)
	out := map[string]any{}
	for _, field := range fields(mask) {
		name, inner, nested := strings.Cut(field, "(")
		p, known := s.Properties[name]
		if !known {
			return nil, fmt.Errorf("there is no field %s", name)
		}
		item, there := object[name]
		if nested && there {
			var err error
			if item, err = d.only(p, item, strings.TrimSuffix(inner, ")")); err != nil {
				return nil, err
			}
		}
		if there {
			out[name] = item
		}
	}
	return out, nil
}

// fields splits a mask at the commas outside of brackets.
func fields(mask string) []string {
	var out []string
	depth, from := 0, 0
	for i, c := range mask + "," {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			out = append(out, mask[from:i])
			from = i + 1
		}
	}
	return out
}
