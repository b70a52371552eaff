package entra

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// guid is the form of every id of the directory. Whatever else stands where an id should would address another thing: a
// user principal name finds an account, and "me" is one.
var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// query writes the options of a request in pairs. Graph takes a space as %20 in every place, as + in some; a plus that is
// meant is %2B, and a number sign would end the address.
func query(path string, options ...string) string {
	separator := "?"
	for i := 0; i+1 < len(options); i += 2 {
		path += separator + options[i] + "=" + strings.ReplaceAll(url.QueryEscape(options[i+1]), "+", "%20")
		separator = "&"
	}
	return path
}

// quote writes a text in a filter (OData 4.01, URL Conventions §5.1.1.6.1).
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// send makes one change.
func (t *tenant) send(ctx context.Context, method, path string, body any) (vendorapi.Answer, error) {
	return t.ask(ctx, vendorapi.Question{Method: method, Path: path, Body: body})
}

// ask makes one exchange. An error with the status of a success is one all the same.
func (t *tenant) ask(ctx context.Context, q vendorapi.Question) (vendorapi.Answer, error) {
	a, err := t.api.Ask(ctx, q)
	if err == nil {
		err = sound(a)
	}
	return a, err
}

// sound says what is wrong with an answer whose status is that of a success.
func sound(a vendorapi.Answer) error {
	var body said
	if !bytes.HasPrefix(a.Body, []byte("{")) || a.Decode(&body) != nil || body.Error.Code == "" && body.Error.Message == "" {
		return nil
	}
	return explain(a, exeunt.Errorf(exeunt.Temporary, "%s answered %d with an error", name, a.Status))
}

// reference is how an object is named in the body of a request.
func (t *tenant) reference(id string) map[string]string {
	return map[string]string{"@odata.id": t.api.Base + "/directoryObjects/" + id}
}

// list is a page of a collection.
type list[T any] struct {
	Value []T    `json:"value"`
	Next  string `json:"@odata.nextLink"`
}

// mostPages is far more than one person has of anything.
const mostPages = 100

// all reads a collection from its first page on. One without its values is no collection: taken for an empty one, it would
// prove that everything is gone.
func all[T any](ctx context.Context, t *tenant, a answered) ([]T, error) {
	out := []T{}
	for range mostPages {
		var page list[T]
		if err := a.Decode(&page); err != nil {
			return nil, err
		}
		if page.Value == nil {
			return nil, exeunt.Errorf(exeunt.Temporary, "%s answered %d without the list that was asked for", name, a.Status)
		}
		out = append(out, page.Value...)
		if page.Next == "" {
			return out, nil
		}
		next, err := a.Follow(t.api.Base+"/", page.Next)
		if err != nil {
			return nil, err
		}
		if a.Answer, err = t.ask(ctx, vendorapi.Question{Path: next, Header: a.asked}); err != nil {
			return nil, err
		}
	}
	return nil, exeunt.Errorf(exeunt.Invalid, "%s goes on for more than %d pages about one person", name, mostPages)
}

// part is one request of a batch, which only reads.
type part struct {
	ID      string            `json:"id"`
	Method  string            `json:"method"`
	URL     string            `json:"url"` // under the base
	Headers map[string]string `json:"headers,omitempty"`
}

// mostParts is how many requests a batch may have.
const mostParts = 20

// answered is one answer of a batch, with the error that it is.
type answered struct {
	vendorapi.Answer
	asked http.Header // what the pages after it are asked with, too
	err   error
}

// batch sends several reads as one request. The batch itself is answered 200 whatever became of them: each has a status of
// its own. They come in any order.
func (t *tenant) batch(ctx context.Context, parts []part) (map[string]answered, error) {
	for i := range parts {
		parts[i].Method = http.MethodGet
	}
	a, err := t.send(ctx, http.MethodPost, "/$batch", map[string]any{"requests": parts})
	if err != nil {
		return nil, err
	}
	var replies struct {
		Responses []struct {
			ID      string            `json:"id"`
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
			Body    json.RawMessage   `json:"body"`
		} `json:"responses"`
	}
	if err := a.Decode(&replies); err != nil {
		return nil, err
	}
	out := map[string]answered{}
	for _, r := range replies.Responses {
		one := answered{Answer: vendorapi.Answer{Vendor: name, Status: r.Status, Header: http.Header{}, Body: r.Body}}
		for key, value := range r.Headers {
			one.Header[textproto.CanonicalMIMEHeaderKey(key)] = []string{value}
		}
		if status := connector.Status(name, &http.Response{StatusCode: r.Status, Header: one.Header}); status != nil {
			one.err = explain(one.Answer, status)
		} else {
			one.err = sound(one.Answer)
		}
		out[r.ID] = one
	}
	for _, p := range parts {
		if _, there := out[p.ID]; !there {
			return nil, exeunt.Errorf(exeunt.Temporary, "%s left out a part of what it was asked", name)
		}
	}
	return out, nil
}
