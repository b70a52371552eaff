package postgresql

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

type class struct {
	kind exeunt.ErrorKind
	says string
}

// classes says what an SQLSTATE, or else its first two characters, means for a step.
// Source: PostgreSQL documentation, appendix A.
var classes = map[string]class{
	"08":    {exeunt.Temporary, "lost the connection"},
	"0A":    {exeunt.Unsupported, "cannot do this in its version"},
	"0L":    {exeunt.Denied, "does not let our role revoke what another has granted: give it ADMIN OPTION"},
	"25006": {exeunt.Denied, "is read-only: point url at the primary"},
	"28":    {exeunt.Unauthorised, "refused our role or password: renew password, or check pg_hba.conf"},
	"2BP01": {exeunt.Conflict, "has grants that depend on what was to be revoked"},
	"3D000": {exeunt.Invalid, "has no database of the name in url"},
	"40":    {exeunt.Temporary, "had to roll back beside another transaction"},
	"42501": {exeunt.Denied, "does not allow our role to do this: give it CREATEROLE and pg_signal_backend, and ADMIN OPTION since PostgreSQL 16"},
	"42704": {exeunt.NotFound, "has no such role any more"},
	"42883": {exeunt.Unsupported, "lacks a function that this needs: PostgreSQL 14 or later has it"},
	"53":    {exeunt.Temporary, "has no connection, memory or disk left"},
	"55":    {exeunt.Temporary, "has the role locked by another transaction"},
	"57":    {exeunt.Temporary, "was told to stop this or is starting or shutting down"},
	"58":    {exeunt.Temporary, "has a fault in its own system"},
	"XX":    {exeunt.Temporary, "has a fault of its own, or two changed the role at once"}, // "tuple concurrently updated"
}

// classify makes an error of ours of what pgx gives. The server's own words, which may hold names and
// values, are kept as the cause only; nil stays nil.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*exeunt.Error](err); ok {
		return own
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return exeunt.Errorf(exeunt.NotFound, "PostgreSQL has no such role any more").Because(err)
	}
	answer, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return connector.Network("PostgreSQL", err)
	}
	c, known := classes[answer.Code]
	if !known && len(answer.Code) == 5 {
		c, known = classes[answer.Code[:2]]
	}
	if !known {
		return exeunt.Errorf(exeunt.Internal, "PostgreSQL answered with SQLSTATE %.5s, which we do not expect", answer.Code).Because(err)
	}
	return exeunt.Errorf(c.kind, "PostgreSQL %s (%s)", c.says, answer.Code).Because(err)
}
