// Package web holds what every HTTP face of the product shares: handlers that return errors, the
// one table from error kinds to status codes, security headers, and references by which a person's
// complaint finds its line in the log.
package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/exeunt/exeunt"
)

// Handler answers a request or says why it cannot.
type Handler func(http.ResponseWriter, *http.Request) error

// statuses is the one table from error kinds to status codes.
var statuses = map[exeunt.ErrorKind]int{
	exeunt.Invalid:      http.StatusUnprocessableEntity,
	exeunt.NotFound:     http.StatusNotFound,
	exeunt.Ambiguous:    http.StatusConflict,
	exeunt.Conflict:     http.StatusConflict,
	exeunt.Denied:       http.StatusForbidden,
	exeunt.Unauthorised: http.StatusBadGateway, // our credentials at a vendor, not the reader's here
	exeunt.Throttled:    http.StatusTooManyRequests,
	exeunt.Temporary:    http.StatusServiceUnavailable,
	exeunt.Unsupported:  http.StatusNotImplemented,
	exeunt.Internal:     http.StatusInternalServerError,
}

// Status is the status code of an error; 200 for none.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	if code, ok := statuses[exeunt.KindOf(err)]; ok {
		return code
	}
	return http.StatusInternalServerError
}

// RetryAfter tells the client how long to wait, when the error knows it. RFC 9110, section 10.2.3.
func RetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
}
