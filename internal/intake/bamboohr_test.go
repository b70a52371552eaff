package intake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/intake"
)

var now = time.Date(2026, 1, 31, 18, 43, 0, 0, time.UTC)

const key = "bamboo-private-key"

func secret(t *testing.T, name, value string) connector.Secret {
	t.Helper()
	t.Setenv(name, value)
	s, err := connector.NewSecret("env:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hris plays the API: path without query → status and body.
type hris struct {
	t       *testing.T
	answers map[string]string
	status  int
	fails   error
	asked   []*http.Request
}

func (h *hris) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked = append(h.asked, r)
	if h.fails != nil {
		return nil, h.fails
	}
	body, ok := h.answers[r.URL.Path]
	status := h.status
	if status == 0 {
		status = http.StatusOK
		if !ok {
			status = http.StatusNotFound
		}
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"7"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

const bambooSettings = `{"company":"acme","api_key":"env:BAMBOO_API","fields":{"type":["leavingType"]},"default_type":"voluntary",
	"types":{"Resignation":"voluntary","Termination (Involuntary)":"involuntary"},"zones":{"Berlin":"Europe/Berlin"},"countries":{"Berlin":"DE"}}`

func bamboo(t *testing.T, settings string, api *hris) *intake.Source {
	t.Helper()
	t.Setenv("BAMBOO_API", "api-key")
	s, problems := intake.Open(intake.Spec{Name: "hr", Kind: "bamboohr", Entity: "acme", Authoritative: true, Zone: "UTC", Secret: secret(t, "BAMBOO_KEY", key)}, []byte(settings), api)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("settings: %+v", p)
		}
	}
	return s
}

func signed(body string, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body + stamp)) // the body first and nothing between
	return http.Header{"X-Bamboohr-Signature": {hex.EncodeToString(mac.Sum(nil))}, "X-Bamboohr-Timestamp": {stamp}}
}

func file(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

func receive(t *testing.T, s *intake.Source, body string) []intake.Event {
	t.Helper()
	events, answer := s.Receive(signed(body, now), []byte(body), now)
	if answer.Status != http.StatusAccepted || answer.Problem != nil {
		t.Fatalf("answered %d: %v", answer.Status, answer.Problem)
	}
	return events
}

func TestBambooHRDeliveriesOfEveryFormGiveTheSameDeparture(t *testing.T) {
	for _, name := range []string{"event.json", "event-z.json", "event.form", "fields.json", "fields-wrapped.json", "fields.form"} {
		t.Run(name, func(t *testing.T) {
			api := &hris{t: t, answers: map[string]string{"/api/v1/employees/67890": file(t, "employee.json"), "/api/v1/employees/12": file(t, "manager.json")}}
			s := bamboo(t, bambooSettings, api)
			events := receive(t, s, file(t, name))
			if len(events) != 1 || events[0].Employee != "67890" || events[0].Source != "hr" {
				t.Fatalf("events: %+v", events)
			}
			kept, err := intake.DecodeEvent(events[0].Encode())
			if err != nil {
				t.Fatal(err)
			}
			trigger, err := s.Normalise(t.Context(), kept)
			if err != nil {
				t.Fatal(err)
			}
			d := trigger.Departure
			got := []string{string(trigger.Kind), trigger.Source, d.Leaver.ID, d.Leaver.Entity, d.Leaver.Name, d.Leaver.Department, d.Leaver.Zone, d.Leaver.Country,
				string(d.LastDay), string(d.TerminationDate), string(d.Type), d.Leaver.Identifiers[exeunt.WorkEmail], d.Leaver.Identifier(exeunt.EmployeeID)}
			want := "announced hr 67890 acme Jane Doe Finance Europe/Berlin DE 2026-01-31 2026-01-31 voluntary jane@acme.example E1001"
			if strings.Join(got, " ") != want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
			}
			if trigger.EventID != events[0].EventID || !strings.HasPrefix(trigger.EventID, "sha256:") {
				t.Errorf("event id %q", trigger.EventID)
			}
			if strings.HasPrefix(name, "event") {
				if !trigger.OccurredAt.Equal(time.Date(2026, 1, 31, 18, 42, 0, 0, time.UTC)) {
					t.Errorf("occurred at %s", trigger.OccurredAt)
				}
				if d.Leaver.Manager.Email != "max@acme.example" || d.Leaver.Manager.Role != "manager" {
					t.Errorf("manager %+v", d.Leaver.Manager)
				}
				checkRequest(t, api.asked[0])
			} else if len(api.asked) > 0 && strings.HasSuffix(api.asked[0].URL.Path, "67890") {
				t.Errorf("the employee was read although every field travelled in the delivery")
			}
		})
	}
}

func checkRequest(t *testing.T, r *http.Request) {
	t.Helper()
	user, _, _ := r.BasicAuth()
	q := r.URL.Query()
	if r.URL.Host != "acme.bamboohr.com" || user != "api-key" || q.Get("onlyCurrent") != "false" || r.Header.Get("Accept") != "application/json" {
		t.Errorf("request %s with user %q", r.URL, user)
	}
	for _, field := range []string{"status", "terminationDate", "employmentHistoryStatus", "workEmail", "leavingType"} {
		if !strings.Contains(","+q.Get("fields")+",", ","+field+",") {
			t.Errorf("%s is not asked for in %s", field, q.Get("fields"))
		}
	}
}

func TestBambooHRRefusesWhatItCannotBelieve(t *testing.T) {
	s := bamboo(t, bambooSettings, &hris{t: t})
	body := file(t, "event.json")
	good := signed(body, now)
	upper := good.Clone()
	upper.Set("X-BambooHR-Signature", strings.ToUpper(good.Get("X-BambooHR-Signature")))
	reversed := http.Header{"X-Bamboohr-Timestamp": good["X-Bamboohr-Timestamp"]}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(good.Get("X-BambooHR-Timestamp") + "." + body)) // what several third-party guides claim
	reversed.Set("X-BambooHR-Signature", hex.EncodeToString(mac.Sum(nil)))
	unstamped := good.Clone()
	unstamped.Del("X-BambooHR-Timestamp")
	later := good.Clone()
	later.Set("X-BambooHR-Timestamp", strconv.FormatInt(now.Unix()+1, 10))
	oversize := strings.Repeat(" ", intake.MaxBody) + body
	cases := []struct {
		name   string
		header http.Header
		body   string
		status int
		field  string
	}{
		{"as signed", good, body, 202, ""},
		{"no signature", http.Header{}, body, 401, ""},
		{"another body", good, body + " ", 401, ""},
		{"upper case", upper, body, 401, ""},
		{"timestamp first", reversed, body, 401, ""},
		{"no timestamp", unstamped, body, 401, ""},
		{"another timestamp", later, body, 401, ""},
		{"stale", signed(body, now.Add(-301*time.Second)), body, 401, ""},
		{"from the future", signed(body, now.Add(301*time.Second)), body, 401, ""},
		{"just in time", signed(body, now.Add(-300*time.Second)), body, 202, ""},
		{"NUL", signed(body+"\x00", now), body + "\x00", 400, ""},
		{"NUL in the middle", signed(`{"type":"employee.updated","data":{"employeeId":"5","x":"a`+"\x00"+`b"}}`, now), `{"type":"employee.updated","data":{"employeeId":"5","x":"a` + "\x00" + `b"}}`, 400, ""},
		{"NUL escaped", signed(`{"type":"employee.updated","data":{"employeeId":"5","x":["a\u0000b"]}}`, now), `{"type":"employee.updated","data":{"employeeId":"5","x":["a\u0000b"]}}`, 400, ""},
		{"NUL in a form", signed("employees[5][First Name]=a%00b", now), "employees[5][First Name]=a%00b", 400, ""},
		{"not UTF-8 in a form", signed("employees[5][First Name]=a%FFb", now), "employees[5][First Name]=a%FFb", 400, ""},
		{"not UTF-8", signed(`{"type":"employee.updated","data":{"employeeId":"5","x":"`+"\xff"+`"}}`, now), `{"type":"employee.updated","data":{"employeeId":"5","x":"` + "\xff" + `"}}`, 400, ""},
		{"too large", signed(oversize, now), oversize, 413, ""},
		{"cut", signed(body[:40], now), body[:40], 400, ""},
		{"something else", signed(`{"hello":1}`, now), `{"hello":1}`, 400, ""},
		{"empty", signed("", now), "", 400, ""},
		{"no employee", signed(`{"type":"employee.updated","data":{}}`, now), `{"type":"employee.updated","data":{}}`, 422, "data.employeeId"},
		{"employee zero", signed(`{"type":"employee.updated","data":{"employeeId":"0"}}`, now), `{"type":"employee.updated","data":{"employeeId":"0"}}`, 422, "data.employeeId"},
		{"no employee in a list", signed(`{"employees":[{"fields":{}}]}`, now), `{"employees":[{"fields":{}}]}`, 422, "employees[0].id"},
		{"empty list", signed(`{"employees":[]}`, now), `{"employees":[]}`, 422, "employees"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			events, a := s.Receive(c.header, []byte(c.body), now)
			if a.Status != c.status || (len(events) > 0) != (c.status == 202) {
				t.Fatalf("answered %d with %d events, want %d: %v", a.Status, len(events), c.status, a.Problem)
			}
			if c.field != "" && a.Problem.Field != c.field {
				t.Errorf("names %q, want %q", a.Problem.Field, c.field)
			}
			if a.Quarantine() != (c.status == 400 || c.status == 422) || a.Quarantine() && !a.Signed {
				t.Errorf("quarantine %v, signed %v", a.Quarantine(), a.Signed)
			}
			if a.Problem != nil && (strings.Contains(a.Problem.Message, key) || strings.Contains(a.Problem.Message, c.header.Get("X-BambooHR-Signature")) && c.header.Get("X-BambooHR-Signature") != "") {
				t.Errorf("the message repeats a secret: %s", a.Problem.Message)
			}
		})
	}
}

func TestBambooHRIsAskedToComeBackWhileTheSecretCannotBeRead(t *testing.T) {
	missing, _ := connector.NewSecret("env:EXEUNT_TEST_NOT_SET")
	s, _ := intake.Open(intake.Spec{Name: "hr", Kind: "bamboohr", Secret: missing}, []byte(bambooSettings), nil)
	if _, a := s.Receive(http.Header{}, []byte("{}"), now); a.Status != 503 {
		t.Errorf("answered %d; BambooHR never comes back after 4xx", a.Status)
	}
}

func TestTheRecordDecidesWhetherSomebodyLeaves(t *testing.T) {
	delivery := func(changed string) string {
		return `{"type":"employee.updated","timestamp":"2026-01-31T18:42:00+0000","data":{"employeeId":"5","changedFields":["` + changed + `"]}}`
	}
	who := `"firstName":"Jane","lastName":"Doe",`
	cases := []struct {
		name, body, record string
		kind               exeunt.TriggerKind
		err                exeunt.ErrorKind
		immediate          bool
	}{
		{"leaves", delivery("status"), who + `"status":"Inactive","terminationDate":"2026-01-31"`, exeunt.Announced, "", false},
		{"will leave", delivery("terminationDate"), who + `"status":"Active","terminationDate":"2026-03-31"`, exeunt.Announced, "", false},
		{"is dismissed, and it is in force", delivery("status"), who + `"status":"Inactive","terminationDate":"2026-01-31","leavingType":"termination (involuntary)"`, exeunt.Announced, "", true},
		{"will be dismissed", delivery("terminationDate"), who + `"status":"Active","terminationDate":"2026-02-28","leavingType":"involuntary"`, exeunt.Announced, "", false},
		{"stays after all", delivery("terminationDate"), who + `"status":"Active","terminationDate":null`, exeunt.Rescinded, "", false},
		{"stays after all, the MySQL way", delivery("status"), who + `"status":"Active","terminationDate":"0000-00-00"`, exeunt.Rescinded, "", false},
		{"moved house", delivery("address1"), who + `"status":"Active","terminationDate":null`, "", exeunt.NotFound, false},
		{"left long ago and moved house", delivery("address1"), who + `"status":"Inactive","terminationDate":"2020-01-31"`, "", exeunt.NotFound, false},
		{"was hired again", delivery("status"), who + `"status":"Active","terminationDate":"2020-01-31","hireDate":"2025-06-01"`, "", exeunt.NotFound, false},
		{"is created", strings.Replace(delivery("x"), "updated", "created", 1), "", "", exeunt.NotFound, false},
		{"is deleted", strings.Replace(delivery("x"), "updated", "deleted", 1), "", "", exeunt.NotFound, false},
		{"is gone, and not since when", delivery("status"), who + `"status":"Inactive","terminationDate":""`, "", exeunt.Invalid, false},
		{"history says terminated, and not since when", delivery("status"), who + `"status":"Active","employmentHistoryStatus":"Terminated","terminationDate":null`, "", exeunt.Invalid, false},
		{"the date may not be seen", delivery("terminationDate"), who + `"status":"Active"`, "", exeunt.Denied, false},
		{"the date is no date", delivery("status"), who + `"status":"Inactive","terminationDate":"soon"`, "", exeunt.Invalid, false},
		{"has no name", delivery("status"), `"status":"Inactive","terminationDate":"2026-01-31"`, "", exeunt.Invalid, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := bamboo(t, bambooSettings, &hris{t: t, answers: map[string]string{"/api/v1/employees/5": `{"id":"5",` + strings.TrimSuffix(c.record, ",") + `}`}})
			trigger, err := s.Normalise(t.Context(), receive(t, s, c.body)[0])
			if exeunt.KindOf(err) != c.err || trigger.Kind != c.kind {
				t.Fatalf("got %q, %v", trigger.Kind, err)
			}
			if errors.Is(err, intake.ErrNotADeparture) != (c.err == exeunt.NotFound) {
				t.Errorf("not a departure? %v", err)
			}
			if trigger.Departure.Immediate != c.immediate {
				t.Errorf("immediate: %v", trigger.Departure.Immediate)
			}
			if c.kind == exeunt.Rescinded && trigger.Departure.Leaver.Key() != "acme/5" {
				t.Errorf("rescinded for %q", trigger.Departure.Leaver.Key())
			}
		})
	}
}

func TestTroubleWithBambooHRIsClassedAndShowsNothing(t *testing.T) {
	want := map[int]exeunt.ErrorKind{401: exeunt.Unauthorised, 403: exeunt.Denied, 404: exeunt.Invalid, 429: exeunt.Throttled, 503: exeunt.Temporary, 500: exeunt.Temporary, 302: exeunt.Invalid}
	for status, kind := range want {
		s := bamboo(t, bambooSettings, &hris{t: t, status: status, answers: map[string]string{"/api/v1/employees/67890": `{"ssn":"078-05-1120"}`}})
		_, err := s.Normalise(t.Context(), receive(t, s, file(t, "event.json"))[0])
		if exeunt.KindOf(err) != kind || strings.Contains(err.Error(), "078-05") || strings.Contains(err.Error(), "api-key") {
			t.Errorf("%d: %s, %v", status, exeunt.KindOf(err), err)
		}
		if e, _ := errors.AsType[*exeunt.Error](err); (status == 429 || status == 503) && e.RetryAfter != 7*time.Second {
			t.Errorf("%d: Retry-After is lost", status)
		}
	}
	s := bamboo(t, bambooSettings, &hris{t: t, answers: map[string]string{"/api/v1/employees/67890": `{"firstName":"Ja`}})
	if _, err := s.Normalise(t.Context(), receive(t, s, file(t, "event.json"))[0]); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a cut body is %v", err)
	}
}

func TestAManagerWhoCannotBeSeenIsLeftOutAndOneOutOfReachIsWaitedFor(t *testing.T) {
	s := bamboo(t, bambooSettings, &hris{t: t, answers: map[string]string{"/api/v1/employees/67890": file(t, "employee.json")}})
	trigger, err := s.Normalise(t.Context(), receive(t, s, file(t, "event.json"))[0])
	if err != nil || trigger.Departure.Leaver.Manager.Email != "" {
		t.Errorf("%+v, %v", trigger.Departure.Leaver.Manager, err)
	}
	down := bamboo(t, bambooSettings, &hris{t: t, fails: io.ErrUnexpectedEOF})
	if _, err := down.Normalise(t.Context(), receive(t, down, file(t, "event.json"))[0]); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a connection that is cut is %v", err)
	}
}

func TestTheSameSaidAgainLaterIsNoReplay(t *testing.T) {
	s := bamboo(t, bambooSettings, &hris{t: t})
	body := file(t, "event.json")
	ids := map[string]int{}
	for _, at := range []time.Time{now, now, now.Add(time.Minute)} { // the second is a replay of the first
		events, a := s.Receive(signed(body, at), []byte(body), now)
		if a.Status != 202 {
			t.Fatalf("answered %d: %v", a.Status, a.Problem)
		}
		ids[events[0].EventID]++
	}
	if len(ids) != 2 {
		t.Errorf("a date that is set, cleared and set again is kept as %d events, want 2: %v", len(ids), ids)
	}
}

func TestADeliveryAboutManyIsSplit(t *testing.T) {
	s := bamboo(t, bambooSettings, &hris{t: t})
	one := `{"id":"%","action":"Updated","changedFields":["Status"],"fields":{"First Name":"P%","Last Name":"Q","Status":"Inactive","Termination Date":"2026-01-31","leavingType":""}}`
	body := `{"employees":[` + strings.ReplaceAll(one, "%", "7") + "," + strings.ReplaceAll(one, "%", "8") + "," + strings.ReplaceAll(one, "%", "8") + `]}`
	events := receive(t, s, body)
	if len(events) != 2 || events[0].EventID == events[1].EventID {
		t.Fatalf("events %+v", events)
	}
	for i, want := range []string{"P7 Q", "P8 Q"} {
		if digest, ok := strings.CutPrefix(events[i].EventID, "sha256:"); !ok || len(digest) != 64 || strings.Trim(digest, "0123456789abcdef") != "" {
			t.Errorf("the id %q, which outlives the case, may hold the person's number", events[i].EventID)
		}
		trigger, err := s.Normalise(t.Context(), events[i])
		if err != nil || trigger.Departure.Leaver.Name != want {
			t.Errorf("%q, %v", trigger.Departure.Leaver.Name, err)
		}
	}
	if again := receive(t, s, body); again[0].EventID != events[0].EventID {
		t.Errorf("the same delivery has another id: a replay is not recognised")
	}
}

func TestOneBadEmployeeDoesNotCostTheOthers(t *testing.T) {
	s := bamboo(t, `{"default_type":"voluntary"}`, nil)
	one := `{"id":"%","changedFields":["Status"],"fields":{"First Name":"P%","Last Name":"Q","Status":"Inactive","Termination Date":"2026-01-31"}}`
	body := `{"employees":[` + strings.ReplaceAll(one, "%", "7") + `,"nobody",{"id":"0","fields":{}},{"id":"9","fields":{"Status":"Inactive"}},` + strings.ReplaceAll(one, "%", "8") + `]}`
	events, a := s.Receive(signed(body, now), []byte(body), now)
	if a.Status != 202 || !a.Signed || a.Quarantine() || len(events) != 2 || events[0].Employee != "7" || events[1].Employee != "8" {
		t.Fatalf("answered %d (%v) with %+v", a.Status, a.Problem, events)
	}
	var bad []string
	for _, problem := range a.Bad {
		bad = append(bad, problem.Field)
	}
	if got := strings.Join(bad, " "); got != "employees[1] employees[2].id employees[].fields.terminationDate" {
		t.Errorf("the bad ones are %s", got)
	}
	for _, e := range events {
		if trigger, err := s.Normalise(t.Context(), e); err != nil || trigger.Departure.Leaver.Name != "P"+e.Employee+" Q" {
			t.Errorf("%+v, %v", trigger.Departure.Leaver, err)
		}
	}
}

func TestTheLastOfTwoUpdatesOfOneEmployeeCounts(t *testing.T) {
	s := bamboo(t, `{"default_type":"voluntary"}`, nil)
	update := func(changed, date string) string {
		return `{"id":"7","changedFields":[` + changed + `],"fields":{"First Name":"P","Last Name":"Q","Status":"Active","Termination Date":"` + date + `"}}`
	}
	for name, c := range map[string]struct {
		first, last string
		kind        exeunt.TriggerKind
		date        exeunt.Date
	}{
		"put off":                      {update(`"Termination Date"`, "2026-02-28"), update(`"Termination Date"`, "2026-03-31"), exeunt.Announced, "2026-03-31"},
		"taken back, then moved house": {update(`"Termination Date"`, ""), update(`"Address"`, ""), exeunt.Rescinded, ""},
		"taken back, and more unsaid":  {update(``, ""), update(`"Address"`, ""), exeunt.Rescinded, ""},
	} {
		events := receive(t, s, `{"employees":[`+c.first+`,`+c.last+`]}`)
		trigger, err := s.Normalise(t.Context(), events[0])
		if err != nil || len(events) != 1 || trigger.Kind != c.kind || trigger.Departure.TerminationDate != c.date {
			t.Errorf("%s: %d events, %s on %s, %v", name, len(events), trigger.Kind, trigger.Departure.TerminationDate, err)
		}
	}
}

func TestWithoutAnAPIKeyEveryFieldMustTravel(t *testing.T) {
	s := bamboo(t, `{"default_type":"voluntary"}`, nil)
	for field, body := range map[string]string{
		"data.fields":                        file(t, "event.json"),
		"employees[].fields.terminationDate": `{"employees":[{"id":"5","fields":{"Status":"Inactive","First Name":"a","Last Name":"b"}}]}`,
		"employees[].fields.status":          `{"employees":[{"id":"5","fields":{"Termination Date":"2026-01-31","First Name":"a","Last Name":"b"}}]}`,
	} {
		if _, a := s.Receive(signed(body, now), []byte(body), now); a.Status != 422 || a.Problem.Field != field {
			t.Errorf("answered %d naming %q, want 422 naming %q", a.Status, a.Problem.Field, field)
		}
	}
}

func TestBambooHRSettingsAreChecked(t *testing.T) {
	for settings, want := range map[string]string{
		`{"company":"acme","api_key":"env:X"}`:                                                               "default_type",
		`{"api_key":"env:X","default_type":"voluntary"}`:                                                     "company",
		`{"company":"acme","api_key":"env:X","default_type":"voluntary","fields":{"leaver.shoe":["x"]}}`:     "fields.leaver.shoe",
		`{"company":"acme","api_key":"env:X","default_type":"voluntary","types":{"Quit":"quit"}}`:            "types.Quit",
		`{"company":"acme","api_key":"env:X","default_type":"voluntary","zones":{"Berlin":"Europe/Bärlin"}}`: "zones.Berlin",
	} {
		_, problems := intake.Open(intake.Spec{Name: "hr", Kind: "bamboohr", Secret: secret(t, "K", "k")}, []byte(settings), nil)
		if len(problems) != 1 || problems[0].Path != want {
			t.Errorf("%s: %+v", settings, problems)
		}
	}
}

func FuzzBambooHRBody(f *testing.F) {
	for _, name := range []string{"event.json", "event.form", "fields.json", "fields-wrapped.json", "fields.form"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"employees":[{"id":1e400}]}`))
	f.Setenv("BAMBOO_KEY", key)
	reference, _ := connector.NewSecret("env:BAMBOO_KEY")
	s, _ := intake.Open(intake.Spec{Name: "hr", Kind: "bamboohr", Secret: reference, Zone: "UTC"}, []byte(`{"default_type":"voluntary"}`), nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, a := s.Receive(signed(string(body), now), body, now)
		if (a.Status == 202) == (len(events) == 0) {
			t.Fatalf("%d with %d events", a.Status, len(events))
		}
		for _, e := range events {
			trigger, err := s.Normalise(t.Context(), e)
			if err == nil && trigger.Kind == exeunt.Announced {
				if err := trigger.Departure.Check(); err != nil {
					t.Fatalf("an impossible departure passes: %v", err)
				}
			}
			if b := e.Encode(); !json.Valid(b) {
				t.Fatalf("kept as %q", b)
			}
		}
	})
}
