package google_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// contract is what Google says of its APIs: see testdata.
type contract struct{ documents []document }

type document struct {
	ServicePath string            `json:"servicePath"`
	Parameters  map[string]schema `json:"parameters"`
	Methods     map[string]method `json:"methods"`
	Schemas     map[string]schema `json:"schemas"`
}

type method struct {
	ID         string            `json:"id"`
	HTTPMethod string            `json:"httpMethod"`
	Path       string            `json:"path"`
	Parameters map[string]schema `json:"parameters"`
	Request    schema            `json:"request"`
	Response   schema            `json:"response"`
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

func readContract(t testing.TB) contract {
	t.Helper()
	var c contract
	for _, file := range []string{"directory", "datatransfer", "gmail", "licensing"} {
		raw, err := os.ReadFile(filepath.Join("testdata", file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var d document
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		c.documents = append(c.documents, d)
	}
	return c
}

// method finds which one a request is, with the values of its path.
func (c contract) method(r *http.Request) (method, map[string]string, error) {
	asked := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	for i := range c.documents {
		d := &c.documents[i]
		for _, m := range d.Methods {
			template := strings.Split(d.ServicePath+m.Path, "/")
			values := map[string]string{}
			if m.HTTPMethod != r.Method || len(template) != len(asked) {
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
	return method{}, nil, fmt.Errorf("%s %s is no method of Google's", r.Method, r.URL.Path)
}

// request says what is wrong with a request.
func (m method) request(r *http.Request, path map[string]string, body []byte) error {
	query := r.URL.Query()
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
	if m.Request.Ref == "" {
		if len(body) > 0 {
			return fmt.Errorf("%s takes no body", m.ID)
		}
		return nil
	}
	if r.Header.Get("Content-Type") != "application/json" {
		return fmt.Errorf("%s: the body is %q", m.ID, r.Header.Get("Content-Type"))
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("%s: %w", m.ID, err)
	}
	return m.of.check(m.Request, value, true, m.Request.Ref)
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
	var fits bool
	switch v := value.(type) {
	case map[string]any:
		fits = s.Type == "object" || s.Type == "any"
		for name, item := range v {
			p, known := s.Properties[name]
			if s.Type == "object" && (!known || sent && p.ReadOnly) {
				return fmt.Errorf("%s has no %s that may be written", at, name)
			}
			if s.Type == "object" {
				if err := d.check(p, item, sent, at+"."+name); err != nil {
					return err
				}
			}
		}
	case []any:
		fits = s.Type == "array" || s.Type == "any"
		for _, item := range v {
			if s.Items != nil {
				if err := d.check(*s.Items, item, sent, at+"[]"); err != nil {
					return err
				}
			}
		}
	case string:
		fits = s.Type == "string" || s.Type == "any"
	case bool:
		fits = s.Type == "boolean" || s.Type == "any"
	case float64:
		fits = s.Type == "integer" || s.Type == "number" || s.Type == "any"
	default:
		fits = s.Type == "any"
	}
	if !fits {
		return fmt.Errorf("%s is %T, %s is wanted", at, value, s.Type)
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

func TestTheContractTellsRightFromWrong(t *testing.T) {
	c := readContract(t)
	for request, wrong := range map[string]string{
		"GET /admin/directory/v1/users/1?projection=full&fields=id":              "",
		"GET /admin/directory/v1/users?customer=my_customer&maxResults=500":      "",
		"PATCH /admin/directory/v1/users/1 {\"suspended\":true}":                 "",
		"GET /admin/directory/v1/user/1":                                         "no method",
		"PUT /admin/directory/v1/users/1/signOut":                                "no method",
		"GET /admin/directory/v1/users?maxResults=501":                           "a number",
		"GET /admin/directory/v1/users/1?projection=all":                         "one of",
		"GET /admin/directory/v1/users/1?expand=groups":                          "no parameter",
		"PATCH /admin/directory/v1/users/1 {\"suspended\":\"true\"}":             "boolean is wanted",
		"PATCH /admin/directory/v1/users/1 {\"isAdmin\":false}":                  "may be written",
		"PATCH /admin/directory/v1/users/1 {\"suspend\":true}":                   "may be written",
		"POST /admin/directory/v1/users/1/signOut {}":                            "takes no body",
		"GET /apps/licensing/v1/product/p/sku/s/users":                           "required",
		"POST /admin/datatransfer/v1/transfers {\"applicationDataTransfers\":1}": "array is wanted",
	} {
		parts := strings.SplitN(request, " ", 3)
		r, err := http.NewRequestWithContext(t.Context(), parts[0], "https://admin.googleapis.com"+parts[1], http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		body := append(parts, "")[2]
		m, path, err := c.method(r)
		if err == nil {
			err = m.request(r, path, []byte(body))
		}
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v, want %q", request, err, wrong)
		}
	}
}
