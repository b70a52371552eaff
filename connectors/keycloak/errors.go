package keycloak

import (
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// fault is the body of an error (ErrorRepresentation.java). Its message is read for what has no code, and never shown.
type fault struct {
	Message string  `json:"errorMessage"`
	Field   string  `json:"field"`
	Errors  []fault `json:"errors"`
}

// plain is how the name of an attribute is written that may be shown.
var plain = regexp.MustCompile(`^[\w.-]{1,64}$`)

// fields are the attributes that a realm's user profile does not take as they are.
func (f fault) fields() []string {
	var out []string
	for _, one := range append([]fault{f}, f.Errors...) {
		if plain.MatchString(one.Field) {
			out = append(out, one.Field)
		}
	}
	return out
}

// explain says of a refused request what has to be done elsewhere. An account is written whole, so that an attribute which broke
// the realm's rules long ago stands in the way of disabling it (UserResource.java, validateUserProfile).
func explain(a vendorapi.Answer, status *exeunt.Error) error {
	var said fault
	if a.Status != http.StatusBadRequest && a.Status != http.StatusConflict || a.Decode(&said) != nil {
		return status
	}
	fields, text := said.fields(), strings.ToLower(said.Message)
	switch {
	case a.Status == http.StatusConflict:
		return exeunt.Errorf(exeunt.Conflict, "%s does not write the account, since another one of the realm has the same username or address: change one of the two there", name)
	case len(fields) > 0:
		return exeunt.Errorf(exeunt.Invalid, "%s does not write the account, since its %s breaks the user profile of the realm: mend that there", name, strings.Join(fields, ", "))
	// ReadOnlyException.java, ReadonlyLDAPUserModelDelegate.java, and the READ_ONLY of the mappers for groups and roles.
	case strings.Contains(text, "read only"), strings.Contains(text, "read_only"), strings.Contains(text, "not writable"):
		return exeunt.Errorf(exeunt.Unsupported, "%s may not write this, which is a directory's: do it there", name)
	}
	return status
}

// readOnly says whether a directory's part of an account cannot be written. Some versions say no more than that it did not work.
func readOnly(err error) bool {
	e, ours := errors.AsType[*exeunt.Error](err)
	return ours && (e.Kind == exeunt.Unsupported || e.Kind == exeunt.Invalid && !strings.Contains(e.Message, "user profile"))
}
