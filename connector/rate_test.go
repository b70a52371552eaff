package connector_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/exeunt/exeunt/connector"
)

// noon is 1777636800 seconds since 1970.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "30", 30 * time.Second},
		{"Retry-After", "Fri, 01 May 2026 12:01:00 GMT", time.Minute},
		{"Retry-After", "Fri, 01 May 2026 11:00:00 GMT", 0},
		{"Retry-After", "-5", 0},
		{"Retry-After", "soon", 0},
		{"Retry-After", "86400", time.Hour},
		{"X-RateLimit-Reset", "1777636810", 10 * time.Second},
		{"X-Rate-Limit-Reset", "1777636820", 20 * time.Second},
		{"X-RateLimit-Reset", "1777636810500", 10*time.Second + 500*time.Millisecond},
		{"X-RateLimit-Reset", "12", 12 * time.Second},
		{"X-RateLimit-Reset", "1777636700", 0},
		{"X-RateLimit-Reset", "NaN", 0},
		{"RateLimit-Reset", "7", 7 * time.Second},
		{"RateLimit", `"default";r=0;t=9`, 9 * time.Second},
		{"X-Other", "1", 0},
	} {
		if got := connector.RetryAfter(headers(c.name, c.value), noon); got != c.want {
			t.Errorf("%s: %s waits %v, want %v", c.name, c.value, got, c.want)
		}
	}
	if got := connector.RetryAfter(headers("Retry-After", "3", "X-RateLimit-Reset", "40"), noon); got != 3*time.Second {
		t.Errorf("both: %v, want Retry-After", got)
	}
}

// The shapes are those that the vendors document; a request that is left is never waited for.
func TestSpent(t *testing.T) {
	for _, c := range []struct {
		vendor string
		header http.Header
		want   time.Duration
	}{
		{"GitHub, the last one", headers("x-ratelimit-limit", "5000", "x-ratelimit-remaining", "0", "x-ratelimit-used", "5000", "x-ratelimit-reset", "1777636830", "x-ratelimit-resource", "core"), 30 * time.Second},
		{"GitHub, one left", headers("x-ratelimit-limit", "5000", "x-ratelimit-remaining", "1", "x-ratelimit-reset", "1777636830"), 0},
		{"Okta, the last one", headers("X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "1777636845"), 45 * time.Second},
		{"Okta, concurrency", headers("X-Rate-Limit-Limit", "0", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "1777636845"), 0},
		{"Datadog, from now", headers("X-RateLimit-Limit", "300", "X-RateLimit-Period", "60", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "17"), 17 * time.Second},
		{"GitLab", headers("RateLimit-Limit", "60", "RateLimit-Observed", "60", "RateLimit-Remaining", "0", "RateLimit-Reset", "1777636860"), time.Minute},
		{"Microsoft, from now", headers("RateLimit-Limit", "1200", "RateLimit-Remaining", "0", "RateLimit-Reset", "5"), 5 * time.Second},
		{"Microsoft Graph, at its limit", headers("x-ms-throttle-limit-percentage", "1.02", "x-ms-throttle-scope", "Tenant_Application/ReadWrite/a/b"), 10 * time.Second},
		{"Microsoft Graph, near it", headers("x-ms-throttle-limit-percentage", "0.86"), 0},
		{"draft 7", headers("RateLimit", "limit=100, remaining=0, reset=50"), 50 * time.Second},
		{"draft 7, some left", headers("RateLimit", "limit=100, remaining=40, reset=50"), 0},
		{"draft 10, one of two", headers("RateLimit", `"burst";r=12;t=1, "day";r=0;t=120`), 2 * time.Minute},
		{"draft 10, two fields", headers("RateLimit", `"burst";r=0;t=1`, "RateLimit", `"day";r=300;t=900`), time.Second},
		{"draft 10, some left", headers("RateLimit", `"default";r=50;t=30`), 0},
		{"without a limit named", headers("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "4"), 4 * time.Second},
		{"without a reset", headers("X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "0"), 0},
		{"a reset that has passed", headers("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1777636700"), 0},
		{"a clock that is far off", headers("X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "1893456000"), time.Hour},
		{"nonsense", headers("X-RateLimit-Remaining", "none", "X-RateLimit-Reset", "x", "RateLimit", ";;=,", "X-Ms-Throttle-Limit-Percentage", "high"), 0},
		{"silence", headers(), 0},
	} {
		if got := connector.Spent(c.header, noon); got != c.want {
			t.Errorf("%s: waits %v, want %v", c.vendor, got, c.want)
		}
	}
}
