package google_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
	"github.com/exeunt/exeunt/connectors/google"
)

const (
	all     = `,"archive_unit":"/Leavers","licences":["Google-Apps/1010020020"],"mailbox_to_manager":true,"auto_reply":"{name} has left.\n\nPlease write to {manager} ({manager_email})."`
	address = "boss@corp.example"
)

func (w *workspace) settings(t testing.TB, account int, more string) json.RawMessage {
	t.Helper()
	return fmt.Appendf(nil, `{"service_account":%q,"delegate":%q,"base_url":%q%s}`, w.account(t, account), delegate, w.URL, more)
}

// leaver hires somebody who has all that can be taken away.
func (w *workspace) leaver(testing.TB) exeunt.Leaver {
	if w.person(address) == nil {
		w.hire(address)
	}
	p := w.hire(fmt.Sprintf("ann.o'neil%d@%s", w.made, domain))
	w.mu.Lock()
	defer w.mu.Unlock()
	n := strconv.Itoa(w.made)
	p.employeeID, p.aliases, p.sessions = n, []string{"ann" + n + "@" + domain}, 2
	p.live.enrolled, p.live.codes = true, 10
	p.live.asps, p.live.grants = map[int]string{1: "Mail on the phone", 2: "Calendar"}, map[string]string{"app.example": "An app", "other/app": "Another"}
	for i, role := range []string{"MEMBER", "OWNER", "MEMBER"} {
		id := fmt.Sprintf("g%d-%s", i, n)
		w.groups[id] = &group{email: id + "@" + domain}
		p.live.groups[id] = role
		if role == "OWNER" {
			p.live.delivery[id] = "DIGEST"
		}
	}
	w.groups["nested-"+n] = &group{email: "nested-" + n + "@" + domain, nested: "g0-" + n}
	w.assign(p, "1", object{"scopeType": "CUSTOMER"})
	w.assign(p, "2", object{"scopeType": "ORG_UNIT", "orgUnitId": "ou/1"})
	p.live.devices, p.live.licences = map[string]string{"phone" + n: "APPROVED", "tablet" + n: "APPROVED"}, map[string]bool{"Google-Apps/1010020020": true}
	p.shown = p.live.clone()
	return exeunt.Leaver{ID: n, Entity: "corp", Name: "Ann O'Neil", Zone: "UTC", Manager: exeunt.Person{Name: "Bob Boss", Email: address}, Flags: []exeunt.Flag{exeunt.Privileged},
		Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: p.email, exeunt.EmployeeID: n}}
}

// share makes somebody else an owner of a group, too.
func (w *workspace) share(group string) *person {
	other := w.hire(fmt.Sprintf("owner%d@%s", w.made, domain))
	w.mu.Lock()
	defer w.mu.Unlock()
	other.live.groups[group] = "OWNER"
	other.shown = other.live.clone()
	return other
}

func (w *workspace) of(l exeunt.Leaver) *person { return w.person(l.Identifiers[exeunt.WorkEmail]) }

func (w *workspace) subject(t testing.TB, more string) connectortest.Subject {
	dead := strings.Replace(string(w.settings(t, 1, more)), w.URL, "http://127.0.0.1:1", 1)
	return connectortest.Subject{
		Description: description.Any(w.Discovery, description.Token("/token")),
		Kind:        google.Kind(), Settings: w.settings(t, 1, more), Hire: w.leaver, Later: func(testing.TB) { w.tick() },
		WrongCredentials: w.settings(t, 3, more), Unreachable: json.RawMessage(dead),
		Powerless: w.settings(t, 2, more), Needs: exeunt.RemoveRoles,
		Secrets: []string{"s3cret-0123", "PRIVATE KEY"},
		Removals: func(_ testing.TB, l exeunt.Leaver) map[string][]string {
			n := l.ID
			want := map[string][]string{
				"groups": {"g0-" + n, "g1-" + n + " OWNER DIGEST", "g2-" + n}, "roles": {"1 CUSTOMER", "2 ORG_UNIT ou/1"},
				"enabled": {"true"}, "grants": {"An app", "Another"}, "app_passwords": {"Calendar", "Mail on the phone"},
			}
			if more != "" {
				want["org_unit"], want["listed"], want["licences"] = []string{"/Staff"}, []string{"true"}, []string{"Google-Apps/1010020020"}
			}
			return want
		},
		CanSignIn: func(_ testing.TB, l exeunt.Leaver) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			p := w.of(l)
			return !p.suspended && (p.password == "old" || len(p.live.asps) > 0 || p.sessions > 0)
		},
		HandOver: func(_ testing.TB, l exeunt.Leaver) { w.share("g1-" + l.ID) },
		Twin: func(_ testing.TB, l exeunt.Leaver) {
			w.hire("second." + l.Identifiers[exeunt.WorkEmail]).employeeID = l.ID
		},
		Rename: func(_ testing.TB, l exeunt.Leaver) {
			w.mu.Lock()
			defer w.mu.Unlock()
			p := w.of(l)
			p.aliases, p.email, p.unit = append(p.aliases, p.email), "renamed."+p.email, "/"
		},
		Vanish: func(_ testing.TB, l exeunt.Leaver) {
			w.mu.Lock()
			defer w.mu.Unlock()
			delete(w.people, w.of(l).id)
		},
		Drop: func(_ testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if action != exeunt.RemoveGroups {
				return "", ""
			}
			delete(w.groups, "g2-"+l.ID)
			return "g2-" + l.ID + "@" + domain, "g2-" + l.ID
		},
	}
}

func TestConforms(t *testing.T) {
	for name, more := range map[string]string{"everything": all, "as little as possible": ""} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.lagging, w.lacking["https://www.googleapis.com/auth/admin.directory.rolemanagement"] = more != "", true
			connectortest.Run(t, w.subject(t, more))
		})
	}
}

func open(t *testing.T, settings json.RawMessage) connector.Connector {
	t.Helper()
	c, err := google.Kind().Open(settings, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func spec(t *testing.T, action exeunt.Action) exeunt.ActionSpec {
	t.Helper()
	i := slices.IndexFunc(google.Kind().Actions, func(s exeunt.ActionSpec) bool { return s.Action == action })
	if i < 0 {
		t.Fatalf("no %s", action)
	}
	return google.Kind().Actions[i]
}

// converge makes one attempt.
func converge(t *testing.T, c connector.Connector, l exeunt.Leaver, p *person, action exeunt.Action, intended, settling bool) exeunt.Outcome {
	t.Helper()
	out, err := connector.Converge(t.Context(), c, connector.Aim{
		Account: exeunt.Account{ID: p.id, Login: p.email}, Spec: spec(t, action), Intended: intended, Settling: settling, With: connector.Parameters{Leaver: l},
	}, func(exeunt.Observation) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func says(out exeunt.Outcome) string {
	if out.Err == nil {
		return ""
	}
	return string(out.Err.Kind) + ": " + out.Err.Message
}

func TestAnAccountIsFoundByWhateverItHas(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	w.hire("joann." + p.email).employeeID = "badge"
	c := open(t, w.settings(t, 1, ""))
	for key, found := range map[exeunt.Key]bool{
		{Attribute: "email", Value: p.email}:               true,
		{Attribute: "email", Value: p.aliases[0]}:          true,
		{Attribute: "id", Value: p.id}:                     true,
		{Attribute: "employeeId", Value: p.employeeID}:     true,
		{Attribute: "externalId", Value: "badge-" + l.ID}:  true,
		{Attribute: "employeeId", Value: "badge-" + l.ID}:  false, // another system's number
		{Attribute: "email", Value: "x@elsewhere.example"}: false,
		{Attribute: "email", Value: "nobody@" + domain}:    false,
		{Attribute: "employeeId", Value: `o'ne\il`}:        false,
		{Attribute: "id", Value: p.email}:                  false,
		{Attribute: "email", Value: ""}:                    false,
		{Attribute: "phone", Value: "+1"}:                  false,
	} {
		got, err := c.Find(t.Context(), []exeunt.Key{key, key})
		if err != nil || (len(got) == 1 && got[0].ID == p.id) != found || len(got) > 1 {
			t.Errorf("%+v: %+v, %v; want it found: %t", key, got, err, found)
		}
	}
}

func TestOnlyThePersonsOwnDevicesAreTold(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	other := w.hire(w.of(l).email + ".org") // which a search for a beginning finds, too
	other.live.devices = map[string]string{"theirs": "APPROVED"}
	other.shown = other.live.clone()
	for _, action := range []exeunt.Action{exeunt.LockDevices, "wipe_devices"} {
		drive(t, w, w.settings(t, 1, ""), l, action)
	}
	if other.live.devices["theirs"] != "APPROVED" || w.of(l).live.devices["phone"+l.ID] != "ACCOUNT_WIPED" {
		t.Errorf("theirs is %v, ours %v", other.live.devices, w.of(l).live.devices)
	}
}

func TestAPasswordIsResetWithWhereItCouldBeRecovered(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	out := drive(t, w, w.settings(t, 1, ""), l, exeunt.ResetPassword)
	if p := w.of(l); out.Kind != exeunt.Done || p.password == "old" || len(p.password) < 20 || p.recovery != "" {
		t.Errorf("%s %s, recovery %q", out.Kind, says(out), p.recovery)
	}
}

func TestWhoWasMovedOnFromTheArchiveStays(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	settings := w.settings(t, 1, all)
	out := drive(t, w, settings, l, exeunt.MoveToArchive)
	p := w.of(l)
	p.unlisted = false
	if o, err := open(t, settings).Observe(t.Context(), exeunt.Account{ID: p.id}); err != nil || o.Of(exeunt.MoveToArchive) != exeunt.Absent {
		t.Errorf("in the archive and still listed it stands %s, %v", o.Of(exeunt.MoveToArchive), err)
	}
	p.unit, p.unlisted = "/", true
	back := connector.Parameters{Leaver: l, Undo: true, Snapshot: out.Snapshot}
	if err := open(t, settings).Apply(t.Context(), exeunt.Account{ID: p.id}, exeunt.MoveToArchive, back); err != nil || p.unit != "/" || p.unlisted {
		t.Errorf("%v: in %s, hidden %t", err, p.unit, p.unlisted)
	}
	p.unit, w.units = "/Leavers", []string{"/", "/Leavers"}
	if err := open(t, settings).Apply(t.Context(), exeunt.Account{ID: p.id}, exeunt.MoveToArchive, back); exeunt.KindOf(err) != exeunt.NotFound || !strings.Contains(err.Error(), "/Staff") {
		t.Errorf("to a unit that is gone: %v", err)
	}
}

func TestNothingIsDoneToAnAdministratorUnasked(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	l.Flags = nil
	p.admin = true
	w.assign(p, "3", object{"scopeType": "CUSTOMER"}) // which the list has beside isAdmin
	w.tick()
	asks, acts := open(t, w.settings(t, 1, "")), open(t, w.settings(t, 1, `,"privileged":"act"`))
	for _, s := range google.Kind().Actions {
		if slices.Contains([]exeunt.Action{exeunt.SetAutoReply, "delegate_mailbox", exeunt.MoveToArchive, exeunt.ReclaimLicence, exeunt.HandOver}, s.Action) {
			continue
		}
		if out := converge(t, asks, l, p, s.Action, false, false); out.Kind != exeunt.GaveUp || !strings.Contains(says(out), "flag the person as privileged") {
			t.Errorf("%s: %s %s", s.Action, out.Kind, says(out))
		}
	}
	out := converge(t, acts, l, p, exeunt.RemoveRoles, false, false)
	if out.Kind != exeunt.Done || p.admin || len(out.Snapshot["roles"]) != 3 || !slices.Contains(out.Snapshot["roles"], "super_admin") {
		t.Errorf("with privileged: act: %s %s, %v", out.Kind, says(out), out.Snapshot)
	}
	back := connector.Parameters{Leaver: l, Undo: true, Snapshot: out.Snapshot}
	if err := acts.Apply(t.Context(), exeunt.Account{ID: p.id}, exeunt.RemoveRoles, back); err != nil || !p.admin || len(p.live.roles) != 3 {
		t.Errorf("put back: %v, super administrator %t, %v", err, p.admin, p.live.roles)
	}
	ours := w.person(delegate)
	if out := converge(t, acts, l, ours, exeunt.Disable, false, false); out.Kind != exeunt.GaveUp || ours.suspended {
		t.Errorf("our own administrator: %s %s", out.Kind, says(out))
	}
	w.person(delegate).admin, p.admin = false, true
	if out := converge(t, acts, l, p, exeunt.Disable, false, false); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(says(out), "let a super administrator do it") {
		t.Errorf("by a lesser administrator: %s %s", out.Kind, says(out))
	}
}

func TestGroupsThatRefuseAreNamedAndOthersLeft(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	w.groups["g0-"+l.ID].dynamic = true
	out := converge(t, open(t, w.settings(t, 1, "")), l, p, exeunt.RemoveGroups, false, false)
	if out.Kind != exeunt.GaveUp || !strings.Contains(says(out), "g0-"+l.ID+"@") || strings.Contains(says(out), "g1-") || !maps.Equal(p.live.groups, map[string]string{"g0-" + l.ID: "MEMBER"}) {
		t.Errorf("%s %s, left in %v", out.Kind, says(out), p.live.groups)
	}
	if nested := out.Seen["groups by another group"]; out.Seen != nil && nested != "nested-"+l.ID+"@"+domain {
		t.Errorf("the look says %v", out.Seen)
	}
}

func TestFactorsOfASuspendedAccountAreMoot(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	p.suspended = true
	out := converge(t, open(t, w.settings(t, 1, "")), l, p, exeunt.ResetFactors, false, false)
	if out.Kind != exeunt.BecameMoot || out.Changed || slices.Contains(w.asked, "directory.verificationCodes.invalidate") {
		t.Errorf("%s %s, %v", out.Kind, says(out), out.Seen)
	}
	p.suspended, p.enforced = false, true
	out = converge(t, open(t, w.settings(t, 1, "")), l, p, exeunt.ResetFactors, false, false)
	if out.Kind != exeunt.Done || p.live.codes != 0 || !p.live.enrolled || !strings.Contains(out.Seen["2-step verification"], "stays") {
		t.Errorf("where it is enforced: %s %s, %v", out.Kind, says(out), out.Seen)
	}
}

func TestAnImmediateDepartureLocksOutFirst(t *testing.T) {
	order := slices.SortedFunc(slices.Values(google.Kind().Actions), func(a, b exeunt.ActionSpec) int { return a.In(true) - b.In(true) })
	var first []string
	for _, s := range order[:4] {
		first = append(first, string(s.Action))
	}
	if strings.Join(first, " ") != "set_auto_reply delegate_mailbox disable revoke_sessions" { // no mailbox is open after the suspension
		t.Errorf("it begins with %v", first)
	}
}

func TestAScopeThatLacksStopsItsActionOnly(t *testing.T) {
	w := newWorkspace(t)
	w.lacking["https://www.googleapis.com/auth/admin.directory.rolemanagement"] = true
	l := w.leaver(t)
	c := open(t, w.settings(t, 2, ""))
	if out := converge(t, c, l, w.of(l), exeunt.RemoveRoles, false, false); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(says(out), "rolemanagement") {
		t.Errorf("remove_roles: %s %s", out.Kind, says(out))
	}
	if out := converge(t, c, l, w.of(l), exeunt.Disable, false, false); out.Kind != exeunt.Done {
		t.Errorf("disable: %s %s", out.Kind, says(out))
	}
	seen, err := c.Observe(t.Context(), exeunt.Account{ID: w.of(l).id})
	if err != nil || seen.Of(exeunt.RemoveRoles) != exeunt.Unknown || seen.Of(exeunt.Disable) != exeunt.Holds || seen.Facts["remove_roles"] != "may not be read" {
		t.Errorf("a look at everything: %+v, %v", seen, err)
	}
	rights, err := connector.Examine(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rights {
		if lacks := strings.HasSuffix(r.Name, "rolemanagement"); lacks != (r.State == connector.Lacking) {
			t.Errorf("%s is %s: %s", r.Name, r.State, r.Why)
		}
	}
}

func TestTheMailboxIsSetUpAsThePerson(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	boss := w.person(address)
	boss.aliases = []string{"b@" + domain}
	l.Manager.Email = "b@" + domain
	c := open(t, w.settings(t, 1, all))
	for _, theirs := range []object{
		{"enableAutoReply": true, "responseBodyPlainText": "On holiday"},
		{"enableAutoReply": false, "responseBodyPlainText": "Ann has left. Please write to Bob (b@corp.example)."},
	} {
		p.reply = theirs
		if o, err := c.Observe(t.Context(), exeunt.Account{ID: p.id}); err != nil || o.Of(exeunt.SetAutoReply) != exeunt.Absent {
			t.Errorf("with %v it stands %s, %v", theirs, o.Of(exeunt.SetAutoReply), err)
		}
	}
	for _, action := range []exeunt.Action{exeunt.SetAutoReply, "delegate_mailbox", "delegate_mailbox"} {
		if out := converge(t, c, l, p, action, false, false); out.Kind != exeunt.Done {
			t.Errorf("%s: %s %s", action, out.Kind, says(out))
		}
	}
	if p.reply["enableAutoReply"] != true || p.reply["responseBodyPlainText"] != "Ann O'Neil has left.\n\nPlease write to Bob Boss (b@corp.example)." || !slices.Equal(p.delegates, []string{address}) {
		t.Errorf("reply %v, delegates %v", p.reply, p.delegates)
	}
	p.suspended = true
	if out := converge(t, c, l, p, "delegate_mailbox", false, false); out.Kind != exeunt.GaveUp || !strings.Contains(says(out), "suspended") {
		t.Errorf("of a suspended account: %s %s", out.Kind, says(out))
	}
}
