package ui

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAFormHasABound(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		form := url.Values{"act": {"save"}, "version": {"5"}, "item": {"0"}, "note": {strings.Repeat("n", 65<<10)}}
		says(t, send(h, "", "/t/tom", form), 422, "larger than 64 KiB")
		if len(w.did) != 0 {
			t.Errorf("a form that is too large did %q", w.did)
		}
	})
}
