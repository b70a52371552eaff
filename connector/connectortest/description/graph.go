package description

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Graph is Microsoft's own description of Graph v1.0, cut down to what a departure touches: the types with their
// properties, what leads from one to another, and their actions.
type Graph struct {
	Source  string
	Licence string
	Sets    map[string]string
	Types   map[string]*entity
}

type entity struct {
	Base  string
	Props map[string]string
	Nav   map[string]string
	Bound []bound
}

type bound struct {
	Kind, Name string
	Params     map[string]struct{ Type, Nullable string }
}

// ReadGraph reads it.
func ReadGraph(raw []byte) (*Graph, error) {
	var c Graph
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	return &c, nil
}

var (
	oneID     = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	inFilter  = regexp.MustCompile(`([A-Za-z]\w*)(?: eq |/any\()`)
	literal   = regexp.MustCompile(`'(?:[^']|'')*'`)
	lambda    = regexp.MustCompile(`any\((\w+):\w+ eq `)
	inParens  = regexp.MustCompile(`\([^)]*\)`)
	directory = []string{"user", "group", "device", "servicePrincipal", "directoryObject"}
)

// bare is the name of a type: user of Collection(graph.user).
func bare(t string) string {
	return strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(t, "Collection("), ")"), "graph.")
}

func isCollection(t string) bool { return strings.HasPrefix(t, "Collection(") }

// each walks a type and what it is built on.
func (c *Graph) each(name string) []*entity {
	var out []*entity
	for name != "" && c.Types[name] != nil {
		out = append(out, c.Types[name])
		name = c.Types[name].Base
	}
	return out
}

func (c *Graph) property(of, name string) (string, bool) {
	for _, e := range c.each(of) {
		if p, ok := e.Props[name]; ok {
			return p, true
		}
	}
	return "", false
}

func (c *Graph) navigation(of, name string) (string, bool) {
	for _, e := range c.each(of) {
		if p, ok := e.Nav[name]; ok {
			return p, true
		}
	}
	return "", false
}

func (c *Graph) action(of, name string) (bound, bool) {
	for _, e := range c.each(of) {
		if i := slices.IndexFunc(e.Bound, func(b bound) bool { return b.Name == name && b.Kind == "Action" }); i >= 0 {
			return e.Bound[i], true
		}
	}
	return bound{}, false
}

// target is what an address names.
type target struct {
	kind      string // type, as the contract writes it
	key       bool   // the last segment is the id of one of a collection
	reference bool   // …/$ref
	through   bool   // reached from another object, as its member or owner
	action    *bound
	shape     string // the address with {id} for ids
}

// resolve follows a path from segment to segment.
func (c *Graph) resolve(path string) (target, error) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	kind, ok := c.Sets[segments[0]]
	if !ok {
		return target{}, fmt.Errorf("there is no %s", segments[0])
	}
	at := target{kind: kind, shape: "/" + segments[0]}
	for i, escaped := range segments[1:] {
		s, err := url.PathUnescape(escaped)
		if err != nil || s == "" || at.action != nil || at.reference {
			return at, fmt.Errorf("nothing can be at %q", escaped)
		}
		shape := at.shape
		if at, err = c.step(at, s, i); err != nil {
			return at, err
		}
		if at.shape = shape + "/" + s; at.key {
			at.shape = shape + "/{id}"
		}
	}
	return at, nil
}

func (c *Graph) step(at target, s string, depth int) (target, error) {
	of := bare(at.kind)
	switch {
	case s == "$ref":
		at.reference = true
		return at, nil
	case strings.HasPrefix(s, "microsoft.graph."):
		if c.Types[strings.TrimPrefix(s, "microsoft.graph.")] == nil {
			return at, fmt.Errorf("there is no type %s", s)
		}
		at.kind = "Collection(graph." + strings.TrimPrefix(s, "microsoft.graph.") + ")"
		return at, nil
	case isCollection(at.kind):
		if slices.Contains(directory, of) && !oneID.MatchString(s) {
			return at, fmt.Errorf("%q is no id of a %s", s, of)
		}
		return target{kind: "graph." + of, key: true, through: depth > 0 && slices.Contains(directory, of)}, nil
	}
	if nav, ok := c.navigation(of, s); ok {
		return target{kind: nav}, nil
	}
	if p, ok := c.property(of, s); ok {
		return target{kind: p}, nil
	}
	if a, ok := c.action(of, s); ok {
		at.action = &a
		return at, nil
	}
	return at, fmt.Errorf("a %s has no %s", of, s)
}

// Check says what is wrong with a request.
func (c *Graph) Check(method, address string, body map[string]any) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	at, err := c.resolve(u.EscapedPath())
	if err != nil {
		return err
	}
	if err := c.options(bare(at.kind), u.Query()); err != nil {
		return err
	}
	return c.verb(at, method, body)
}

// verb says whether a method and a body are what an address takes.
func (c *Graph) verb(at target, method string, body map[string]any) error {
	switch bodiless := body == nil && at.action == nil; {
	case method == "GET" && bodiless:
		return nil
	case method == "DELETE" && bodiless && at.key:
		if at.through && !at.reference {
			return fmt.Errorf("this deletes the %s itself: its place among the members ends by /$ref", bare(at.kind))
		}
		return nil
	case method == "POST" && at.action != nil:
		return c.parameters(*at.action, body)
	case method == "POST" && at.reference && isCollection(at.kind):
		return reference(body)
	case method == "POST" && isCollection(at.kind), method == "PATCH" && !isCollection(at.kind):
		return c.body(bare(at.kind), body)
	}
	return fmt.Errorf("%s is nothing that a %s takes", method, at.kind)
}

func reference(body map[string]any) error {
	if ref, _ := body["@odata.id"].(string); len(body) != 1 || !strings.Contains(ref, "/directoryObjects/") {
		return fmt.Errorf("%v is no reference", body)
	}
	return nil
}

func (c *Graph) parameters(a bound, body map[string]any) error {
	for name, value := range body {
		p, ok := a.Params[name]
		if !ok {
			return fmt.Errorf("%s has no parameter %s", a.Name, name)
		}
		if err := c.value(p.Type, value); err != nil {
			return err
		}
	}
	for name, p := range a.Params {
		if _, ok := body[name]; !ok && p.Nullable == "false" {
			return fmt.Errorf("%s wants the parameter %s", a.Name, name)
		}
	}
	return nil
}

func (c *Graph) body(of string, body map[string]any) error {
	if len(body) == 0 {
		return fmt.Errorf("a %s wants a body", of)
	}
	for name, value := range body {
		p, ok := c.property(of, name)
		if !ok {
			return fmt.Errorf("a %s has no property %s", of, name)
		}
		if err := c.value(p, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// value says whether a JSON value is of a type.
func (c *Graph) value(of string, value any) error {
	ok := true
	switch v := value.(type) {
	case []any:
		ok = isCollection(of)
		for _, one := range v {
			if err := c.value(strings.TrimSuffix(strings.TrimPrefix(of, "Collection("), ")"), one); err != nil {
				return err
			}
		}
	case map[string]any:
		if c.Types[bare(of)] == nil {
			return fmt.Errorf("the contract has no %s", of)
		}
		return c.body(bare(of), v)
	case bool:
		ok = of == "Edm.Boolean"
	case string:
		ok = !isCollection(of) && of != "Edm.Boolean" && (of != "Edm.Guid" || oneID.MatchString(v)) && c.Types[bare(of)] == nil
	}
	if !ok {
		return fmt.Errorf("%v is no %s", value, of)
	}
	return nil
}

// options checks $select, $expand and $filter against a type.
func (c *Graph) options(of string, query url.Values) error {
	for option, values := range query {
		for _, v := range values {
			switch option {
			case "$select":
				for p := range strings.SplitSeq(v, ",") {
					if _, ok := c.property(of, p); !ok && of != "directoryObject" {
						return fmt.Errorf("$select: a %s has no %s", of, p)
					}
				}
			case "$expand":
				if _, ok := c.navigation(of, inParens.ReplaceAllString(v, "")); !ok {
					return fmt.Errorf("$expand: a %s has no %s", of, v)
				}
			case "$filter":
				if err := c.filter(of, v); err != nil {
					return err
				}
			case "$top", "$skiptoken", "$count":
			default:
				return fmt.Errorf("the option %s", option)
			}
		}
	}
	return nil
}

func (c *Graph) filter(of, filter string) error {
	plain := literal.ReplaceAllString(filter, "''")
	if strings.Count(strings.ReplaceAll(plain, "''", ""), "'") > 0 {
		return fmt.Errorf("$filter: a quote is left open in %s", filter)
	}
	bind := ""
	if m := lambda.FindStringSubmatch(plain); m != nil {
		bind = m[1]
	}
	for _, m := range inFilter.FindAllStringSubmatch(plain, -1) {
		if _, ok := c.property(of, m[1]); !ok && m[1] != bind {
			return fmt.Errorf("$filter: a %s has no %s", of, m[1])
		}
	}
	return nil
}
