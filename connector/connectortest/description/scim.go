package description

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// SCIM is a service provider as it describes itself: the schemas of its resources (RFC 7643 §7), and the protocol of
// RFC 7644 for all of them.
type SCIM struct {
	base  string
	types map[string]scimType // by endpoint: /Users
}

type scimType struct {
	schemas    []string
	attributes []attribute
}

// attribute is one of a schema (RFC 7643 §7).
type attribute struct {
	Name          string      `json:"name"`
	Type          string      `json:"type"`
	MultiValued   bool        `json:"multiValued"`
	Mutability    string      `json:"mutability"`
	SubAttributes []attribute `json:"subAttributes"`
}

// common are the attributes of every resource, which no schema lists (RFC 7643 §3.1).
var common = []attribute{
	{Name: "schemas", Type: "string", MultiValued: true}, {Name: "id", Type: "string", Mutability: "readOnly"}, {Name: "externalId", Type: "string"},
	{Name: "meta", Type: "complex", Mutability: "readOnly", SubAttributes: []attribute{
		{Name: "resourceType", Type: "string"}, {Name: "created", Type: "dateTime"}, {Name: "lastModified", Type: "dateTime"}, {Name: "location", Type: "reference"}, {Name: "version", Type: "string"}}},
}

const messages = "urn:ietf:params:scim:api:messages:2.0:"

// ReadSCIM reads what the service answers at /Schemas and /ResourceTypes. It stands at the path of the base address.
func ReadSCIM(base string, schemas, resourceTypes []byte) (*SCIM, error) {
	at, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	var listed struct {
		Resources []struct {
			ID         string      `json:"id"`
			Attributes []attribute `json:"attributes"`
		}
	}
	var kinds struct {
		Resources []struct {
			Endpoint, Schema string
			SchemaExtensions []struct{ Schema string }
		}
	}
	if err := json.Unmarshal(schemas, &listed); err != nil {
		return nil, fmt.Errorf("/Schemas: %w", err)
	}
	if err := json.Unmarshal(resourceTypes, &kinds); err != nil {
		return nil, fmt.Errorf("/ResourceTypes: %w", err)
	}
	d := &SCIM{base: at.Path, types: map[string]scimType{}}
	for _, kind := range kinds.Resources {
		one := scimType{schemas: []string{kind.Schema}, attributes: slices.Clone(common)}
		for _, extension := range kind.SchemaExtensions {
			one.schemas = append(one.schemas, extension.Schema)
		}
		for _, schema := range listed.Resources {
			switch {
			case schema.ID == kind.Schema:
				one.attributes = append(one.attributes, schema.Attributes...)
			case slices.Contains(one.schemas, schema.ID):
				one.attributes = append(one.attributes, attribute{Name: schema.ID, Type: "complex", SubAttributes: schema.Attributes})
			}
		}
		if len(one.attributes) == len(common) {
			return nil, fmt.Errorf("/Schemas has nothing of %s", kind.Schema)
		}
		d.types[kind.Endpoint] = one
	}
	return d, nil
}

// Judge implements connectortest.Description.
func (d *SCIM) Judge(x connectortest.Exchange) connectortest.Verdict {
	path, ok := under(d.base, x.URL.EscapedPath())
	if !ok {
		return connectortest.Verdict{}
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	endpoint := "/" + parts[0]
	if x.Method == http.MethodGet && slices.Contains([]string{"/ServiceProviderConfig", "/Schemas", "/ResourceTypes"}, endpoint) {
		return connectortest.Verdict{Operations: []string{"GET " + endpoint}}
	}
	kind, known := d.types[endpoint]
	shape := map[int]string{1: endpoint, 2: endpoint + "/{id}"}[len(parts)]
	if path == endpoint+"/.search" {
		shape = path
	}
	verbs := map[string][]string{endpoint: {"GET", "POST"}, endpoint + "/{id}": {"GET", "PUT", "PATCH", "DELETE"}, endpoint + "/.search": {"POST"}}
	if !known || !slices.Contains(verbs[shape], x.Method) {
		return connectortest.Verdict{Faults: []string{"is nothing in RFC 7644 §3.2"}}
	}
	v := connectortest.Verdict{Operations: []string{x.Method + " " + shape}}
	for _, err := range []error{kind.query(x), kind.body(x, shape), kind.answered(x, shape)} {
		if err != nil {
			v.Faults = append(v.Faults, err.Error())
		}
	}
	if x.Header.Get("Authorization") == "" {
		v.Faults = append(v.Faults, "no credentials")
	}
	return v
}

// query checks the parameters of RFC 7644 §3.4.2 and §3.9.
func (k scimType) query(x connectortest.Exchange) error {
	return k.asked(x.URL.Query())
}

func (k scimType) asked(q url.Values) error {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		value := q.Get(name)
		switch name {
		case "filter":
			if err := k.filter(value); err != nil {
				return err
			}
		case "attributes", "excludedAttributes":
			for one := range strings.SplitSeq(value, ",") {
				if _, err := k.find(strings.TrimSpace(one)); err != nil {
					return err
				}
			}
		case "startIndex", "count":
			if n, err := strconv.Atoi(value); err != nil || n < 0 {
				return fmt.Errorf("%s is %q, a number is wanted", name, value)
			}
		case "sortBy":
			if _, err := k.find(value); err != nil {
				return err
			}
		case "sortOrder":
		default:
			return fmt.Errorf("there is no parameter %s (RFC 7644 §3.4.2)", name)
		}
	}
	return nil
}

// find is the attribute at a path (RFC 7644 §3.10): name, name.sub or urn:…:name. Names do not care for case.
func (k scimType) find(path string) (attribute, error) {
	among, rest := k.attributes, path
	for _, schema := range k.schemas {
		if inner, ok := cutFold(rest, schema+":"); ok {
			rest = inner
			if a, ok := named(among, schema); ok {
				among = a.SubAttributes
			}
		}
	}
	first, sub, nested := strings.Cut(rest, ".")
	a, ok := named(among, first)
	if ok && nested {
		a, ok = named(a.SubAttributes, sub)
	}
	if !ok {
		return a, fmt.Errorf("there is no attribute %s", path)
	}
	return a, nil
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func named(among []attribute, name string) (attribute, bool) {
	i := slices.IndexFunc(among, func(a attribute) bool { return strings.EqualFold(a.Name, name) })
	if i < 0 {
		return attribute{}, false
	}
	return among[i], true
}

var (
	text       = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	complexed  = regexp.MustCompile(`([\w$.:-]+)\[([^\]]*)\]`)
	comparison = regexp.MustCompile(`^\s*(?:\(\s*)*(?:not\s*\(\s*)?([\w$.:-]+)\s+(?:(?i:pr)|(?i:eq|ne|co|sw|ew|gt|lt|ge|le)\s+("T"|true|false|null|-?\d[\d.]*))\s*\)*\s*$`)
	joint      = regexp.MustCompile(`(?i)\s+(?:and|or)\s+`)
)

// filter checks an expression of RFC 7644 §3.4.2.2.
func (k scimType) filter(expression string) error {
	plain := text.ReplaceAllString(expression, `"T"`)
	if strings.Count(strings.ReplaceAll(plain, `"T"`, ""), `"`) > 0 {
		return fmt.Errorf("a quote is left open in the filter %s", expression)
	}
	for _, inner := range complexed.FindAllStringSubmatch(plain, -1) {
		a, err := k.find(inner[1])
		if err != nil {
			return err
		}
		if err := (scimType{attributes: a.SubAttributes}).filter(inner[2]); err != nil {
			return err
		}
	}
	plain = complexed.ReplaceAllString(plain, "$1 pr")
	for _, one := range joint.Split(plain, -1) {
		m := comparison.FindStringSubmatch(one)
		if m == nil {
			return fmt.Errorf("%q is no filter (RFC 7644 §3.4.2.2)", expression)
		}
		if _, err := k.find(m[1]); err != nil {
			return err
		}
	}
	return nil
}
