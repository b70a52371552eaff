package httpspec

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// maxPages bounds a list. A search for one person that goes on for longer found everybody.
const maxPages = 100

// lookup is a request that reads: one document, or a list of as many pages as it has.
type lookup struct {
	path   string
	query  map[string]string
	body   any // of a search that is sent with POST
	list   *string
	paging *Paging
	accept []int // answers beside 2xx
	none   []int // of them, those that mean an empty list
	only   []Condition
}

// collect reads a lookup whole. It returns the list's items, or the one document as the only item,
// and the last answer.
func (c *client) collect(ctx context.Context, l lookup, v vars) ([]any, answer, error) {
	u, err := c.address(l.path, l.query, v)
	if err != nil {
		return nil, answer{}, err
	}
	asked := question{method: http.MethodGet, url: u, accept: l.accept}
	if l.body != nil {
		asked.method = http.MethodPost
		if asked.body, err = v.renderBody(l.body); err != nil {
			return nil, answer{}, err
		}
	}
	pager, read := newPager(l.paging, u), 0
	items := []any{}
	for range maxPages {
		a, err := c.ask(ctx, asked)
		if err != nil {
			return nil, a, err
		}
		if has(l.none, a.status) || has(l.accept, a.status) && a.status >= 300 || a.status == http.StatusNoContent {
			return items, a, nil
		}
		document, err := c.document(a)
		if err != nil {
			return nil, a, err
		}
		if l.list == nil {
			return []any{document}, a, nil
		}
		value, _ := at(document, *l.list)
		page, ok := value.([]any)
		if !ok {
			return nil, a, exeunt.Errorf(exeunt.Invalid, "%s answered without a list at %q, which its description promises: correct the description", c.name, *l.list)
		}
		read += len(page)
		wanted, err := chosen(page, l.only)
		if err != nil {
			return nil, a, err
		}
		items = append(items, wanted...)
		if asked.url, err = pager.next(c, a, len(page), read); err != nil || asked.url == nil {
			return items, a, err
		}
	}
	return nil, answer{}, exeunt.Errorf(exeunt.Invalid, "%s goes on for more than %d pages: the search is not specific enough", c.name, maxPages)
}

// chosen are the items of which all conditions hold.
func chosen(page []any, only []Condition) ([]any, error) {
	if len(only) == 0 {
		return page, nil
	}
	var out []any
	for _, item := range page {
		ok, err := sight{"": answer{body: item}}.all(only)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, item)
		}
	}
	return out, nil
}

// pager turns pages.
type pager struct {
	how   *Paging
	first *url.URL
	turn  int
	last  string // cursor
}

func newPager(how *Paging, u *url.URL) *pager {
	p := &pager{how: how, first: u}
	if how != nil && how.SizeParam != "" && how.Size > 0 {
		p.set(u, how.SizeParam, strconv.Itoa(how.Size))
	}
	return p
}

func (*pager) set(u *url.URL, name, value string) {
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
}

// named is the address that the answer itself names as the next page's, or nil.
func (p *pager) named(c *client, a answer) (*url.URL, error) {
	to, ok := textAt(a.body, p.how.Next)
	if !ok || to == "" {
		return nil, nil
	}
	next, err := vendorapi.Answer{Vendor: c.name}.Follow(p.first.String(), to)
	if err != nil {
		return nil, err
	}
	if next == p.last {
		return nil, exeunt.Errorf(exeunt.Temporary, "%s gives the same page again and again", c.name)
	}
	p.last = next
	return url.Parse(next)
}

// next is the address of the next page, or nil.
func (p *pager) next(c *client, a answer, got, sofar int) (*url.URL, error) {
	if p.how == nil {
		return nil, nil
	}
	u := *p.first
	p.turn++
	switch p.how.Kind {
	case "page", "offset":
		if got == 0 || got < p.how.Size {
			return nil, nil
		}
		position := p.how.Start + p.turn
		if p.how.Kind == "offset" {
			position = p.how.Start + sofar
		}
		p.set(&u, p.how.Param, strconv.Itoa(position))
		return &u, nil
	case "cursor":
		cursor, ok := textAt(a.body, p.how.Next)
		if !ok || cursor == "" {
			return nil, nil
		}
		if cursor == p.last {
			return nil, exeunt.Errorf(exeunt.Temporary, "%s gives the same page again and again", c.name)
		}
		p.last = cursor
		p.set(&u, p.how.Param, cursor)
		return &u, nil
	case "url":
		return p.named(c, a)
	case "link":
		next, err := vendorapi.Answer{Vendor: c.name, Header: a.header}.Next(p.first.String())
		if err != nil || next == "" {
			return nil, err
		}
		return url.Parse(next)
	default:
		return nil, nil
	}
}
