package httpspec

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// place is where the list of everybody goes on, as a cursor holds it.
type place struct {
	URI  string `json:"uri"`            // path and query, on the host of the base URL
	Turn int    `json:"turn"`           // pages read
	Read int    `json:"read"`           // accounts read
	Last string `json:"last,omitempty"` // the vendor's own cursor
}

// List implements connector.Lister, where the description says how everybody is listed.
func (s *system) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	l := s.spec.List
	if l == nil {
		return connector.Page{}, exeunt.Errorf(exeunt.Unsupported, "the description of %s does not say how its accounts are listed: add list to it, or compare an export by hand", s.spec.Title)
	}
	first, err := s.client.address(l.Path, l.Query, valueVars(s.values))
	if err != nil {
		return connector.Page{}, err
	}
	p, u, at := newPager(l.Paging, first), first, place{}
	if cursor != "" {
		if json.Unmarshal([]byte(cursor), &at) != nil {
			return connector.Page{}, connector.ErrForgotten(s.spec.Title)
		}
		if u, err = first.Parse(at.URI); err != nil || u.Host != first.Host || u.Scheme != first.Scheme {
			return connector.Page{}, connector.ErrForgotten(s.spec.Title)
		}
		p.turn, p.last = at.Turn, at.Last
	}
	items, a, err := s.listed(ctx, u)
	if err != nil {
		return connector.Page{}, err
	}
	var page connector.Page
	for _, item := range items {
		f, err := s.found(item)
		if err != nil {
			return page, err
		}
		if f.Closed, err = s.closed(item); err != nil {
			return page, err
		}
		page.Accounts = append(page.Accounts, f)
	}
	next, err := p.next(s.client, a, len(items), at.Read+len(items))
	if err != nil || next == nil {
		return page, err
	}
	page.Next, err = place{URI: next.RequestURI(), Turn: p.turn, Read: at.Read + len(items), Last: p.last}.cursor()
	return page, err
}

func (p place) cursor() (string, error) {
	text, err := json.Marshal(p)
	return string(text), err
}

// listed reads the page at an address.
func (s *system) listed(ctx context.Context, u *url.URL) ([]any, answer, error) {
	a, err := s.client.ask(ctx, question{method: http.MethodGet, url: u})
	if err != nil {
		return nil, a, err
	}
	document, err := s.client.document(a)
	if err != nil {
		return nil, a, err
	}
	value, _ := at(document, *s.spec.List.List)
	items, ok := value.([]any)
	if !ok {
		return nil, a, s.unfit("no list at " + *s.spec.List.List)
	}
	return items, a, nil
}

// closed says whether nobody can sign in with an account of the list; one of which that is not said is taken to be open.
func (s *system) closed(item any) (bool, error) {
	if len(s.spec.List.Closed) == 0 {
		return false, nil
	}
	return sight{"": answer{body: item}}.all(s.spec.List.Closed)
}
