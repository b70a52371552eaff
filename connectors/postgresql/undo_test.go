package postgresql_test

import (
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/postgresql"
)

func TestSignInIsAllowedAgainWithoutTheOldPassword(t *testing.T) {
	c := open(t)
	l := c.hire(t)
	conn, account := c.connect(t, l, nil)
	before, err := conn.Observe(t.Context(), account)
	must(t, err)
	must(t, conn.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{}))
	must(t, conn.Apply(t.Context(), account, exeunt.Disable, connector.Parameters{Undo: true, Snapshot: before.Snapshot}))
	if c.canSignIn(t, l) {
		t.Error("the old password works again")
	}
	c.do(t, "ALTER ROLE "+quoted(l.ID)+" PASSWORD '"+password+"'")
	if !c.canSignIn(t, l) {
		t.Error("a new password does not let the person in")
	}
}

// One role that cannot be granted must not roll the others back.
func TestARoleThatIsNotOursToGrantLeavesTheOthersBack(t *testing.T) {
	c := open(t)
	l := c.hire(t)
	conn, account := c.connect(t, l, nil)
	must(t, conn.Apply(t.Context(), account, exeunt.RemoveRoles, connector.Parameters{}))
	super := c.prefix + "_root"
	c.do(t, "CREATE ROLE "+super+" SUPERUSER")
	recorded := map[string][]string{"roles": {super, l.ID + "read"}, "roles with admin option": {l.ID + "Write"}}
	err := conn.Apply(t.Context(), account, exeunt.RemoveRoles, connector.Parameters{Undo: true, Snapshot: recorded})
	if exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), super) || strings.Contains(err.Error(), l.ID+"read") {
		t.Errorf("%s %v", exeunt.KindOf(err), err)
	}
	o, err := conn.Observe(t.Context(), account)
	must(t, err)
	spec := postgresql.Kind().Actions[2]
	delete(recorded, "roles")
	if missing := connector.Missing(spec, recorded, o); len(missing) > 0 || o.Facts["memberships"] != "2" {
		t.Errorf("missing %v of %v", missing, o.Snapshot)
	}
}
