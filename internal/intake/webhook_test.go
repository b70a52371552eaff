package intake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/intake"
)

const mapping = `"map":{"leaver.id":"body.employee.id","leaver.name":"body.employee.first + ' ' + body.employee.last",
	"leaver.identifiers.login":"body.employee.login","leaver.manager.email":"body.employee.manager.email","leaver.flags":"body.employee.tags",
	"leaver.place":"body.employee.site","last_day":"body.last_day","type":"body.reason"},
	"types":{"Kündigung":"voluntary"},"default_type":"involuntary","zones":{"Berlin":"Europe/Berlin"}`

func hook(t *testing.T, signature, more, key string) *intake.Source {
	t.Helper()
	settings := `{"signature":` + signature + `,` + mapping + more + `}`
	s, problems := intake.Open(intake.Spec{Name: "odoo", Kind: "webhook", Entity: "acme", Zone: "UTC", Secret: secret(t, "HOOK_KEY", key)}, []byte(settings), nil)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("settings: %+v", p)
		}
	}
	return s
}

const leaving = `{"id":"evt-1","type":"left","employee":{"id":9007199254740993,"first":"Jane","last":"Doe","login":"jdoe","site":"Berlin","tags":["Executive","on leave","tall"],"manager":null},"last_day":"2026-03-31T00:00:00+02:00","reason":"kündigung"}`

func sum(key string, parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(strings.Join(parts, "")))
	return h.Sum(nil)
}

func TestEverySignatureSchemeIsChecked(t *testing.T) {
	raw := "0123456789abcdef0123456789abcdef"
	standard := "whsec_" + base64.StdEncoding.EncodeToString([]byte(raw))
	at := strconv.FormatInt(now.Unix(), 10)
	old := strconv.FormatInt(now.Add(-301*time.Second).Unix(), 10)
	b64 := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	hexPrefix := `{"scheme":"hmac-sha256","header":"X-Sig","prefix":"sha256="}`
	stamped := `{"scheme":"hmac-sha256","header":"X-Sig","encoding":"base64","over":"timestamp.body","timestamp_header":"X-At"}`
	cases := []struct {
		name, signature, key string
		header               map[string]string
		status               int
	}{
		{"hex with a prefix", hexPrefix, raw, map[string]string{"X-Sig": "sha256=" + hex.EncodeToString(sum(raw, leaving))}, 202},
		{"without the prefix", hexPrefix, raw, map[string]string{"X-Sig": hex.EncodeToString(sum(raw, leaving))}, 401},
		{"another key", hexPrefix, raw, map[string]string{"X-Sig": "sha256=" + hex.EncodeToString(sum("x", leaving))}, 401},
		{"cut short", hexPrefix, raw, map[string]string{"X-Sig": "sha256=" + hex.EncodeToString(sum(raw, leaving))[:20]}, 401},
		{"empty signature", hexPrefix, raw, map[string]string{"X-Sig": "sha256="}, 401},
		{"no header", hexPrefix, raw, nil, 401},
		{"base64 over timestamp.body", stamped, raw, map[string]string{"X-Sig": b64(sum(raw, at, ".", leaving)), "X-At": at}, 202},
		{"the timestamp is signed", stamped, raw, map[string]string{"X-Sig": b64(sum(raw, old, ".", leaving)), "X-At": at}, 401},
		{"stale", stamped, raw, map[string]string{"X-Sig": b64(sum(raw, old, ".", leaving)), "X-At": old}, 401},
		{"no timestamp", stamped, raw, map[string]string{"X-Sig": b64(sum(raw, "", ".", leaving))}, 401},
		{"standard webhooks", `{"scheme":"standard-webhooks"}`, standard, map[string]string{"webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": "v1," + b64(sum(raw, "msg_1.", at, ".", leaving))}, 202},
		{"standard, one of several", `{"scheme":"standard-webhooks"}`, standard, map[string]string{"webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": "v1a,xx v1,AAAA v1," + b64(sum(raw, "msg_1.", at, ".", leaving))}, 202},
		{"standard, another id", `{"scheme":"standard-webhooks"}`, standard, map[string]string{"webhook-id": "msg_2", "webhook-timestamp": at, "webhook-signature": "v1," + b64(sum(raw, "msg_1.", at, ".", leaving))}, 401},
		{"standard, stale", `{"scheme":"standard-webhooks"}`, standard, map[string]string{"webhook-id": "msg_1", "webhook-timestamp": old, "webhook-signature": "v1," + b64(sum(raw, "msg_1.", old, ".", leaving))}, 401},
		{"standard, no signature", `{"scheme":"standard-webhooks"}`, standard, map[string]string{"webhook-id": "msg_1", "webhook-timestamp": at}, 401},
		{"standard, a secret that is none", `{"scheme":"standard-webhooks"}`, "§", map[string]string{"webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": "v1," + b64(sum("", "msg_1.", at, ".", leaving))}, 401},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range c.header {
				h.Set(k, v)
			}
			s := hook(t, c.signature, "", c.key)
			events, a := s.Receive(h, []byte(leaving), now)
			if a.Status != c.status {
				t.Fatalf("answered %d, want %d: %v", a.Status, c.status, a.Problem)
			}
			if c.status == 202 && strings.HasPrefix(c.name, "standard") && events[0].EventID != "msg_1" {
				t.Errorf("event id %q", events[0].EventID)
			}
		})
	}
}

func TestAWebhookWithASignedTimestampMaySayTheSameAgain(t *testing.T) {
	s := hook(t, `{"scheme":"hmac-sha256","header":"X-Sig","over":"timestamp.body","timestamp_header":"X-At"}`, "", "k")
	ids := map[string]bool{}
	for _, at := range []string{strconv.FormatInt(now.Unix(), 10), strconv.FormatInt(now.Unix(), 10), strconv.FormatInt(now.Unix()+9, 10)} {
		events, a := s.Receive(http.Header{"X-Sig": {hex.EncodeToString(sum("k", at, ".", leaving))}, "X-At": {at}}, []byte(leaving), now)
		if a.Status != 202 {
			t.Fatalf("answered %d: %v", a.Status, a.Problem)
		}
		ids[events[0].EventID] = true
	}
	if len(ids) != 2 {
		t.Errorf("two deliveries and a replay have %d ids", len(ids))
	}
}

func TestAnEventIdThatIsATextIsRefused(t *testing.T) {
	s := hook(t, `{"scheme":"hmac-sha256","header":"X-Sig"}`, `,"event_id":"body.id"`, "k")
	for length, status := range map[int]int{1 << 10: 202, 1<<10 + 1: 400} {
		body := strings.Replace(leaving, "evt-1", strings.Repeat("x", length), 1)
		if _, a := s.Receive(http.Header{"X-Sig": {hex.EncodeToString(sum("k", body))}}, []byte(body), now); a.Status != status {
			t.Errorf("an id of %d bytes is answered %d, want %d: %v", length, a.Status, status, a.Problem)
		}
	}
}

func TestOnlyDeliveriesThatCannotBeToldApartAreWarnedOf(t *testing.T) {
	for _, c := range []struct {
		signature, more string
		warned          bool
	}{
		{plainHMAC, "", true},
		{plainHMAC, `,"event_id":"body.id"`, false},
		{`{"scheme":"hmac-sha256","header":"x","over":"timestamp.body","timestamp_header":"y"}`, "", false},
		{`{"scheme":"standard-webhooks"}`, "", false},
	} {
		_, problems := intake.Open(intake.Spec{Name: "x", Kind: "webhook", Secret: secret(t, "K", "k")}, []byte(`{"signature":`+c.signature+`,`+mapping+c.more+`}`), nil)
		warned := false
		for _, p := range problems {
			warned = warned || p.Path == "event_id" && p.Warning && p.Remedy != ""
		}
		if warned != c.warned {
			t.Errorf("%s %s: warned %v, %+v", c.signature, c.more, warned, problems)
		}
	}
}

const plainHMAC = `{"scheme":"hmac-sha256","header":"X-Sig"}`

func post(t *testing.T, s *intake.Source, body string) ([]intake.Event, intake.Answer) {
	t.Helper()
	h := http.Header{"X-Sig": {hex.EncodeToString(sum("k", body))}, "X-Kind": {"left"}, "Authorization": {"Bearer x"}}
	return s.Receive(h, []byte(body), now)
}

func TestAWebhookIsMappedByItsExpressions(t *testing.T) {
	s := hook(t, plainHMAC, `,"event_id":"body.id","when":"body.type == 'left'","occurred_at":"'2026-01-31T10:00:00Z'","keep_headers":["x-kind"]`, "k")
	events, a := post(t, s, leaving)
	if a.Status != 202 || events[0].EventID != "evt-1" || events[0].Headers["x-kind"] != "left" || len(events[0].Headers) != 1 {
		t.Fatalf("%d %v %+v", a.Status, a.Problem, events)
	}
	trigger, err := s.Normalise(t.Context(), events[0])
	if err != nil {
		t.Fatal(err)
	}
	l := trigger.Departure.Leaver
	if l.ID != "9007199254740993" { // 2^53 + 1: a number that a double would change into somebody else's
		t.Errorf("id %s", l.ID)
	}
	if l.Name != "Jane Doe" || l.Zone != "Europe/Berlin" || l.Identifiers["login"] != "jdoe" || l.Manager.Named() || trigger.Departure.Type != exeunt.Voluntary ||
		trigger.Departure.LastDay != "2026-03-31" || !l.Has(exeunt.Executive) || !l.Has(exeunt.OnLeave) || len(l.Flags) != 2 {
		t.Errorf("%+v", trigger.Departure)
	}
	if !trigger.OccurredAt.Equal(time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)) || trigger.Source != "odoo" {
		t.Errorf("%+v", trigger)
	}
	if ids := s.Identifiers(); len(ids) != 1 || ids[0] != exeunt.Login {
		t.Errorf("identifiers %v", ids)
	}
}

func TestAWebhookNamesTheFieldAsTheHRSystemDoes(t *testing.T) {
	s := hook(t, plainHMAC, `,"event_id":"body.id","when":"body.type == 'left'"`, "k")
	for name, c := range map[string]struct {
		old, new, field string
		status          int
	}{
		"no id":           {`"id":9007199254740993,`, ``, "body.employee.id", 422},
		"null id":         {`9007199254740993`, `null`, "body.employee.id", 422},
		"no last day":     {`"last_day":"2026-03-31T00:00:00+02:00",`, ``, "body.last_day", 422},
		"no date":         {`2026-03-31T00:00:00+02:00`, `tomorrow`, "body.last_day", 422},
		"no day":          {`2026-03-31T00:00:00+02:00`, `2026-02-30`, "body.last_day", 422},
		"no name":         {`"last":"Doe",`, ``, "leaver.name", 422},
		"no event id":     {`"id":"evt-1",`, ``, "body.id", 422},
		"no type at all":  {`"type":"left",`, ``, "body.type == 'left'", 422},
		"NUL escaped":     {`"Jane"`, `"Ja\u0000ne"`, "", 400},
		"not UTF-8":       {`"Jane"`, "\"Ja\xffne\"", "", 400},
		"not JSON":        {`{"id":"evt-1"`, `{"id":`, "", 400},
		"two documents":   {`"kündigung"}`, `"kündigung"}{}`, "", 400},
		"something more":  {`"kündigung"`, `"kündigung","more":[1,2]`, "", 202},
		"an unknown word": {`"kündigung"`, `"moved to Mars"`, "", 202}, // default_type
	} {
		t.Run(name, func(t *testing.T) {
			events, a := post(t, s, strings.Replace(leaving, c.old, c.new, 1))
			if a.Status != c.status || (len(events) == 1) != (c.status == 202) {
				t.Fatalf("answered %d with %d events: %v", a.Status, len(events), a.Problem)
			}
			if c.field != "" && (a.Problem.Field != c.field || !strings.Contains(a.Problem.Message, c.field)) {
				t.Errorf("names %q in %q, want %q", a.Problem.Field, a.Problem.Message, c.field)
			}
		})
	}
}

func TestAWebhookAboutSomethingElseIsKeptAndIgnored(t *testing.T) {
	s := hook(t, plainHMAC, `,"when":"body.type in ['left','stays','back']","rescinded":"body.type == 'stays'","rehired":"body.type == 'back'"`, "k")
	events, a := post(t, s, `{"type":"birthday"}`)
	if a.Status != 202 || len(events) != 1 {
		t.Fatalf("answered %d: %v", a.Status, a.Problem)
	}
	if _, err := s.Normalise(t.Context(), events[0]); !errors.Is(err, intake.ErrNotADeparture) || exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("%v", err)
	}
	events, _ = post(t, s, `{"type":"stays","employee":{"id":5}}`)
	trigger, err := s.Normalise(t.Context(), events[0])
	if err != nil || trigger.Kind != exeunt.Rescinded || trigger.Departure.Leaver.Key() != "acme/5" {
		t.Errorf("%+v, %v", trigger, err)
	}
	events, _ = post(t, s, `{"type":"back","employee":{"id":5}}`)
	if trigger, err := s.Normalise(t.Context(), events[0]); err != nil || trigger.Kind != exeunt.Rehired || trigger.Departure.Leaver.Key() != "acme/5" {
		t.Errorf("%+v, %v", trigger, err)
	}
	if _, a := post(t, s, `{"type":"stays"}`); a.Status != 422 || a.Problem.Field != "body.employee.id" {
		t.Errorf("a rescission of nobody is answered %d", a.Status)
	}
}

func TestWebhookSettingsAreChecked(t *testing.T) {
	good := `{"signature":` + `{"scheme":"standard-webhooks"}` + `,` + mapping + `}`
	for name, c := range map[string]struct{ old, new, path, what string }{
		"misspelt variable":     {`body.last_day`, `bdy.last_day`, "map.last_day", "undeclared reference"},
		"syntax":                {`body.last_day`, `body.`, "map.last_day", "Syntax error"},
		"unknown target":        {`"type":`, `"kind":`, "map.kind", "nothing can be mapped"},
		"id not mapped":         {`"leaver.id":"body.employee.id",`, ``, "map", "leaver.id is not mapped"},
		"when is no condition":  {`"map"`, `"when":"'left'","map"`, "when", "this gives string"},
		"no header":             {`{"scheme":"standard-webhooks"}`, `{"scheme":"hmac-sha256"}`, "signature.header", "missing"},
		"an unsigned timestamp": {`{"scheme":"standard-webhooks"}`, `{"scheme":"hmac-sha256","header":"x","timestamp_header":"y"}`, "signature.timestamp_header", "proves nothing"},
		"a missing timestamp":   {`{"scheme":"standard-webhooks"}`, `{"scheme":"hmac-sha256","header":"x","over":"timestamp.body"}`, "signature.timestamp_header", "missing"},
		"no timestamp":          {`{"scheme":"standard-webhooks"}`, plainHMAC, "signature", "recognised by its event id only"},
		"no type":               {`,"default_type":"involuntary"`, `,"default_type":""`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := intake.Open(intake.Spec{Name: "x", Kind: "webhook", Secret: secret(t, "K", "k")}, []byte(strings.Replace(good, c.old, c.new, 1)), nil)
			if c.path == "" {
				if len(problems) > 0 {
					t.Errorf("%+v", problems)
				}
				return
			}
			found := false
			for _, p := range problems {
				found = found || p.Path == c.path && strings.Contains(p.What, c.what) && p.Remedy != ""
			}
			if !found {
				t.Errorf("want %s: %s, got %+v", c.path, c.what, problems)
			}
		})
	}
	if _, problems := intake.Open(intake.Spec{Name: "x", Kind: "webhook"}, []byte(good), nil); len(problems) != 1 || !strings.Contains(problems[0].What, "no secret") {
		t.Errorf("a source without a secret: %+v", problems)
	}
}

func FuzzWebhookBody(f *testing.F) {
	f.Add([]byte(leaving))
	f.Add([]byte(`{"employee":{"id":1,"first":"a","last":"b"},"last_day":"2026-01-01"}`))
	f.Add([]byte(`[1e999]`))
	f.Setenv("HOOK_KEY", "k")
	reference, _ := connector.NewSecret("env:HOOK_KEY")
	s, _ := intake.Open(intake.Spec{Name: "x", Kind: "webhook", Zone: "UTC", Secret: reference}, []byte(`{"signature":`+plainHMAC+`,`+mapping+`}`), nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, a := s.Receive(http.Header{"X-Sig": {hex.EncodeToString(sum("k", string(body)))}}, body, now)
		if a.Status != 202 {
			return
		}
		trigger, err := s.Normalise(t.Context(), events[0])
		if err != nil || trigger.Departure.Check() != nil {
			t.Fatalf("accepted and then not a departure: %v", err)
		}
	})
}
