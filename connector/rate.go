package connector

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxPause bounds what a vendor's clock, or a header that means something else, can make us wait.
const maxPause = time.Hour

// microsoftWindow is the window of Microsoft Graph's identity limits, which has no reset header.
// Source: microsoft-graph-docs, concepts/throttling-limits.
const microsoftWindow = 10 * time.Second

// families are the vendors' names for what is left of a limit and when it is whole again: most
// (GitHub, Zoom, Auth0, Datadog); Okta; GitLab, Microsoft, and the IETF draft up to its sixth version.
var families = []struct{ limit, remaining, reset string }{
	{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"},
	{"X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"},
	{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"},
}

// RetryAfter reads how long a vendor that refused us asks us to wait: Retry-After in seconds or as a
// date (RFC 9110 §10.2.3), else when its limit is whole again. Zero when it does not say; at most an hour.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if seconds, err := strconv.ParseInt(v, 10, 64); err == nil {
			return pause(float64(seconds))
		}
		if at, err := http.ParseTime(v); err == nil {
			return pause(at.Sub(now).Seconds())
		}
		return 0
	}
	for _, f := range families {
		if wait := ResetIn(h.Get(f.reset), now); wait > 0 {
			return wait
		}
	}
	_, wait := draft(h)
	return wait
}

// Spent reads, of an answer that was none of refusal, how long to send nothing since no request is left:
// the next one would be a 429. Zero when one is left, or the vendor does not say.
func Spent(h http.Header, now time.Time) time.Duration {
	var wait time.Duration
	for _, f := range families {
		// Okta writes a limit of 0 where another limit was hit, of which these say nothing.
		if number(h.Get(f.remaining)) == 0 && number(h.Get(f.limit)) != 0 {
			wait = max(wait, ResetIn(h.Get(f.reset), now))
		}
	}
	if none, reset := draft(h); none {
		wait = max(wait, reset)
	}
	if share, err := strconv.ParseFloat(h.Get("X-Ms-Throttle-Limit-Percentage"), 64); err == nil && share >= 1 {
		wait = max(wait, microsoftWindow)
	}
	return wait
}

// ResetIn reads when a limit is whole again: in seconds or milliseconds since 1970, or in seconds from now.
func ResetIn(value string, now time.Time) time.Duration {
	n := number(value)
	switch {
	case n > 1e11: // since 1970 in milliseconds: nobody lets us wait for 3,000 years
		return pause(n/1e3 - float64(now.UnixMilli())/1e3)
	case n > 1e8:
		return pause(n - float64(now.UnixMilli())/1e3)
	}
	return pause(n)
}

// draft reads the field RateLimit of the IETF draft, of which there are two forms: one limit,
// "limit=100, remaining=0, reset=5" (version 7), and named ones, "burst";r=0;t=5 (version 8 and later).
// Source: draft-ietf-httpapi-ratelimit-headers.
func draft(h http.Header) (none bool, wait time.Duration) {
	all := strings.Join(h.Values("RateLimit"), ",")
	if strings.Contains(all, "remaining=") {
		all = strings.ReplaceAll(all, ",", ";")
	}
	for one := range strings.SplitSeq(all, ",") {
		left, reset := math.NaN(), math.NaN()
		for part := range strings.SplitSeq(one, ";") {
			switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
			case "r", "remaining":
				left = number(value)
			case "t", "reset":
				reset = number(value)
			}
		}
		if left == 0 && reset > 0 {
			none, wait = true, max(wait, pause(reset))
		}
	}
	return none, wait
}

// number reads a header that is one; what is none is not a number, which is neither 0 nor more.
func number(value string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || n < 0 {
		return math.NaN()
	}
	return n
}

func pause(seconds float64) time.Duration {
	if !(seconds > 0) { // not a number either
		return 0
	}
	return time.Duration(min(seconds, maxPause.Seconds()) * float64(time.Second))
}
