package engine_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// TestAWrongClockIsSaidInWordsThatTellWhatToDo in the log and by the server's health, and that it is right again.
func TestAWrongClockIsSaidInWordsThatTellWhatToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, storetest.SQLite(t))
		c.stop()
		var log bytes.Buffer
		var off atomic.Int64
		off.Store(int64(time.Hour))
		c.engine = engine.New(engine.Config{Store: c.store, Systems: c, Planner: c, Intake: c, Messenger: c, Log: slog.New(slog.NewTextHandler(&log, nil)), Node: "berlin-2",
			Poll: time.Minute, Clock: func() time.Time { return time.Now().Add(time.Duration(off.Load())) }})
		if err := c.engine.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer c.stop()
		const what = "The clock of server berlin-2 is 1h0m0s ahead of the database's. No other server is there, so that it goes on: what is due begins at the wrong time. Set the wrong one"
		if err := c.engine.Health(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("its health is %v", err)
		}
		off.Store(0)
		pass(2 * time.Minute)
		if err := c.engine.Health(); err != nil {
			t.Errorf("set right, its health is %v", err)
		}
		if text := log.String(); strings.Count(text, what) != 1 || !strings.Contains(text, "clock is right again") {
			t.Errorf("the log says:\n%s", text)
		}
	})
}
