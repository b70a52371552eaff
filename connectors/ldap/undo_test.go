package ldap_test

import (
	"slices"
	"strings"
	"testing"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func back(t *testing.T, conn connector.Connector, account exeunt.Account, action exeunt.Action, recorded map[string][]string) error {
	t.Helper()
	return conn.Apply(t.Context(), account, action, connector.Parameters{Undo: true, Snapshot: recorded})
}

// What we did not do is not ours to undo: a lock that was there before, a shell that somebody changed.
func TestOnlyOurOwnLockIsTakenAway(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	dn := c.dn(leaver.Identifier(exeunt.Login))
	c.modify(t, dn, func(m *wire.ModifyRequest) { m.Replace("pwdAccountLockedTime", []string{"000001010000Z"}) })
	before := look(t, conn, account)
	if before.Of(exeunt.Disable) != exeunt.Absent || len(before.Snapshot["enabled"]) > 0 {
		t.Fatalf("locked with a shell: %v %v", before.Standing, before.Snapshot)
	}
	apply(t, conn, account, exeunt.Disable)
	must(t, back(t, conn, account, exeunt.Disable, before.Snapshot))
	if after := look(t, conn, account); after.Facts["pwdAccountLockedTime"] != "000001010000Z" || after.Facts["loginShell"] != "/bin/bash" {
		t.Errorf("put back as %v", after.Facts)
	}
	const tries = "20300101000000Z" // of wrong passwords, meanwhile
	c.modify(t, dn, func(m *wire.ModifyRequest) { m.Replace("pwdAccountLockedTime", []string{tries}) })
	must(t, back(t, conn, account, exeunt.Disable, map[string][]string{"enabled": {"true"}}))
	if after := look(t, conn, account); after.Facts["pwdAccountLockedTime"] != tries {
		t.Errorf("a lock of the password policy is taken away: %v", after.Facts)
	}
}

func TestAShellThatSomebodyChangedIsLeftAndSaid(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.Disable)
	c.modify(t, c.dn(leaver.Identifier(exeunt.Login)), func(m *wire.ModifyRequest) { m.Replace("loginShell", []string{"/bin/zsh"}) })
	err := back(t, conn, account, exeunt.Disable, before.Snapshot)
	if exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "/bin/zsh") {
		t.Errorf("%s %v", exeunt.KindOf(err), err)
	}
	if after := look(t, conn, account); after.Facts["loginShell"] != "/bin/zsh" || after.Facts["pwdAccountLockedTime"] != "" {
		t.Errorf("the rest is not back, or the shell is overwritten: %v", after.Facts)
	}
}

func TestAnEntryGoesBackFromTheArchiveOnly(t *testing.T) {
	c := open(t)
	conn, leaver, account := c.connect(t, nil)
	uid := leaver.Identifier(exeunt.Login)
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.MoveToArchive)
	gone := map[string][]string{"container": {"ou=closed,ou=people," + c.BaseDN}}
	if err := back(t, conn, account, exeunt.MoveToArchive, gone); exeunt.KindOf(err) != exeunt.NotFound || !strings.Contains(err.Error(), "ou=closed") {
		t.Errorf("into a container that is gone: %s %v", exeunt.KindOf(err), err)
	}
	add(t, c.admin(t), c.dn(uid), map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {"Another Jane"}, "sn": {"Doe"}})
	if err := back(t, conn, account, exeunt.MoveToArchive, before.Snapshot); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "rename") {
		t.Errorf("to a name that is taken: %s %v", exeunt.KindOf(err), err)
	}
	must(t, c.admin(t).ModifyDN(wire.NewModifyDNRequest(c.whereIs(t, leaver), "uid="+uid, true, "ou=groups,"+c.BaseDN)))
	if err := back(t, conn, account, exeunt.MoveToArchive, before.Snapshot); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "ou=groups") {
		t.Errorf("from where somebody moved it: %s %v", exeunt.KindOf(err), err)
	}
	if now := look(t, conn, account).Facts["dn"]; now != "uid="+uid+",ou=groups,"+c.BaseDN {
		t.Errorf("it was moved to %s", now)
	}
}

// An archive that lies below the people's own container is not where the people were.
func TestAnEntryLeavesAnArchiveBelowItsContainer(t *testing.T) {
	c := open(t)
	below := "ou=archive,ou=people," + c.BaseDN
	add(t, c.admin(t), below, map[string][]string{"objectClass": {"organizationalUnit"}})
	conn, _, account := c.connect(t, map[string]any{"archive_ou": below})
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.MoveToArchive)
	must(t, back(t, conn, account, exeunt.MoveToArchive, before.Snapshot))
	if after := look(t, conn, account); after.Of(exeunt.MoveToArchive) != exeunt.Absent || !slices.Equal(after.Snapshot["container"], []string{"ou=people," + c.BaseDN}) {
		t.Errorf("it lies in %v", after.Snapshot["container"])
	}
}
