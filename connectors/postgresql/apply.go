package postgresql

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Apply implements connector.Connector.
func (s *server) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if _, err := connector.Able("PostgreSQL", actions, action, with); err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		r, err := read(ctx, c, account)
		if err != nil {
			return err
		}
		if err := r.refuse(); err != nil {
			return err
		}
		if with.Undo {
			return undo(ctx, c, account, action, with.Snapshot)
		}
		switch action {
		case exeunt.RevokeSessions:
			return terminate(ctx, c, account)
		case exeunt.RemoveRoles:
			return byName(ctx, c, account, revokeMemberships)
		default:
			return byName(ctx, c, account, forbidSignIn)
		}
	})
}

// refuse keeps us from locking everybody out: a superuser is a matter for a person, and our own role
// would saw off the branch that it sits on.
func (r role) refuse() error {
	switch {
	case r.ours:
		return exeunt.Errorf(exeunt.Denied, "%s is the role that we sign in with: nothing was done to it", r.name)
	case r.superuser:
		return exeunt.Errorf(exeunt.Denied, "%s is a superuser: take SUPERUSER away by hand first, when somebody else has it", r.name)
	}
	return nil
}

// byName runs statements that can only name a role, for a role known by its oid. It reads the name in
// the same transaction and checks afterwards that the name is still that role's: a renaming in between
// would have hit somebody else, and is rolled back.
func byName(ctx context.Context, c *pgx.Conn, account exeunt.Account, change func(context.Context, pgx.Tx, role) error) error {
	return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
		before, err := read(ctx, tx.Conn(), account)
		if err != nil {
			return err
		}
		if err := change(ctx, tx, before); err != nil {
			return err
		}
		after, err := read(ctx, tx.Conn(), account)
		if err != nil {
			return err
		}
		if after.name != before.name {
			return exeunt.Errorf(exeunt.Conflict, "the role was renamed while it was being changed: nothing was done")
		}
		return nil
	})
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func forbidSignIn(ctx context.Context, tx pgx.Tx, r role) error {
	_, err := tx.Exec(ctx, "ALTER ROLE "+quote(r.name)+" NOLOGIN PASSWORD NULL")
	return err
}

// revokeMemberships names who gave each one: since PostgreSQL 16 a REVOKE without that takes back
// only what the current role gave. What the leaver gave on to others goes with it (CASCADE there).
func revokeMemberships(ctx context.Context, tx pgx.Tx, r role) error {
	for _, m := range r.membership {
		sql := "REVOKE " + quote(m.role) + " FROM " + quote(r.name)
		if m.grantor != "" {
			sql += " GRANTED BY " + quote(m.grantor)
		}
		if _, err := tx.Exec(ctx, sql+" CASCADE"); err != nil {
			return err
		}
	}
	return nil
}

// terminate ends the role's backends and waits up to 5 s for each to be gone (PostgreSQL 14).
func terminate(ctx context.Context, c *pgx.Conn, account exeunt.Account) error {
	oid, err := oidOf(account)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, "SELECT pg_catalog.pg_terminate_backend(pid, 5000) FROM pg_catalog.pg_stat_activity WHERE usesysid = $1", oid)
	return err
}
