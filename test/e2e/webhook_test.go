package e2e_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/sim"
)

// TestWhatASenderIsAnswered holds SPEC §13: what is refused says why, and nothing refused or repeated
// makes a case.
func TestWhatASenderIsAnswered(t *testing.T) {
	t.Parallel()
	c, err := sim.Start(t.Context(), 30, 7)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	s := install(t, "")
	s.company(t, c.HR.URL, c.Environment(), "")
	s.write(t, "systems/doors.yaml", "name: doors\n"+doorsYAML)
	s.serve(t)
	s.authorise(t)

	now := time.Now()
	day := now.AddDate(0, 0, 20).Format(time.DateOnly)
	p, other := c.People[20], c.People[21]
	good := standard("msg_1", leaving(p, day, "Resignation"), now)
	with := func(d delivery, change func(*delivery)) delivery {
		header := map[string]string{}
		for k, v := range d.header {
			header[k] = v
		}
		d.header = header
		change(&d)
		return d
	}
	without := func(key string) []byte { // one of the employee's fields
		var body map[string]any
		must(t, json.Unmarshal(leaving(other, day, "Resignation"), &body))
		data := body["data"].(map[string]any)
		delete(data, key)
		delete(data["employee"].(map[string]any), key)
		return encoded(body)
	}
	legacy := fieldBased(other, day, now)
	for _, d := range []struct {
		name string
		delivery
		status int
		says   string // in the problem's detail
		field  string
	}{
		{"good", good, 202, "", ""},
		{"the same again", good, 202, "", ""},
		{"signed by somebody else", with(good, func(d *delivery) { d.header["webhook-signature"] = "v1,AAAA" }), 401, "signature does not fit", ""},
		{"changed on its way", with(good, func(d *delivery) { d.body = bytes.Replace(d.body, []byte(day), []byte("2030-01-01"), 1) }), 401, "signature does not fit", ""},
		{"not signed", with(good, func(d *delivery) { delete(d.header, "webhook-signature") }), 401, "webhook-signature", ""},
		{"replayed after ten minutes", standard("msg_2", leaving(other, day, "Resignation"), now.Add(-10*time.Minute)), 401, "old", ""},
		{"dated ahead", standard("msg_3", leaving(other, day, "Resignation"), now.Add(10*time.Minute)), 401, "clock", ""},
		{"no JSON", standard("msg_4", []byte("<employee/>"), now), 400, "not JSON", ""},
		{"too large", standard("msg_5", bytes.Repeat([]byte(" "), 1<<20+1), now), 413, "", ""},
		{"no employee number", standard("msg_6", without("number"), now), 422, "", "body.data.employee.number"},
		{"no last day", standard("msg_7", without("last_day"), now), 422, "", "body.data.last_day"},
		{"no such type of departure", standard("msg_8", leaving(other, day, "Vanished"), now), 422, "", "body.data.reason"},
		{"no such day", standard("msg_9", leaving(other, "2026-02-30", "Resignation"), now), 422, "", "body.data.last_day"},
		{"about something else", standard("msg_10", []byte(`{"type":"employee.married"}`), now), 202, "", ""},
		{"unknown source", with(good, func(d *delivery) { d.source = "sap" }), 404, "no such source", ""},
		{"BambooHR, signed with another key", bamboo("bamboohr-austria", "another key", legacy, now), 401, "signature does not fit", ""},
		{"BambooHR, old", bamboo("bamboohr-austria", legacyKey, legacy, now.Add(-10*time.Minute)), 401, "old", ""},
		{"BambooHR, neither JSON nor form", bamboo("bamboohr-austria", legacyKey, []byte("%zz"), now), 400, "neither JSON nor a form", ""},
		{"BambooHR, nobody", bamboo("bamboohr-austria", legacyKey, bytes.Replace(legacy, []byte(`"id":"`+other.ID()+`"`), []byte(`"id":""`), 1), now), 422, "", "employees[0].id"},
		{"BambooHR, no date and no API to ask", bamboo("bamboohr-austria", legacyKey, bytes.Replace(legacy, []byte("Termination Date\":"), []byte("Something Else\":"), 1), now), 422, "", "employees[].fields.terminationDate"},
	} {
		t.Run(d.name, func(t *testing.T) {
			status, answer := s.post(t, d.delivery)
			var problem struct {
				Title, Detail, Field string
				Status               int
			}
			if status >= 300 {
				if err := json.Unmarshal([]byte(answer), &problem); err != nil || problem.Status != status || problem.Title == "" || problem.Detail == "" {
					t.Errorf("%d with no RFC 9457 problem: %s", status, answer)
				}
			}
			if status != d.status || !strings.Contains(problem.Detail, d.says) || problem.Field != d.field {
				t.Errorf("%d, field %q: %s; want %d, field %q", status, problem.Field, answer, d.status, d.field)
			}
		})
	}
	s.onlyOneCase(t, p)
}

// onlyOneCase sees what came of the table: one case, operators told of what was signed and not understood.
func (s *installation) onlyOneCase(t *testing.T, p sim.Person) {
	t.Helper()
	id := s.caseOf(t, p)
	eventually(t, "every accepted event is worked on", func() (bool, string) {
		ignored := s.entries(t, "kind=trigger.refuse&q=no+departure")
		return len(ignored) == 1, string(encoded(ignored))
	})
	var all caseList
	s.ask(t, &all, 0, "cases/v1", "case", "list")
	if all.Total != 1 {
		t.Errorf("%d cases: %+v", all.Total, all.Cases)
	}
	opened := 0
	for _, e := range s.show(t, id).Entries {
		if e.Kind == "case.open" || e.Kind == "case.amend" {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("the repeated delivery was worked on: %d entries", opened)
	}
	if refused := s.entries(t, "kind=trigger.refuse&q=was+refused"); len(refused) != 8 { // 400 and 422: their signatures were good
		t.Errorf("%d signed deliveries that were not understood are on record: %s", len(refused), encoded(refused))
	}
	metrics, err := http.Get(s.url() + "/metrics")
	must(t, err)
	defer metrics.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(metrics.Body)
	must(t, err)
	for _, line := range []string{`exeunt_webhooks_total{source="people-system",status="401"} 5`, `exeunt_webhooks_total{source="people-system",status="202"} 3`} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}

// entries reads the audit list by the API.
func (s *installation) entries(t *testing.T, query string) []entry {
	t.Helper()
	var list struct{ Entries []entry }
	must(t, s.api(http.MethodGet, "/entries?limit=1000&"+query, nil, &list))
	return list.Entries
}
