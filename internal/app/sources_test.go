package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/intake"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// noSystems is a house without systems and an operator to alert.
type noSystems struct{ engine.Systems }

func (noSystems) Names() []string { return nil }

type operator struct{ engine.Planner }

func (operator) Operator() exeunt.Person { return exeunt.Person{Email: "ops@x.example"} }

// bambooHooks answers the webhooks of one BambooHR source over a fresh store; nothing works on them.
func bambooHooks(t *testing.T) (hooks, *store.Store) {
	t.Helper()
	t.Setenv("BAMBOO_KEY", "k")
	secret, err := connector.NewSecret("env:BAMBOO_KEY")
	if err != nil {
		t.Fatal(err)
	}
	source, _ := intake.Open(intake.Spec{Name: "hr", Kind: "bamboohr", Secret: secret, Zone: "UTC"}, []byte(`{"default_type":"voluntary"}`), nil)
	s := storetest.SQLite(t)
	log := slog.New(slog.DiscardHandler)
	e := engine.New(engine.Config{Store: s, Systems: noSystems{}, Planner: operator{}, Log: log})
	return hooks{sources: &sources{byName: map[string]*intake.Source{"hr": source}}, engine: e, metrics: newMetrics(), log: log}, s
}

func bambooSigned(body string) http.Header {
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("k"))
	mac.Write([]byte(body + at))
	h := http.Header{}
	h.Set("X-BambooHR-Signature", hex.EncodeToString(mac.Sum(nil)))
	h.Set("X-BambooHR-Timestamp", at)
	return h
}

func alerts(t *testing.T, s *store.Store) []string {
	t.Helper()
	page, err := s.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryRefused)})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range page.Rows {
		out = append(out, e.What)
	}
	return out
}

func TestTheGoodOfADeliveryAreAcceptedAndTheBadSetAside(t *testing.T) {
	h, s := bambooHooks(t)
	good := `{"id":"7","fields":{"First Name":"P","Last Name":"Q","Status":"Inactive","Termination Date":"2026-01-31"}}`
	body := `{"employees":[{"id":"0","fields":{}},` + good + `,"nobody"]}`
	header := bambooSigned(body)
	for range 2 { // sent again it has no further effect
		if status, err := h.Hook(t.Context(), "hr", header, []byte(body)); status != http.StatusAccepted || err != nil {
			t.Fatalf("answered %d, %v", status, err)
		}
	}
	open, _, err := s.DueEvents(t.Context(), time.Now(), 10)
	if err != nil || len(open) != 1 {
		t.Fatalf("%d events are kept, want the good one: %v", len(open), err)
	}
	kept, done, err := s.Event(t.Context(), "hr", "quarantine:"+open[0].ID)
	if err != nil || !done || len(kept.Body) == 0 {
		t.Errorf("the delivery is not in quarantine: %v", err)
	}
	if told := alerts(t, s); len(told) == 0 || !strings.Contains(told[0], "2 of its employees") || !strings.Contains(told[0], "employees[0].id") {
		t.Errorf("the operator is told %q", told)
	}
}

func TestADeliveryWithNothingGoodIsRefused(t *testing.T) {
	h, s := bambooHooks(t)
	body := `{"employees":[{"id":"0","fields":{}}]}`
	if status, err := h.Hook(t.Context(), "hr", bambooSigned(body), []byte(body)); status != http.StatusUnprocessableEntity || err == nil {
		t.Errorf("answered %d, %v", status, err)
	}
	if told := alerts(t, s); len(told) != 1 {
		t.Errorf("the operator is told %q", told)
	}
}

// Invariant 1: what a source says that is not the authoritative one decides nothing.
func TestWhatASecondSourceSaysIsMarkedAsThat(t *testing.T) {
	t.Setenv("SECOND_KEY", "k")
	secret, err := connector.NewSecret("env:SECOND_KEY")
	if err != nil {
		t.Fatal(err)
	}
	settings := []byte(`{"signature":{"scheme":"standard-webhooks"},"default_type":"voluntary","map":{"leaver.id":"body.id","leaver.name":"body.name","last_day":"body.day"}}`)
	for _, authoritative := range []bool{true, false} {
		source, problems := intake.Open(intake.Spec{Name: "it", Kind: "webhook", Entity: "acme", Authoritative: authoritative, Secret: secret, Zone: "UTC"}, settings, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		kept := intake.Event{Source: "it", EventID: "1", Body: []byte(`{"id":"7","name":"Jo Doe","day":"2026-03-31"}`), ReceivedAt: time.Now()}
		all := &sources{byName: map[string]*intake.Source{"it": source}}
		said, err := all.Normalise(t.Context(), store.Event{Source: "it", ID: "1", Body: kept.Encode(), ReceivedAt: kept.ReceivedAt})
		if err != nil || said.Second == authoritative || said.Departure.Leaver.Key() != "acme/7" {
			t.Errorf("authoritative %t: %+v, %v", authoritative, said, err)
		}
	}
}

// An event whose source a server does not know waits: another one accepted it by a folder that this one has not read yet.
func TestAnEventOfASourceThatIsNotKnownHereWaits(t *testing.T) {
	s, err := openSources(&config.Config{})
	must(t, err)
	if _, err := s.Normalise(t.Context(), store.Event{Source: "personio", ID: "1", Body: []byte("{}")}); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("it is answered with %v, after which it would never be tried again", err)
	}
}
