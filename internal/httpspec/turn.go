package httpspec

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// listing is a list that is read page by page by whoever keeps where it goes on.
type listing struct {
	path   string
	query  map[string]string
	list   string
	paging *Paging
	id     string // where an item has its id
}

// place is where a listing goes on, as a cursor holds it.
type place struct {
	URI     string             `json:"uri,omitempty"`     // cursor, link: path and query, on the host of the base URL
	Last    string             `json:"last,omitempty"`    // cursor: the vendor's own
	Turn    int                `json:"turn,omitempty"`    // pages read
	Edge    string             `json:"edge,omitempty"`    // page: id of the last item of the page before
	Overlap *connector.Overlap `json:"overlap,omitempty"` // offset
}

// turn reads one page of a listing, and says where it goes on: "" after the last.
func (s *system) turn(ctx context.Context, l listing, cursor string) (items []any, next string, err error) {
	first, err := s.client.address(l.path, l.query, valueVars(s.values))
	if err != nil {
		return nil, "", err
	}
	var p place
	if cursor != "" && json.Unmarshal([]byte(cursor), &p) != nil {
		return nil, "", connector.ErrForgotten(s.spec.Title)
	}
	var to *place
	switch l.kind() {
	case "offset":
		items, to, err = s.byOffset(ctx, l, first, p)
	case "page":
		items, to, err = s.byPage(ctx, l, first, p)
	default:
		items, to, err = s.byCursor(ctx, l, first, p)
	}
	if err != nil || to == nil {
		return items, "", err
	}
	text, err := json.Marshal(to)
	return items, string(text), err
}

func (l listing) kind() string {
	if l.paging == nil {
		return ""
	}
	return l.paging.Kind
}

// ids are those of the items; "" where an item has none.
func (l listing) ids(items []any) []string {
	out := make([]string, len(items))
	for i, item := range items {
		out[i], _ = textAt(item, l.id)
	}
	return out
}

// full says whether a page may have another after it.
func (l listing) full(items []any) bool { return len(items) > 0 && len(items) >= l.paging.Size }

// byOffset reads each page with the last item of the page before.
func (s *system) byOffset(ctx context.Context, l listing, first *url.URL, p place) ([]any, *place, error) {
	var o connector.Overlap
	if p.Overlap != nil {
		o = *p.Overlap
	}
	items, _, err := s.listed(ctx, l, l.at(first, o.At, l.paging.Start+o.At))
	if err != nil {
		return nil, nil, err
	}
	fresh, next, err := o.Take(s.spec.Title, l.ids(items), l.full(items))
	if err != nil || next == nil {
		return items[fresh:], nil, err
	}
	return items[fresh:], &place{Overlap: next}, nil
}

// byPage reads a page, and the one before it once more: pages that are numbered cannot overlap, and where the end of that one
// has moved, so has the beginning of this one, and what lay between them is there now.
func (s *system) byPage(ctx context.Context, l listing, first *url.URL, p place) ([]any, *place, error) {
	items, _, err := s.listed(ctx, l, l.at(first, p.Turn, l.paging.Start+p.Turn))
	if err != nil {
		return nil, nil, err
	}
	if p.Turn > 0 && p.Edge != "" {
		again, _, err := s.listed(ctx, l, l.at(first, p.Turn-1, l.paging.Start+p.Turn-1))
		if err != nil {
			return nil, nil, err
		}
		switch ids := l.ids(again); {
		case !slices.Contains(ids, p.Edge):
			return nil, nil, exeunt.Errorf(exeunt.Conflict, "%s shows its list in another order than before: it is read again from the beginning", s.spec.Title)
		case ids[len(ids)-1] != p.Edge:
			return again[slices.Index(ids, p.Edge)+1:], &place{Turn: p.Turn, Edge: ids[len(ids)-1]}, nil
		}
	}
	if !l.full(items) {
		return items, nil, nil
	}
	ids := l.ids(items)
	return items, &place{Turn: p.Turn + 1, Edge: ids[len(ids)-1]}, nil
}

// at is the address of a page; the first is asked for as if there were no others.
func (l listing) at(first *url.URL, read, position int) *url.URL {
	u := *first
	newPager(l.paging, &u)
	if read > 0 {
		(*pager)(nil).set(&u, l.paging.Param, strconv.Itoa(position))
	}
	return &u
}

// byCursor goes on where the system says.
func (s *system) byCursor(ctx context.Context, l listing, first *url.URL, p place) ([]any, *place, error) {
	pages, u := newPager(l.paging, first), first
	if p.URI != "" {
		var err error
		if u, err = first.Parse(p.URI); err != nil || u.Host != first.Host || u.Scheme != first.Scheme {
			return nil, nil, connector.ErrForgotten(s.spec.Title)
		}
		pages.turn, pages.last = p.Turn, p.Last
	}
	items, a, err := s.listed(ctx, l, u)
	if err != nil {
		return nil, nil, err
	}
	next, err := pages.next(s.client, a, len(items), 0)
	if err != nil || next == nil {
		return items, nil, err
	}
	return items, &place{URI: next.RequestURI(), Turn: pages.turn, Last: pages.last}, nil
}

// listed reads the page at an address.
func (s *system) listed(ctx context.Context, l listing, u *url.URL) ([]any, answer, error) {
	a, err := s.client.ask(ctx, question{method: http.MethodGet, url: u})
	if err != nil {
		return nil, a, err
	}
	document, err := s.client.document(a)
	if err != nil {
		return nil, a, err
	}
	value, _ := at(document, l.list)
	items, ok := value.([]any)
	if !ok {
		return nil, a, s.unfit("no list at " + l.list)
	}
	return items, a, nil
}
