package ledger_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
)

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("EXEUNT_LEDGER_CHILD"); dir != "" {
		child(dir, os.Getenv("EXEUNT_LEDGER_KILL"))
		return
	}
	os.Exit(m.Run())
}

// killer dies at a point of shipping, as kill -9 would have it: nothing deferred runs.
type killer struct {
	ledger.Destination
	ledger.Outbox
	point string
	calls atomic.Int64 // of Append; marks are made beside the next of them
}

func (k *killer) at(point string) {
	if k.point == point && k.calls.Load() >= 3 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (k *killer) Append(ctx context.Context, r []exeunt.Record) error {
	k.calls.Add(1)
	k.at("before append")
	err := k.Destination.Append(ctx, r)
	k.at("after append")
	return err
}

func (k *killer) MarkShipped(ctx context.Context, first, last int64) (int, error) {
	marked, err := k.Outbox.MarkShipped(ctx, first, last)
	k.at("after mark")
	return marked, err
}

// child commits and ships entries until it is killed: by itself at a point, or when point is a
// number, after so many milliseconds.
func child(dir, point string) {
	ctx := context.Background()
	l, err := ledger.Open(ctx, filepath.Join(dir, "ledger"), ledgertest.Origin, quick)
	if err != nil {
		fmt.Println("child:", err)
		os.Exit(3)
	}
	o, err := ledgertest.Open(filepath.Join(dir, "outbox"))
	if err != nil {
		fmt.Println("child:", err)
		os.Exit(3)
	}
	if ms, err := strconv.Atoi(point); err == nil {
		time.AfterFunc(time.Duration(ms)*time.Millisecond, func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	}
	k := &killer{Destination: l, Outbox: o, point: point}
	s := ledger.NewShipper(k, k, slog.New(slog.DiscardHandler))
	go func() {
		fmt.Println("child:", s.Run(ctx))
		os.Exit(4)
	}()
	tick := time.NewTicker(time.Millisecond)
	for id := exeunt.CaseID(len(o.Records()) + 1); ; id++ {
		o.Add(ledgertest.Handle(id), ledgertest.Entries(id, 1+rand.IntN(40), true)...)
		s.Wake()
		for o.Marked() < len(o.Records())-200 { // commits do not run away from the ledger
			<-tick.C
		}
	}
}

// TestKillNine kills a process that ships, again and again, at every point that matters and at random
// moments, and then finds each entry in the log exactly once and in order.
func TestKillNine(t *testing.T) {
	dir := t.TempDir()
	points := []string{"before append", "after append", "after mark", "after append", "5", "20", "35"}
	for range 8 {
		points = append(points, strconv.Itoa(10+rand.IntN(300)))
	}
	for _, point := range points {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "EXEUNT_LEDGER_CHILD="+dir, "EXEUNT_LEDGER_KILL="+point)
		out, err := cmd.CombinedOutput()
		state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if err == nil || !ok || state.Signal() != syscall.SIGKILL {
			t.Fatalf("killed %s: the child ended with %v\n%s", point, err, out)
		}
	}

	l := openLog(t, filepath.Join(dir, "ledger"))
	o, err := ledgertest.Open(filepath.Join(dir, "outbox"))
	must(t, err)
	unmarked := len(o.Records()) - o.Marked()
	shipAll(t, o, l)
	records := o.Records()
	n := 0
	for e, err := range l.Entries(t.Context(), 0) {
		must(t, err)
		if string(e.Leaf) != string(records[n].Leaf) {
			t.Fatalf("entry %d of the log is not n %d of the outbox", n, n)
		}
		n++
	}
	if n != len(records) {
		t.Fatalf("the log has %d entries, the outbox %d", n, len(records))
	}
	must(t, l.Close())
	if _, err := verifyDir(t, filepath.Join(dir, "ledger"), verifierOf(t, l)); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries over %d kills, %d shipped at the end", n, len(points), unmarked)
}

// shipAll ships until everything has its mark.
func shipAll(t testing.TB, o *ledgertest.Outbox, d ledger.Destination) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s := newShipper(o, d)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for o.Marked() < len(o.Records()) {
		select {
		case <-tick.C:
		case err := <-done:
			t.Fatalf("the shipper ended: %v; status %+v", err, s.Status())
		}
	}
	cancel()
	<-done
}
