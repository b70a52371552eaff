package description

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// body checks what is sent.
func (k scimType) body(x connectortest.Exchange, shape string) error {
	if x.Method == http.MethodGet || x.Method == http.MethodDelete {
		if len(x.Body) > 0 {
			return fmt.Errorf("%s takes no body", x.Method)
		}
		return nil
	}
	if kind := media(x.Header.Get("Content-Type")); kind != "application/scim+json" && kind != "application/json" {
		return fmt.Errorf("the body is %q (RFC 7644 §8.1)", kind)
	}
	sent, err := object(x.Body)
	if err != nil {
		return err
	}
	switch {
	case x.Method == http.MethodPatch:
		return k.patch(sent)
	case strings.HasSuffix(shape, "/.search"):
		return k.search(sent)
	}
	return k.resource(sent, true)
}

func isMessage(body map[string]any, name string) error {
	if !contains(body["schemas"], messages+name) {
		return fmt.Errorf("it does not say that it is a %s (RFC 7644 §3.1)", name)
	}
	return nil
}

func contains(list any, want string) bool {
	all, _ := list.([]any)
	return slices.ContainsFunc(all, func(one any) bool { s, _ := one.(string); return strings.EqualFold(s, want) })
}

// search is RFC 7644 §3.4.3: the parameters of a query, in a body.
func (k scimType) search(sent map[string]any) error {
	if err := isMessage(sent, "SearchRequest"); err != nil {
		return err
	}
	q := url.Values{}
	for name, value := range sent {
		list, many := value.([]any)
		switch {
		case name == "schemas":
		case many:
			var names []string
			for _, one := range list {
				names = append(names, fmt.Sprint(one))
			}
			q.Set(name, strings.Join(names, ","))
		default:
			q.Set(name, fmt.Sprint(value))
		}
	}
	return k.asked(q)
}

// patch is RFC 7644 §3.5.2.
func (k scimType) patch(sent map[string]any) error {
	if err := isMessage(sent, "PatchOp"); err != nil {
		return err
	}
	operations, _ := sent["Operations"].([]any)
	if len(operations) == 0 || len(sent) != 2 {
		return fmt.Errorf("a PatchOp is schemas and Operations, and nothing else")
	}
	for _, one := range operations {
		operation, _ := one.(map[string]any)
		if err := k.operation(operation); err != nil {
			return err
		}
	}
	return nil
}

func (k scimType) operation(operation map[string]any) error {
	op, _ := operation["op"].(string)
	path, _ := operation["path"].(string)
	value, has := operation["value"]
	switch {
	case !slices.Contains([]string{"add", "remove", "replace"}, strings.ToLower(op)):
		return fmt.Errorf("%q is no operation", op)
	case strings.EqualFold(op, "remove") && path == "":
		return fmt.Errorf("a removal says what, by its path (RFC 7644 §3.5.2.2)")
	case !strings.EqualFold(op, "remove") && !has:
		return fmt.Errorf("%s without a value", op)
	case path == "":
		whole, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("without a path, the value is a resource")
		}
		return k.resource(whole, true)
	}
	a, err := k.place(path)
	if err != nil || !has {
		return err
	}
	if a.Mutability == "readOnly" {
		return fmt.Errorf("%s is read only", path)
	}
	return a.holds(value, true)
}

// place is what a path of a PATCH names: an attribute, or those of its values that a filter chooses.
func (k scimType) place(path string) (attribute, error) {
	outer, rest, filtered := strings.Cut(path, "[")
	a, err := k.find(outer)
	if err != nil || !filtered {
		return a, err
	}
	inner, sub, closed := strings.Cut(rest, "]")
	if !closed {
		return a, fmt.Errorf("%s has a bracket that is left open", path)
	}
	of := scimType{attributes: a.SubAttributes}
	if err := of.filter(inner); err != nil {
		return a, err
	}
	if sub == "" {
		return a, nil
	}
	return of.find(strings.TrimPrefix(sub, "."))
}

// resource checks a whole one, or the part of one.
func (k scimType) resource(body map[string]any, sent bool) error {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		a, err := k.find(name)
		if i := slices.Index(k.schemas, name); err != nil && i > 0 {
			a, _ = named(k.attributes, name)
			err = nil
		}
		if err == nil {
			err = a.holds(body[name], sent)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// holds says whether a value is one of the attribute. One of many may be sent by itself in a PATCH.
func (a attribute) holds(value any, sent bool) error {
	if list, many := value.([]any); many {
		if !a.MultiValued {
			return fmt.Errorf("%s is one value, and not a list", a.Name)
		}
		for _, one := range list {
			if err := a.single(one, sent); err != nil {
				return err
			}
		}
		return nil
	}
	if a.MultiValued && !sent && value != nil {
		return fmt.Errorf("%s is a list", a.Name)
	}
	return a.single(value, sent)
}

func (a attribute) single(value any, sent bool) error {
	ok := true
	switch v := value.(type) {
	case bool:
		ok = a.Type == "boolean"
	case string:
		ok = slices.Contains([]string{"string", "reference", "dateTime", "binary"}, a.Type)
	case float64, json.Number:
		ok = a.Type == "integer" || a.Type == "decimal"
	case map[string]any:
		if a.Type != "complex" {
			return fmt.Errorf("%s is no object", a.Name)
		}
		return scimType{attributes: append(slices.Clone(a.SubAttributes), references...)}.resource(v, sent)
	}
	if !ok {
		return fmt.Errorf("%s is %v, and %s is wanted", a.Name, value, a.Type)
	}
	return nil
}

// references are sub-attributes that values may have in every complex attribute (RFC 7643 §2.4).
var references = []attribute{{Name: "$ref", Type: "reference"}, {Name: "display", Type: "string"}, {Name: "type", Type: "string"}, {Name: "value", Type: "string"}, {Name: "primary", Type: "boolean"}}

// answered holds an answer to RFC 7644 §3.4.2, §3.12 and to the schema.
func (k scimType) answered(x connectortest.Exchange, shape string) error {
	switch {
	case x.Status == 0 || x.Status >= http.StatusInternalServerError || x.Status == http.StatusNoContent && len(x.Answer) == 0:
		return nil
	case x.Status == http.StatusUnauthorized: // said before SCIM is spoken
		return nil
	}
	body, err := object(x.Answer)
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	switch {
	case x.Status >= http.StatusMultipleChoices:
		err = isMessage(body, "Error")
	case strings.HasSuffix(shape, "/{id}") || shape != "" && x.Method == http.MethodPost && !strings.HasSuffix(shape, "/.search"):
		err = k.resource(body, false)
	default:
		err = k.listed(body)
	}
	if err != nil {
		return fmt.Errorf("the answer: %w", err)
	}
	return nil
}

func (k scimType) listed(body map[string]any) error {
	if err := isMessage(body, "ListResponse"); err != nil {
		return err
	}
	if _, ok := body["totalResults"].(float64); !ok {
		return fmt.Errorf("a list without totalResults")
	}
	found, _ := body["Resources"].([]any)
	for _, one := range found {
		item, _ := one.(map[string]any)
		if err := k.resource(item, false); err != nil {
			return err
		}
	}
	return nil
}
