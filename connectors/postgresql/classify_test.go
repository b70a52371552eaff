package postgresql

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exeunt/exeunt"
)

func TestClassifyClassesEachSQLSTATE(t *testing.T) {
	for code, want := range map[string]exeunt.ErrorKind{
		"08006": exeunt.Temporary, "08P01": exeunt.Temporary, "0A000": exeunt.Unsupported, "0LP01": exeunt.Denied,
		"25006": exeunt.Denied, "28000": exeunt.Unauthorised, "28P01": exeunt.Unauthorised, "2BP01": exeunt.Conflict,
		"3D000": exeunt.Invalid, "40001": exeunt.Temporary, "40P01": exeunt.Temporary, "42501": exeunt.Denied,
		"42704": exeunt.NotFound, "42883": exeunt.Unsupported, "53300": exeunt.Temporary, "55P03": exeunt.Temporary,
		"57014": exeunt.Temporary, "57P01": exeunt.Temporary, "57P03": exeunt.Temporary, "58030": exeunt.Temporary,
		"XX000": exeunt.Temporary, "42601": exeunt.Internal, "25001": exeunt.Internal, "": exeunt.Internal,
	} {
		err := classify(fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code, Message: "role jdoe s3cret", Detail: "s3cret"}))
		if exeunt.KindOf(err) != want || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s is %s %v, want %s", code, exeunt.KindOf(err), err, want)
		}
	}
	own := exeunt.Errorf(exeunt.Denied, "ours")
	for err, want := range map[error]exeunt.ErrorKind{
		nil: "", pgx.ErrNoRows: exeunt.NotFound, context.DeadlineExceeded: exeunt.Temporary, own: exeunt.Denied,
	} {
		if got := exeunt.KindOf(classify(err)); got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}

func TestTransform(t *testing.T) {
	for _, c := range []struct {
		transform Transform
		in, want  string
	}{
		{AsIs, "JDoe", "JDoe"}, {Lower, "JDoe", "jdoe"}, {LocalPart, "J.Doe@Corp.example", "j.doe"}, {LocalPart, "JDoe", "jdoe"}, {LocalPart, "@corp", ""},
	} {
		if got := c.transform.Name(c.in); got != c.want {
			t.Errorf("%s of %s is %s", c.transform, c.in, got)
		}
	}
}
