package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// client calls the API of a server, which it finds by EXEUNT_URL and EXEUNT_TOKEN.
type client struct {
	base, token string
	http        *http.Client
}

const defaultURL = "http://127.0.0.1:8080"

func newClient() (*client, error) {
	base := strings.TrimRight(firstOf(os.Getenv("EXEUNT_URL"), defaultURL), "/")
	token := os.Getenv("EXEUNT_TOKEN")
	if token == "" {
		return nil, exeunt.Errorf(exeunt.Invalid, "no token: set EXEUNT_TOKEN to one that `exeunt token create --data DIR` made on the server")
	}
	return &client{base, token, &http.Client{Timeout: 2 * time.Minute}}, nil
}

// call sends a request and decodes the answer into out, when out is not nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	raw, err := c.raw(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return exeunt.Errorf(exeunt.Internal, "the server at %s answered what is not ours: is EXEUNT_URL right?", c.base).Because(err)
	}
	return nil
}

func (c *client) raw(ctx context.Context, method, path string, in any) ([]byte, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+"/api/v1"+path, body)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "EXEUNT_URL is not an address such as %s", defaultURL)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "no server answers at %s: start one with `exeunt serve`, or set EXEUNT_URL", c.base).Because(err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "the answer of %s was cut off", c.base).Because(err)
	}
	if answer.StatusCode >= 300 {
		return nil, refusal(answer.StatusCode, raw)
	}
	return raw, nil
}

// refusal reads an RFC 9457 problem.
func refusal(status int, raw []byte) error {
	var p struct {
		Detail string
		Errors []struct{ Message, Location string }
	}
	_ = json.Unmarshal(raw, &p) // a proxy's page has none; the status says enough
	text := firstOf(p.Detail, fmt.Sprintf("the server answered %d", status))
	for _, e := range p.Errors {
		switch {
		case strings.HasPrefix(e.Location, "line "): // of a list: one a line
			text += fmt.Sprintf("\n  %s: %s", e.Location, e.Message)
		case e.Message != text:
			text += fmt.Sprintf("; %s %s", e.Location, e.Message)
		}
	}
	kinds := map[int]exeunt.ErrorKind{
		400: exeunt.Invalid, 401: exeunt.Unauthorised, 403: exeunt.Denied, 404: exeunt.NotFound, 409: exeunt.Conflict,
		422: exeunt.Invalid, 429: exeunt.Throttled, 502: exeunt.Temporary, 503: exeunt.Temporary, 504: exeunt.Temporary,
	}
	kind, ok := kinds[status]
	if !ok {
		kind = exeunt.Internal
	}
	return exeunt.Errorf(kind, "%s", text)
}
