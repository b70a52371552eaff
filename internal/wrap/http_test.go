package wrap_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/wrap"
)

func get(t *testing.T, client *http.Client, url string) (string, *http.Response, error) {
	t.Helper()
	r, err := client.Get(url)
	if err != nil {
		return "", nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return string(body), r, err
}

func TestHTTPRefusesABodyWithoutEnd(t *testing.T) {
	for _, c := range []struct {
		size int
		ok   bool
	}{{wrap.MaxBody, true}, {wrap.MaxBody + 1, false}} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", c.size))
		}))
		body, _, err := get(t, &http.Client{Transport: wrap.HTTP(http.DefaultTransport)}, server.URL)
		server.Close()
		if c.ok != (err == nil) || c.ok && len(body) != c.size {
			t.Errorf("%d bytes: read %d, error %v", c.size, len(body), err)
		}
		if !c.ok && exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%d bytes: %v, want invalid", c.size, err)
		}
	}
}

func TestHTTPNamesUs(t *testing.T) {
	var agent string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { agent = r.UserAgent() }))
	defer server.Close()
	if _, _, err := get(t, &http.Client{Transport: wrap.HTTP(http.DefaultTransport)}, server.URL); err != nil || agent != "exeunt" {
		t.Errorf("User-Agent %q, error %v; want exeunt", agent, err)
	}
}

func TestHTTPRefusesToBeSentElsewhere(t *testing.T) {
	var strangerCalled bool
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangerCalled = true }))
	defer stranger.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, stranger.URL, http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusFound)
		}
	}))
	defer server.Close()
	client := &http.Client{Transport: wrap.HTTP(http.DefaultTransport)}

	if _, _, err := get(t, client, server.URL+"/away"); exeunt.KindOf(err) != exeunt.Invalid || strangerCalled {
		t.Errorf("to another host: error %v, called %v; want invalid and not called", err, strangerCalled)
	}
	if _, _, err := get(t, client, server.URL+"/moved"); err != nil {
		t.Errorf("a look that stays on the host: %v", err)
	}
	if _, err := client.Post(server.URL+"/moved", "", nil); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a change that is redirected: %v, want invalid: it would be repeated as a GET", err)
	}
}

// answers is a transport that gives one answer and counts.
type answers struct {
	status int
	header http.Header
	count  int
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.count++
	return &http.Response{StatusCode: a.status, Header: a.header, Body: http.NoBody, Request: r}, nil
}

func TestTransportTakesUpTheVendorsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &answers{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"30"}}}
		lane := wrap.NewLane("hr", exeunt.Rate{})
		rt := lane.Transport(vendor)
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://hr.example/", nil)
		if _, err := rt.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		_, err := rt.RoundTrip(r)
		if e, ok := errors.AsType[*exeunt.Error](err); !ok || e.Kind != exeunt.Throttled || e.RetryAfter != 20*time.Second {
			t.Errorf("second request: %#v, want throttled with the 20 s that are left", err)
		}
		if vendor.count != 1 {
			t.Errorf("the vendor was asked %d times during its pause, want 1", vendor.count)
		}
	})
}

// The last request that is left is answered well: the lane stops there, not at the 429 that would follow.
func TestTransportStopsBeforeALimitIsExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &answers{status: http.StatusOK, header: http.Header{}}
		vendor.header.Set("X-RateLimit-Limit", "2")
		lane := wrap.NewLane("hr", exeunt.Rate{})
		rt := lane.Transport(vendor)
		ask := func(left string) error {
			vendor.header.Set("X-RateLimit-Remaining", left)
			vendor.header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(40*time.Second).Unix(), 10))
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://hr.example/", nil)
			_, err := rt.RoundTrip(r)
			return err
		}
		if ask("1") != nil || ask("0") != nil {
			t.Fatal("a request that is left is refused")
		}
		err := ask("2")
		if e, ok := errors.AsType[*exeunt.Error](err); !ok || e.Kind != exeunt.Throttled || e.RetryAfter != 40*time.Second || vendor.count != 2 {
			t.Errorf("beyond the limit: %#v after %d requests, want throttled for 40 s after 2", err, vendor.count)
		}
		time.Sleep(40 * time.Second)
		if err := ask("1"); err != nil {
			t.Errorf("once the limit is whole again: %v", err)
		}
	})
}

// Who refuses us and says how long is taken at that word, whatever its counters say.
func TestARefusalsOwnWaitCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &answers{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"5"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"900"}}}
		lane := wrap.NewLane("hr", exeunt.Rate{})
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://hr.example/", nil)
		if _, err := lane.Transport(vendor).RoundTrip(r); err != nil || lane.Paused() != 5*time.Second {
			t.Errorf("paused for %s, %v; want 5s", lane.Paused(), err)
		}
	})
}

func TestTheFirstRequestOfAVerbIsNotCountedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &answers{status: http.StatusOK}
		lane := wrap.NewLane("hr", exeunt.Rate{PerSecond: 1})
		rt := lane.Transport(vendor)
		twoRequests := fake{apply: func(ctx context.Context) error {
			for range 2 {
				r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://hr.example/", nil)
				if _, err := rt.RoundTrip(r); err != nil {
					return err
				}
			}
			return nil
		}}
		began := time.Now()
		for range 3 {
			if err := apply(t.Context(), wrap.Throttle(twoRequests, lane)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 5*time.Second || vendor.count != 6 {
			t.Errorf("%d requests at 1 a second took %s, want 6 in 5s", vendor.count, took)
		}
	})
}
