package okta

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// meanings are Okta's error codes that say more than the status beside them, or something else.
// Source: developer.okta.com, reference/error-codes.
var meanings = map[string]struct {
	kind exeunt.ErrorKind
	why  string
}{
	"E0000004": {exeunt.Unauthorised, "refused our credentials (E0000004): renew them"},
	"E0000005": {exeunt.Unauthorised, "does not know our session any more (E0000005)"},
	"E0000011": {exeunt.Unauthorised, "refused our token (E0000011): it has expired, was revoked, or its owner was deactivated; make another"},
	"E0000006": {exeunt.Denied, "does not allow it (E0000006): grant our application the scope, and give it an admin role that covers this; people with admin roles can be changed by a Super Administrator only"},
	"E0000015": {exeunt.Unsupported, "does not have this feature switched on for the organisation (E0000015): leave it out of the settings, or have Okta switch it on"},
	"E0000007": {exeunt.NotFound, "has no such account or thing (E0000007)"},
	"E0000048": {exeunt.NotFound, "has no such account or thing (E0000048)"},
	"E0000008": {exeunt.NotFound, "has nothing at this address (E0000008): check base_url"},
	"E0000010": {exeunt.Temporary, "is in read-only mode (E0000010)"},
	"E0000016": {exeunt.Conflict, "says that the account is active already (E0000016)"},
	"E0000022": {exeunt.Unsupported, "cannot do this (E0000022)"},
	"E0000034": {exeunt.Conflict, "does not allow it in the account's present status (E0000034)"},
	"E0000038": {exeunt.Conflict, "does not allow it in the account's present status (E0000038)"},
	"E0000039": {exeunt.Denied, "says that the application failed to do it (E0000039): look at the application's provisioning"},
	"E0000046": {exeunt.Denied, "does not allow to take people out of this application (E0000046): do it in the application"},
	"E0000047": {exeunt.Throttled, "asks to slow down (E0000047)"},
	"E0000053": {exeunt.Invalid, "does not know the search (E0000053): choose another attribute under match"},
	"E0000112": {exeunt.Conflict, "is still activating the account (E0000112)"},
}

// explain reads the error code. Its words are the vendor's own, and not shown.
func explain(a vendorapi.Answer, status *exeunt.Error) error {
	m, known := meanings[code(a)]
	if !known || status.Kind == exeunt.Throttled {
		return status
	}
	return exeunt.Errorf(m.kind, "%s %s", vendor, m.why).After(status.RetryAfter)
}

func code(a vendorapi.Answer) string {
	var said struct {
		Code string `json:"errorCode"`
	}
	if !bytes.HasPrefix(a.Body, []byte("{")) || a.Decode(&said) != nil {
		return ""
	}
	return said.Code
}

// ask makes one exchange. An error with the status of a success is one all the same.
func (a *api) ask(ctx context.Context, q vendorapi.Question) (vendorapi.Answer, error) {
	answer, err := a.client(q).Ask(ctx, q)
	err = a.ungranted(err, q)
	if err == nil {
		err = sound(answer)
	}
	return answer, err
}

// sound says what is wrong with an answer whose status is that of a success. Null, taken for an empty list, would prove that
// everything is gone.
func sound(answer vendorapi.Answer) error {
	switch {
	case code(answer) != "":
		return explain(answer, exeunt.Errorf(exeunt.Temporary, "%s answered %d with an error", vendor, answer.Status))
	case string(answer.Body) == "null":
		return exeunt.Errorf(exeunt.Temporary, "%s answered %d without what was asked for", vendor, answer.Status)
	}
	return nil
}

// ungranted says of a token that Okta does not give for want of its scope that this action alone is not allowed: to be signed
// out would stop all others, too.
func (a *api) ungranted(err error, q vendorapi.Question) error {
	if refused, is := errors.AsType[signin.Refusal](err); !is || refused != "invalid_scope" && refused != "access_denied" {
		return err
	}
	return exeunt.Errorf(exeunt.Denied, "%s gives our application no token with %s: grant it on the application's page, under Okta API Scopes", vendor, scopeOf(q.Method, q.Path)).Because(err)
}

// change makes an exchange that changes something. What is not there any more needs no change.
func (a *api) change(ctx context.Context, method, path string) error {
	_, err := a.ask(ctx, vendorapi.Question{Method: method, Path: path})
	if method == http.MethodDelete && is(err, exeunt.NotFound) {
		return nil
	}
	return err
}

// lifecycle moves an account from one status to another. Okta answers a move that it does not know from the present status
// with a validation error (E0000001), which is as much a conflict as its other ways to say so.
func (a *api) lifecycle(ctx context.Context, path, move string, header http.Header) error {
	answer, err := a.ask(ctx, vendorapi.Question{Method: http.MethodPost, Path: path + "/lifecycle/" + move, Header: header})
	if is(err, exeunt.Invalid) && code(answer) == "E0000001" {
		return exeunt.Errorf(exeunt.Conflict, "%s does not allow it in the account's present status (E0000001)", vendor)
	}
	return err
}

func is(err error, kind exeunt.ErrorKind) bool { return err != nil && exeunt.KindOf(err) == kind }

// every reads a list to its end.
func every[T any](ctx context.Context, a *api, path string, most int) ([]T, error) {
	q := vendorapi.Question{Path: path}
	var all []T
	err := a.client(q).Pages(ctx, q, most, func(answer vendorapi.Answer) error {
		if err := sound(answer); err != nil {
			return err
		}
		var page []T
		if err := answer.Decode(&page); err != nil {
			return err
		}
		all = append(all, page...)
		return nil
	})
	return all, a.ungranted(err, q)
}
