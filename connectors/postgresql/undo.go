package postgresql

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// undo puts back what an action took away, by what was recorded before it. An erased password is not
// among that.
func undo(ctx context.Context, c *pgx.Conn, account exeunt.Account, action exeunt.Action, recorded map[string][]string) error {
	if action == exeunt.Disable {
		if len(recorded["enabled"]) == 0 {
			return nil
		}
		return byName(ctx, c, account, func(ctx context.Context, tx pgx.Tx, r role) error {
			_, err := tx.Exec(ctx, "ALTER ROLE "+quote(r.name)+" LOGIN")
			return err
		})
	}
	var left error // what cannot be put back must not roll the rest back
	err := byName(ctx, c, account, func(ctx context.Context, tx pgx.Tx, r role) error {
		left = grantAgain(ctx, tx, r, recorded)
		return nil
	})
	if err != nil {
		return err
	}
	return left
}

// grantAgain gives the role its memberships with their options. Who had given them is not repeated: it
// is we who give them now.
func grantAgain(ctx context.Context, tx pgx.Tx, r role, recorded map[string][]string) error {
	var keys, names, statements []string
	modern := versionOf(tx.Conn()) >= 16
	for _, o := range everyOption() {
		for _, granted := range recorded[o.key()] {
			keys, names = append(keys, strconv.Itoa(len(keys))), append(names, granted)
			statements = append(statements, o.grant(granted, r.name, modern))
		}
	}
	return connector.PutBack("roles", keys, names, func(key string) error {
		i, err := strconv.Atoi(key)
		if err != nil {
			return err
		}
		return classify(pgx.BeginFunc(ctx, tx, func(alone pgx.Tx) error { // a savepoint
			_, err := alone.Exec(ctx, statements[i])
			return err
		}))
	})
}

// grant is the statement that gives a membership with exactly these options. Where all but admin are
// implied, before PostgreSQL 16, they have no words.
func (o options) grant(granted, member string, modern bool) string {
	sql := "GRANT " + quote(granted) + " TO " + quote(member)
	switch {
	case modern:
		return sql + fmt.Sprintf(" WITH ADMIN %t, INHERIT %t, SET %t", o.admin, !o.noInherit, !o.noSet)
	case o.admin:
		return sql + " WITH ADMIN OPTION"
	}
	return sql
}

// versionOf is the server's major version: "16.4 (Debian 16.4-1)" is 16.
func versionOf(c *pgx.Conn) int {
	var major int
	_, _ = fmt.Sscanf(c.PgConn().ParameterStatus("server_version"), "%d", &major) // zero when it says none
	return major
}
