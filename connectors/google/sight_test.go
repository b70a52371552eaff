package google_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/google"
)

func TestWhatMayNotBeReadIsNotActedOn(t *testing.T) {
	for scope, action := range map[string]exeunt.Action{
		"admin.directory.group.readonly":       exeunt.RemoveGroups,
		"apps.licensing":                       exeunt.ReclaimLicence,
		"admin.datatransfer":                   exeunt.TransferData,
		"admin.directory.user.security":        exeunt.RevokeGrants,
		"admin.directory.rolemanagement":       exeunt.RemoveRoles,
		"admin.directory.device.mobile.action": exeunt.LockDevices,
	} {
		w := newWorkspace(t)
		l := w.leaver(t)
		w.lacking["https://www.googleapis.com/auth/"+scope] = true
		out := converge(t, open(t, w.settings(t, 2, all)), l, w.of(l), action, false, false)
		if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(says(out), scope) {
			t.Errorf("%s without %s: %s %s %s", action, scope, out.Kind, out.Proof, says(out))
		}
	}
}

// TestAListThatIsNotThereIsNotTheAccount answers 404 to what an action reads of an account that is there.
func TestAListThatIsNotThereIsNotTheAccount(t *testing.T) {
	for _, path := range []string{"/asps", "/tokens", "/groups", "/roleassignments", "/devices/mobile", "/transfers"} {
		w := newWorkspace(t)
		l := w.leaver(t)
		c, err := google.Kind().Open(w.settings(t, 1, ""), answering{w, func(r *http.Request) *http.Response {
			if !strings.HasSuffix(r.URL.Path, path) {
				return nil
			}
			return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Observe(t.Context(), exeunt.Account{ID: w.of(l).id}); exeunt.KindOf(err) != exeunt.Temporary {
			t.Errorf("%s is 404: %v (%s)", path, err, exeunt.KindOf(err))
		}
	}
}

func TestAnAccountThatWasDeletedIsClosedWhileItCanBeRestored(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	delete(w.people, p.id)
	for i := range 4 {
		w.binned = append(w.binned, object{"id": fmt.Sprint(i), "primaryEmail": "x@" + domain, "deletionTime": "2030-06-01T08:00:00.000Z"})
	}
	w.binned = append(w.binned, object{"id": p.id, "primaryEmail": p.email, "deletionTime": "2030-06-02T08:00:00.000Z"})
	c := open(t, w.settings(t, 1, all))
	for action, want := range map[exeunt.Action]exeunt.OutcomeKind{
		exeunt.Disable: exeunt.Done, exeunt.RemoveGroups: exeunt.BecameMoot, exeunt.RevokeSessions: exeunt.BecameMoot, exeunt.TransferData: exeunt.GaveUp,
	} {
		out := converge(t, c, l, p, action, false, false)
		if out.Kind != want || out.Changed || action == exeunt.TransferData && !strings.Contains(says(out), "restore it") {
			t.Errorf("%s: %s %s", action, out.Kind, says(out))
		}
		if action == exeunt.Disable && out.Seen["deleted"] != "2030-06-02T08:00:00.000Z" {
			t.Errorf("the look says %v", out.Seen)
		}
	}
	back := connector.Parameters{Leaver: l, Undo: true, Snapshot: map[string][]string{"enabled": {"true"}}}
	if err := c.Apply(t.Context(), exeunt.Account{ID: p.id}, exeunt.Disable, back); exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), "restore it") {
		t.Errorf("put back: %v", err)
	}
	w.binned = w.binned[:4]
	if _, err := c.Observe(t.Context(), exeunt.Account{ID: p.id}); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("after 20 days: %v", err)
	}
}

func TestTheRolesOfOthersStay(t *testing.T) {
	w := newWorkspace(t)
	l, other := w.leaver(t), w.leaver(t)
	w.forgetful = true
	out := drive(t, w, w.settings(t, 1, ""), l, exeunt.RemoveRoles)
	if out.Kind != exeunt.Done || len(w.of(other).live.roles) != 2 || len(w.of(l).live.roles) != 0 || len(out.Snapshot["roles"]) != 2 {
		t.Errorf("%s %s: theirs %v, recorded %v", out.Kind, says(out), w.of(other).live.roles, out.Snapshot["roles"])
	}
}

func TestARoleComesBackAsItWas(t *testing.T) {
	const end, condition = "2031-01-01T00:00:00Z", "api.getAttribute('cloudidentity.googleapis.com/groups.labels', []).hasAny(['groups.security'])"
	for _, more := range []object{
		{"scopeType": "CUSTOMER"},
		{"scopeType": "ORG_UNIT", "orgUnitId": "ou/1"},
		{"scopeType": "CUSTOMER", "expirationDetails": object{"expireTime": end}},
		{"scopeType": "CUSTOMER", "condition": condition},
		{"scopeType": "ORG_UNIT", "orgUnitId": "ou/1", "expirationDetails": object{"expireTime": end}, "condition": condition},
	} {
		w := newWorkspace(t)
		l := w.leaver(t)
		p := w.of(l)
		clear(p.live.roles)
		w.assign(p, "1", more)
		w.tick()
		out := drive(t, w, w.settings(t, 1, ""), l, exeunt.RemoveRoles)
		back := connector.Parameters{Leaver: l, Undo: true, Snapshot: out.Snapshot}
		err := open(t, w.settings(t, 1, "")).Apply(t.Context(), exeunt.Account{ID: p.id}, exeunt.RemoveRoles, back)
		if err != nil || len(p.live.roles) != 1 {
			t.Fatalf("%v: %v, %v", more, err, p.live.roles)
		}
		for _, role := range p.live.roles {
			for field, value := range more {
				if fmt.Sprint(role[field]) != fmt.Sprint(value) {
					t.Errorf("%s was %v and is %v", field, value, role[field])
				}
			}
			if len(role) != len(more)+4 {
				t.Errorf("of %v became %v", more, role)
			}
		}
	}
}

func TestADevicesListHasOneOrder(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	out := drive(t, w, w.settings(t, 1, ""), l, exeunt.LockDevices)
	if left := w.of(l).live.devices; out.Kind != exeunt.Done || left["phone"+l.ID] != "BLOCKED" || left["tablet"+l.ID] != "BLOCKED" {
		t.Errorf("%s %s: %v", out.Kind, says(out), left)
	}
}

func TestAChangeAtTheSameTimeIsTriedAgain(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	times := 0
	c, err := google.Kind().Open(w.settings(t, 1, ""), answering{w, func(r *http.Request) *http.Response {
		if r.Method != http.MethodPatch {
			return nil
		}
		if times++; times > 1 {
			return nil
		}
		return &http.Response{StatusCode: http.StatusPreconditionFailed, Header: http.Header{}, Body: bodyOf(refusal("conditionNotMet"))}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []exeunt.OutcomeKind
	for range 2 {
		kinds = append(kinds, converge(t, c, l, w.of(l), exeunt.Disable, len(kinds) > 0, false).Kind)
	}
	if !slices.Equal(kinds, []exeunt.OutcomeKind{exeunt.TryAgain, exeunt.Done}) || !w.of(l).suspended {
		t.Errorf("%v", kinds)
	}
}

func TestASuccessorWhoDoesNotShowMayNotRead(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	w.fault = func(method string) fault {
		if method == "gmail.users.settings.delegates.create" {
			return lie
		}
		return healthy
	}
	if out := converge(t, open(t, w.settings(t, 1, all)), l, w.of(l), "delegate_mailbox", false, false); out.Kind == exeunt.Done {
		t.Errorf("%s by %s", out.Kind, out.Proof)
	}
}

func TestGroupsWithoutAnotherOwnerAreForPeople(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	p.live.groups["g2-"+l.ID] = "OWNER"
	w.tick()
	w.share("g2-" + l.ID)
	c := open(t, w.settings(t, 1, ""))
	out := converge(t, c, l, p, exeunt.HandOver, false, false)
	alone := []string{"the group g1-" + l.ID + "@" + domain}
	if out.Kind != exeunt.ForPeople || !slices.Equal(out.Snapshot["hand_over"], alone) {
		t.Errorf("%s %q, %s", out.Kind, out.Snapshot["hand_over"], says(out))
	}
	gone := w.share("g1-" + l.ID)
	gone.suspended = true // who has left, too, cannot be asked
	if out := converge(t, c, l, p, exeunt.HandOver, false, false); out.Kind != exeunt.ForPeople {
		t.Errorf("beside an owner who is suspended: %s %s", out.Kind, says(out))
	}
	w.share("g1-" + l.ID)
	if out := converge(t, c, l, p, exeunt.HandOver, false, false); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("with another owner: %s %s", out.Kind, says(out))
	}
}

func TestMailIsNotSentOnWhileTheMailboxIsOpen(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	p := w.of(l)
	p.forwards, p.forwarding = true, []string{"s3cret-0123@home.example", "a+b/c@home.example"}
	out := drive(t, w, w.settings(t, 1, all), l, "delegate_mailbox")
	if out.Kind != exeunt.Done || p.forwards || len(p.forwarding) > 0 || !slices.Equal(p.delegates, []string{address}) {
		t.Errorf("%s %s: forwards %t, to %v, delegates %v", out.Kind, says(out), p.forwards, p.forwarding, p.delegates)
	}
	p.forwarding, p.delegates = []string{"s3cret-0123@home.example"}, nil
	w.fault = func(method string) fault {
		if method == "gmail.users.settings.forwardingAddresses.delete" {
			return lie
		}
		return healthy
	}
	out = converge(t, open(t, w.settings(t, 1, all)), l, p, "delegate_mailbox", false, false)
	if out.Kind == exeunt.Done || strings.Contains(says(out), "s3cret") || len(p.delegates) > 0 {
		t.Errorf("where it goes on: %s %s", out.Kind, says(out))
	}
}

// TestWhatIsRefusedDoesNotHoldUpTheRest refuses the first of several things for good.
func TestWhatIsRefusedDoesNotHoldUpTheRest(t *testing.T) {
	for action, c := range map[exeunt.Action]struct {
		method string
		left   func(p *person) int
		names  string
	}{
		exeunt.RevokeTokens: {"/asps/1", func(p *person) int { return len(p.live.asps) }, "Mail on the phone"},
		exeunt.RevokeGrants: {"/tokens/app.example", func(p *person) int { return len(p.live.grants) }, "An app"},
		exeunt.LockDevices: {"/action", func(p *person) int {
			left := 0
			for _, status := range p.live.devices {
				if status == "APPROVED" {
					left++
				}
			}
			return left
		}, "Pixel"},
	} {
		w := newWorkspace(t)
		l := w.leaver(t)
		refused := ""
		g, err := google.Kind().Open(w.settings(t, 1, ""), answering{w, func(r *http.Request) *http.Response {
			if r.Method == http.MethodGet || !strings.HasSuffix(r.URL.Path, c.method) || refused != "" && refused != r.URL.Path {
				return nil
			}
			refused = r.URL.Path
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: bodyOf(refusal("forbidden"))}
		}})
		if err != nil {
			t.Fatal(err)
		}
		out := converge(t, g, l, w.of(l), action, false, false)
		if out.Kind != exeunt.GaveUp || c.left(w.of(l)) != 1 || !strings.Contains(says(out), c.names) {
			t.Errorf("%s: %s %s, %d left", action, out.Kind, says(out), c.left(w.of(l)))
		}
	}
}

func TestSigningOutASuspendedAccountMayBeMoot(t *testing.T) {
	for _, reason := range []string{"invalid", "failedPrecondition"} {
		w := newWorkspace(t)
		l, asked := w.leaver(t), 0
		g, err := google.Kind().Open(w.settings(t, 1, ""), answering{w, func(r *http.Request) *http.Response {
			if !strings.HasSuffix(r.URL.Path, "/signOut") {
				return nil
			}
			asked++
			return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: bodyOf(refusal(reason))}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if out := converge(t, g, l, w.of(l), exeunt.RevokeSessions, false, false); out.Kind != exeunt.GaveUp {
			t.Errorf("%s, of an account that is open: %s %s", reason, out.Kind, says(out))
		}
		w.of(l).suspended = true
		if out := converge(t, g, l, w.of(l), exeunt.RevokeSessions, false, false); out.Kind != exeunt.BecameMoot || !strings.Contains(says(out), "suspended") {
			t.Errorf("%s, of one that is suspended: %s %s", reason, out.Kind, says(out))
		}
		if asked != 2 {
			t.Errorf("%s: asked %d times, once while it is open and once after", reason, asked)
		}
	}
}
