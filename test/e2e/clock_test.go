package e2e_test

import (
	bytes8 "encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt/internal/testserver"
)

// shifted is put into package time of another build of the product: the clock is off by as many seconds as stand
// in a file, which is mapped, since time.Now must make no system call. Programs without libc cannot be fooled by a
// preloaded library, and a test must not set the clock of the machine.
const shifted = `package time

import (
	"syscall"
	"unsafe"
)

var shiftedBy *int64

func init() {
	path, _ := syscall.Getenv("TEST_CLOCK")
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return
	}
	at, _, failed := syscall.Syscall6(syscall.SYS_MMAP, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED, uintptr(fd), 0)
	if failed == 0 {
		shiftedBy = (*int64)(unsafe.Pointer(at))
	}
}

func shifted() int64 {
	if shiftedBy == nil {
		return 0
	}
	return *shiftedBy
}
`

// setClock puts a server's clock off; it may run.
func (s *installation) setClock(t *testing.T, by time.Duration) {
	t.Helper()
	f, err := os.OpenFile(s.env["TEST_CLOCK"], os.O_RDWR|os.O_CREATE, 0o600)
	must(t, err)
	_, err = f.WriteAt(bytes8.NativeEndian.AppendUint64(nil, uint64(int64(by.Seconds()))), 0)
	must(t, errors.Join(err, f.Close()))
}

// clockless is the product with a clock that a file sets. All of the standard library has to be compiled anew for
// it, which takes minutes where it is not cached: make soak does it.
func clockless(t *testing.T) string {
	t.Helper()
	if soak() == 0 {
		t.Skip("NOT TESTED here: a clock that jumps. make soak does it, since the build takes minutes")
	}
	program, err := buildClockless()
	must(t, err)
	return program
}

var buildClockless = sync.OnceValues(func() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	std, dir := filepath.Join(strings.TrimSpace(string(root)), "src", "time"), filepath.Dir(binary)
	text, err := os.ReadFile(filepath.Join(std, "time.go"))
	if err != nil {
		return "", err
	}
	const now = "sec, nsec, mono := runtimeNow()\n"
	if !strings.Contains(string(text), now) {
		return "", errors.New("time.Now of this Go is another one: change this test")
	}
	overlay := map[string]map[string]string{"Replace": {}}
	for name, code := range map[string]string{"time.go": strings.Replace(string(text), now, now+"\tsec += shifted()\n", 1), "shifted.go": shifted} {
		overlay["Replace"][filepath.Join(std, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(code), 0o600); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, encoded(overlay), 0o600); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "clockless")
	out, err := exec.Command("go", "build", "-overlay", file, "-o", program, "github.com/exeunt/exeunt/cmd/exeunt").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// TestTheClockJumps puts the clock back by an hour and forward by a day while people leave.
func TestTheClockJumps(t *testing.T) {
	t.Parallel()
	program := clockless(t)
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
	t.Parallel()
	program := clockless(t)
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
	wrong.health(t, http.StatusServiceUnavailable, "clock is 1h0m0s ahead")
	f.through(t, "one of two has a wrong clock")
	if has := f.nodes(t); has[wrong.known(t)] != 0 || has[f.members[1].known(t)] != f.lanes {
		t.Errorf("a server with a wrong clock has lanes: %v", has)
	}
	wrong.setClock(t, 0)
	f.takesPart(t, wrong, "had a wrong clock")
	f.enough()
	f.judge(t)
}
