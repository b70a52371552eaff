package description

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// OpenAPI is a description in OpenAPI 3.
type OpenAPI struct {
	// RequestsOnly leaves answers alone, for a server in memory that tells less than its vendor must.
	RequestsOnly bool
	// AnySuccess lets a success have another status than the description says, for one that is generated from code and does
	// not know them.
	AnySuccess bool
	// Wrong are places of answers, as JSON Pointers or ends of them, where the description contradicts its own prose. Each
	// says why where it is given.
	Wrong []string

	router routers.Router
}

// NewOpenAPI reads one. The API stands at the path of the base address, whatever the document says.
func NewOpenAPI(raw []byte, base string) (*OpenAPI, error) {
	document, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	document.Servers = nil
	if at.Path != "" && at.Path != "/" {
		document.Servers = openapi3.Servers{{URL: at.Path}}
	}
	// The router validates the document; vendors' own fail in their examples and in patterns of another dialect.
	router, err := legacy.NewRouter(document, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		return nil, err
	}
	return &OpenAPI{router: router}, nil
}

// Scopes are those that one of the ways to sign in for an operation asks for, by its name in the document.
func (o *OpenAPI) Scopes(r *http.Request, scheme string) (all []string) {
	route, _, err := o.find(r)
	if err != nil || route.Operation.Security == nil {
		return nil
	}
	for _, way := range *route.Operation.Security {
		all = append(all, way[scheme]...)
	}
	return all
}

// find is the operation of a request. A slash that is escaped is part of a value, which the router does not know by itself.
func (o *OpenAPI) find(r *http.Request) (*routers.Route, map[string]string, error) {
	escaped := *r
	address := *r.URL
	address.Path = r.URL.EscapedPath()
	escaped.URL = &address
	route, parameters, err := o.router.FindRoute(&escaped)
	for name, value := range parameters {
		if plain, err := url.PathUnescape(value); err == nil {
			parameters[name] = plain
		}
	}
	return route, parameters, err
}

// Judge implements connectortest.Description.
func (o *OpenAPI) Judge(x connectortest.Exchange) connectortest.Verdict {
	// Where it stands is not the description's: only its path counts.
	r, err := http.NewRequestWithContext(context.Background(), x.Method, x.URL.RequestURI(), bytes.NewReader(x.Body))
	if err != nil {
		return connectortest.Verdict{Faults: []string{"is no request: " + err.Error()}}
	}
	r.Header = x.Header
	if len(x.Body) == 0 {
		r.Body = nil
	}
	route, parameters, err := o.find(r)
	if err != nil {
		return connectortest.Verdict{Faults: []string{"is not in the description: " + err.Error()}}
	}
	v := connectortest.Verdict{Operations: []string{x.Method + " " + route.Path}}
	input := &openapi3filter.RequestValidationInput{Request: r, PathParams: parameters, Route: route, Options: options}
	v.Faults = append(v.Faults, said(openapi3filter.ValidateRequest(r.Context(), input))...)
	for name := range x.URL.Query() {
		if !takes(route, name) && !x.Given {
			v.Faults = append(v.Faults, "there is no parameter "+name)
		}
	}
	v.Faults = append(v.Faults, sentOnly(route, x.Body)...)
	if !o.RequestsOnly {
		v.Faults = append(v.Faults, o.answered(x, input)...)
	}
	return v
}

// answered holds an answer to its operation. Descriptions leave out most of what goes wrong: an error that they do not have
// is no fault.
func (o *OpenAPI) answered(x connectortest.Exchange, input *openapi3filter.RequestValidationInput) (faults []string) {
	described := input.Route.Operation.Responses.Status(x.Status) != nil
	if x.Status == 0 || x.Status >= http.StatusInternalServerError || !described && (o.AnySuccess || x.Status >= http.StatusBadRequest) {
		return nil
	}
	err := openapi3filter.ValidateResponse(input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: x.Status, Header: x.AnswerHeader, Body: io.NopCloser(bytes.NewReader(x.Answer)), Options: options,
	})
	for _, fault := range said(err) {
		if !slices.ContainsFunc(o.Wrong, func(place string) bool { return strings.Contains(fault, place+`"`) }) {
			faults = append(faults, "the answer: "+fault)
		}
	}
	return faults
}

var options = &openapi3filter.Options{
	MultiError: true, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true,
	AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
		header := "Authorization"
		if in.SecurityScheme.Type == "apiKey" && in.SecurityScheme.In == "header" {
			header = in.SecurityScheme.Name
		}
		if in.RequestValidationInput.Request.Header.Get(header) == "" {
			return errors.New("no credentials")
		}
		return nil
	},
}

// sentOnly names what a body has and its schema does not, which most servers ignore in silence. Schemas that choose among
// others are left to their validation.
func sentOnly(route *routers.Route, body []byte) []string {
	if route.Operation.RequestBody == nil || len(body) == 0 {
		return nil
	}
	content := route.Operation.RequestBody.Value.Content.Get("application/json")
	var value any
	if content == nil || content.Schema == nil || json.Unmarshal(body, &value) != nil {
		return nil
	}
	return strangers(content.Schema.Value, value, "")
}

func strangers(s *openapi3.Schema, value any, at string) (faults []string) {
	if s == nil || len(s.OneOf)+len(s.AnyOf) > 0 {
		return nil
	}
	if list, many := value.([]any); many && s.Items != nil {
		for _, one := range list {
			faults = append(faults, strangers(s.Items.Value, one, at)...)
		}
		return faults
	}
	object, is := value.(map[string]any)
	properties, open := members(s)
	if !is || open || len(properties) == 0 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		p, known := properties[name]
		if !known {
			faults = append(faults, "there is no "+at+"/"+name+" to send")
			continue
		}
		faults = append(faults, strangers(p.Value, object[name], at+"/"+name)...)
	}
	return faults
}

// members are the properties of a schema and of those that it is made of, and whether it takes any others.
func members(s *openapi3.Schema) (all openapi3.Schemas, open bool) {
	all = openapi3.Schemas{}
	open = s.AdditionalProperties.Schema != nil || s.AdditionalProperties.Has != nil && *s.AdditionalProperties.Has
	maps.Copy(all, s.Properties)
	for _, part := range s.AllOf {
		more, also := members(part.Value)
		maps.Copy(all, more)
		open = open || also
	}
	return all, open
}

// takes says whether an operation has a parameter in its query.
func takes(route *routers.Route, name string) bool {
	return route.Operation.Parameters.GetByInAndName("query", name) != nil || route.PathItem.Parameters.GetByInAndName("query", name) != nil
}

// said are the words of an error that may be many, one line each.
func said(err error) []string {
	if err == nil {
		return nil
	}
	many, several := err.(openapi3.MultiError) //nolint:errorlint // one that is wrapped says where it belongs
	if !several {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return []string{line}
	}
	var all []string
	for _, one := range many {
		all = append(all, said(one)...)
	}
	return all
}
