package store

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/jackc/pgx/v5"
)

// Database is how a PostgreSQL database stands, before anything is done in it.
type Database struct {
	Version   int    // 150004 for 15.4
	User      string // as whom we are there
	MayCreate bool   // tables, of which an upgrade makes new ones
	ReadOnly  bool   // a standby
}

// oldestPostgres is the version from which on everything that is used is there.
const oldestPostgres = 140000

// Outdated says whether the server is too old.
func (d Database) Outdated() bool { return d.Version < oldestPostgres }

// ExamineDatabase looks at a PostgreSQL database and changes nothing.
func ExamineDatabase(ctx context.Context, address string) (d Database, err error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return d, exeunt.Errorf(exeunt.Invalid, "the database address is not a valid postgres:// URL").Because(err)
	}
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return d, exeunt.Errorf(exeunt.Temporary, "the PostgreSQL database does not answer: check that it runs and that the address, user and password are right").Because(err)
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	err = c.QueryRow(ctx, `
		SELECT current_setting('server_version_num')::int, current_user, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), pg_is_in_recovery()`).
		Scan(&d.Version, &d.User, &d.MayCreate, &d.ReadOnly)
	if err != nil {
		return d, exeunt.Errorf(exeunt.Temporary, "the PostgreSQL database does not answer what it is asked").Because(err)
	}
	return d, nil
}
