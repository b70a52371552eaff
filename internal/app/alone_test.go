package app

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// working is as much of a server over PostgreSQL as looks after itself.
func working(t *testing.T, cancel context.CancelFunc) *App {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	s, err := store.Open(t.Context(), "", testserver.Postgres(t), "test.example/log")
	must(err)
	must(s.ServeAlone(t.Context()))
	_, err = s.Migrate(t.Context())
	must(err)
	e, err := engine.New(t.Context(), engine.Config{Store: s, Systems: noSystems{}, Planner: operator{}, Log: log, Node: "one", Alone: true})
	must(err)
	must(e.Start(t.Context()))
	l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger"), "test.example/log", ledger.Options{Logger: log})
	must(err)
	return &App{Store: s, Engine: e, Ledger: l, Shipper: ledger.NewShipper(s.Outbox(), l, log), options: Options{Log: log}, cancel: cancel, lost: make(chan struct{})}
}

func TestAServerThatIsNoLongerAloneStopsWorking(t *testing.T) {
	work, cancel := context.WithCancel(t.Context())
	a := working(t, cancel)
	defer a.close()
	ticks := make(chan time.Time)
	a.shipping.Go(func() { a.keepAlone(work, ticks) })

	ticks <- time.Now()
	if code := readyCode(t, a); code != http.StatusOK || a.Fault() != nil {
		t.Fatalf("alone, it answers %d: %v", code, a.Fault())
	}
	storetest.EndServerSession(t, a.Store)
	lost := false
	for looks := 0; !lost && looks < 1000; looks++ {
		select {
		case ticks <- time.Now():
		case <-a.Lost():
			lost = true
		case <-time.After(30 * time.Second):
			t.Fatal("it hangs")
		}
	}
	if !lost {
		t.Fatal("it works on")
	}
	if err := a.Fault(); exeunt.KindOf(err) != exeunt.Conflict || !strings.Contains(err.Error(), "another server may work") {
		t.Errorf("it says %v", err)
	}
	if code := readyCode(t, a); code != http.StatusServiceUnavailable {
		t.Errorf("it still says that it is ready: %d", code)
	}
	if work.Err() == nil {
		t.Error("the shipper goes on")
	}
	if err := a.Engine.Stop(t.Context()); err != nil {
		t.Errorf("stopping what has stopped: %v", err)
	}
}

func readyCode(t *testing.T, a *App) int {
	t.Helper()
	return readyAnswer(t, a).Code
}

func readyAnswer(t *testing.T, a *App) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	a.ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	return w
}
