package postgresql

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt"
)

// shownThings is how many of the things that a role owns are named.
const shownThings = 100

// owned lists what belongs to the role, in every database: pg_shdepend is shared, what its numbers mean is known in each
// database alone (https://www.postgresql.org/docs/current/catalog-pg-shdepend.html). REASSIGN OWNED gives it away.
func owned(ctx context.Context, c *pgx.Conn, account exeunt.Account) ([]string, error) {
	oid, err := oidOf(account)
	if err != nil {
		return nil, err
	}
	rows, err := c.Query(ctx, `
		WITH owned AS (
			SELECT d.*, coalesce(db.datname = current_database(), true) AS here, db.datname
			FROM pg_catalog.pg_shdepend d LEFT JOIN pg_catalog.pg_database db ON db.oid = d.dbid
			WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.refobjid = $1 AND d.deptype = 'o')
		(SELECT pg_catalog.pg_describe_object(classid, objid, objsubid) FROM owned WHERE here ORDER BY 1)
		UNION ALL
		(SELECT CASE count(*) WHEN 1 THEN '1 object' ELSE count(*) || ' objects' END || ' in database ' || datname FROM owned WHERE NOT here GROUP BY datname ORDER BY datname)`, oid)
	if err != nil {
		return nil, err
	}
	things, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if more := len(things) - shownThings; more > 0 {
		things = append(things[:shownThings], fmt.Sprintf("and %d more", more))
	}
	return things, err
}
