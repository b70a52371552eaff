package okta

import (
	"bytes"
	"context"
	"net/http"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// meanings are Okta's error codes that say more than the status beside them, or something else.
// Source: developer.okta.com, reference/error-codes.
var meanings = map[string]struct {
	kind exeunt.ErrorKind
	why  string
}{
	"E0000004": {exeunt.Unauthorised, "refused our credentials (E0000004): renew them"},
	"E0000011": {exeunt.Unauthorised, "refused our token (E0000011): it has expired, was revoked, or its owner was deactivated; make another"},
	"E0000006": {exeunt.Denied, "does not allow it (E0000006): grant our application the scope, and give it an admin role that covers this; people with admin roles can be changed by a Super Administrator only"},
	"E0000007": {exeunt.NotFound, "has no such account or thing (E0000007)"},
	"E0000048": {exeunt.NotFound, "has no such account or thing (E0000048)"},
	"E0000008": {exeunt.NotFound, "has nothing at this address (E0000008): check base_url"},
	"E0000010": {exeunt.Temporary, "is in read-only mode (E0000010)"},
	"E0000016": {exeunt.Conflict, "says that the account is active already (E0000016)"},
	"E0000022": {exeunt.Unsupported, "cannot do this (E0000022)"},
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
	answer, err := a.Ask(ctx, q)
	if err == nil {
		if said := code(answer); said != "" {
			err = explain(answer, exeunt.Errorf(exeunt.Temporary, "%s answered %d with an error", vendor, answer.Status))
		}
	}
	return answer, err
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
	var all []T
	err := a.Pages(ctx, vendorapi.Question{Path: path}, most, func(answer vendorapi.Answer) error {
		if said := code(answer); said != "" {
			return explain(answer, exeunt.Errorf(exeunt.Temporary, "%s answered %d with an error", vendor, answer.Status))
		}
		var page []T
		if err := answer.Decode(&page); err != nil {
			return err
		}
		all = append(all, page...)
		return nil
	})
	return all, err
}
