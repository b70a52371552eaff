package entra_test

import (
	"testing"

	"github.com/exeunt/exeunt"
)

func TestFilesAreGivenToWhomHRAndTheDirectoryName(t *testing.T) {
	g := newGraph(t)
	c := g.open(t, `,"files_to_manager":true`)
	for name, change := range map[string]func(l *exeunt.Leaver, p *person){
		"another manager": func(l *exeunt.Leaver, _ *person) { l.Manager.Email = "other@corp.example" },
		"no manager":      func(_ *exeunt.Leaver, p *person) { p.Manager = "" },
	} {
		l := g.hire(t)
		g.do(func(w *world) { change(&l, w.Users[idOf(l)]) })
		g.requests()
		if out := converge(t, c, l, exeunt.TransferData); out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Invalid || len(changes(g.requests())) != 0 {
			t.Errorf("%s: %s: %s", name, out.Kind, said(out))
		}
	}
	l := g.hire(t)
	g.do(func(w *world) { w.Users[idOf(l)].HasFiles, w.Users[idOf(l)].Reply = false, nil })
	if out := converge(t, c, l, exeunt.TransferData); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("without a OneDrive: %s: %s", out.Kind, said(out))
	}
	if out := converge(t, g.open(t, `,"auto_reply":"x"`), l, exeunt.SetAutoReply); out.Kind != exeunt.Done || out.Changed {
		t.Errorf("without a mailbox: %s: %s", out.Kind, said(out))
	}
}

func TestWhatIsNotThePersonsStays(t *testing.T) {
	g := newGraph(t)
	c, l := g.open(t, ""), g.hire(t)
	for _, action := range []exeunt.Action{exeunt.RemoveApps, exeunt.RevokeGrants} {
		if out := converge(t, c, l, action); out.Kind != exeunt.Done {
			t.Errorf("%s: %s: %s", action, out.Kind, said(out))
		}
	}
	g.do(func(w *world) {
		if len(some(w.Assignments, "principalType", "Group")) != 1 || len(some(w.Assignments, "principalType", "User")) != 0 {
			t.Errorf("assignments: %v; want the group's only", w.Assignments)
		}
		if len(some(w.Consents, "consentType", "AllPrincipals")) != 1 || len(w.Consents) != 1 {
			t.Errorf("consents: %v; want the administrator's only", w.Consents)
		}
	})
}
