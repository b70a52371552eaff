package e2e_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exeunt/exeunt/internal/sim"
	"github.com/exeunt/exeunt/internal/testserver"
)

// What the command line prints, as far as scripts rely on it.
type (
	caseList struct {
		Cases []struct {
			ID, State, Name string
			EmployeeID      string `json:"employee_id"`
		}
		Total int
	}
	caseFile struct {
		Case struct {
			ID, State, Policy, Source string
			Departure                 struct{ Leaver struct{ ID, Name string } }
		}
		Steps          []step
		Tasks          []task
		Entries        []entry
		Logged, Sealed int
	}
	step struct {
		Key, System, Action, State, Proof, Reason, Coverage string
		After                                               []struct{ Key string }
	}
	task struct {
		ID, Key, State, Title, System, Coverage string
		Steps                                   []string
		Owner                                   struct{ Name, Email string }
		DoneBy                                  string `json:"done_by"`
	}
	taskList struct{ Tasks []task }
	entry    struct{ Kind, What, Step, Actor string }
)

func (f caseFile) step(key string) step {
	i := slices.IndexFunc(f.Steps, func(s step) bool { return s.Key == key })
	if i < 0 {
		return step{State: "not in the plan"}
	}
	return f.Steps[i]
}

func (f caseFile) task(key string) task {
	i := slices.IndexFunc(f.Tasks, func(t task) bool { return t.Key == key })
	if i < 0 {
		return task{State: "not in the plan"}
	}
	return f.Tasks[i]
}

// TestADeparture runs the same three departures on both databases, against the same vendors.
func TestADeparture(t *testing.T) {
	t.Parallel()
	h := openHouse(t)
	staff := h.company.People[20:]
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		departures(t, h, install(t, ""), staff[:3])
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		departures(t, h, install(t, testserver.Postgres(t)), staff[3:6])
	})
}

func departures(t *testing.T, h *house, s *installation, people []sim.Person) {
	s.configure(t, h)
	if checked := s.run(t, 0, "check", "--config", s.config); !strings.Contains(checked.out, "Valid: 9 systems, 3 policies, 3 sources") {
		t.Errorf("check says %s", checked.out)
	}
	for _, p := range people {
		h.hire(t, p)
		for door, open := range h.works(t, p) {
			if !open {
				t.Fatalf("%s cannot get into %s before anything happened", p.Login, door)
			}
		}
	}
	s.serve(t)
	s.authorise(t)

	now := time.Now()
	yesterday := now.AddDate(0, 0, -1).Format(time.DateOnly)
	fields, api, hook := people[0], people[1], people[2]
	if status, answer := s.post(t, bamboo("bamboohr-austria", legacyKey, fieldBased(fields, yesterday, now), now)); status != http.StatusAccepted {
		t.Fatalf("the field-based webhook was answered %d %s", status, answer)
	}
	h.company.HR.Leave(api, "2026-01-30", "Resignation")
	r, err := h.company.HR.Webhook(t.Context(), s.url()+"/hooks/bamboohr", api, now)
	must(t, err)
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusAccepted {
		t.Fatalf("the event-based webhook: %v %v", answer, err)
	}
	// An involuntary departure with a day in the past ends access at once, under the immediate policy.
	if status, answer := s.post(t, standard("msg_"+hook.ID(), leaving(hook, yesterday, "Dismissal"), now)); status != http.StatusAccepted {
		t.Fatalf("the generic webhook was answered %d %s", status, answer)
	}

	for _, p := range people {
		t.Run(p.Login, func(t *testing.T) {
			id := s.caseOf(t, p)
			s.watchUntilPeople(t, id)
			h.isCut(t, p)
			s.planCoversEverything(t, id)
		})
	}
	s.completesByLink(t, h, s.caseOf(t, fields), fields)
	s.closes(t, h, s.caseOf(t, fields), fields)
	s.proves(t, s.caseOf(t, fields), s.caseOf(t, api))
}

// caseOf waits for a person's case and says what it is called.
func (s *installation) caseOf(t *testing.T, p sim.Person) string {
	t.Helper()
	var id string
	eventually(t, "a case of "+p.Name(), func() (bool, string) {
		var list caseList
		s.ask(t, &list, 0, "cases/v1", "case", "list", "--text", p.EmployeeID)
		if len(list.Cases) == 1 && list.Cases[0].Name == p.Name() {
			id = list.Cases[0].ID
		}
		return id != "", "none"
	})
	return id
}

func (s *installation) show(t testing.TB, id string) caseFile {
	t.Helper()
	var f caseFile
	s.ask(t, &f, 0, "case/v1", "case", "show", id)
	return f
}

// watchUntilPeople follows a case to where only people are left, which is exit code 4.
func (s *installation) watchUntilPeople(t *testing.T, id string) {
	t.Helper()
	watched := s.run(t, 4, "case", "watch", id, "--json")
	kinds := map[string]int{}
	for line := range strings.Lines(watched.out) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("case watch --json printed %q", line)
		}
		kinds[e.Kind]++
	}
	if kinds["case.open"] != 1 || kinds["step.intent"] == 0 || kinds["step.confirm"] == 0 {
		t.Errorf("case watch showed %v", kinds)
	}
}

// isCut asks every vendor by its own door.
func (h *house) isCut(t *testing.T, p sim.Person) {
	t.Helper()
	for door, open := range h.works(t, p) {
		if open {
			t.Errorf("%s still gets into %s", p.Login, door)
		}
	}
	if err := h.bindLDAP(t, p, password); !ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) {
		t.Errorf("LDAP refuses the bind by %v, want invalidCredentials (49)", err)
	}
	if dn := h.entry(t, h.openldap, "(uid="+p.Login+")").DN; !strings.Contains(dn, "ou=leavers,") {
		t.Errorf("the LDAP entry is still %s", dn)
	}
	// The old password is gone. With one that an administrator sets, it is the account that is refused:
	// 49 with "data 533", ERROR_ACCOUNT_DISABLED.
	h.setPassword(t, p, password+"!")
	if err := h.bindAD(t, p, password+"!"); err == nil || !strings.Contains(err.Error(), "data 533") {
		t.Errorf("Active Directory answers the right password with %v, want data 533 (account disabled)", err)
	}
	if e := h.entry(t, h.ad, "(userPrincipalName="+principal(p)+")"); len(e.GetAttributeValues("memberOf")) > 0 || !strings.Contains(e.DN, "OU=Leavers") {
		t.Errorf("the account is %s, in %v", e.DN, e.GetAttributeValues("memberOf"))
	}
	if active, groups := h.scimActive(t, p); active || groups != 0 {
		t.Errorf("SCIM says active=%t, in %d groups", active, groups)
	}
	h.sql(t, "ALTER ROLE "+pgx.Identifier{p.Login}.Sanitize()+" PASSWORD '"+password+"'")
	refused, ok := errors.AsType[*pgconn.PgError](h.psql(t, p))
	if !ok || refused.Code != "28000" { // invalid_authorization_specification: not permitted to log in
		t.Errorf("PostgreSQL answers %v, want 28000", refused)
	}
	if got := h.payroll(t, p); got != "terminated" && got != "terminating" {
		t.Errorf("payroll says %q", got)
	}
}

// payroll is what the payroll system says of an employee.
func (h *house) payroll(t *testing.T, p sim.Person) string {
	t.Helper()
	employee := h.employee(t, p)
	status, _ := employee["status"].(string)
	return status
}

func (h *house) employee(t *testing.T, p sim.Person) map[string]any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.company.Payroll.URL+"/v1/employees?employee_number="+p.EmployeeID, nil)
	must(t, err)
	r.Header.Set("X-Api-Key", h.company.Payroll.Token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	var list struct{ Employees []map[string]any }
	must(t, json.NewDecoder(answer.Body).Decode(&list))
	if len(list.Employees) != 1 {
		t.Fatalf("payroll has %d employees %s", len(list.Employees), p.EmployeeID)
	}
	return list.Employees[0]
}

// planCoversEverything reads the case as `case show` has it.
func (s *installation) planCoversEverything(t *testing.T, id string) {
	t.Helper()
	f := s.show(t, id)
	covered := map[string]string{}
	for _, st := range f.Steps {
		covered[st.System] = st.Coverage
		if st.State == "confirmed" != (st.Proof == "observed") || st.State == "failed" {
			t.Errorf("%s is %s with the proof %q: %s", st.Key, st.State, st.Proof, st.Reason)
		}
	}
	for _, tk := range f.Tasks {
		covered[tk.System] += tk.Coverage
	}
	delete(covered, "")
	inherited, immediate := "inherited", f.Case.Policy == "immediate"
	if immediate {
		inherited = "steps" // nobody waits for a token to expire
	}
	want := map[string]string{"corp-directory": "steps", "unix-directory": "steps", "crm": "steps", "help-desk": inherited,
		"warehouse": "steps", "payroll": "steps", "code": "steps", "doors": "task", "wiki": "inherited"}
	for system, by := range want {
		if covered[system] != by {
			t.Errorf("%s is covered by %q, want %q", system, covered[system], by)
		}
	}
	if f.step("corp-directory-disable").State != "confirmed" || f.step("payroll-end-employment").State != "confirmed" ||
		f.step("payroll-schedule-final-pay").State != "waiting" || f.task("doors-by-hand").State != "open" || f.task("wiki-check").State != "open" {
		t.Errorf("steps %+v tasks %+v", f.Steps, f.Tasks)
	}
	if check := f.step("help-desk-check-access"); !immediate && (check.State != "confirmed" || check.Proof != "observed") {
		t.Errorf("the check of inherited access: %+v", check)
	}
}

var (
	mailedLink  = regexp.MustCompile(`http://127\.0\.0\.1:\d+/t/\S+`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="(\w+)" value="([^"]*)"`)
	checkbox    = regexp.MustCompile(`<input type="checkbox" name="item" value="(\d+)"`)
)

// completesByLink does the manager's task from the mail, without an account, as a browser would.
func (s *installation) completesByLink(t *testing.T, h *house, id string, p sim.Person) {
	t.Helper()
	asked := s.show(t, id).task("return-assets")
	if asked.State != "open" || asked.Owner.Email != "max@larkfield.example" {
		t.Fatalf("the manager is not asked: %+v", asked)
	}
	link := s.linkMailed(t, h, asked, p)
	page, body := browse(t, http.MethodGet, link, nil)
	if page.StatusCode != http.StatusOK || !strings.Contains(body, asked.Title) {
		t.Fatalf("the link opens %d %s", page.StatusCode, tail(body))
	}
	if f := s.show(t, id); f.task("return-assets").State != "open" {
		t.Error("looking at the page did the task: mail scanners look")
	}
	form := url.Values{"act": {"complete"}, "note": {"Laptop taken back."}}
	for _, m := range hiddenField.FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	for _, m := range checkbox.FindAllStringSubmatch(body, -1) {
		form.Add("item", m[1])
	}
	if sent, body := browse(t, http.MethodPost, link, form); sent.StatusCode != http.StatusSeeOther {
		t.Fatalf("the form was answered %d %s", sent.StatusCode, tail(body))
	}
	if done := s.show(t, id).task("return-assets"); done.State != "done" || done.DoneBy != "max@larkfield.example" {
		t.Errorf("after the form: %+v", done)
	}
	forged := link[:len(link)-4] + "AAAA"
	if page, _ := browse(t, http.MethodGet, forged, nil); page.StatusCode != http.StatusNotFound {
		t.Errorf("a forged link is answered %d", page.StatusCode)
	}
}

// linkMailed waits for the mail of a task and takes the link out of it.
func (s *installation) linkMailed(t *testing.T, h *house, asked task, p sim.Person) string {
	t.Helper()
	var link string
	eventually(t, "a mail to the owner with a link", func() (bool, string) {
		for _, m := range h.mail.Mails(t) {
			text, _ := m["text"].(string)
			if to := string(encoded(m["to"])); !strings.Contains(to, asked.Owner.Email) || !strings.Contains(text, asked.Title+"\nFor: "+p.Name()) || !strings.Contains(text, s.url()+"/t/") {
				continue
			}
			if word := "voluntary"; strings.Contains(text, word) {
				t.Errorf("a mail tells how somebody leaves:\n%s", text)
			}
			link = mailedLink.FindString(text)
		}
		return link != "", "none"
	})
	return link
}

func browse(t *testing.T, method, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	must(t, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return answer, string(body)
}

// closes does every task by the command line until the case is closed, which is exit code 0.
func (s *installation) closes(t *testing.T, h *house, id string, p sim.Person) {
	t.Helper()
	eventually(t, "case "+id+" closes", func() (bool, string) {
		var open taskList
		s.ask(t, &open, 0, "tasks/v1", "task", "list", "--case", id)
		for _, tk := range open.Tasks {
			s.run(t, 0, "task", "done", tk.ID, "--note", "done in a test")
		}
		f := s.show(t, id)
		return f.Case.State == "closed", string(encoded(f.Steps))
	})
	s.run(t, 0, "case", "watch", id)
	f := s.show(t, id)
	if pay := f.step("payroll-schedule-final-pay"); pay.State != "confirmed" || h.employee(t, p)["final_payment"] == nil {
		t.Errorf("final pay: %+v", pay)
	}
	s.run(t, 7, "task", "done", f.task("doors-by-hand").ID) // done already
	s.run(t, 7, "case", "override", id, "--step", "crm-disable", "--reason", "there is nothing left to override")
}
