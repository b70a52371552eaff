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

// graphVersion is where the API that the description is of stands.
const graphVersion = "/v1.0"

// mostInBatch is how many requests may be in one batch (learn.microsoft.com/graph/json-batching).
const mostInBatch = 20

// Judge implements connectortest.Description.
func (c *Graph) Judge(x connectortest.Exchange) connectortest.Verdict {
	address, ok := under(graphVersion, x.URL.RequestURI())
	if !ok {
		return connectortest.Verdict{Faults: []string{"is not of " + graphVersion}}
	}
	var body map[string]any
	if len(x.Body) > 0 {
		var err error
		if body, err = object(x.Body); err != nil || media(x.Header.Get("Content-Type")) != "application/json" {
			return connectortest.Verdict{Faults: []string{"the body is no JSON"}}
		}
	}
	var v connectortest.Verdict
	if x.Method == http.MethodPost && address == "/$batch" {
		v = c.batch(x, body)
	} else {
		v = c.one(x.Method, address, body, x.Status, x.Answer)
	}
	if x.Header.Get("Authorization") == "" {
		v.Faults = append(v.Faults, "no credentials")
	}
	return v
}

// one judges a request by itself, or as a part of a batch.
func (c *Graph) one(method, address string, body map[string]any, status int, answer []byte) connectortest.Verdict {
	if err := c.Check(method, address, body); err != nil {
		return connectortest.Verdict{Faults: []string{err.Error()}}
	}
	path, _, _ := strings.Cut(address, "?")
	at, err := c.resolve(path)
	if err != nil {
		return connectortest.Verdict{Faults: []string{err.Error()}}
	}
	v := connectortest.Verdict{Operations: []string{method + " " + at.shape}}
	if err := c.answered(at, method, status, answer); err != nil {
		v.Faults = append(v.Faults, "the answer: "+err.Error())
	}
	return v
}

type batched struct {
	ID, Method, URL string
	Status          int
	Body            json.RawMessage
}

// batch judges each request of a batch with the answer that has its id; answers come in any order.
func (c *Graph) batch(x connectortest.Exchange, _ map[string]any) connectortest.Verdict {
	v := connectortest.Verdict{Operations: []string{"POST /$batch"}}
	var asked struct{ Requests []batched }
	var told struct{ Responses []batched }
	if err := json.Unmarshal(x.Body, &asked); err != nil || len(asked.Requests) == 0 || len(asked.Requests) > mostInBatch {
		v.Faults = append(v.Faults, fmt.Sprintf("a batch has 1 to %d requests, and this one %d", mostInBatch, len(asked.Requests)))
	}
	if x.Status == http.StatusOK {
		if err := json.Unmarshal(x.Answer, &told); err != nil || len(told.Responses) != len(asked.Requests) {
			v.Faults = append(v.Faults, fmt.Sprintf("the answer: %d responses to %d requests", len(told.Responses), len(asked.Requests)))
		}
	}
	answers, ids := map[string]batched{}, map[string]bool{}
	for _, a := range told.Responses {
		answers[a.ID] = a
	}
	for _, one := range asked.Requests {
		if one.ID == "" || ids[one.ID] {
			v.Faults = append(v.Faults, "two requests of a batch have the same id, or one has none")
		}
		ids[one.ID] = true
		var body map[string]any
		if len(one.Body) > 0 {
			_ = json.Unmarshal(one.Body, &body)
		}
		part := c.one(one.Method, one.URL, body, answers[one.ID].Status, answers[one.ID].Body)
		where := one.Method + " " + one.URL
		if len(part.Operations) > 0 {
			where = part.Operations[0]
		}
		for _, fault := range part.Faults {
			v.Faults = append(v.Faults, "in a batch, "+where+": "+fault)
		}
		v.Operations = append(v.Operations, part.Operations...)
	}
	return v
}

// answered holds an answer to what an address names.
func (c *Graph) answered(at target, method string, status int, answer []byte) error {
	switch {
	case status == 0 || status >= http.StatusInternalServerError || status == http.StatusNoContent && len(answer) == 0:
		return nil
	case status >= http.StatusMultipleChoices:
		return graphError(answer)
	case method != http.MethodGet && (at.action != nil || at.reference): // what an action gives, this cut of the description leaves out
		return nil
	}
	body, err := object(answer)
	if err != nil {
		return err
	}
	if method != http.MethodGet || !isCollection(at.kind) {
		return c.resource(bare(at.kind), body)
	}
	return c.collection(bare(at.kind), body)
}

func (c *Graph) collection(of string, body map[string]any) error {
	list, ok := body["value"].([]any)
	if !ok {
		return fmt.Errorf("a collection without its value")
	}
	if next, more := body["@odata.nextLink"]; more {
		link, _ := next.(string)
		if u, err := url.Parse(link); err != nil || !u.IsAbs() {
			return fmt.Errorf("the next page is at %v, which is no absolute address", next)
		}
	}
	for _, one := range list {
		item, ok := one.(map[string]any)
		if !ok {
			return fmt.Errorf("an item that is no object")
		}
		if err := c.resource(of, item); err != nil {
			return err
		}
	}
	return nil
}

// graphError is the form of learn.microsoft.com/graph/errors.
func graphError(answer []byte) error {
	body, err := object(answer)
	if err != nil {
		return err
	}
	told, _ := body["error"].(map[string]any)
	if code, _ := told["code"].(string); code == "" {
		return fmt.Errorf("an error without its code")
	}
	return nil
}

// resource holds what was read to its type, or to the more special one that it says it is of.
func (c *Graph) resource(of string, body map[string]any) error {
	if said, ok := body["@odata.type"].(string); ok {
		of = strings.TrimPrefix(strings.TrimPrefix(said, "#"), "microsoft.graph.")
		if c.Types[of] == nil {
			return fmt.Errorf("there is no type %s", said)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		value := body[name]
		if strings.Contains(name, "@odata.") || value == nil {
			continue
		}
		kind, ok := c.property(of, name)
		if !ok {
			if kind, ok = c.navigation(of, name); !ok {
				return fmt.Errorf("a %s has no %s", of, name)
			}
		}
		if err := c.read(kind, value); err != nil {
			return fmt.Errorf("%s of a %s: %w", name, of, err)
		}
	}
	return nil
}

// read holds a value that was read to a kind. Types that this cut of the description leaves out are taken as they are.
func (c *Graph) read(kind string, value any) error {
	switch v := value.(type) {
	case []any:
		if !isCollection(kind) {
			return fmt.Errorf("is a list, %s is wanted", kind)
		}
		for _, one := range v {
			if err := c.read(strings.TrimSuffix(strings.TrimPrefix(kind, "Collection("), ")"), one); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if isCollection(kind) || strings.HasPrefix(kind, "Edm.") {
			return fmt.Errorf("is an object, %s is wanted", kind)
		}
		if c.Types[bare(kind)] == nil {
			return nil
		}
		return c.resource(bare(kind), v)
	case float64:
		if !strings.HasPrefix(kind, "Edm.Int") && kind != "Edm.Double" && kind != "Edm.Decimal" {
			return fmt.Errorf("is a number, %s is wanted", kind)
		}
		return nil
	default:
		return c.value(kind, v)
	}
}
