package connector_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func TestStatusClassesEachAnswer(t *testing.T) {
	for code, want := range map[int]exeunt.ErrorKind{
		200: "", 204: "", 299: "",
		400: exeunt.Invalid, 401: exeunt.Unauthorised, 403: exeunt.Denied, 404: exeunt.NotFound, 405: exeunt.Unsupported,
		408: exeunt.Temporary, 409: exeunt.Conflict, 410: exeunt.NotFound, 412: exeunt.Conflict, 422: exeunt.Invalid,
		429: exeunt.Throttled, 500: exeunt.Temporary, 501: exeunt.Unsupported, 502: exeunt.Temporary, 503: exeunt.Temporary, 504: exeunt.Temporary,
		302: exeunt.Invalid,
	} {
		err := connector.Status("Acme", &http.Response{StatusCode: code, Header: http.Header{"Retry-After": {"9"}}})
		if want == "" {
			if err != nil {
				t.Errorf("%d: %v", code, err)
			}
			continue
		}
		if err == nil || err.Kind != want {
			t.Errorf("%d: %v, want %s", code, err, want)
			continue
		}
		if wait := err.RetryAfter; (code == 429 || code == 503) != (wait == 9*time.Second) {
			t.Errorf("%d waits %v", code, wait)
		}
	}
}

func TestNetworkKeepsForeignWordsOutAndOwnErrorsIn(t *testing.T) {
	err := connector.Network("Acme", errors.New("dial https://user:s3cret@acme"))
	if err.Kind != exeunt.Temporary || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %s %q", err.Kind, err)
	}
	if err := connector.Network("Acme", context.DeadlineExceeded); !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("a timeout says %q", err)
	}
	own := exeunt.Errorf(exeunt.Invalid, "the secret env:X is not set")
	if err := connector.Network("Acme", own); err != own {
		t.Errorf("an error of ours becomes %v", err)
	}
}

func TestASecretShowsItsReferenceOnly(t *testing.T) {
	t.Setenv("EXEUNT_TEST_SECRET", "s3cret")
	s, err := connector.NewSecret("env:EXEUNT_TEST_SECRET")
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := s.MarshalText(); s.String() != "env:EXEUNT_TEST_SECRET" || string(text) != s.String() || s.LogValue().String() != s.String() {
		t.Errorf("prints %s", s)
	}
	if v, err := s.Reveal(); err != nil || v != "s3cret" {
		t.Errorf("reveals %q, %v", v, err)
	}
	for _, bad := range []string{"", "s3cret", "env:", "http:x"} {
		if _, err := connector.NewSecret(bad); err == nil || bad != "" && len(bad) > 5 && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
