package ledger_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
)

// TestAWitnessThatKnowsAnotherHistoryIsNoOutage has witnesses refuse in every way that the protocol has for it.
func TestAWitnessThatKnowsAnotherHistoryIsNoOutage(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
		status           int
		says             string // "" for a witness that is merely away
	}{
		{"a larger size", "text/x.tlog.size", "4711\n", http.StatusConflict, "it has cosigned 4711 entries, and the log has signed 7"},
		{"another root", "text/plain", "", http.StatusConflict, "it has cosigned other entries than the 7"},
		{"no consistency", "text/plain", "", http.StatusUnprocessableEntity, "is not the beginning of the 7 entries"},
		{"an outage", "text/plain", "", http.StatusBadGateway, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{}, 100)
			witness := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = fmt.Fprint(w, c.body)
				asked <- struct{}{}
			}))
			defer witness.Close()
			o := ledgertest.New()
			o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
			dir := t.TempDir()
			plain := openLog(t, dir)
			appendAll(t, plain, sequenced(t, o))
			must(t, plain.Close()) // so that all of it is signed
			l := openWitnessed(t, dir, "witness one "+vkey(t)+" "+witness.URL+"\nquorum one\n")
			<-asked
			<-asked // the answer before is taken
			found, err := l.Check(t.Context(), nil)
			must(t, err)
			said := fmt.Sprint(found.Differences.Kept)
			if (found.Differences.Count > 0) != (c.says != "") || !strings.Contains(said, c.says) {
				t.Errorf("the check says %s", said)
			}
		})
	}
}

// TestALogBehindWhatWitnessesCosignedIsNotOpened puts a ledger back as it was, all but what witnesses have cosigned since.
func TestALogBehindWhatWitnessesCosignedIsNotOpened(t *testing.T) {
	dir, old := t.TempDir(), filepath.Join(t.TempDir(), "old")
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
	l := openLog(t, dir)
	appendAll(t, l, sequenced(t, o))
	must(t, l.Close())
	must(t, os.CopyFS(old, os.DirFS(dir)))
	must(t, os.Chmod(filepath.Join(old, "key"), 0o600))
	o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 5, true)...)
	l = openLog(t, dir)
	appendAll(t, l, sequenced(t, o)[7:])
	must(t, l.Close())
	newest, err := os.ReadFile(filepath.Join(dir, "log", "checkpoint"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(old, "log", ledger.CosignedFile), newest, 0o600))
	if l, err := ledger.Open(t.Context(), old, ledgertest.Origin, quick); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(exeunt.MessageOf(err), "a part is missing") {
		if err == nil {
			l.Close()
		}
		t.Errorf("opened: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "log", ledger.CosignedFile), newest, 0o600))
	must(t, openLog(t, dir).Close())
}

// TestWitnessesOnOneHostAreToldApart has two at one address refuse.
func TestWitnessesOnOneHostAreToldApart(t *testing.T) {
	asked := map[string]chan struct{}{"/one/add-checkpoint": make(chan struct{}, 100), "/two/add-checkpoint": make(chan struct{}, 100)}
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/x.tlog.size")
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintln(w, 4711)
		asked[r.URL.Path] <- struct{}{}
	}))
	defer host.Close()
	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
	dir := t.TempDir()
	plain := openLog(t, dir)
	appendAll(t, plain, sequenced(t, o))
	must(t, plain.Close()) // so that all of it is signed
	l := openWitnessed(t, dir, "witness one "+vkey(t)+" "+host.URL+"/one\nwitness two "+vkey(t)+" "+host.URL+"/two/\ngroup both all one two\nquorum both\n")
	for range 2 { // the answer before is taken
		<-asked["/one/add-checkpoint"]
		<-asked["/two/add-checkpoint"]
	}
	found, err := l.Check(t.Context(), nil)
	must(t, err)
	if said := fmt.Sprint(found.Differences.Kept); found.Differences.Count != 2 || !strings.Contains(said, "/one knows another history") || !strings.Contains(said, "/two knows another history") {
		t.Errorf("the check says %s", said)
	}
}
