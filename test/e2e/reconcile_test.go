package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/sim"
	"github.com/exeunt/exeunt/internal/testserver"
)

// reconciled is what the command prints of the newest reconciliation.
type reconciled struct {
	EndedAt string `json:"ended_at"`
	Systems []struct {
		System string
		State  string
		Tally  map[string]int
	}
}

// found is one of its findings.
type found struct {
	ID             int64
	System, Kind   string
	Leaver, Remedy string
	Accounts       []struct{ ID, Login string }
	Besides        []struct{ ID string }
	Decided        *struct{ By string }
}

// TestEverybodyIsComparedBeforeAnythingHappens goes the way of whoever sets Exeunt up: from HR's list to what is wrong with it, and to
// a case that ends what somebody still has who left long ago.
func TestEverybodyIsComparedBeforeAnythingHappens(t *testing.T) {
	t.Parallel()
	h := &house{openldap: testserver.OpenLDAP(t), scim: testserver.Scimmy(t), secrets: map[string]string{}}
	h.secrets["LDAP_PASSWORD"], h.secrets["CRM_TOKEN"] = h.openldap.Service.Password, h.scim.Token
	people := sim.Workforce(8, 21)
	works, left, unknown, twice := people[1], people[2], people[3], people[4]
	for _, p := range []sim.Person{works, left, twice} {
		h.account(t, p, p.Login)
		h.scimUser(t, p.WorkEmail, p.WorkEmail, true)
	}
	h.account(t, unknown, unknown.Login)       // and none in the CRM
	h.account(t, twice, twice.Login+"-second") // as who was hired again has
	h.add(t, h.admin(t, h.openldap), "uid=backup,ou=people,"+h.openldap.BaseDN, map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"backup"}, "cn": {"backup"}, "sn": {"x"}})

	s := install(t, "")
	s.company(t, "http://127.0.0.1:9", h.secrets, "")
	s.env["EXEUNT_SIM_HR_WEBHOOK_KEY"], s.env["EXEUNT_SIM_HR_TOKEN"] = "not used here", "not used here"
	s.write(t, "systems/unix-directory.yaml", "name: unix-directory\n"+fmt.Sprintf(ldapYAML, h.openldap.URL, h.openldap.CAFile, h.openldap.ServerName, h.openldap.Service.Name, h.openldap.BaseDN, h.openldap.BaseDN, h.openldap.Admin.Name))
	s.write(t, "systems/crm.yaml", "name: crm\n"+strings.Replace(fmt.Sprintf(crmYAML, h.scim.URL), "sso: corp-directory\n", "", 1))
	s.serve(t)
	s.authorise(t)

	s.reconcile(t, "unix-directory ambiguous 1, unix-directory matched 2, unix-directory orphaned 2, crm matched 2, crm missing 1, crm orphaned 1", list(people[1:5], left))
	all := s.findings(t)
	service := pick(t, all, "unix-directory", "orphaned", "")
	s.run(t, 2, "reconcile", "confirm", strconv.FormatInt(service.ID, 10), "--leaver", "larkfield-de/nobody", "--reason", "it says so in the wiki")
	s.run(t, 0, "reconcile", "confirm", strconv.FormatInt(service.ID, 10), "--nobody", "--reason", "the nightly backup runs under it")
	if second := pick(t, all, "unix-directory", "ambiguous", "larkfield-de/"+twice.EmployeeID); len(second.Accounts) != 2 {
		t.Errorf("%+v", second)
	}

	orphan := pick(t, all, "unix-directory", "orphaned", "larkfield-de/"+left.EmployeeID)
	s.run(t, 0, "reconcile", "clean-up", strconv.FormatInt(orphan.ID, 10), "--reason", "left three months ago, and nobody told us")
	eventually(t, "both accounts are closed", func() (bool, string) {
		active, _ := h.active(t, left)
		err := h.bindLDAP(t, left, password)
		return !active && err != nil, fmt.Sprintf("the CRM says active %t, the directory %v", active, err)
	})
	if h.bindLDAP(t, works, password) != nil {
		t.Error("somebody who works here is locked out")
	}
	for _, f := range s.findings(t) {
		if f.Leaver == orphan.Leaver && f.Decided == nil {
			t.Errorf("nobody sees to %+v", f)
		}
	}

	// They come back, with a new account beside the closed one, and the list says so.
	h.account(t, left, left.Login+"-new")
	s.reconcile(t, "unix-directory ambiguous 2, unix-directory matched 2, unix-directory nobodys 1, crm matched 3, crm missing 1", list(people[1:5], sim.Person{}))
	if again := pick(t, s.findings(t), "unix-directory", "ambiguous", orphan.Leaver); len(again.Accounts) != 2 {
		t.Errorf("who came back with a second account: %+v", again)
	}
}

// account gives a person an account in the directory under a login.
func (h *house) account(t *testing.T, p sim.Person, login string) {
	t.Helper()
	h.add(t, h.admin(t, h.openldap), "uid="+login+",ou=people,"+h.openldap.BaseDN, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {login}, "cn": {login}, "sn": {"x"}, "employeeNumber": {p.EmployeeID}, "mail": {p.WorkEmail}, "userPassword": {password},
	})
}

// active is what the CRM says of a person.
func (h *house) active(t *testing.T, p sim.Person) (active, there bool) {
	t.Helper()
	search := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter": fmt.Sprintf("userName eq %q", p.WorkEmail)}
	for _, u := range h.scimDo(t, "POST", "/Users/.search", search)["Resources"].([]any) {
		active, there = u.(map[string]any)["active"].(bool)
	}
	return active, there
}

// list is HR's, in which one of them has left.
func list(people []sim.Person, left sim.Person) string {
	var b strings.Builder
	b.WriteString("employee_id,name,entity,work_email,last_day\n")
	for _, p := range people {
		day := ""
		if p.EmployeeID == left.EmployeeID {
			day = time.Now().AddDate(0, -3, 0).Format(time.DateOnly) // a year ago would be held for a person
		}
		fmt.Fprintf(&b, "%s,%s,larkfield-de,%s,%s\n", p.EmployeeID, p.Name(), p.WorkEmail, day)
	}
	return b.String()
}

// reconcile compares a list with the systems, and wants these counts.
func (s *installation) reconcile(t *testing.T, want, list string) {
	t.Helper()
	file := filepath.Join(s.home, "people.csv")
	must(t, os.WriteFile(file, []byte(list), 0o600))
	var r reconciled
	s.ask(t, &r, 4, "reconciliation/v1", "reconcile", "--people", file)
	counts := map[string]bool{}
	for _, system := range r.Systems {
		if system.State != "done" {
			t.Errorf("%s is %s", system.System, system.State)
		}
		for kind, n := range system.Tally {
			if n > 0 && kind != "closed" {
				counts[fmt.Sprintf("%s %s %d", system.System, kind, n)] = true
			}
		}
	}
	for one := range strings.SplitSeq(want, ", ") {
		if !counts[one] {
			t.Errorf("not found: %s; found %v", one, counts)
		}
		delete(counts, one)
	}
	if len(counts) > 0 || r.EndedAt == "" {
		t.Errorf("found besides: %v, ended at %q", counts, r.EndedAt)
	}
}

func (s *installation) findings(t *testing.T) []found {
	t.Helper()
	var all struct{ Findings []found }
	s.ask(t, &all, 0, "findings/v1", "reconcile", "findings")
	return all.Findings
}

// pick is the one finding of a kind, and of a person.
func pick(t *testing.T, all []found, system, kind, leaver string) found {
	t.Helper()
	for _, f := range all {
		if f.System == system && f.Kind == kind && f.Leaver == leaver {
			if f.Remedy == "" {
				t.Errorf("nothing is said of what to do: %+v", f)
			}
			return f
		}
	}
	t.Fatalf("no %s finding of %q in %s: %+v", kind, leaver, system, all)
	return found{}
}
