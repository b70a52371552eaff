package entra_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// TestASuccessThatIsAnErrorIsNone answers every list, by itself and as a part of a batch, with the status of a success and
// something other than the list: nothing may be taken for gone.
func TestASuccessThatIsAnErrorIsNone(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	for name, lie := range map[string]struct {
		body any
		kind exeunt.ErrorKind
	}{
		"an error":       {object{"error": object{"code": "UnknownError", "message": "s3cret-reply"}}, exeunt.Temporary},
		"a known error":  {object{"error": object{"code": "AccessDenied", "message": "s3cret-reply"}}, exeunt.Denied},
		"no list":        {object{"@odata.context": "x"}, exeunt.Temporary},
		"null":           {object{"value": nil}, exeunt.Temporary},
		"no JSON object": {"", exeunt.Temporary},
	} {
		g.meet = func(method, path string) *answer {
			if strings.HasPrefix(path, "/users/"+idOf(l)+"?") || method != "GET" {
				return nil
			}
			return &answer{status: 200, body: lie.body}
		}
		for _, action := range []exeunt.Action{exeunt.ResetFactors, exeunt.RemoveGroups, exeunt.RemoveRoles, exeunt.RemoveApps, exeunt.RevokeGrants, exeunt.LockDevices} {
			out := converge(t, c, l, action)
			if out.Kind == exeunt.Done || exeunt.KindOf(out.Err) != lie.kind || strings.Contains(said(out), "s3cret") {
				t.Errorf("%s: %s: %s (%s): %s", name, action, out.Kind, exeunt.KindOf(out.Err), said(out))
			}
		}
		if _, err := connector.List(t.Context(), c, "", nil); exeunt.KindOf(err) != lie.kind {
			t.Errorf("%s: a list of everybody: %v", name, err)
		}
		if _, err := connector.ListApplications(t.Context(), c, ""); exeunt.KindOf(err) != lie.kind {
			t.Errorf("%s: a list of applications: %v", name, err)
		}
	}
}

// TestATenantThatTakesCastsFromItsIndexOnly refuses the groups without the header that the page of the request wants, on
// every page.
func TestATenantThatTakesCastsFromItsIndexOnly(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.strictCasts = true
	g.requests()
	if out := converge(t, c, l, exeunt.RemoveGroups); out.Kind != exeunt.Done || len(out.Snapshot["groups"]) != 3 {
		t.Errorf("%s: %s, %v", out.Kind, said(out), out.Snapshot["groups"])
	}
}

// TestOneRefusalDoesNotKeepTheRest refuses one of several for good.
func TestOneRefusalDoesNotKeepTheRest(t *testing.T) {
	for action, refused := range map[exeunt.Action]func(w *world, l exeunt.Leaver) (path string){
		exeunt.RemoveGroups: func(w *world, l exeunt.Leaver) string {
			for _, gid := range sorted(w.Groups) {
				if slices.Contains(w.Members[gid], idOf(l)) {
					return "/groups/" + gid + "/"
				}
			}
			return "none"
		},
		exeunt.RemoveRoles: func(*world, exeunt.Leaver) string { return "/roleManagement/directory/roleAssignments/" },
		exeunt.RemoveApps: func(w *world, l exeunt.Leaver) string {
			return some(w.Assignments, "principalId", idOf(l))[0]["id"].(string)
		},
		exeunt.LockDevices: func(w *world, l exeunt.Leaver) string { return w.Users[idOf(l)].Devices[0] },
		exeunt.ResetFactors: func(*world, exeunt.Leaver) string {
			return "/phoneMethods/"
		},
	} {
		g := newGraph(t)
		c, l := g.open(t, ""), g.hire(t)
		var path string
		g.do(func(w *world) { path = refused(w, l) })
		g.meet = func(method, at string) *answer {
			if method != "GET" && strings.Contains(at, path) {
				return failure(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
			}
			return nil
		}
		g.requests()
		out := converge(t, c, l, action)
		sent := changes(g.requests())
		if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(said(out), "grant our application") {
			t.Errorf("%s: %s: %s", action, out.Kind, said(out))
		}
		g.meet = nil
		g.requests()
		if out := converge(t, c, l, action); out.Kind != exeunt.Done || len(changes(g.requests())) >= len(sent) || len(sent) < 2 {
			t.Errorf("%s: %s: %s; the first attempt sent\n%s", action, out.Kind, said(out), strings.Join(sent, "\n"))
		}
	}
}

func TestAnAccountThatMayNotBeReadAsksForThePermission(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.meet = func(_, path string) *answer {
		if strings.HasPrefix(path, "/users/"+idOf(l)+"?") {
			return &answer{status: 200, body: object{"id": idOf(l), "accountEnabled": nil}}
		}
		return nil
	}
	if out := converge(t, c, l, exeunt.Disable); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || !strings.Contains(said(out), "User.Read.All") {
		t.Errorf("%s: %s", out.Kind, said(out))
	}
}

// TestAnEarlierStepsDoingIsNoProof revokes sessions, and then only says that it does so again.
func TestAnEarlierStepsDoingIsNoProof(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.do(func(w *world) { // the first step, a minute ago
		w.Users[idOf(l)].Is["signInSessionsValidFromDateTime"] = time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	})
	g.meet = func(_, path string) *answer {
		if strings.HasSuffix(path, "/revokeSignInSessions") {
			return &answer{status: 200, body: object{"value": true}}
		}
		return nil
	}
	again := with(l)
	again.Begun = time.Now()
	if err := c.Apply(t.Context(), account(l), exeunt.RevokeSessionsAgain, again); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a lie, a minute after the truth: %v", err)
	}
	g.meet = nil
	if err := c.Apply(t.Context(), account(l), exeunt.RevokeSessionsAgain, again); err != nil {
		t.Errorf("the truth: %v", err)
	}
	// What a later look shows of an attempt before this one is the step's own doing.
	g.lag()
	again.Begun = time.Now().Add(-10 * time.Second)
	if err := c.Apply(t.Context(), account(l), exeunt.RevokeSessionsAgain, again); err != nil {
		t.Errorf("a replica that shows the attempt before: %v", err)
	}
}

func TestGraphsCodesAreKnownHoweverTheyAreWritten(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	for _, e := range []struct {
		status int
		code   string
		kind   exeunt.ErrorKind
		wait   time.Duration
	}{
		{403, "AccessDenied", exeunt.Denied, 0}, {403, "ERRORACCESSDENIED", exeunt.Denied, 0}, {400, "ActiveDurationTooShort", exeunt.Temporary, 5 * time.Minute},
		{400, "PendingRoleAssignmentRequest", exeunt.Temporary, 0}, {503, "Request_ThrottledTemporarily", exeunt.Throttled, 0},
	} {
		g.meet = func(method, _ string) *answer {
			if method == "DELETE" {
				return failure(e.status, e.code, "s3cret-reply")
			}
			return nil
		}
		if out := converge(t, c, l, exeunt.RemoveRoles); exeunt.KindOf(out.Err) != e.kind || out.Wait != e.wait || strings.Contains(said(out), "s3cret") {
			t.Errorf("%s: %s (%s) after %s: %s", e.code, out.Kind, exeunt.KindOf(out.Err), out.Wait, said(out))
		}
	}
}

func TestTheMailboxIsSharedByHandBeforeTheLicenceGoes(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, `,"shared_mailbox":true`), g.hire(t)
	mail, quote := l.Identifiers[exeunt.PrincipalName], func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	var manager string
	g.do(func(w *world) { manager = w.Users[w.Users[idOf(l)].Manager].Is["userPrincipalName"].(string) })
	want := []string{
		"Add-MailboxPermission -Identity " + quote(mail) + " -User " + quote(manager) + " -AccessRights FullAccess -InheritanceType All",
		"Set-Mailbox -Identity " + quote(mail) + " -Type Shared",
	}
	g.requests()
	out := converge(t, c, l, exeunt.ShareMailbox)
	if out.Kind != exeunt.ForPeople || !slices.Equal(out.Snapshot[string(exeunt.ShareMailbox)], want) || len(changes(g.requests())) != 0 {
		t.Errorf("%s: %s, %q; want %q", out.Kind, said(out), out.Snapshot, want)
	}
	if out := converge(t, c, l, exeunt.ReclaimLicence); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied || len(changes(g.requests())) != 0 {
		t.Errorf("a licence that takes the mailbox along: %s: %s", out.Kind, said(out))
	}
	g.do(func(w *world) { w.Users[idOf(l)].Purpose = "shared" }) // a person ran the commands
	for _, action := range []exeunt.Action{exeunt.ShareMailbox, exeunt.ReclaimLicence} {
		if out := converge(t, c, l, action); out.Kind != exeunt.Done || out.Proof != exeunt.Observed {
			t.Errorf("%s after the commands: %s: %s", action, out.Kind, said(out))
		}
	}
	none := g.hire(t)
	g.do(func(w *world) { w.Users[idOf(none)].Manager = "" })
	if out := converge(t, c, none, exeunt.ShareMailbox); out.Kind != exeunt.ForPeople || !strings.Contains(out.Snapshot[string(exeunt.ShareMailbox)][0], "-User MANAGER ") {
		t.Errorf("nobody is the manager: %q", out.Snapshot)
	}
	g.do(func(w *world) { w.Users[idOf(none)].Reply = nil })
	if out := converge(t, c, none, exeunt.ShareMailbox); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("without a mailbox: %s: %s", out.Kind, said(out))
	}
}

func TestReadingAMailboxNeedsNoMoreThanReading(t *testing.T) {
	g := newGraph(t)
	for name, c := range map[string]struct {
		granted  []string
		settings string
		state    connector.RightState
		why      string
	}{
		"neither":              {nil, `,"shared_mailbox":true`, connector.Lacking, "not among"},
		"reading":              {[]string{"MailboxSettings.Read"}, `,"shared_mailbox":true`, connector.Granted, ""},
		"more than is needed":  {[]string{"MailboxSettings.ReadWrite"}, `,"shared_mailbox":true`, connector.Granted, "more than is needed"},
		"and needed elsewhere": {[]string{"MailboxSettings.ReadWrite"}, `,"shared_mailbox":true,"auto_reply":"x"`, connector.Granted, ""},
	} {
		rest := slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return strings.HasPrefix(s, "MailboxSettings.") })
		g.granted["full"] = append(rest, c.granted...)
		conn, l := g.open(t, c.settings), g.hire(t)
		rights, err := connector.Examine(t.Context(), conn)
		i := slices.IndexFunc(rights, func(r connector.Right) bool { return r.Name == "MailboxSettings.Read" })
		if err != nil || i < 0 || rights[i].State != c.state || !strings.Contains(rights[i].Why, c.why) || c.why == "" && rights[i].Why != "" {
			t.Errorf("%s: %+v, %v", name, rights, err)
		}
		out := converge(t, conn, l, exeunt.ShareMailbox)
		if asks := out.Kind == exeunt.ForPeople; asks != (c.state == connector.Granted) {
			t.Errorf("%s: %s", name, said(out))
		}
	}
}

func TestWhatNobodyElseOwnsIsLeftToPeople(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	var group, shared, registration string
	g.do(func(w *world) {
		p := w.Users[idOf(l)]
		group, shared, registration = g.group(w, "Sales", nil), g.group(w, "Finance", nil), g.id(5)
		finance := object{"@odata.type": "#microsoft.graph.group", "id": shared, "displayName": "Finance"}
		p.Owned = append(p.Owned, finance, object{"@odata.type": "#microsoft.graph.group", "id": group, "displayName": "Sales"},
			object{"@odata.type": "#microsoft.graph.application", "id": registration, "displayName": "Robot"}, object{"@odata.type": "#microsoft.graph.device", "id": g.id(3), "displayName": "laptop"})
		w.Users[p.Manager].Owned = []object{finance}
	})
	out := converge(t, c, l, exeunt.HandOver)
	items := strings.Join(out.Snapshot[string(exeunt.HandOver)], "\n")
	for _, want := range []string{"the group Sales (" + group + ")", "the app registration Robot (" + registration + ")", "the enterprise application Nightly export ("} {
		if !strings.Contains(items, want) {
			t.Errorf("%q is not in\n%s", want, items)
		}
	}
	if out.Kind != exeunt.ForPeople || len(out.Snapshot[string(exeunt.HandOver)]) != 3 || !strings.Contains(out.Seen["owns"], "Finance (group)") {
		t.Errorf("%s: %s\n%s\n%v", out.Kind, said(out), items, out.Seen)
	}
	g.granted["full"] = slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return s == "Application.Read.All" })
	if out := converge(t, g.open(t, ""), l, exeunt.HandOver); out.Kind == exeunt.Done || out.Kind == exeunt.ForPeople {
		t.Errorf("whose owners may not be read: %s, %q", out.Kind, out.Snapshot)
	}
}

func TestADeletedAccountIsSaidToBe(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	g.do(func(w *world) {
		delete(w.Users, idOf(l))
		w.Deleted = []object{{"id": idOf(l), "deletedDateTime": "2026-11-20T09:00:00Z"}}
	})
	if _, err := c.Observe(t.Context(), account(l)); exeunt.KindOf(err) != exeunt.NotFound || !strings.Contains(err.Error(), "deleted this account (2026-11-20)") {
		t.Errorf("a deleted account: %v", err)
	}
	g.do(func(w *world) { w.Deleted = nil })
	if _, err := c.Observe(t.Context(), account(l)); exeunt.KindOf(err) != exeunt.NotFound || strings.Contains(err.Error(), "deleted") {
		t.Errorf("one that never was: %v", err)
	}
}
