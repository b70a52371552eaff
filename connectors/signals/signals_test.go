package signals_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
	"github.com/exeunt/exeunt/connectors/signals"
	"github.com/go-jose/go-jose/v4"
)

// house keeps everything in memory, with one key for each algorithm.
type house struct {
	keys   map[string]exeunt.SignalKey
	kept   []exeunt.Signal
	stream exeunt.SignalStream // none without an ID
}

func newHouse(t *testing.T) *house {
	t.Helper()
	made, err := keys()
	must(t, err)
	return &house{keys: made}
}

// keys takes a moment, and once is enough.
var keys = sync.OnceValues(func() (map[string]exeunt.SignalKey, error) {
	made := map[string]exeunt.SignalKey{}
	for _, algorithm := range []string{"RS256", "ES256"} {
		k, err := signals.NewKey(algorithm)
		if err != nil {
			return nil, err
		}
		made[algorithm] = k
	}
	return made, nil
})

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) Issuer() string { return "https://exeunt.example" }
func (h *house) Stream(context.Context, string) (exeunt.SignalStream, error) {
	if h.stream.ID != "" {
		return h.stream, nil
	}
	return exeunt.SignalStream{}, exeunt.Errorf(exeunt.NotFound, "there is none")
}
func (h *house) Mentioned(context.Context, string, string) (bool, bool, error) {
	return false, false, nil
}
func (h *house) Signals(context.Context, string, string) ([]exeunt.Signal, error) { return h.kept, nil }
func (h *house) Keep(_ context.Context, g exeunt.Signal) (exeunt.Signal, error) {
	h.kept = append(h.kept, g)
	return g, nil
}
func (h *house) Settle(_ context.Context, _, id string, state exeunt.SignalState, reason string) error {
	for i := range h.kept {
		if h.kept[i].ID == id {
			h.kept[i].State, h.kept[i].Reason = state, reason
		}
	}
	return nil
}
func (h *house) Sign(_ context.Context, algorithm, typ string, claims any) (string, error) {
	return signals.Sign(h.keys[algorithm], typ, claims)
}

// claims checks a token by the set that is published, and returns what it says.
func (h *house) claims(t *testing.T, token, algorithm, typ string) map[string]any {
	t.Helper()
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	must(t, err)
	set, err := signals.Set([]exeunt.SignalKey{h.keys["RS256"], h.keys["ES256"]})
	must(t, err)
	header := signed.Signatures[0].Header
	keys := set.Key(header.KeyID)
	if len(keys) != 1 || !keys[0].IsPublic() || header.ExtraHeaders["typ"] != typ {
		t.Fatalf("the header is %+v, and %d keys are called so", header, len(keys))
	}
	payload, err := signed.Verify(keys[0])
	must(t, err)
	var out map[string]any
	must(t, json.Unmarshal(payload, &out))
	return out
}

// request is one that a receiver got.
type request struct {
	header http.Header
	path   string
	body   string
}

// endpoint answers each request with a status and a text.
func endpoint(t *testing.T, status int, text string) (*httptest.Server, *[]request) {
	t.Helper()
	var got []request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, request{r.Header, r.URL.String(), string(body)})
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s, &got
}

// pushedAsDescribed holds every token that was pushed to the standards. What receivers answer here is wrong on purpose.
func pushedAsDescribed(t *testing.T, traffic []connectortest.Exchange) {
	t.Helper()
	for _, x := range traffic {
		if x.Header.Get("Content-Type") == "application/json" {
			continue // a request for global token revocation, whose draft describes no more than its test sees
		}
		x.Status = 0
		for _, fault := range description.Pushed(x.URL.Path).Judge(x).Faults {
			t.Errorf("%s: %s", x.URL.Path, fault)
		}
	}
}

func open(t *testing.T, h signals.House, settings string) connector.Connector {
	t.Helper()
	recorder := &connectortest.Recorder{}
	t.Cleanup(func() { pushedAsDescribed(t, recorder.Traffic()) })
	c, err := signals.Kind(h).Open([]byte(settings), recorder)
	must(t, err)
	return c
}

var (
	jane = exeunt.Account{ID: "email:jane@acme.example", Login: "Jane@acme.example"}
	with = connector.Parameters{Case: 7, Step: "crm-disable", IdempotencyKey: "handle-crm-disable"}
)

// What is pushed is a security event token as the specifications have it, and only 202 says that it is received.
func TestPush(t *testing.T) {
	t.Setenv("CRM_HEADER", "Bearer of-the-receiver")
	for _, c := range []struct {
		status int
		text   string
		want   exeunt.ErrorKind
		state  exeunt.SignalState
	}{
		{202, "", "", exeunt.SignalDelivered},
		{200, "<html>", exeunt.Invalid, exeunt.SignalTold},
		{204, "", exeunt.Invalid, exeunt.SignalTold},
		{301, "", exeunt.Invalid, exeunt.SignalTold},
		{400, `{"err":"invalid_key","description":"s3cret words"}`, exeunt.Invalid, exeunt.SignalTold},
		{400, `{"err":"<script>"}`, exeunt.Invalid, exeunt.SignalTold},
		{400, `{"err":"authentication_failed"}`, exeunt.Unauthorised, exeunt.SignalWaiting},
		{400, `{"err":"access_denied"}`, exeunt.Denied, exeunt.SignalWaiting},
		{401, "", exeunt.Unauthorised, exeunt.SignalWaiting},
		{404, "", exeunt.Invalid, exeunt.SignalTold},
		{429, "", exeunt.Throttled, exeunt.SignalWaiting},
		{503, "", exeunt.Temporary, exeunt.SignalWaiting},
	} {
		t.Run(fmt.Sprint(c.status, c.text), func(t *testing.T) {
			h := newHouse(t)
			s, got := endpoint(t, c.status, c.text)
			r := open(t, h, fmt.Sprintf(`{"way":"push","audience":"https://crm.example","endpoint":%q,"authorization":"env:CRM_HEADER","algorithm":"ES256"}`, s.URL+"/events"))
			err := r.Apply(t.Context(), jane, exeunt.Disable, with)
			if exeunt.KindOf(err) != c.want && (err != nil || c.want != "") {
				t.Errorf("%v (%s), want %s", err, exeunt.KindOf(err), c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "script")) {
				t.Errorf("the receiver's own words are shown: %v", err)
			}
			if len(h.kept) != 1 || h.kept[0].State != c.state || h.kept[0].Case != 7 || h.kept[0].Step != "crm-disable" {
				t.Fatalf("it is kept as %+v, want %s", h.kept, c.state)
			}
			sent := (*got)[0]
			if sent.header.Get("Content-Type") != "application/secevent+jwt" || sent.header.Get("Accept") != "application/json" || sent.header.Get("Authorization") != "Bearer of-the-receiver" || sent.path != "/events" {
				t.Errorf("it was sent as %+v", sent)
			}
			set := h.claims(t, sent.body, "ES256", "secevent+jwt")
			for name, want := range map[string]any{"iss": "https://exeunt.example", "aud": "https://crm.example", "jti": h.kept[0].ID, "sub": nil, "exp": nil} {
				if set[name] != want {
					t.Errorf("%s is %v, want %v", name, set[name], want)
				}
			}
			if fmt.Sprint(set["sub_id"]) != "map[email:jane@acme.example format:email]" || fmt.Sprint(set["events"]) != "map["+string(exeunt.SignalAccountDisabled)+":map[]]" || set["txn"] == "" || strings.Contains(fmt.Sprint(set["txn"]), "handle") {
				t.Errorf("it says %v", set)
			}
		})
	}
}

// An attempt whose answer was lost is made again with the same token; what was told otherwise since is told with a new one.
func TestEveryAttemptTellsTheSame(t *testing.T) {
	h := newHouse(t)
	s, got := endpoint(t, 503, "")
	settings := `{"way":"push","audience":"https://crm.example","endpoint":"` + s.URL + `"}`
	r := open(t, h, settings)
	for range 2 {
		if err := r.Apply(t.Context(), jane, exeunt.Disable, with); exeunt.KindOf(err) != exeunt.Temporary {
			t.Fatal(err)
		}
	}
	if len(*got) != 2 || (*got)[0].body != (*got)[1].body {
		t.Errorf("%d were sent, and the second is another one", len(*got))
	}
	good, sent := endpoint(t, 202, "")
	r = open(t, h, strings.Replace(settings, s.URL, good.URL, 1))
	undo := with
	undo.IdempotencyKey, undo.Step, undo.Undo, undo.Snapshot = "handle-crm-disable-undo", "crm-disable-undo", true, map[string][]string{"account": {"enabled"}}
	for i, p := range []connector.Parameters{with, with, undo, undo, with} {
		if err := r.Apply(t.Context(), jane, exeunt.Disable, p); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	var told []string
	for _, one := range *sent {
		for event := range h.claims(t, one.body, "RS256", "secevent+jwt")["events"].(map[string]any) {
			told = append(told, exeunt.SignalEvent(event).Short())
		}
	}
	if strings.Join(told, " ") != "account-disabled account-enabled account-disabled" {
		t.Errorf("it was told %q", told)
	}
}

// What was reset is told with what it was.
func TestCredentialChange(t *testing.T) {
	h := newHouse(t)
	s, got := endpoint(t, 202, "")
	r := open(t, h, `{"way":"push","audience":"https://crm.example","endpoint":"`+s.URL+`","events":["credential-change","session-revoked"],"factor_type":"fido2-roaming"}`)
	for action, want := range map[exeunt.Action]string{
		exeunt.ResetFactors:   `"change_type":"delete","credential_type":"fido2-roaming"`,
		exeunt.ResetPassword:  `"change_type":"update","credential_type":"password"`,
		exeunt.RevokeSessions: `"initiating_entity":"policy","reason_admin":{"en":"All sessions were ended by a policy."}`,
	} {
		must(t, r.Apply(t.Context(), jane, action, connector.Parameters{IdempotencyKey: string(action)}))
		set, err := json.Marshal(h.claims(t, (*got)[len(*got)-1].body, "RS256", "secevent+jwt")["events"])
		must(t, err)
		for _, want := range []string{want, `"reason_admin":{"en":"`} { // CAEP Interoperability Profile 1.0, section 3
			if !strings.Contains(string(set), want) {
				t.Errorf("%s is told by %s, without %s", action, set, want)
			}
		}
	}
	if err := r.Apply(t.Context(), jane, exeunt.Disable, with); exeunt.KindOf(err) != exeunt.Unsupported {
		t.Errorf("what the settings leave out: %v", err)
	}
}

// A revocation is signed in as the draft has it, and 204 says that it began.
func TestGlobalTokenRevocation(t *testing.T) {
	for status, want := range map[int]exeunt.ErrorKind{204: "", 200: exeunt.Invalid, 400: exeunt.Invalid, 401: exeunt.Unauthorised, 403: exeunt.Denied, 404: exeunt.NotFound, 422: exeunt.Unsupported, 500: exeunt.Temporary} {
		h := newHouse(t)
		s, got := endpoint(t, status, "")
		r := open(t, h, `{"way":"global-token-revocation","audience":"https://app.example","client_id":"exeunt","subject":"iss_sub","subject_issuer":"https://acme.okta.com","endpoint":"`+s.URL+`/revoke?tenant=1"}`)
		found, err := r.Find(t.Context(), []exeunt.Key{{Attribute: "sub", Value: "00U1"}})
		if err != nil || len(found) != 1 || found[0].ID != "sub:00U1" {
			t.Fatalf("%v %v", found, err)
		}
		err = r.Apply(t.Context(), found[0].Account, exeunt.RevokeSessions, with)
		if exeunt.KindOf(err) != want && (err != nil || want != "") {
			t.Errorf("%d: %v (%s), want %s", status, err, exeunt.KindOf(err), want)
		}
		sent := (*got)[0]
		if sent.body != `{"sub_id":{"format":"iss_sub","iss":"https://acme.okta.com","sub":"00U1"}}` || sent.path != "/revoke?tenant=1" || sent.header.Get("Content-Type") != "application/json" {
			t.Errorf("it was asked by %+v", sent)
		}
		token := h.claims(t, strings.TrimPrefix(sent.header.Get("Authorization"), "Bearer "), "RS256", "global-token-revocation+jwt")
		if token["iss"] != "https://exeunt.example" || token["sub"] != "exeunt" || token["aud"] != s.URL+"/revoke" || token["exp"].(float64)-token["nbf"].(float64) != 600 || token["jti"] == "" {
			t.Errorf("it signs in by %v", token)
		}
		if len(h.kept) != 0 {
			t.Error("a revocation is no token to keep")
		}
	}
}

// A receiver that has made no stream is known to hear nothing, before somebody leaves and when somebody does.
func TestNoStream(t *testing.T) {
	_, digest := signals.NewToken()
	c := open(t, newHouse(t), `{"audience":"https://crm.example","tokens":["`+digest+`"]}`)
	rights, err := connector.Examine(t.Context(), c)
	if err != nil || len(rights) != 2 || rights[0].State != connector.Lacking || !strings.Contains(rights[0].Remedy, "https://exeunt.example") {
		t.Errorf("%+v %v", rights, err)
	}
	if _, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "email", Value: "a@acme.example"}}); exeunt.KindOf(err) != exeunt.Unsupported {
		t.Errorf("%v", err)
	}
	for _, without := range []string{`{"audience":"https://crm.example","tokens":["` + digest + `"]}`} {
		if _, err := open(t, nil, without).Observe(t.Context(), jane); exeunt.KindOf(err) != exeunt.Unsupported {
			t.Errorf("without a server: %v", err)
		}
	}
}

func TestSettings(t *testing.T) {
	_, digest := signals.NewToken()
	stream := func(more string) string {
		return `{"audience":"https://crm.example","tokens":["` + digest + `"]` + more + `}`
	}
	for settings, field := range map[string]string{
		stream(``): "",
		stream(`,"push_to":["crm.example:8443"]`):                                                                     "",
		stream(`,"push_to":["https://crm.example"]`):                                                                  "push_to",
		stream(`,"way":"carrier-pigeon"`):                                                                             "way",
		stream(`,"events":["account-purged"]`):                                                                        "events",
		stream(`,"algorithm":"none"`):                                                                                 "algorithm",
		stream(`,"subject":"iss_sub"`):                                                                                "subject_issuer",
		stream(`,"endpoint":"https://crm.example/x"`):                                                                 "endpoint",
		stream(`,"subjects":"some"`):                                                                                  "subjects",
		`{"tokens":["` + digest + `"]}`:                                                                               "audience",
		`{"audience":"a"}`:                                                                                            "tokens",
		`{"audience":"a","tokens":["exr_THETOKEN"]}`:                                                                  "tokens",
		`{"way":"push","audience":"a","endpoint":"https://a.example/x"}`:                                              "",
		`{"way":"push","audience":"a","endpoint":"http://127.0.0.1:1/x"}`:                                             "",
		`{"way":"push","audience":"a","endpoint":"http://a.example/x"}`:                                               "endpoint",
		`{"way":"push","audience":"a","endpoint":"https://u:p@a.example/x"}`:                                          "endpoint",
		`{"way":"push","audience":"a","endpoint":"https://a.example/x","tokens":["` + digest + `"]}`:                  "tokens",
		`{"way":"global-token-revocation","audience":"a","endpoint":"https://a.example/x"}`:                           "client_id",
		`{"way":"global-token-revocation","audience":"a","endpoint":"https://a.example/x","client_id":"c"}`:           "",
		`{"way":"global-token-revocation","audience":"a","endpoint":"https://a.example/x","authorization":"env:A_B"}`: "",
	} {
		var s signals.Settings
		err := connector.DecodeSettings([]byte(settings), &s)
		e, ours := errors.AsType[*exeunt.Error](err)
		if field == "" && err != nil || field != "" && (!ours || e.Field != field) {
			t.Errorf("%s: %v, want a fault in %q", settings, err, field)
		}
		if err != nil && strings.Contains(err.Error(), "THETOKEN") {
			t.Errorf("the token is shown: %v", err)
		}
	}
	s, err := signals.Decode([]byte(stream(`,"push_to":["crm.example"]`)))
	must(t, err)
	for address, want := range map[string]bool{
		"https://crm.example/events": true, "https://crm.example:444/events": false, "http://crm.example/events": false, "https://crm.example.evil.example/": false,
		"https://u@crm.example/": false, "https://elsewhere.example/": false, "": false,
	} {
		if s.MayPush(address) != want {
			t.Errorf("tokens may be sent to %q: %v", address, !want)
		}
	}
}

// For a receiver that has disabled its stream nothing is held: what waits becomes its owner's affair, and another message once
// it is enabled and the step is tried again.
func TestADisabledStreamHoldsNothing(t *testing.T) {
	h := newHouse(t)
	_, digest := signals.NewToken()
	c := open(t, h, `{"audience":"https://crm.example","tokens":["`+digest+`"]}`)
	h.stream = exeunt.SignalStream{ID: "s", Receiver: "https://crm.example", Status: exeunt.StreamEnabled, Events: []exeunt.SignalEvent{exeunt.SignalAccountDisabled}}
	must(t, c.Apply(t.Context(), jane, exeunt.Disable, with))
	standing := func(want exeunt.Standing) {
		t.Helper()
		seen, err := c.Observe(t.Context(), jane)
		if got := seen.Standing[exeunt.Disable]; err != nil || got != want {
			t.Errorf("it stands %q, want %q: %v", got, want, err)
		}
	}
	standing(exeunt.Pending)
	h.stream.Status = exeunt.StreamPaused
	standing(exeunt.Pending)
	h.stream.Status, h.stream.Reason = exeunt.StreamDisabled, "we move"
	standing("")
	if err := c.Apply(t.Context(), jane, exeunt.Disable, with); exeunt.KindOf(err) != exeunt.Unsupported || !strings.Contains(err.Error(), "we move") || h.kept[0].State != exeunt.SignalTold {
		t.Errorf("%v, and what waited is %s", err, h.kept[0].State)
	}
	h.stream.Status = exeunt.StreamEnabled
	must(t, c.Apply(t.Context(), jane, exeunt.Disable, with))
	if len(h.kept) != 2 || h.kept[1].State != exeunt.SignalWaiting || h.kept[1].ID == h.kept[0].ID {
		t.Errorf("enabled again it is told %+v", h.kept)
	}
}

// People are named as the receiver knows them (RFC 9493), and it names them likewise.
func TestSubjectsAreNamedAsTheReceiverKnowsThem(t *testing.T) {
	for format, c := range map[string]struct{ settings, attribute, value, want string }{
		"email":   {`"subject":"email"`, "email", "Jane@acme.example", `{"email":"jane@acme.example","format":"email"}`},
		"iss_sub": {`"subject":"iss_sub","subject_issuer":"https://acme.okta.com"`, "sub", "00U1", `{"format":"iss_sub","iss":"https://acme.okta.com","sub":"00U1"}`},
		"opaque":  {`"subject":"opaque"`, "id", "E-1", `{"format":"opaque","id":"E-1"}`},
	} {
		h := newHouse(t)
		s, got := endpoint(t, 202, "")
		settings := `{"way":"push","audience":"https://crm.example","endpoint":"` + s.URL + `",` + c.settings + `}`
		r := open(t, h, settings)
		found, err := r.Find(t.Context(), []exeunt.Key{{Attribute: c.attribute, Value: c.value}})
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %v %v", format, found, err)
		}
		must(t, r.Apply(t.Context(), found[0].Account, exeunt.Disable, with))
		subject := h.claims(t, (*got)[0].body, "RS256", "secevent+jwt")["sub_id"].(map[string]any)
		text, err := json.Marshal(subject)
		must(t, err)
		if string(text) != c.want {
			t.Errorf("%s is named %s, want %s", format, text, c.want)
		}
		decoded, err := signals.Decode([]byte(settings))
		must(t, err)
		if id, ok := decoded.SubjectID(subject); !ok || id != found[0].ID {
			t.Errorf("%s: who is named so is %q, not %q", format, id, found[0].ID)
		}
		if id, ok := decoded.SubjectID(map[string]any{"format": "phone_number", "phone_number": "1"}); ok {
			t.Errorf("%s: a telephone is %q", format, id)
		}
	}
}

// What was signed by a key that counts no more is signed again, when it was ours.
func TestRenew(t *testing.T) {
	h := newHouse(t)
	old, err := signals.NewKey("ES256")
	must(t, err)
	now := []exeunt.SignalKey{h.keys["ES256"]}
	by := func(string) exeunt.SignalKey { return h.keys["ES256"] }
	token, err := signals.Sign(old, "secevent+jwt", map[string]string{"jti": "one"})
	must(t, err)
	good, err := signals.Sign(h.keys["ES256"], "secevent+jwt", map[string]string{"jti": "two"})
	must(t, err)
	renewed, err := signals.Renew(append(now, old), now, by, token)
	must(t, err)
	if claims := h.claims(t, renewed, "ES256", "secevent+jwt"); claims["jti"] != "one" {
		t.Errorf("it says %v", claims)
	}
	for name, c := range map[string]struct {
		ever  []exeunt.SignalKey
		token string
	}{"what is good": {append(now, old), good}, "of a key that never was ours": {now, token}, "changed": {append(now, old), token + "A"}, "nonsense": {now, "x"}} {
		if got, err := signals.Renew(c.ever, now, by, c.token); got != c.token || err != nil {
			t.Errorf("%s is made %s: %v", name, got, err)
		}
	}
}
