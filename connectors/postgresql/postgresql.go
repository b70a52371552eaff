// Package postgresql ends the roles of people in a PostgreSQL server, version 14 or later.
//
// An account is a role, known by its oid. What is done to it, in order:
//
//   - hand_over: what it owns is listed, for people to give to another role
//   - disable: NOLOGIN and no password
//   - revoke_sessions: its backends are terminated, since NOLOGIN ends none
//   - remove_roles: its memberships are revoked, after they were recorded
//
// Roles are never dropped, and nothing that they own is. A superuser and our own role are refused.
package postgresql

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// perCall bounds one use of the server, from dialing to the last answer.
const perCall = 30 * time.Second

var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.HandOver, Title: "Hand over what others depend on", Order: 5, Proof: exeunt.Observed, ByHand: true,
		Scopes: []string{"sign in"},
		Caveat: "What the role owns is named in the database that we are signed in to, and counted in the others. Jobs and programs that sign in as the role are not seen.",
	},
	{
		Action: exeunt.Disable, Title: "Forbid sign-in", Order: 10, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  []string{"enabled"},
		Scopes: []string{"CREATEROLE, with ADMIN OPTION on the role since PostgreSQL 16"},
		Caveat: "The password is erased too, which only a superuser could read back; sign-in is allowed again without one, and a return needs a new one. Shared roles that the person knows the password of are not touched.",
	},
	{
		Action: exeunt.RevokeSessions, Title: "Terminate sessions", Order: 20, Proof: exeunt.Observed, Repeatable: true,
		Scopes: []string{"pg_signal_backend"},
		Caveat: "Open transactions of the role are rolled back.",
	},
	{
		Action: exeunt.RemoveRoles, Title: "Revoke memberships", Order: 30, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  grantKeys(),
		Scopes: []string{"CREATEROLE, or ADMIN OPTION on the granted roles"},
		Caveat: "Privileges that were granted to the role itself, and what it owns, stay. What the person had granted on to others goes with it: that is recorded, and not put back.",
	},
}

// Kind is PostgreSQL.
func Kind() connector.Kind {
	return connector.Define("postgresql", "PostgreSQL", actions, func(s Settings, _ http.RoundTripper) (connector.Connector, error) {
		return &server{s}, nil
	})
}

// Knows is the name of the role alone.
func (s Settings) Knows() connector.Knows {
	return connector.Knows{Attributes: []connector.Attribute{{Name: roleName, Exact: true, Identifier: cmp.Or(s.Identifier, exeunt.Login), Write: s.Transform.Name}}}
}

type server struct{ Settings }

// do signs in and lets use speak, on a connection of its own: a step's few calls cost milliseconds, a
// connection that died cannot be met, and a rotated password is taken up.
func (s *server) do(ctx context.Context, use func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, perCall)
	defer cancel()
	config, err := pgx.ParseConfig(s.URL)
	if err != nil {
		return invalid("url", "it cannot be read as a PostgreSQL connection URL")
	}
	if config.Password, err = s.Password.Reveal(); err != nil {
		return err
	}
	config.RuntimeParams["application_name"] = "exeunt"
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return classify(err)
	}
	defer c.Close(context.WithoutCancel(ctx))
	return classify(use(ctx, c))
}

// roleName is the attribute by which a role is known.
const roleName = "rolname"

// Find implements connector.Connector.
func (s *server) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	var names []string
	for _, k := range keys {
		if k.Attribute == roleName && k.Value != "" {
			names = append(names, k.Value)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return s.roles(ctx, "rolname = ANY($1)", names)
}

// rolesAtOnce is how many roles a page has.
const rolesAtOnce = 500

// List implements connector.Lister. Roles that the server itself brings (pg_…) are nobody's.
func (s *server) List(ctx context.Context, cursor string, _ []string) (connector.Page, error) {
	after, err := strconv.ParseUint(cmp.Or(cursor, "0"), 10, 32)
	if err != nil {
		return connector.Page{}, connector.ErrForgotten("the server")
	}
	found, err := s.roles(ctx, `oid > $1 AND rolname !~ '^pg_' ORDER BY oid LIMIT $2`, uint32(after), rolesAtOnce)
	page := connector.Page{Accounts: found}
	if len(found) == rolesAtOnce {
		page.Next = found[len(found)-1].ID
	}
	return page, err
}

// roles reads those that a condition names.
func (s *server) roles(ctx context.Context, which string, args ...any) ([]exeunt.Found, error) {
	var found []exeunt.Found
	err := s.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, "SELECT oid::text, rolname, NOT rolcanlogin FROM pg_catalog.pg_roles WHERE "+which, args...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (f exeunt.Found, err error) {
			err = row.Scan(&f.ID, &f.Login, &f.Closed)
			f.Has = map[string][]string{roleName: {f.Login}}
			return f, err
		})
		return err
	})
	return found, err
}

// Observe implements connector.Connector.
func (s *server) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	var o exeunt.Observation
	err := s.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		r, err := read(ctx, c, account)
		if err != nil {
			return err
		}
		o = r.look()
		if !connector.Looks(ctx, exeunt.HandOver) {
			return nil
		}
		things, err := owned(ctx, c, account)
		o.HandOver(exeunt.HandOver, things)
		return err
	})
	return o, err
}

// role is what is read of an account.
type role struct {
	name       string
	canLogin   bool
	superuser  bool
	ours       bool
	sessions   int
	membership []membership
	grantedOn  []string // what the role gave to others: "read to jroe"
}

// membership is one grant of a role, and who gave it.
type membership struct {
	role, grantor string
	options
}

// options are those of a membership. The last two exist since PostgreSQL 16 and are off where the
// membership gives less than every one did before.
type options struct{ admin, noInherit, noSet bool }

// key is where the snapshot has memberships with these options.
func (o options) key() string {
	key := "roles"
	for _, part := range []struct {
		on    bool
		words string
	}{{o.admin, " with admin option"}, {o.noInherit, " without inherit"}, {o.noSet, " without set"}} {
		if part.on {
			key += part.words
		}
	}
	return key
}

// everyOption lists what a membership may be.
func everyOption() []options {
	var all []options
	for bits := range 8 {
		all = append(all, options{admin: bits&1 > 0, noInherit: bits&2 > 0, noSet: bits&4 > 0})
	}
	return all
}

func grantKeys() []string {
	var keys []string
	for _, o := range everyOption() {
		keys = append(keys, o.key())
	}
	return keys
}

func (r role) look() exeunt.Observation {
	o := exeunt.Observation{
		At: time.Now().UTC(),
		Standing: map[exeunt.Action]exeunt.Standing{
			exeunt.Disable:        standing(!r.canLogin),
			exeunt.RevokeSessions: standing(r.sessions == 0),
			exeunt.RemoveRoles:    standing(len(r.membership) == 0),
		},
		Facts: map[string]string{
			"role": r.name, "rolcanlogin": strconv.FormatBool(r.canLogin),
			"sessions": strconv.Itoa(r.sessions), "memberships": strconv.Itoa(len(r.membership)),
		},
		Snapshot: map[string][]string{},
	}
	if r.canLogin {
		o.Snapshot["enabled"] = []string{"true"}
	}
	for _, m := range r.membership {
		if key := m.key(); !slices.Contains(o.Snapshot[key], m.role) { // two may have given it
			o.Snapshot[key] = append(o.Snapshot[key], m.role)
		}
	}
	if len(r.grantedOn) > 0 {
		o.Snapshot["granted on"] = r.grantedOn
	}
	return o
}

func standing(so bool) exeunt.Standing {
	if so {
		return exeunt.Holds
	}
	return exeunt.Absent
}

// read reads the role by its oid. pg_stat_activity shows every role's backends to everyone; only what
// they do is hidden.
func read(ctx context.Context, c *pgx.Conn, account exeunt.Account) (role, error) {
	oid, err := oidOf(account)
	if err != nil {
		return role{}, err
	}
	var r role
	err = c.QueryRow(ctx, `
		SELECT rolname, rolcanlogin, rolsuper, oid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user),
		       (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid = $1)
		FROM pg_catalog.pg_roles WHERE oid = $1`, oid).Scan(&r.name, &r.canLogin, &r.superuser, &r.ours, &r.sessions)
	if err != nil {
		return role{}, err
	}
	rows, err := c.Query(ctx, `
		SELECT granted.rolname, coalesce(grantor.rolname, ''), m.admin_option,
		       coalesce(to_jsonb(m) ->> 'inherit_option', 'true') = 'false', coalesce(to_jsonb(m) ->> 'set_option', 'true') = 'false'
		FROM pg_catalog.pg_auth_members m
		JOIN pg_catalog.pg_roles granted ON granted.oid = m.roleid
		LEFT JOIN pg_catalog.pg_roles grantor ON grantor.oid = m.grantor
		WHERE m.member = $1 ORDER BY 1, 2`, oid)
	if err != nil {
		return role{}, err
	}
	r.membership, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (m membership, err error) {
		return m, row.Scan(&m.role, &m.grantor, &m.admin, &m.noInherit, &m.noSet)
	})
	if err != nil {
		return role{}, err
	}
	rows, err = c.Query(ctx, `
		SELECT granted.rolname || ' to ' || member.rolname
		FROM pg_catalog.pg_auth_members m
		JOIN pg_catalog.pg_roles granted ON granted.oid = m.roleid
		JOIN pg_catalog.pg_roles member ON member.oid = m.member
		WHERE m.grantor = $1 ORDER BY 1`, oid)
	if err != nil {
		return role{}, err
	}
	r.grantedOn, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return r, err
}

// oidOf reads an account's id; anything but a number was never a role of ours.
func oidOf(account exeunt.Account) (uint32, error) {
	oid, err := strconv.ParseUint(account.ID, 10, 32)
	if err != nil {
		return 0, exeunt.Errorf(exeunt.NotFound, "%q is not the oid of a role", account.ID)
	}
	return uint32(oid), nil
}
