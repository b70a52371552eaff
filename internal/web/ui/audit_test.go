package ui

import (
	"net/http"
	"testing"
)

func TestALastPageOfEntriesLeadsNowhere(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		f := w.files[2041]
		one := f.Entries[0]
		entries := func(n int) {
			f.Entries = nil
			for i := range n {
				one.Number = int64(900 - i)
				f.Entries = append(f.Entries, one)
			}
			w.files[2041] = f
		}
		entries(entriesAPage)
		says(t, send(h, "auditor", "/audit", nil), 200, `aria-disabled="true">Older<`)
		entries(entriesAPage + 1)
		says(t, send(h, "auditor", "/audit", nil), 200, `href="/audit?before=851">Older<`)
	})
}
