package httpspec

import (
	"fmt"
	"strings"
)

// body refuses what JSON cannot say or YAML says otherwise than its writer meant.
func (c *checker) body(at []any, node any, allowed []string) {
	switch n := node.(type) {
	case nil, bool, int, float64:
	case string:
		c.template(at, n, allowed)
	case []any:
		for i, item := range n {
			c.body(under(at, i), item, allowed)
		}
	case map[string]any:
		for key, item := range n {
			c.body(under(at, key), item, allowed)
		}
	default:
		c.fault(at, "this is a %T, which JSON does not have: put it in quotes", node)
	}
}

func (c *checker) condition(at []any, cond *Condition, looks bool) {
	count := 0
	for _, set := range []bool{cond.Equals.Kind != 0, len(cond.In) > 0, cond.Absent != nil, cond.Empty != nil, len(cond.Was) > 0} {
		if set {
			count++
		}
	}
	if count != 1 {
		c.fault(at, "a condition has exactly one of equals, in, absent, empty and was")
	}
	if look, _ := cond.At.split(); !looks && (look != "" || len(cond.Was) > 0) {
		c.fault(at, "this condition sees one answer only: write a JSON Pointer, and no look and no was")
	} else {
		c.ref(under(at, "at"), cond.At)
	}
	if cond.Equals.Kind != 0 {
		if err := cond.Equals.Decode(&cond.equals); err != nil || !isScalar(cond.equals) {
			c.fault(under(at, "equals"), "only a text, a number, true, false or null can be compared")
		}
	}
	for i, one := range cond.In {
		if !isScalar(one) {
			c.fault(under(at, "in", i), "only a text, a number, true, false or null can be compared")
		}
	}
	c.statuses(under(at, "was"), cond.Was)
}

func isScalar(v any) bool {
	switch v.(type) {
	case nil, bool, string, int, float64:
		return true
	}
	return false
}

func (c *checker) ref(at []any, r Ref) {
	look, pointer := r.split()
	if !c.looks[look] {
		c.fault(at, "%q names a look that there is not: write a JSON Pointer such as /status, or LOOK:/status", r)
	}
	c.pointer(at, pointer)
}

func (c *checker) pointer(at []any, p string) {
	if err := checkPointer(p); err != nil {
		c.fault(at, "%v", err)
	}
}

func (c *checker) statuses(at []any, list []int) {
	for i, s := range list {
		if s < 200 || s > 599 {
			c.fault(under(at, i), "%d is not an HTTP status", s)
		}
	}
}

func (c *checker) path(at []any, template string, allowed []string) {
	if template == "" {
		return
	}
	if !strings.HasPrefix(template, "/") || strings.ContainsAny(template, "?# ") || strings.Contains(template, "/../") {
		c.fault(at, "a path begins with / and holds no query: write that under query")
	}
	c.template(at, template, allowed)
}

func (c *checker) templates(at []any, list map[string]string, allowed []string) {
	for name, template := range list {
		c.template(under(at, name), template, allowed)
	}
}

func (c *checker) template(at []any, template string, allowed []string) {
	err := scan(template, func(_, name string) error {
		switch {
		case name == "":
		case !known(name, allowed):
			return fmt.Errorf("{%s} is not known here: use %s", name, strings.TrimSuffix(strings.ReplaceAll(strings.Join(allowed, ", ")+",", ".,", ".NAME,"), ","))
		case strings.HasPrefix(name, "values.") && c.spec.Values[strings.TrimPrefix(name, "values.")] == "":
			return fmt.Errorf("{%s} is not declared: add it to values", name)
		case strings.HasPrefix(name, "seen.") && !c.fact(strings.TrimPrefix(name, "seen.")):
			return fmt.Errorf("{%s} is not a fact of observe", name)
		}
		return nil
	})
	if err != nil {
		c.fault(at, "%v", err)
	}
}

func (c *checker) fact(name string) bool {
	_, ok := c.spec.Observe.Facts[name]
	return ok
}
