package scim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

const (
	name      = "SCIM service" // in messages; the engine adds the system's own title
	mediaType = "application/scim+json"

	patchOp       = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	searchRequest = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
)

// service is one configured SCIM service provider.
type service struct {
	Settings
	api *vendorapi.Client

	mu       sync.Mutex
	features *features         // as the service described itself; nil until it was asked
	dialect  *dialect          // that the service took; nil until it took one
	taken    map[string]string // filters that the service took, by attribute
}

// resource is a decoded JSON object. Numbers keep their digits.
type resource map[string]any

// ask sends a request and decodes the answer into a resource, which is nil where there is no body.
// headers come in pairs.
func (s *service) ask(ctx context.Context, method, path string, query url.Values, body any, headers ...string) (resource, error) {
	q := vendorapi.Question{Method: method, Path: path, Query: query, Body: body, Header: http.Header{}}
	for i := 0; i+1 < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	answer, err := s.api.Ask(ctx, q)
	if err != nil || len(answer.Body) == 0 {
		return nil, err
	}
	var found resource
	return found, answer.Decode(&found)
}

// refusals are the scimType words of RFC 7644 §3.12 that change what an error means to us. Only
// words of the RFC are shown; the detail beside them is the vendor's own text and may hold anything.
var refusals = map[string]struct {
	kind exeunt.ErrorKind
	why  string
}{
	"invalidFilter": {exeunt.Unsupported, "does not know the search (invalidFilter): choose another attribute under match"},
	"tooMany":       {exeunt.Ambiguous, "finds too many (tooMany): choose an attribute under match that names one person"},
	"uniqueness":    {exeunt.Conflict, "says that another account has this value (uniqueness)"},
	"mutability":    {exeunt.Denied, "does not allow to change this attribute (mutability): it may be kept by another directory"},
	"sensitive":     {exeunt.Denied, "does not take this request, whose address would show personal data (sensitive)"},
	"noTarget":      {exeunt.Conflict, "has nothing at that place (noTarget)"},
	"invalidSyntax": {exeunt.Invalid, "does not understand the request (invalidSyntax)"},
	"invalidPath":   {exeunt.Invalid, "does not know the attribute (invalidPath): try member_removal: value"},
	"invalidValue":  {exeunt.Invalid, "does not take the value (invalidValue): try boolean: string"},
	"invalidVers":   {exeunt.Unsupported, "does not speak SCIM 2.0 (invalidVers)"},
}

// explain makes an error of the answer's scimType, which says more than its status.
func explain(a vendorapi.Answer, status *exeunt.Error) error {
	if a.Status == http.StatusPreconditionFailed { // to be read and written anew
		return exeunt.Errorf(exeunt.Temporary, "%s says that somebody else changed it meanwhile (412)", name)
	}
	var body struct {
		Type string `json:"scimType"`
	}
	if a.Decode(&body) != nil || a.Status != http.StatusBadRequest && a.Status != http.StatusConflict && a.Status != http.StatusForbidden {
		return status
	}
	refusal, ok := refusals[body.Type]
	if !ok {
		return status
	}
	return exeunt.Errorf(refusal.kind, "%s %s", name, refusal.why)
}

// pageSize is how many resources are asked for at once.
const pageSize = 100

// search is a question for a list (RFC 7644 §3.4.2, §3.4.3).
type search struct {
	Schemas    []string `json:"schemas"`
	Filter     string   `json:"filter,omitempty"`
	Attributes []string `json:"attributes,omitempty"`
	StartIndex int      `json:"startIndex"` // from 1
	Count      int      `json:"count"`
}

func (q search) query() url.Values {
	v := url.Values{"startIndex": {strconv.Itoa(q.StartIndex)}, "count": {strconv.Itoa(q.Count)}}
	if q.Filter != "" {
		v.Set("filter", q.Filter)
	}
	if len(q.Attributes) > 0 {
		v.Set("attributes", strings.Join(q.Attributes, ","))
	}
	return v
}

// list reads a ListResponse of all its pages. Some services ignore startIndex in a query and give the
// first page for ever (scimmy 1.3 is one); they say so in the answer, and are asked by POST instead.
func (s *service) list(ctx context.Context, path string, q search) ([]resource, error) {
	const most = 2000
	var all []resource
	q.Schemas, q.Count = []string{searchRequest}, s.count()
	byPost := false
	for {
		q.StartIndex = len(all) + 1
		page, err := s.page(ctx, path, q, byPost)
		if err != nil {
			return nil, err
		}
		total, ok := number(page["totalResults"])
		if !ok {
			return nil, exeunt.Errorf(exeunt.Invalid, "%s answered a search with something that is no ListResponse: check base_url", name)
		}
		if from, ok := number(page["startIndex"]); ok && from != q.StartIndex && len(all) < total {
			if byPost {
				return nil, exeunt.Errorf(exeunt.Unsupported, "%s does not turn the pages of a list: choose an attribute under match that names one person", name)
			}
			byPost = true
			continue
		}
		found := items(page, "Resources")
		if all = append(all, found...); len(all) >= total {
			return all, nil
		}
		if len(found) == 0 {
			return nil, halfAList(total, len(all)+1)
		}
		if len(all) >= most {
			return nil, exeunt.Errorf(exeunt.Ambiguous, "%s finds more than %d: the search does not name one person", name, most)
		}
	}
}

// listed is one page of everybody, from a place in the list that is a number from 1; byPost says how it is asked for.
func (s *service) listed(ctx context.Context, from int, byPost bool) (found []resource, more, post bool, err error) {
	for {
		page, err := s.page(ctx, "/Users", search{Schemas: []string{searchRequest}, StartIndex: from, Count: s.count()}, byPost)
		if err != nil {
			return nil, false, byPost, err
		}
		total, ok := number(page["totalResults"])
		if !ok {
			return nil, false, byPost, exeunt.Errorf(exeunt.Invalid, "%s answered a list with something that is no ListResponse: check base_url", name)
		}
		found := items(page, "Resources")
		if begins, ok := number(page["startIndex"]); ok && begins != from && len(found) > 0 {
			if byPost {
				return nil, false, byPost, exeunt.Errorf(exeunt.Unsupported, "%s does not turn the pages of its list of users: compare an export of them by hand", name)
			}
			byPost = true
			continue
		}
		if len(found) == 0 && from <= total {
			return nil, false, byPost, halfAList(total, from)
		}
		return found, from-1+len(found) < total, byPost, nil
	}
}

// halfAList is the error of a list that ends before its end. It may pass when the service has counted anew after somebody went.
func halfAList(total, from int) *exeunt.Error {
	return exeunt.Errorf(exeunt.Temporary, "%s says that it has %d of them and shows none from number %d on: nothing is concluded from half a list", name, total, from)
}

// count is how many are asked for at once: no more than the service says that it gives (RFC 7643 §5, maxResults).
func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.features != nil && s.features.most > 0 {
		return min(s.features.most, pageSize)
	}
	return pageSize
}

func (s *service) page(ctx context.Context, path string, q search, byPost bool) (resource, error) {
	if byPost {
		return s.ask(ctx, http.MethodPost, path+"/.search", nil, q)
	}
	return s.ask(ctx, http.MethodGet, path, q.query(), nil)
}

func number(value any) (int, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}

// features are what a service says that it can do (RFC 7643 §5).
type features struct {
	patch  bool
	etag   bool
	filter bool
	most   int // of the resources that it gives at once; zero for as many as we ask for
}

// discover asks for the ServiceProviderConfig once. A service that has none, which RFC 7644 does not
// allow and some vendors do, is taken to support PATCH; if it does not, its 501 says so.
func (s *service) discover(ctx context.Context) (features, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.features != nil {
		return *s.features, nil
	}
	config, err := s.ask(ctx, http.MethodGet, "/ServiceProviderConfig", nil, nil)
	if err != nil {
		absent := []exeunt.ErrorKind{exeunt.NotFound, exeunt.Unsupported, exeunt.Denied, exeunt.Invalid}
		if !slices.Contains(absent, exeunt.KindOf(err)) {
			return features{}, err
		}
		config = resource{}
	}
	s.features = &features{patch: supported(config, "patch", true), etag: supported(config, "etag", false), filter: supported(config, "filter", true)}
	if part, ok := config["filter"].(map[string]any); ok {
		s.features.most, _ = number(part["maxResults"])
	}
	return *s.features, nil
}

func supported(config resource, feature string, otherwise bool) bool {
	part, _ := config[feature].(map[string]any)
	if yes, ok := truth(part["supported"]); ok {
		return yes
	}
	return otherwise
}

// truth reads a boolean, also from those who write it as text: "False" (Entra ID's dialect).
func truth(value any) (yes, ok bool) {
	switch v := value.(type) {
	case bool:
		return v, true
	case string:
		return strings.EqualFold(v, "true"), strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	default:
		return false, false
	}
}

func isKind(err error, kind exeunt.ErrorKind) bool {
	e, ok := errors.AsType[*exeunt.Error](err)
	return ok && e.Kind == kind
}
