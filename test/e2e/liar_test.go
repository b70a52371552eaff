package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/sim"
)

// TestASystemThatOnlySaysYes has two: one that would be given time to show a change, and one that shows
// its changes at once. Both answer 200 and do nothing. Neither may end up as done.
func TestASystemThatOnlySaysYes(t *testing.T) {
	t.Parallel()
	c, err := sim.Start(t.Context(), 30, 7)
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	c.Directory.Deafen(true) // the CRM is deaf from the start
	s := install(t, "")
	s.company(t, c.HR.URL, c.Environment(), "")
	s.write(t, "systems/crm.yaml", fmt.Sprintf(liarYAML, "crm", "http", fmt.Sprintf("{spec: specs/crm.yaml, base_url: %s, token: env:EXEUNT_SIM_CRM_TOKEN}", c.CRM.URL)))
	s.write(t, "systems/directory.yaml", fmt.Sprintf(liarYAML, "directory", "scim", fmt.Sprintf("{base_url: %s, token: env:EXEUNT_SIM_DIRECTORY_TOKEN}", c.Directory.URL)))
	s.write(t, "policies/all.yaml", liarPolicyYAML)
	shipped, err := yaml.Read("workspace")
	must(t, err)
	quick := bytes.ReplaceAll(shipped, []byte("settles: 10m"), []byte("settles: 1s")) // nobody wants to watch for half an hour
	s.write(t, "specs/crm.yaml", string(bytes.Replace(quick, []byte("name: workspace"), []byte("name: crm"), 1)))
	s.serve(t)
	s.authorise(t)

	p, now := c.People[20], time.Now()
	if status, answer := s.post(t, standard("msg_1", leaving(p, now.AddDate(0, 0, -1).Format(time.DateOnly), "Resignation"), now)); status != http.StatusAccepted {
		t.Fatal(status, answer)
	}
	id := s.caseOf(t, p)
	s.run(t, 4, "case", "watch", id)
	f := s.show(t, id)
	if c.CRM.Calls("PATCH") < 2 || c.Directory.Calls("PATCH /Users") < 2 {
		t.Errorf("the systems were asked %d and %d times only", c.CRM.Calls("PATCH"), c.Directory.Calls("PATCH /Users"))
	}
	for _, st := range f.Steps {
		if st.State != "failed" || st.Proof != "" {
			t.Errorf("%s is %s with the proof %q: %s", st.Key, st.State, st.Proof, st.Reason)
		}
	}
	for _, key := range []string{"crm-disable", "directory-disable"} {
		stands := f.task(key + "-by-hand")
		if stands.State != "open" || stands.Owner.Email != "carla@larkfield.example" || !strings.Contains(f.step(key).Reason, "nothing has changed there") {
			t.Errorf("%s: %q, and the task is %+v", key, f.step(key).Reason, stands)
		}
	}
	s.handled(t, id)
}

// handled does by hand what automation could not: attested by a person, which the record shows.
func (s *installation) handled(t *testing.T, id string) {
	t.Helper()
	for _, tk := range s.show(t, id).Tasks {
		s.run(t, 0, "task", "done", tk.ID, "--note", "ended by the vendor's support")
	}
	s.run(t, 0, "case", "watch", id)
	for _, st := range s.show(t, id).Steps {
		if st.State != "attested" || st.Proof != "attested" {
			t.Errorf("%s is %s with the proof %q", st.Key, st.State, st.Proof)
		}
	}
	if confirmed := s.entries(t, "kind=step.confirm"); len(confirmed) > 0 {
		t.Errorf("the record says that something was seen: %s", encoded(confirmed))
	}
	packet := filepath.Join(s.home, "packet.zip")
	s.run(t, 0, "evidence", "export", id, "-o", packet)
	s.run(t, 0, "evidence", "verify", packet)
}

const liarYAML = `
name: %s
kind: %s
identifier: work_email
tier: 2
owner: {name: Carla Mendes, email: carla@larkfield.example}
fallback: Call the vendor's support.
stage: live
settings: %s
`

// The deadline is short, so that automation gives up while somebody watches.
const liarPolicyYAML = `
name: all
applies: "true"
rules:
  - {name: cut-access, systems: "true", actions: [disable, remove_groups], start: cut-off, deadline: start + 1s}
`
