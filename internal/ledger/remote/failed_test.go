package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

func TestWhoeverLeavesIsNoFault(t *testing.T) {
	left, leave := context.WithCancel(t.Context())
	leave()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want []string
	}{
		{"it left while it was written", left, context.Canceled, []string{"level=INFO", "the caller left"}},
		{"it left, and something of ours says so", left, exeunt.Errorf(exeunt.Temporary, "no answer").Because(context.Canceled), []string{"level=INFO", "the caller left"}},
		{"it left before it had said all", t.Context(), exeunt.Errorf(exeunt.Temporary, "cut").Because(io.ErrUnexpectedEOF), []string{"level=INFO", "the caller left"}},
		{"the disk fails", t.Context(), errors.New("input/output error"), []string{"level=ERROR", "internal fault", "input/output error"}},
		{"a fork", t.Context(), exeunt.Errorf(exeunt.Conflict, "another leaf"), []string{"level=WARN", "another leaf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			s := &Server{logger: slog.New(slog.NewTextHandler(&log, nil))}
			s.failed(httptest.NewRequestWithContext(c.ctx, http.MethodPost, "/v1/append", nil), c.err)
			for _, want := range c.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%q is not in %s", want, log.String())
				}
			}
		})
	}
}
