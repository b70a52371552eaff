package entra

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// methods are where a factor of each type is deleted: there is no address for factors of any type. The password is a
// method, too, and cannot be deleted. Source: learn.microsoft.com/graph/api/resources/authenticationmethods-overview; the
// types of the beta version (QR code, hardware token) have no address in v1.0.
var methods = map[string]string{
	"phoneAuthenticationMethod":                   "phoneMethods",
	"microsoftAuthenticatorAuthenticationMethod":  "microsoftAuthenticatorMethods",
	"fido2AuthenticationMethod":                   "fido2Methods",
	"softwareOathAuthenticationMethod":            "softwareOathMethods",
	"emailAuthenticationMethod":                   "emailMethods",
	"windowsHelloForBusinessAuthenticationMethod": "windowsHelloForBusinessMethods",
	"temporaryAccessPassAuthenticationMethod":     "temporaryAccessPassMethods",
	"platformCredentialAuthenticationMethod":      "platformCredentialMethods",
	"externalAuthenticationMethod":                "externalAuthenticationMethods",
}

const password = "passwordAuthenticationMethod"

// enrolled are the factors beside the password.
func (l *look) enrolled() []object {
	return slices.DeleteFunc(slices.Clone(l.factors), func(f object) bool { return f.kind() == password })
}

// removeFactors deletes the factors round by round: the default one is refused while there are others, and nothing in
// v1.0 says which it is. It ends when a round gets nowhere.
func (t *tenant) removeFactors(ctx context.Context, l *look) error {
	left := l.enrolled()
	for {
		var again []object
		var refused error
		for _, f := range left {
			path, known := methods[f.kind()]
			if !known {
				again, refused = append(again, f), byHand(f)
				continue
			}
			_, err := t.send(ctx, http.MethodDelete, "/users/"+l.user.ID+"/authentication/"+path+"/"+escape(f.ID), nil)
			switch exeunt.KindOf(err) {
			case "", exeunt.NotFound: // gone meanwhile
			case exeunt.Conflict, exeunt.Invalid: // the default one, for now
				again, refused = append(again, f), err
			case exeunt.Denied: // there is a permission for each kind of factor, too
				again, refused = append(again, f), exeunt.Errorf(exeunt.Denied, "%s does not let us delete the factor of the type %s: grant our application UserAuthenticationMethod.ReadWrite.All, or, where the account holds an administrator role, give our application a higher one", name, typeName(f)).Because(err)
			default:
				return err
			}
		}
		if len(again) == 0 || len(again) == len(left) {
			return refused
		}
		left = again
	}
}

func byHand(f object) error {
	return exeunt.Errorf(exeunt.Denied, "Microsoft Graph v1.0 cannot delete a factor of the type %s: delete it by hand in the Entra admin centre, under Authentication methods of the user", typeName(f))
}

// typeName is a type of factor as people read it: phone, fido2.
func typeName(f object) string { return strings.TrimSuffix(f.kind(), "AuthenticationMethod") }

// escape writes an id that is no GUID into an address.
func escape(id string) string { return url.PathEscape(id) }
