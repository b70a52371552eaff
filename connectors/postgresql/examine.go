package postgresql

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// standings is what the server says of our own role.
type standings struct {
	role                           string
	version                        int // 160004 for 16.4
	superuser, createRole, signals bool
	readOnly                       bool
}

// Examine implements connector.Examiner. The server tells everything about rights, so that nothing stays unknown but which
// roles are people's.
func (s *server) Examine(ctx context.Context) ([]connector.Right, error) {
	var rights []connector.Right
	err := s.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		var own standings
		err := c.QueryRow(ctx, `
			SELECT rolname, current_setting('server_version_num')::int, rolsuper, rolcreaterole,
			       pg_catalog.pg_has_role(oid, 'pg_signal_backend', 'USAGE'), pg_catalog.pg_is_in_recovery()
			FROM pg_catalog.pg_roles WHERE rolname = session_user`).
			Scan(&own.role, &own.version, &own.superuser, &own.createRole, &own.signals, &own.readOnly)
		if err != nil {
			return err
		}
		rights = own.rights()
		if own.superuser || own.version < 160000 || !own.createRole {
			return nil
		}
		for _, reach := range []struct {
			name, which string
			serves      exeunt.Action
		}{
			{"ADMIN OPTION on the roles of people", "rolcanlogin", exeunt.Disable},
			{"ADMIN OPTION on the granted roles", "EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE m.roleid = r.oid)", exeunt.RemoveRoles},
		} {
			right, err := reaches(ctx, c, own.role, reach.which)
			if err != nil {
				return err
			}
			right.Name, right.For = reach.name, []exeunt.Action{reach.serves}
			rights = append(rights, right)
		}
		return nil
	})
	return rights, err
}

// rights are those that the role's own properties decide.
func (s standings) rights() []connector.Right {
	all := []connector.Right{{Name: "sign in", For: []exeunt.Action{exeunt.HandOver}, State: connector.Granted}}
	is := func(right connector.Right, granted bool, why, remedy string) {
		right.State = connector.Granted
		if !granted {
			right.State, right.Why, right.Remedy = connector.Lacking, why, remedy
		}
		all = append(all, right)
	}
	is(connector.Right{Name: "PostgreSQL 14 or later"}, s.version >= 140000, fmt.Sprintf("the server is version %d", s.version/10000), "use a later server, or leave the system to its owner: stage: manual")
	is(connector.Right{Name: "write"}, !s.readOnly, "the server is a standby, which is read-only", "point url at the primary")
	is(connector.Right{Name: "CREATEROLE", For: []exeunt.Action{exeunt.Disable, exeunt.RemoveRoles}}, s.superuser || s.createRole,
		"our role may not change others", "ALTER ROLE "+quote(s.role)+" CREATEROLE")
	is(connector.Right{Name: "pg_signal_backend", For: []exeunt.Action{exeunt.RevokeSessions}}, s.superuser || s.signals,
		"our role may not end sessions of others", "GRANT pg_signal_backend TO "+quote(s.role))
	return all
}

// shownRoles is how many roles are named.
const shownRoles = 5

// reaches says which of some roles ours may change: since PostgreSQL 16 those on which it has ADMIN OPTION. Which of them
// are people's nobody here knows, so that a few that are out of reach are no fault yet.
func reaches(ctx context.Context, c *pgx.Conn, role, which string) (connector.Right, error) {
	rows, err := c.Query(ctx, `
		SELECT rolname, pg_catalog.pg_has_role(session_user, r.oid, 'USAGE WITH ADMIN OPTION')
		FROM pg_catalog.pg_roles r
		WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> session_user AND `+which+` ORDER BY 1`)
	if err != nil {
		return connector.Right{}, err
	}
	var out []string
	all := 0
	for rows.Next() {
		var name string
		var ours bool
		if err := rows.Scan(&name, &ours); err != nil {
			return connector.Right{}, err
		}
		if all++; !ours {
			out = append(out, quote(name))
		}
	}
	if err := rows.Err(); err != nil {
		return connector.Right{}, err
	}
	right := connector.Right{State: connector.Granted}
	if len(out) == 0 {
		return right, nil
	}
	right.Why = fmt.Sprintf("%d of %d roles are out of its reach: %s", len(out), all, strings.Join(out[:min(len(out), shownRoles)], ", "))
	if len(out) > shownRoles {
		right.Why += "…"
	}
	right.Remedy = "GRANT " + out[0] + " TO " + quote(role) + " WITH ADMIN OPTION, and so on for each that is a person's or given to people"
	if right.State = connector.Unknown; len(out) == all {
		right.State = connector.Lacking
	}
	return right, nil
}
