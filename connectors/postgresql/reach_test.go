package postgresql

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/testserver"
)

// Since PostgreSQL 16 a role with CREATEROLE changes only those on which it has ADMIN OPTION, which every version can tell.
func TestRolesOutOfReachAreNamed(t *testing.T) {
	c, err := pgx.Connect(t.Context(), testserver.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	prefix := "r" + strings.ToLower(rand.Text()[:8])
	own := prefix + "_exeunt"
	for _, sql := range []string{"CREATE ROLE " + own + " CREATEROLE", "CREATE ROLE " + prefix + "_near LOGIN", "CREATE ROLE " + prefix + "_far LOGIN",
		"GRANT " + prefix + "_near TO " + own + " WITH ADMIN OPTION", "SET SESSION AUTHORIZATION " + own} {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for _, test := range []struct {
		which string
		state connector.RightState
		names string
	}{
		{prefix + "_near", connector.Granted, ""},
		{prefix + "_far", connector.Lacking, "1 of 1 roles"},
		{prefix + "_", connector.Unknown, `1 of 2 roles are out of its reach: "` + prefix + `_far"`},
	} {
		right, err := reaches(t.Context(), c, own, "rolname LIKE '"+test.which+"%'")
		if err != nil {
			t.Fatal(err)
		}
		if right.State != test.state || !strings.Contains(right.Why, test.names) {
			t.Errorf("%s: %+v, want %s and %q", test.which, right, test.state, test.names)
		}
	}
}
