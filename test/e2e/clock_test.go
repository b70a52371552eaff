package e2e_test

import (
	bytes8 "encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/testserver"
)

// shifted is the clock of another build of the product, which is off by as many seconds as stand in a file. The file is
// mapped, since who asks for the time makes no system call. Only what a clock on the wall shows is off: the time that
// has passed, which the last field of a time.Time keeps, is right, as it is where somebody sets a machine's clock.
const shifted = `package shifted

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

var by = mapped(os.Getenv("TEST_CLOCK"))

func mapped(path string) *int64 {
	f, err := os.Open(path)
	if err != nil {
		return new(int64)
	}
	page, err := syscall.Mmap(int(f.Fd()), 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return (*int64)(unsafe.Pointer(&page[0]))
}

func Now() time.Time {
	now := time.Now()
	*(*uint64)(unsafe.Pointer(&now)) += uint64(*by) << 30 // seconds stand there, over 30 bits of nanoseconds: time.go
	return now
}

func Since(t time.Time) time.Duration { return Now().Sub(t) }
func Until(t time.Time) time.Duration { return t.Sub(Now()) }
`

// setClock puts a server's clock off; it may run.
func (s *installation) setClock(t *testing.T, by time.Duration) {
	t.Helper()
	f, err := os.OpenFile(s.env["TEST_CLOCK"], os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteAt(bytes8.NativeEndian.AppendUint64(nil, uint64(int64(by.Seconds()))), 0)
	must(t, errors.Join(err, f.Close()))
}

// clockless is the product with a clock that a file sets. Programs without libc cannot be fooled by a preloaded library,
// a test must not set the clock of the machine, and no seam for it is wanted in the product: so wherever our own code asks
// package time what time it is, this build asks another package.
var clockless = sync.OnceValues(func() (string, error) {
	root, dir := filepath.Join("..", ".."), filepath.Dir(binary)
	replace := map[string]string{}
	put := func(path, code string) error {
		as := filepath.Join(dir, fmt.Sprintf("clock_%d.go", len(replace)))
		at, err := filepath.Abs(path)
		replace[at] = as
		return errors.Join(err, os.WriteFile(as, []byte(code), 0o600))
	}
	err := put(filepath.Join(root, "internal", "shifted", "shifted.go"), shifted)
	for _, folder := range []string{"cmd", "connector", "connectors", "internal"} {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			code := asksTheTime.ReplaceAllString(string(text), "shifted.$1")
			if err != nil || code == string(text) {
				return err
			}
			return put(path, packageLine.ReplaceAllString(code, `$0; import "github.com/exeunt/exeunt/internal/shifted"`)+"\nvar _ time.Time\n")
		}))
	}
	overlay, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "clockless")
	if err := errors.Join(err, os.WriteFile(overlay, encoded(map[string]any{"Replace": replace}), 0o600)); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-overlay", overlay, "-o", program, "github.com/exeunt/exeunt/cmd/exeunt").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

var (
	asksTheTime = regexp.MustCompile(`\btime\.(Now|Since|Until)\b`)
	packageLine = regexp.MustCompile(`(?m)^package \w+`)
)

// TestTheClockJumps puts the clock back by an hour and forward by a day while people leave.
func TestTheClockJumps(t *testing.T) {
	program, err := clockless() // before those that run beside it, and that bound the time of what they do
	must(t, err)
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{
		"SQLite": func(testing.TB) string { return "" }, "PostgreSQL": testserver.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := install(t, database(t))
			s.program, s.env["TEST_CLOCK"] = program, filepath.Join(s.home, "clock")
			s.setClock(t, 0)
			b := openBattlefield(t, s, 12)
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
			for i, by := range []time.Duration{-time.Hour, 24 * time.Hour, 0} {
				s.setClock(t, by)
				if by != 0 && s.database != "" {
					b.health(t, http.StatusServiceUnavailable, "clock")
				}
				if by != 0 { // its signature is of another time: HR has to send it again
					status, answer := b.post(t, standard("msg_probe", []byte(`{"type":"employee.married"}`), time.Now()))
					if status != http.StatusUnauthorized {
						t.Errorf("with the clock off by %s a webhook was answered %d %s", by, status, answer)
					}
				}
				announce(3+3*i, 6+3*i)
			}
			b.health(t, http.StatusOK, `"engine":"ok"`)
			b.judge(t)
		})
	}
}

// TestOneOfSeveralClocksIsWrong has a server whose clock is an hour ahead beside one whose is right: what begins
// in half an hour must not begin now.
func TestOneOfSeveralClocksIsWrong(t *testing.T) {
	program, err := clockless() // before those that run beside it, and that bound the time of what they do
	must(t, err)
	t.Parallel()
	f := openFleet(t, 2, 200)
	f.stream(t, 2*time.Second)
	wrong := f.members[0]
	wrong.leave(true)
	wrong.stop()
	wrong.program, wrong.env = program, map[string]string{"TEST_CLOCK": filepath.Join(wrong.home, "clock")}
	for k, v := range f.members[1].env {
		wrong.env[k] = v
	}
	wrong.setClock(t, time.Hour)
	wrong.launch(t)
	wrong.health(t, http.StatusServiceUnavailable, "is 1h0m0s ahead of the database's")
	f.through(t, "one of two has a wrong clock")
	eventually(t, "the server whose clock is right has every lane", func() (bool, string) {
		has := f.nodes(t)
		return has[wrong.known(t)] == 0 && has[f.members[1].known(t)] == f.lanes, fmt.Sprint(has)
	})
	wrong.setClock(t, 0)
	f.takesPart(t, wrong, "had a wrong clock")
	f.enough()
	f.judge(t)
}
