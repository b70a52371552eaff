// Package vendorapi makes the exchanges with a vendor's HTTP API that speaks JSON: a request, its answer within bounds, what
// the answer means, and the next page of a list. What is the vendor's own stays with its connector.
package vendorapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// MaxAnswer bounds what is read of one answer, also where the transport does not.
const MaxAnswer = 1 << 20

// Client sends requests to one system. Its fields are set before it is used.
type Client struct {
	Vendor string       // in messages
	Base   string       // what the paths of requests follow
	HTTP   *http.Client // signs in: see signin.Client
	Media  string       // what is spoken; application/json when empty

	// Explain says what an answer that is no success means, where the vendor says more than its status: it is given what the
	// status says. No text of the vendor may be in the error that it returns.
	Explain func(a Answer, status *exeunt.Error) error
}

// Question is a request to be made.
type Question struct {
	Method string // GET when empty
	Path   string // under the base, escaped; or the address of a next page
	Query  url.Values
	Header http.Header
	Body   any // written as JSON, or as a form when it is url.Values; nil for none
}

// Answer is what a vendor said.
type Answer struct {
	Vendor string
	Status int
	Header http.Header
	Body   []byte
}

// Ask makes one exchange. An answer that is no success is an error of its class.
func (c *Client) Ask(ctx context.Context, q Question) (Answer, error) {
	r, err := c.request(ctx, q)
	if err != nil {
		return Answer{}, err
	}
	response, err := c.HTTP.Do(r)
	if err != nil {
		return Answer{}, connector.Network(c.Vendor, err)
	}
	a, err := Read(c.Vendor, response)
	if err != nil {
		return a, err
	}
	status := connector.Status(c.Vendor, response)
	switch {
	case status == nil:
		return a, nil
	case c.Explain == nil:
		return a, status
	}
	return a, c.Explain(a, status)
}

// address is where a question is asked.
func (c *Client) address(q Question) string {
	address := q.Path
	if !strings.Contains(address, "://") {
		address = c.Base + q.Path
	}
	if len(q.Query) > 0 {
		address += "?" + q.Query.Encode()
	}
	return address
}

func (c *Client) request(ctx context.Context, q Question) (*http.Request, error) {
	var content io.Reader
	media := cmp.Or(c.Media, "application/json")
	accept := media
	if form, ok := q.Body.(url.Values); ok {
		media, content = "application/x-www-form-urlencoded", strings.NewReader(form.Encode())
	} else if q.Body != nil {
		encoded, err := json.Marshal(q.Body)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Internal, "%s: the request cannot be written as JSON", c.Vendor)
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, cmp.Or(q.Method, http.MethodGet), c.address(q), content)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s: an id does not make an address: do this step by hand", c.Vendor)
	}
	r.Header.Set("Accept", accept)
	if accept != "application/json" {
		r.Header.Set("Accept", accept+", application/json")
	}
	if q.Body != nil {
		r.Header.Set("Content-Type", media)
	}
	for name, values := range q.Header {
		r.Header[name] = values
	}
	return r, nil
}

// Read takes the whole body of an answer; one that is cut or too long is no answer.
func Read(vendor string, r *http.Response) (Answer, error) {
	defer r.Body.Close()
	a := Answer{Vendor: vendor, Status: r.StatusCode, Header: r.Header}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxAnswer+1))
	if err != nil {
		return a, connector.Network(vendor, err)
	}
	if len(body) > MaxAnswer {
		return a, exeunt.Errorf(exeunt.Invalid, "%s answered with more than %d bytes, which is no answer to what was asked", vendor, MaxAnswer)
	}
	a.Body = bytes.TrimSpace(body)
	return a, nil
}

// Decode reads the one JSON value of an answer. Numbers in untyped places keep their digits.
func (a Answer) Decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); errors.Is(end, io.EOF) {
			return nil
		}
	}
	return exeunt.Errorf(exeunt.Temporary, "%s answered %d with something that is not the JSON that was asked for, or was cut off", a.Vendor, a.Status)
}
