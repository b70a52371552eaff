package intake_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/intake"
)

// TestAnEmbargoIsMapped holds that a source can ask for an embargo, and that half of one refuses the event: a
// case that should have been secret must not be opened for everybody.
func TestAnEmbargoIsMapped(t *testing.T) {
	const settings = `{"signature":{"scheme":"hmac-sha256","header":"X-Sig"},"map":{"leaver.id":"body.id","leaver.name":"body.name","last_day":"body.last_day","type":"body.type",
		"embargo.until":"body.reveal","embargo.visible_to":"body.knows"}}`
	s, problems := intake.Open(intake.Spec{Name: "odoo", Kind: "webhook", Entity: "acme", Zone: "Europe/Berlin", Secret: secret(t, "HOOK_KEY", "k")}, []byte(settings), nil)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("settings: %+v", p)
		}
	}
	for body, want := range map[string]string{
		`{"reveal":"2026-03-09 09:00","knows":["vera@acme.example","tom@acme.example"],`:       "2026-03-09 09:00 vera@acme.example tom@acme.example",
		`{"reveal":"2026-03-09T09:00:00+01:00","knows":"vera@acme.example; tom@acme.example",`: "2026-03-09T09:00:00+01:00 vera@acme.example tom@acme.example",
		`{"reveal":null,`:                                 "",
		`{"reveal":"2026-03-09 09:00",`:                   "refused",
		`{"knows":["vera@acme.example"],`:                 "refused",
		`{"reveal":"soon","knows":["vera@acme.example"],`: "refused",
	} {
		body += `"id":"7","name":"Jane Doe","last_day":"2026-03-31","type":"layoff"}`
		events, answer := s.Receive(http.Header{"X-Sig": {hex.EncodeToString(sum("k", body))}}, []byte(body), now)
		got := "refused"
		if answer.Accepted() {
			trigger, err := s.Normalise(t.Context(), events[0])
			if err == nil {
				got = told(trigger.Departure.Embargo)
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q (%d %v)", body, got, want, answer.Status, answer.Problem)
		}
	}
}

func told(terms *exeunt.EmbargoTerms) string {
	if terms == nil {
		return ""
	}
	return terms.Until + " " + strings.Join(terms.VisibleTo, " ")
}
