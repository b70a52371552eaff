package okta_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/okta"
)

// opened is an organisation with a connector to it.
func opened(t *testing.T, more map[string]any) (*organisation, connector.Connector, []byte) {
	t.Helper()
	o := anOrganisation(t)
	text := settings(t, o, "exeunt", o.application(t, "exeunt", allScopes...), more)
	return o, open(t, text), text
}

func open(t *testing.T, text []byte) connector.Connector {
	t.Helper()
	c, err := okta.Kind().Open(text, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// attempt makes one attempt at an action, as the engine does.
func attempt(t *testing.T, c connector.Connector, text []byte, p *person, action exeunt.Action, l exeunt.Leaver) exeunt.Outcome {
	t.Helper()
	specs, err := okta.Kind().Specs(text)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(specs, func(s exeunt.ActionSpec) bool { return s.Action == action })
	out, err := connector.Converge(t.Context(), c, connector.Aim{Account: exeunt.Account{ID: p.id}, Spec: specs[i], With: connector.Parameters{Leaver: l}},
		func(exeunt.Observation) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDeactivatingIsWaitedForAndMakesTheRestMoot(t *testing.T) {
	o, c, text := opened(t, map[string]any{"deactivate": true})
	p := o.hire("p", "p@acme.example", "1")
	o.set(func() { o.lag = 2 })
	for i, want := range []exeunt.OutcomeKind{exeunt.NotYet, exeunt.NotYet, exeunt.Done} {
		if out := attempt(t, c, text, p, exeunt.Deactivate, leaver(1)); out.Kind != want {
			t.Fatalf("attempt %d: %s %v, want %s", i+1, out.Kind, out.Err, want)
		}
	}
	if n := asked(o, "POST /api/v1/users/"+p.id+"/lifecycle/deactivate"); n != 1 {
		t.Errorf("asked to deactivate %d times, want once: it is on its way", n)
	}
	out := attempt(t, c, text, p, exeunt.ResetFactors, leaver(1))
	if out.Kind != exeunt.BecameMoot || !strings.Contains(out.Err.Message, "deactivated") || asked(o, "POST /api/v1/users/"+p.id+"/lifecycle/reset_factors") != 0 {
		t.Errorf("factors of a deactivated account: %s %v", out.Kind, out.Err)
	}
	if out := attempt(t, c, text, p, exeunt.Disable, leaver(1)); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("disable of a deactivated account: %s %v", out.Kind, out.Err)
	}
	back := connector.Parameters{Undo: true, Snapshot: map[string][]string{"enabled": {"true"}}}
	if err := c.Apply(t.Context(), exeunt.Account{ID: p.id}, exeunt.Disable, back); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("opening a deactivated account: %v, want a conflict for a person", err)
	}
	specs, err := okta.Kind().Specs(text)
	if last := specs[len(specs)-1]; err != nil || last.Action != exeunt.Deactivate || !last.Destructive || last.Reversible || specs[2].Action != exeunt.Disable || specs[2].Destructive {
		t.Errorf("%+v, %v: a legal hold must not keep an account open", specs, err)
	}
}

func asked(o *organisation, what string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, a := range o.asked {
		if a == what {
			n++
		}
	}
	return n
}

func TestEachStatusStandsForItself(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	for _, s := range []struct {
		status, turning string
		want            exeunt.Standing
	}{
		{"ACTIVE", "", exeunt.Absent}, {"PROVISIONED", "", exeunt.Absent}, {"RECOVERY", "", exeunt.Absent}, {"PASSWORD_EXPIRED", "", exeunt.Absent},
		{"LOCKED_OUT", "", exeunt.Absent}, {"STAGED", "", exeunt.Holds}, {"SUSPENDED", "", exeunt.Holds}, {"DEPROVISIONED", "", exeunt.Holds},
		{"ACTIVE", "DEPROVISIONED", exeunt.Pending}, {"STAGED", "ACTIVE", exeunt.Pending},
	} {
		o.set(func() { p.status, p.turning, p.settles = s.status, s.turning, 9 })
		seen, err := c.Observe(t.Context(), exeunt.Account{ID: p.id})
		if err != nil || seen.Of(exeunt.Disable) != s.want || (s.want == exeunt.Absent) != (len(seen.Snapshot["enabled"]) == 1) {
			t.Errorf("%s → %q stands %s with %v, %v; want %s", s.status, s.turning, seen.Of(exeunt.Disable), seen.Snapshot["enabled"], err, s.want)
		}
	}
	// By its description Okta suspends active accounts only: who is locked out goes to a person, who is told why.
	o.set(func() { p.status, p.turning = "LOCKED_OUT", "" })
	if out := attempt(t, c, text, p, exeunt.Disable, leaver(1)); out.Kind != exeunt.GaveUp || !strings.Contains(out.Err.Message, "unlock it in the Okta admin console") {
		t.Errorf("locked out: %s %v", out.Kind, out.Err)
	}
}

func TestWhatStaysIsNamed(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	for action, want := range map[exeunt.Action]map[string]string{
		exeunt.RemoveGroups: {"groups_left": "Domain Users (fed by an application or a directory), Everyone (built in), All of Sales (filled by a group rule)", "groups": "0"},
		exeunt.RemoveRoles:  {"admin_roles_by_group": "report_admin", "admin_roles": "0"},
		exeunt.RemoveApps:   {"applications_by_group": "Shared 1", "applications": "0"},
	} {
		out := attempt(t, c, text, p, action, leaver(1))
		for fact, value := range want {
			if got := strings.Split(out.Seen[fact], ", "); out.Kind != exeunt.Done || !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(strings.Split(value, ", ")))) {
				t.Errorf("%s: %s %v, says %s %q, want %q", action, out.Kind, out.Err, fact, out.Seen[fact], value)
			}
		}
	}
	if !maps.Equal(p.groups, map[string]bool{"00geveryone": true, "00gad": true, "00grule": true}) || len(p.groupRoles) != 1 || len(p.apps) != 1 {
		t.Errorf("left %v %v %v", p.groups, p.groupRoles, p.apps)
	}
}

func TestAnAdministratorOfWhomHRDoesNotKnowIsLeftToAPerson(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	unknown := leaver(1)
	unknown.Flags = nil
	out := attempt(t, c, text, p, exeunt.Disable, unknown)
	if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(out.Err.Message, "flag the person as privileged") || p.status != "ACTIVE" {
		t.Errorf("an administrator: %s %v, %s", out.Kind, out.Err, p.status)
	}
	acting := settings(t, o, "acting", o.application(t, "acting", allScopes...), map[string]any{"privileged": "act"})
	if out := attempt(t, open(t, acting), acting, p, exeunt.Disable, unknown); out.Kind != exeunt.Done {
		t.Errorf("with privileged: act: %s %v", out.Kind, out.Err)
	}
	other := o.hire("q", "q@acme.example", "2")
	o.set(func() { other.roles, other.groupRoles = nil, nil })
	if out := attempt(t, c, text, other, exeunt.Disable, unknown); out.Kind != exeunt.Done {
		t.Errorf("somebody without a role: %s %v", out.Kind, out.Err)
	}
}

func TestOurOwnTokensOwnerIsNotLockedOut(t *testing.T) {
	o, _, _ := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	o.set(func() { o.clients["ssws"] = &client{token: "00secret-ssws-token", owner: p.id} })
	t.Setenv("OKTA_TOKEN", "00secret-ssws-token")
	text := written(t, map[string]any{"base_url": o.URL, "token": "env:OKTA_TOKEN"})
	c := open(t, text)
	for _, action := range []exeunt.Action{exeunt.Disable, exeunt.RevokeTokens} {
		if out := attempt(t, c, text, p, action, leaver(1)); exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(out.Err.Message, "this very person") {
			t.Errorf("%s of our own owner: %s %v", action, out.Kind, out.Err)
		}
	}
	if other := o.hire("q", "q@acme.example", "2"); attempt(t, c, text, other, exeunt.Disable, leaver(2)).Kind != exeunt.Done {
		t.Error("nobody else is suspended with a token either")
	}
	for kind, want := range map[string]connector.RightState{"SUPER_ADMIN": connector.Granted, "USER_ADMIN": connector.Unknown, "": connector.Lacking} {
		o.set(func() {
			p.roles, p.groupRoles = slices.DeleteFunc([]string{kind}, func(k string) bool { return k == "" }), nil
		})
		rights, err := connector.Examine(t.Context(), c)
		if err != nil || rights[len(rights)-1].State != want {
			t.Errorf("an owner with the role %q: %+v, %v; want %s", kind, rights, err, want)
		}
	}
}

func TestAccountsAreFoundByEveryIdentifier(t *testing.T) {
	o, c, text := opened(t, map[string]any{"match": map[string]string{"employee_id": "badge", "login": "login"}})
	p := o.hire(`o'p"\\x@acme.example`, "p@acme.example", "1")
	o.set(func() { p.profile["badge"] = "B-7" })
	o.hire("other", "other@acme.example", "2")
	for _, k := range []exeunt.Key{{Attribute: "id", Value: p.id}, {Attribute: "login", Value: `O'P"\\X@acme.example`}, {Attribute: "email", Value: "P@acme.example"},
		{Attribute: "employeeNumber", Value: "1"}, {Attribute: "badge", Value: "b-7"}} {
		found, err := c.Find(t.Context(), []exeunt.Key{k})
		if err != nil || len(found) != 1 || found[0].ID != p.id || len(found[0].Has[k.Attribute]) != 1 {
			t.Errorf("by %s: %+v, %v", k.Attribute, found, err)
		}
	}
	for _, nobody := range []exeunt.Key{{Attribute: "id", Value: "me"}, {Attribute: "id", Value: "login-of-p"}, {Attribute: "id", Value: "00unobody"}, {Attribute: "login", Value: ""}, {Attribute: `x" or id`, Value: "y"}} {
		if found, err := c.Find(t.Context(), []exeunt.Key{nobody}); err != nil || len(found) != 0 {
			t.Errorf("by %v: %+v, %v", nobody, found, err)
		}
	}
	// The index is late, and may know somebody who is gone.
	o.set(func() { p.indexed = 1 })
	for _, want := range []int{0, 1} {
		if found, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "badge", Value: "B-7"}}); err != nil || len(found) != want {
			t.Errorf("an index that is late: %v, %v; want %d", found, err, want)
		}
	}
	l := leaver(1)
	l.Identifiers = map[exeunt.IdentifierKind]string{exeunt.EmployeeID: "B-7"}
	if found, err := connectortest.Search(t.Context(), okta.Kind(), text, c, l); err != nil || len(found) != 1 {
		t.Errorf("by the settings' own match: %v, %v", found, err)
	}
	o.set(func() { p.status = "DEPROVISIONED" })
	page, err := connector.List(t.Context(), c, "", nil)
	if err != nil || !slices.ContainsFunc(page.Accounts, func(f exeunt.Found) bool { return f.ID == p.id && f.Closed }) {
		t.Errorf("a list without those who are deactivated: %+v, %v", page, err)
	}
}

func TestOktasErrorsAreClassedAndSaidInOurWords(t *testing.T) {
	o, c, _ := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	for _, e := range []struct {
		status int
		code   string
		want   exeunt.ErrorKind
		says   string
	}{
		{401, "E0000011", exeunt.Unauthorised, "make another"}, {403, "E0000006", exeunt.Denied, "grant our application the scope"},
		{404, "E0000007", exeunt.NotFound, "E0000007"}, {403, "E0000038", exeunt.Conflict, "present status"}, {409, "E0000112", exeunt.Conflict, "still activating"},
		{400, "E0000001", exeunt.Invalid, "(400)"}, {503, "E0000010", exeunt.Temporary, "read-only"}, {500, "E0000009", exeunt.Temporary, "(500)"},
		{403, "E0000046", exeunt.Denied, "do it in the application"}, {429, "E0000047", exeunt.Throttled, "slow down"},
		{200, "E0000006", exeunt.Denied, "grant our application"}, {200, "E0000009", exeunt.Temporary, "answered 200 with an error"},
	} {
		o.set(func() {
			o.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/oauth2/v1/token" {
					return false
				}
				refuse(w, e.status, e.code)
				return true
			}
		})
		_, err := c.Observe(t.Context(), exeunt.Account{ID: p.id})
		if exeunt.KindOf(err) != e.want || !strings.Contains(err.Error(), e.says) || strings.Contains(err.Error(), "not-to-be-shown") {
			t.Errorf("%d %s: %v (%s), want %s with %q", e.status, e.code, err, exeunt.KindOf(err), e.want, e.says)
		}
	}
	// A limit of requests names when it is whole again; one of concurrent ones has a limit of 0.
	for _, limit := range []string{"600", "0"} {
		o.set(func() {
			o.fault = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("X-Rate-Limit-Limit", limit)
				w.Header().Set("X-Rate-Limit-Remaining", "0")
				w.Header().Set("X-Rate-Limit-Reset", strconv.FormatInt(time.Now().Add(10*time.Minute).Unix(), 10))
				refuse(w, 429, "E0000047")
				return true
			}
		})
		if _, err := c.Observe(t.Context(), exeunt.Account{ID: p.id}); exeunt.KindOf(err) != exeunt.Throttled || exeunt.RetryAfterOf(err) < time.Minute {
			t.Errorf("limit %s: %v, wait %s", limit, err, exeunt.RetryAfterOf(err))
		}
	}
	// Somebody else's account is no answer.
	o.set(func() {
		o.fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/api/v1/users/"+p.id {
				return false
			}
			answer(w, 200, map[string]any{"id": "00uother", "status": "ACTIVE", "profile": map[string]any{}})
			return true
		}
	})
	if _, err := c.Observe(t.Context(), exeunt.Account{ID: p.id}); exeunt.KindOf(err) != exeunt.Temporary || !strings.Contains(err.Error(), "something other than the account") {
		t.Errorf("another account in place of the one: %v", err)
	}
}

// TestAnActionAsksForNoMoreThanItNeeds holds how many requests a departure takes, since Okta limits them by the minute.
func TestAnActionAsksForNoMoreThanItNeeds(t *testing.T) {
	o, c, text := opened(t, nil)
	p := o.hire("p", "p@acme.example", "1")
	o.set(func() { o.noPages = true })
	specs, err := okta.Kind().Specs(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		if spec.ByHand {
			continue
		}
		if out := attempt(t, c, text, p, spec.Action, leaver(1)); out.Kind != exeunt.Done {
			t.Fatalf("%s: %s %v", spec.Action, out.Kind, out.Err)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	tokens := func(a string) bool { return a == "POST /oauth2/v1/token" }
	if n := len(slices.DeleteFunc(slices.Clone(o.asked), tokens)); n > 66 {
		t.Errorf("%d requests to end one person:\n%s", n, strings.Join(o.asked, "\n"))
	}
	t.Logf("%d requests for %d actions", len(o.asked), len(specs))
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		`{}`:                                   "base_url",
		`{"base_url":"http://acme.okta.com"}`:  "https",
		`{"base_url":"https://acme.okta.com"}`: "give either",
		`{"base_url":"https://acme.okta.com","client_id":"c","private_key":"env:K","token":"env:T"}`: "give either",
		`{"base_url":"https://acme.okta.com","token":"env:T","privileged":"no"}`:                     "privileged",
		`{"base_url":"https://acme.okta.com","token":"env:T","signing_algorithm":"none"}`:            "signing_algorithm",
		`{"base_url":"https://acme.okta.com","token":"env:T","match":{"login":"a b"}}`:               "match",
		`{"base_url":"https://acme.okta.com","token":"secret-0123"}`:                                 "by reference",
	} {
		if _, err := okta.Kind().Open([]byte(text), http.DefaultTransport); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "0123") {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
