package connector

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/exeunt/exeunt"
)

func asError(err error) (*exeunt.Error, bool) { return errors.AsType[*exeunt.Error](err) }

// Network classes an error of the transport: whatever happened on the way may pass, and whether the
// request arrived is not known.
func Network(system string, err error) *exeunt.Error {
	if e, ok := asError(err); ok {
		return e
	}
	why := "the connection failed"
	if timeout, ok := errors.AsType[net.Error](err); (ok && timeout.Timeout()) || errors.Is(err, context.DeadlineExceeded) {
		why = "no answer in time"
	}
	return exeunt.Errorf(exeunt.Temporary, "%s: %s", system, why).Because(err)
}

// Status classes an HTTP answer, or returns nil for 2xx. What a vendor's 409 means is the
// connector's to know: Conflict makes Converge look whether it is so already.
// Source of the classes: SPEC §6; RFC 9110 §15; RFC 6585 §4.
func Status(system string, r *http.Response) *exeunt.Error {
	switch code := r.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusUnauthorized:
		return exeunt.Errorf(exeunt.Unauthorised, "%s refused our credentials (401): renew them", system)
	case code == http.StatusForbidden:
		return exeunt.Errorf(exeunt.Denied, "%s does not allow it (403): the credentials lack a permission, or the account is protected", system)
	case code == http.StatusNotFound, code == http.StatusGone:
		return exeunt.Errorf(exeunt.NotFound, "%s has no such account (%d)", system, code)
	case code == http.StatusConflict, code == http.StatusPreconditionFailed:
		return exeunt.Errorf(exeunt.Conflict, "%s says that the account is in another state (%d)", system, code)
	case code == http.StatusTooManyRequests:
		return exeunt.Errorf(exeunt.Throttled, "%s asks to slow down (429)", system).After(RetryAfter(r.Header, time.Now()))
	case code == http.StatusServiceUnavailable:
		return exeunt.Errorf(exeunt.Temporary, "%s is not available (503)", system).After(RetryAfter(r.Header, time.Now()))
	case code == http.StatusNotImplemented, code == http.StatusMethodNotAllowed:
		return exeunt.Errorf(exeunt.Unsupported, "%s cannot do this (%d)", system, code)
	case code >= 500, code == http.StatusRequestTimeout:
		return exeunt.Errorf(exeunt.Temporary, "%s failed (%d)", system, code)
	default:
		return exeunt.Errorf(exeunt.Invalid, "%s did not accept the request (%d)", system, code)
	}
}
