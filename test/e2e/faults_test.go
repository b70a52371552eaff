package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/testserver"
)

// fault is something that a server lives with until it is over.
type fault struct {
	begin, end func(*testing.T, *battlefield)
	says       string // what health says of it
	refused    bool   // HR is answered 503 meanwhile
}

// TestWorkGoesOnAfterAFault lets people leave before, during and after a fault. While it lasts HR is answered 503 or
// its word is kept, and health says what is wrong; when it is over nobody has to do anything.
func TestWorkGoesOnAfterAFault(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) (*battlefield, fault){
		"the disk is full, SQLite":                           fullDisk(func(testing.TB) string { return "" }, true),
		"the disk is full, PostgreSQL elsewhere":             fullDisk(testserver.Postgres, false),
		"the disk takes no writes, SQLite":                   unwritable(func(testing.TB) string { return "" }, true),
		"the disk takes no writes, PostgreSQL elsewhere":     unwritable(testserver.Postgres, false),
		"PostgreSQL crashes and starts again":                crash,
		"the connection to PostgreSQL is cut":                line((*testserver.Line).Cut),
		"the connection to PostgreSQL loses all, in silence": line((*testserver.Line).Stall),
		"the ledger's process is away, SQLite":               ledgerAway(func(testing.TB) string { return "" }),
		"the ledger's process is away, PostgreSQL":           ledgerAway(testserver.Postgres),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, f := open(t)
			staff := b.people
			b.people = staff[:3]
			b.serve(t)
			b.authorise(t)
			b.begin(t)
			announce := func(from, to int) {
				b.people = staff[:to]
				for _, p := range staff[from:to] {
					b.queue <- p
				}
			}
			announce(0, 3)
			f.begin(t, b)
			announce(3, 6)
			b.health(t, http.StatusServiceUnavailable, f.says)
			if f.refused {
				probes := 0
				eventually(t, "HR is told to send again", func() (bool, string) {
					probes++ // what was kept already is absorbed, which takes no room
					status, answer, err := b.deliver(standard(fmt.Sprint("msg_probe_", probes), []byte(`{"type":"employee.married"}`), time.Now()))
					return err == nil && status == http.StatusServiceUnavailable, fmt.Sprint(status, answer, err)
				})
			}
			began := time.Now()
			f.end(t, b)
			announce(6, 9)
			b.health(t, http.StatusOK, `"backlog":0`)
			t.Logf("well again %s after the end of the fault", time.Since(began).Round(100*time.Millisecond))
			b.judge(t)
		})
	}
}

// disk mounts a small file system for a server's data.
func disk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("NOT TESTED: a disk that fills up, since this user may not mount one: %v. Run the tests as root", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

func fullDisk(database func(testing.TB) string, holdsCases bool) func(*testing.T) (*battlefield, fault) {
	return func(t *testing.T) (*battlefield, fault) {
		data := disk(t, "64m")
		b := openBattlefield(t, install(t, database(t)), 9)
		b.data = filepath.Join(data, "exeunt")
		filler := filepath.Join(data, "filler")
		return b, fault{
			begin: func(t *testing.T, _ *battlefield) { fill(t, filler) },
			end:   func(t *testing.T, _ *battlefield) { must(t, os.Remove(filler)) },
			says:  "space", refused: holdsCases,
		}
	}
}

// fill writes until nothing more fits.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	must(t, err)
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			must(t, err)
		}
	}
}

// unwritable takes the right to write to files from the running process, as a disk does that the kernel has made
// read-only: what is open stays open and readable, and every write fails.
func unwritable(database func(testing.TB) string, holdsCases bool) func(*testing.T) (*battlefield, fault) {
	return func(t *testing.T) (*battlefield, fault) {
		b := openBattlefield(t, install(t, database(t)), 9)
		return b, fault{
			begin: func(t *testing.T, b *battlefield) { limitFiles(t, b, 0) },
			end:   func(t *testing.T, b *battlefield) { limitFiles(t, b, ^uint64(0)) },
			says:  "not ready", refused: holdsCases,
		}
	}
}

func crash(t *testing.T) (*battlefield, fault) {
	server := testserver.PostgresServer(t)
	return openBattlefield(t, install(t, server.URL), 9), fault{
		begin: func(t *testing.T, _ *battlefield) { server.Stop(t) },
		end:   func(t *testing.T, _ *battlefield) { server.Start(t) },
		says:  "database could not do it", refused: true,
	}
}

func line(break_ func(*testserver.Line)) func(*testing.T) (*battlefield, fault) {
	return func(t *testing.T) (*battlefield, fault) {
		wire := testserver.Wire(t, testserver.Postgres(t))
		return openBattlefield(t, install(t, wire.URL), 9), fault{
			begin: func(*testing.T, *battlefield) { break_(wire) },
			end:   func(*testing.T, *battlefield) { wire.Heal() },
			says:  "database could not do it", refused: true,
		}
	}
}

func ledgerAway(database func(testing.TB) string) func(*testing.T) (*battlefield, fault) {
	return func(t *testing.T) (*battlefield, fault) {
		b, l := openBattlefield(t, install(t, database(t)), 9), newLedgerProcess(t)
		b.shareLedger(t, l)
		l.start(t, os.Geteuid())
		return b, fault{
			begin: func(t *testing.T, _ *battlefield) { l.signal(t, syscall.SIGKILL) },
			end:   func(t *testing.T, _ *battlefield) { l.start(t, os.Geteuid()) },
			says:  "is away",
		}
	}
}

// TestADiskThatIsReadOnlyFromTheStart is refused, with the reason, and good once it can be written to.
func TestADiskThatIsReadOnlyFromTheStart(t *testing.T) {
	t.Parallel()
	data := disk(t, "64m")
	s := install(t, "")
	s.data = data
	s.company(t, "http://127.0.0.1:9", map[string]string{"EXEUNT_SIM_HR_WEBHOOK_KEY": "x", "EXEUNT_SIM_HR_TOKEN": "x"}, "")
	s.write(t, "systems/badge.yaml", badgeYAML)
	must(t, syscall.Mount("tmpfs", data, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=64m"))
	got := s.try(t, nil, "serve", "--config", s.config, "--data", s.data, "--listen", "127.0.0.1:0")
	if got.code == 0 || !strings.Contains(got.err, data) || !strings.Contains(got.err, "cannot be written to") {
		t.Errorf("on a read-only disk it ends with %d: %s", got.code, got.err)
	}
	must(t, syscall.Mount("tmpfs", data, "tmpfs", syscall.MS_REMOUNT, "size=64m"))
	s.serve(t)
}

// TestASlowSystemKeepsItsOwnLaneOnly has a payroll that does what it is asked, and says so after our patience is
// over. Others go on meanwhile, and nobody is paid twice.
func TestASlowSystemKeepsItsOwnLaneOnly(t *testing.T) {
	t.Parallel()
	b := openBattlefield(t, install(t, ""), 5)
	var slow atomic.Bool
	slow.Store(true)
	b.answered = func(r *http.Request) {
		if slow.Load() && strings.HasSuffix(r.URL.Path, "/final-payment") {
			<-r.Context().Done() // until the caller has lost patience, after 30 s
		}
	}
	b.serve(t)
	b.authorise(t)
	b.begin(t)
	b.queue <- b.people[0]
	eventually(t, "somebody is paid, slowly", func() (bool, string) { return b.effects(b.people[0], "/final-payment") == 1, "" })
	began := time.Now()
	for _, p := range b.people[1:] {
		b.queue <- p
	}
	eventually(t, "the others lose their access", func() (bool, string) {
		for _, p := range b.people {
			if b.company.Directory.CanWork(p) || b.company.Identity.CanWork(p) {
				return false, p.Name()
			}
		}
		return true, ""
	})
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a slow payroll kept others waiting for %s", took)
	}
	b.health(t, http.StatusOK, "ready") // a vendor's trouble is not ours
	slow.Store(false)
	b.judge(t)
}
