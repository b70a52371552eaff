package e2e_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/sim"
)

// delivery is one webhook as an HR system posts it.
type delivery struct {
	source string
	body   []byte
	header map[string]string
}

// post sends a delivery and returns what the sender learns.
func (s *installation) post(t testing.TB, d delivery) (status int, answer string) {
	t.Helper()
	status, answer, err := s.deliver(d)
	must(t, err)
	return status, answer
}

// sender gives up on a server that was paused in the middle of an answer, as HR systems do, and sends again elsewhere.
var sender = &http.Client{Timeout: 15 * time.Second}

func (s *installation) deliver(d delivery) (status int, answer string, err error) {
	r, err := http.NewRequest(http.MethodPost, s.url()+"/hooks/"+d.source, bytes.NewReader(d.body))
	if err != nil {
		return 0, "", err
	}
	for name, value := range d.header {
		r.Header.Set(name, value)
	}
	got, err := sender.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	return got.StatusCode, string(body), err
}

// bamboo signs as BambooHR does: hex HMAC-SHA256 of the body and the timestamp.
// Source: documentation.bamboohr.com/docs/webhooks, "Security".
func bamboo(source, key string, body []byte, at time.Time) delivery {
	timestamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return delivery{source, body, map[string]string{
		"Content-Type": "application/json", "X-BambooHR-Timestamp": timestamp, "X-BambooHR-Signature": hex.EncodeToString(mac.Sum(nil)),
	}}
}

// fieldBased is BambooHR's older form, in which every field travels.
// Source: documentation.bamboohr.com/docs/field-based-webhooks.
func fieldBased(p sim.Person, lastDay string, at time.Time) []byte {
	return encoded(map[string]any{"employees": []any{map[string]any{
		"id": p.ID(), "action": "Updated", "timestamp": at.UTC().Format("2006-01-02T15:04:05-0700"), "changedFields": []string{"Status", "Termination Date"},
		"fields": map[string]any{
			"First Name": p.Given, "Last Name": p.Family, "Status": "Inactive", "Termination Date": lastDay, "Department": p.Department,
			"Work Email": p.WorkEmail, "Employee #": p.EmployeeID, "Custom Login": p.Login, "Custom Manager Email": "max@larkfield.example",
		},
	}}})
}

// standard signs by Standard Webhooks: base64 HMAC-SHA256 over id.timestamp.body.
func standard(id string, body []byte, at time.Time) delivery {
	timestamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, webhookKey)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	return delivery{"people-system", body, map[string]string{
		"Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": timestamp,
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
	}}
}

// leaving is a delivery of an HR system that posts JSON of its own.
func leaving(p sim.Person, lastDay, reason string) []byte {
	return encoded(map[string]any{"type": "employee.leaving", "data": map[string]any{
		"employee": map[string]any{
			"number": p.ID(), "first": p.Given, "last": p.Family, "email": p.WorkEmail, "login": p.Login, "badge": p.EmployeeID,
			"manager": map[string]string{"email": "max@larkfield.example"},
		},
		"last_day": lastDay, "reason": reason,
	}})
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of texts always encode
	}
	return b
}
