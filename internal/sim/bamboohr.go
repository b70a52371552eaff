package sim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// BambooHR is the HR system: employees by id, and webhooks signed as BambooHR signs them.
type BambooHR struct {
	*Vendor           // its Token is the API key
	PrivateKey string // of the webhook; BambooHR shows it once, when the webhook is made

	records map[string]map[string]string
}

func newBambooHR(people []Person) *BambooHR {
	key := rand.Text()
	h := &BambooHR{
		// The API key is the user of HTTP basic; BambooHR ignores the password.
		Vendor: newVendor("hr", "", key, func(r *http.Request) bool {
			user, _, ok := r.BasicAuth()
			return ok && user == key
		}),
		PrivateKey: rand.Text(), records: map[string]map[string]string{},
	}
	names := map[string]string{}
	for _, p := range people {
		names[p.ID()] = p.Name()
	}
	for _, p := range people {
		h.records[p.ID()] = record(p, names[p.Manager])
	}
	h.handle("GET /api/v1/employees/{id}", h.employee)
	return h
}

// record is a person in BambooHR's fields.
func record(p Person, manager string) map[string]string {
	return map[string]string{
		"employeeNumber": p.EmployeeID, "firstName": p.Given, "lastName": p.Family, "displayName": p.Name(), "jobTitle": p.Title,
		"department": p.Department, "location": p.Place.Name, "country": p.Place.Country, "stateCode": p.Place.Region, "state": p.Place.Region,
		"hireDate": string(p.HiredOn), "supervisorEId": p.Manager, "supervisor": manager, "workEmail": p.WorkEmail, "homeEmail": p.HomeEmail,
		"status": "Active", "employmentHistoryStatus": word(p.Employment == "contractor", "Contractor", "Full-Time"),
		"terminationDate": "0000-00-00", "customTimeZone": p.Place.Zone, "customLogin": p.Login, "customUUID": p.UUID,
		"customLastDay": "", "customLeavingType": "",
	}
}

// employee answers GET /api/v1/employees/{id}?fields=a,b: the fields asked for, and the id.
func (h *BambooHR) employee(w http.ResponseWriter, r *http.Request) {
	kept, ok := h.records[r.PathValue("id")]
	if !ok {
		refuse(w, http.StatusNotFound, "not_found")
		return
	}
	answer := map[string]any{"id": r.PathValue("id")}
	for name := range strings.SplitSeq(r.FormValue("fields"), ",") {
		value, known := kept[name]
		switch {
		case !known: // BambooHR leaves out what it does not know or the key may not see
		case value == "":
			answer[name] = nil
		default:
			answer[name] = value
		}
	}
	reply(w, http.StatusOK, answer)
}

// Leave records a departure: the day, and how they leave in the HR system's words.
func (h *BambooHR) Leave(p Person, lastDay exeunt.Date, how string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.records[p.ID()]
	kept["status"], kept["employmentHistoryStatus"] = "Inactive", "Terminated"
	kept["terminationDate"], kept["customLastDay"], kept["customLeavingType"] = string(lastDay), string(lastDay), how
}

// Sign is a delivery's signature: the hex HMAC-SHA256 of the body followed by the timestamp, without
// anything between. Source: documentation.bamboohr.com/docs/webhooks, "Security".
func Sign(privateKey string, body []byte, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(privateKey))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return hex.EncodeToString(mac.Sum(nil))
}

// Webhook is the delivery that tells of a change of somebody's status, in the event-based form.
// Source: documentation.bamboohr.com/docs/event-based-webhooks.
func (h *BambooHR) Webhook(ctx context.Context, to string, p Person, now time.Time) (*http.Request, error) {
	body, err := json.Marshal(map[string]any{
		"type": "employee.updated", "timestamp": now.UTC().Format("2006-01-02T15:04:05-0700"),
		"data": map[string]any{"companyId": "1", "employeeId": p.ID(), "changedFields": []string{"status", "terminationDate"}},
	})
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	timestamp := fmt.Sprint(now.Unix())
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-BambooHR-Timestamp", timestamp)
	r.Header.Set("X-BambooHR-Signature", Sign(h.PrivateKey, body, timestamp))
	return r, nil
}

// Announce records a departure and delivers the webhook. It returns the receiver's status.
func (h *BambooHR) Announce(ctx context.Context, to string, p Person, lastDay exeunt.Date, how string) (int, error) {
	h.Leave(p, lastDay, how)
	r, err := h.Webhook(ctx, to, p, time.Now())
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	answer.Body.Close()
	return answer.StatusCode, nil
}
