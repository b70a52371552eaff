package postgresql

import (
	"slices"
	"testing"
)

// PostgreSQL 16 gave memberships two more options. A statement says all three there, so that none comes
// back wider than it was; before, they have no words.
func TestAGrantSaysItsOptions(t *testing.T) {
	for _, c := range []struct {
		options
		key, old, modern string
	}{
		{options{}, "roles", `GRANT "a" TO "b"`, `GRANT "a" TO "b" WITH ADMIN false, INHERIT true, SET true`},
		{options{admin: true}, "roles with admin option", `GRANT "a" TO "b" WITH ADMIN OPTION`, `GRANT "a" TO "b" WITH ADMIN true, INHERIT true, SET true`},
		{options{noInherit: true}, "roles without inherit", `GRANT "a" TO "b"`, `GRANT "a" TO "b" WITH ADMIN false, INHERIT false, SET true`},
		{options{admin: true, noSet: true}, "roles with admin option without set", `GRANT "a" TO "b" WITH ADMIN OPTION`, `GRANT "a" TO "b" WITH ADMIN true, INHERIT true, SET false`},
	} {
		if c.options.key() != c.key || c.grant("a", "b", false) != c.old || c.grant("a", "b", true) != c.modern {
			t.Errorf("%s: %s; %s", c.options.key(), c.grant("a", "b", false), c.grant("a", "b", true))
		}
	}
	keys := grantKeys()
	if slices.Sort(keys); len(slices.Compact(keys)) != 8 {
		t.Errorf("two kinds of membership share a key: %v", keys)
	}
}
