package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// Signature says how a generic webhook is signed.
type Signature struct {
	Scheme          string             `json:"scheme" jsonschema:"required,enum=standard-webhooks,enum=hmac-sha256" remedy:"write standard-webhooks, or hmac-sha256 with its header" jsonschema_description:"standard-webhooks (headers webhook-id, webhook-timestamp, webhook-signature) or hmac-sha256."`
	Header          string             `json:"header,omitempty" jsonschema_description:"hmac-sha256: the header that carries the signature."`
	Prefix          string             `json:"prefix,omitempty" jsonschema_description:"hmac-sha256: what stands before the signature in the header, such as sha256=."`
	Encoding        string             `json:"encoding,omitempty" jsonschema:"enum=hex,enum=base64" jsonschema_description:"hmac-sha256: hex (default) or base64."`
	Over            string             `json:"over,omitempty" jsonschema:"enum=body,enum=timestamp.body" jsonschema_description:"hmac-sha256: what is signed, the body (default) or the timestamp, a dot and the body."`
	TimestampHeader string             `json:"timestamp_header,omitempty" jsonschema_description:"hmac-sha256 over timestamp.body: the header that carries the timestamp."`
	Tolerance       *yamlfile.Duration `json:"tolerance,omitempty" jsonschema_description:"How far the timestamp may lie from now. 5m when left out."`
}

func (s Signature) problems() []yamlfile.Problem {
	var out []yamlfile.Problem
	add := func(path, what, remedy string) {
		out = append(out, yamlfile.Problem{Path: "signature" + path, What: what, Remedy: remedy})
	}
	if s.Scheme != "hmac-sha256" {
		return nil
	}
	if s.Header == "" {
		add(".header", "missing", "name the header that carries the signature, such as X-Signature")
	}
	switch {
	case s.Over == "timestamp.body" && s.TimestampHeader == "":
		add(".timestamp_header", "missing", "name the header whose timestamp is signed with the body")
	case s.Over != "timestamp.body" && s.TimestampHeader != "":
		add(".timestamp_header", "a timestamp that is not signed proves nothing", "set over: timestamp.body when the sender signs it, else leave it out")
	case s.Over != "timestamp.body":
		out = append(out, yamlfile.Problem{Path: "signature", Warning: true, What: "no timestamp is signed, so that an old delivery is recognised by its event id only", Remedy: "use standard-webhooks or timestamp.body where the sender can"})
	}
	return out
}

// signedAt is the timestamp that the signature covers; empty when it covers none.
func (s Signature) signedAt(h http.Header) string {
	switch {
	case s.Scheme == "standard-webhooks":
		return h.Get("webhook-timestamp")
	case s.Over == "timestamp.body":
		return h.Get(s.TimestampHeader)
	default:
		return ""
	}
}

func (s Signature) tolerance() time.Duration {
	if s.Tolerance == nil {
		return DefaultTolerance
	}
	return time.Duration(*s.Tolerance)
}

func (s Signature) verify(h http.Header, body []byte, secret string, now time.Time) *exeunt.Error {
	if s.Scheme == "standard-webhooks" {
		return s.verifyStandard(h, body, secret, now)
	}
	given := h.Get(s.Header)
	text, ok := strings.CutPrefix(given, s.Prefix)
	if given == "" || !ok {
		return exeunt.Errorf(exeunt.Unauthorised, "the delivery carries no signature in %s", s.Header)
	}
	signed := [][]byte{body}
	if s.Over == "timestamp.body" {
		at := h.Get(s.TimestampHeader)
		if err := fresh(at, s.tolerance(), now); err != nil {
			return err
		}
		signed = [][]byte{[]byte(at), []byte("."), body}
	}
	if !s.same(text, mac([]byte(secret), signed...)) {
		return badSignature()
	}
	return nil
}

// same compares in constant time. Hex is taken in either case, base64 with or without padding.
func (s Signature) same(text string, want []byte) bool {
	var got []byte
	var err error
	if s.Encoding == "base64" {
		got, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	} else {
		got, err = hex.DecodeString(text)
	}
	return err == nil && hmac.Equal(got, want)
}

// verifyStandard checks Standard Webhooks: base64 HMAC-SHA256 over id.timestamp.body; one of a list
// of signatures suffices, so that secrets can be rotated. Source: the specification at
// github.com/standard-webhooks/standard-webhooks, "Verifying webhook authenticity".
func (s Signature) verifyStandard(h http.Header, body []byte, secret string, now time.Time) *exeunt.Error {
	id, at := h.Get("webhook-id"), h.Get("webhook-timestamp")
	if id == "" || at == "" || h.Get("webhook-signature") == "" {
		return exeunt.Errorf(exeunt.Unauthorised, "the delivery lacks one of the headers webhook-id, webhook-timestamp, webhook-signature")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return exeunt.Errorf(exeunt.Unauthorised, "the configured secret is not a Standard Webhooks secret: it shall be whsec_ and base64")
	}
	if err := fresh(at, s.tolerance(), now); err != nil {
		return err
	}
	want := mac(key, []byte(id), []byte("."), []byte(at), []byte("."), body)
	for _, one := range strings.Fields(h.Get("webhook-signature")) {
		text, ok := strings.CutPrefix(one, "v1,")
		if !ok {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(text); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return badSignature()
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func badSignature() *exeunt.Error {
	return exeunt.Errorf(exeunt.Unauthorised, "the signature does not fit: the sender and this server have different secrets, or the body was changed on the way")
}

// fresh refuses a timestamp too far from now, in Unix seconds or RFC 3339.
func fresh(at string, tolerance time.Duration, now time.Time) *exeunt.Error {
	t, ok := stamp(at)
	if !ok {
		return exeunt.Errorf(exeunt.Unauthorised, "the delivery's timestamp cannot be read")
	}
	if age := now.Sub(t); age > tolerance || age < -tolerance {
		return exeunt.Errorf(exeunt.Unauthorised, "the delivery's timestamp lies more than %s from now: it is old, or a clock is wrong", tolerance)
	}
	return nil
}

func stamp(s string) (time.Time, bool) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil && seconds > 0 && seconds < 1<<40 {
		return time.Unix(seconds, 0), true
	}
	return occurred(s)
}

// occurred reads the forms of ISO 8601 that HR systems send: with Z, +02:00 or +0200.
func occurred(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
