package directory

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
)

// The texts are those that Windows and Samba write.
func TestActiveDirectorysOwnNumberGivesTheRemedy(t *testing.T) {
	signIn := func(data string) string {
		return "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data " + data + ", v3839"
	}
	for _, c := range []struct {
		code uint16
		text string
		kind exeunt.ErrorKind
		says string
	}{
		{49, signIn("52e"), exeunt.Unauthorised, "renew bind_password"},
		{49, signIn("532"), exeunt.Unauthorised, "password has expired"},
		{49, signIn("533"), exeunt.Unauthorised, "enable it"},
		{49, signIn("701"), exeunt.Unauthorised, "account has expired"},
		{49, signIn("773"), exeunt.Unauthorised, "change its password first"},
		{49, signIn("775"), exeunt.Unauthorised, "unlock it"},
		{49, signIn("999"), exeunt.Unauthorised, "(49)"},
		{50, "00002098: SecErr: DSID-03150F94, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0", exeunt.Denied, "8344"},
		{50, "00002098: Object CN=Doe\\, Jane,DC=corp has no write property access", exeunt.Denied, "AdminSDHolder"},
		{53, "0000052D: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0", exeunt.Invalid, "1325"},
		{19, "0000052D: AtrErr: DSID-03191083, #1:", exeunt.Invalid, "policy forbids it"},
		{53, "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0", exeunt.Denied, "ldaps://"},
		{53, "00000561: SvcErr: DSID-031A120C, problem 5003 (WILL_NOT_PERFORM), data 0", exeunt.Conflict, "not in that group"},
		{53, "unwilling", exeunt.Denied, "(53)"},
	} {
		err := Error(ldap.NewError(c.code, errors.New(c.text)))
		if exeunt.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d %s: %s %v, want %s with %q", c.code, c.text, exeunt.KindOf(err), err, c.kind, c.says)
		}
		if strings.Contains(err.Error(), "Doe") || strings.Contains(err.Error(), "DSID") {
			t.Errorf("the domain's own words are shown: %v", err)
		}
	}
}
