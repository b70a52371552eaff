package activedirectory_test

import (
	"strings"
	"testing"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func TestEnablingKeepsTheOtherBits(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.Disable)
	modify(t, c.admin(t), c.dn(l), func(m *wire.ModifyRequest) { m.Replace("userAccountControl", []string{"66050"}) }) // DONT_EXPIRE_PASSWORD meanwhile
	undo := connector.Parameters{Undo: true, Snapshot: before.Snapshot}
	for range 2 {
		must(t, conn.Apply(t.Context(), account, exeunt.Disable, undo))
	}
	if got := look(t, conn, account).Facts["userAccountControl"]; got != "66048" {
		t.Errorf("userAccountControl is %s, want 66048", got)
	}
	if !c.canSignIn(t, l) {
		t.Error("an account that was disabled and nothing else does not open again")
	}
}

func TestAnAccountGoesBackFromTheArchiveOnly(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, nil)
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.MoveToArchive)
	rdn := `CN=Doe\, Jane ` + l.Identifier(exeunt.Login)
	must(t, c.admin(t).ModifyDN(wire.NewModifyDNRequest(rdn+","+c.leavers, rdn, true, "CN=Users,"+c.BaseDN)))
	err := conn.Apply(t.Context(), account, exeunt.MoveToArchive, connector.Parameters{Undo: true, Snapshot: before.Snapshot})
	if exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "CN=Users") {
		t.Errorf("from where somebody moved it: %s %v", exeunt.KindOf(err), err)
	}
}
