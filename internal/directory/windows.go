package directory

import (
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
)

// Active Directory says in the text beside a result code what it really means: a Windows error in hexadecimal before the first
// colon, and after "data" in a refused sign-in. Only these numbers are read. The texts themselves may hold names.
var (
	windowsError  = regexp.MustCompile(`^([0-9A-Fa-f]{8}): `)
	signInRefused = regexp.MustCompile(`AcceptSecurityContext error, data ([0-9a-fA-F]+),`)
)

// signIns is why a domain refuses our own sign-in. Source: Microsoft, "Bind failure codes" (the numbers are those of winerror.h).
var signIns = map[string]string{
	"525": "knows no such account (525): check bind_dn",
	"52e": "refused our name or password (52e): renew bind_password",
	"52f": "does not let our account sign in with its restrictions (52f), such as those of Protected Users: take them off it",
	"530": "does not let our account sign in at this hour (530): widen its logon hours",
	"531": "does not let our account sign in from here (531): widen its workstations",
	"532": "says that our account's password has expired (532): set a new one, and renew bind_password",
	"533": "has our account disabled (533): enable it, or name another in bind_dn",
	"568": "says that our account is in too many groups (568): take it out of some",
	"701": "says that our account has expired (701): move its expiry",
	"773": "wants our account to change its password first (773): clear \"must change password at next logon\", and renew bind_password",
	"775": "has locked our account out (775): unlock it, and see who signs in with wrong passwords",
}

// refusals is why a domain refuses a request. Source: Microsoft, [MS-ERREF] 2.2 (winerror.h).
var refusals = map[string]class{
	"00000005": {exeunt.Denied, "does not allow our account to do this (5, access denied): delegate the right"},
	"0000001f": {exeunt.Denied, "does not take a password over this connection (31): use ldaps:// or start_tls with 128 bits at least"},
	"00000524": {exeunt.Conflict, "has an account of that name already (1316)"},
	"0000052d": {exeunt.Invalid, "did not take the new password (1325): its policy forbids it, or wants the present one to be older"},
	"0000055e": {exeunt.Conflict, "does not let an account leave its primary group (1374)"},
	"00000561": {exeunt.Conflict, "says that the account is not in that group (1377)"},
	"00000562": {exeunt.Conflict, "says that the account is in that group already (1378)"},
	"0000200e": {exeunt.Temporary, "is busy (8206)"},
	"0000200f": {exeunt.Temporary, "is not available (8207)"},
	"0000202b": {exeunt.Invalid, "refers us to another domain (8235): url and base_dn have to be of the same"},
	"00002030": {exeunt.NotFound, "has no such entry (8240)"},
	"00002071": {exeunt.Conflict, "has an entry of that name already (8305)"},
	"0000208d": {exeunt.NotFound, "has no such entry (8333)"},
	"00002098": {exeunt.Denied, "does not give our account the right to this (8344): delegate it on the unit where the entry lies; one with adminCount=1 takes its rights from AdminSDHolder"},
}

// saidByWindows is what Active Directory's own number says, where it gave one that we know.
func saidByWindows(answer *ldap.Error) (class, bool) {
	if answer.Err == nil {
		return class{}, false
	}
	text := answer.Err.Error()
	if found := signInRefused.FindStringSubmatch(text); found != nil && answer.ResultCode == ldap.LDAPResultInvalidCredentials {
		says, known := signIns[strings.ToLower(found[1])]
		return class{exeunt.Unauthorised, says}, known
	}
	if found := windowsError.FindStringSubmatch(text); found != nil {
		c, known := refusals[strings.ToLower(found[1])]
		return c, known
	}
	return class{}, false
}
