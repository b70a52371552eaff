package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/exeunt/exeunt"
)

// maxHook is the largest webhook body: one byte more is read to know that it is too large.
const maxHook = 1 << 20

func asError(err error) (*exeunt.Error, bool) { return errors.AsType[*exeunt.Error](err) }

// hook answers a webhook: 202 once what was sent is durable, the same for a duplicate; 401, 400, 413 and
// 422 as SPEC §13 has it; 503, which every sender repeats, while nothing can be kept.
func (a routes) hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxHook+1))
	if err != nil {
		writeProblem(w, http.StatusBadRequest, exeunt.Errorf(exeunt.Invalid, "the body was cut off on its way"))
		return
	}
	status, problem := a.Hooks.Hook(r.Context(), r.PathValue("source"), r.Header, body)
	if problem != nil {
		writeProblem(w, status, problem)
		return
	}
	w.WriteHeader(status)
}

// writeProblem writes an RFC 9457 problem.
func writeProblem(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/problem+json")
	if e, ok := asError(err); ok && e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.RetryAfter.Seconds())))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the sender is gone if this fails
		"title": http.StatusText(status), "status": status, "detail": exeunt.MessageOf(err), "field": fieldOf(err),
	})
}
