package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// warden is the parent of a server. It holds the reading end of a pipe from the test process: when
// that closes it, or dies in whatever way, the warden stops the server and removes its folder. This
// is what Linux's parent-death signal does, but for a whole process tree, with clean-up, tied to the
// process and not to the OS thread that happened to fork, and on every Unix.
const warden = `
exec 3<&0
"$@" </dev/null >>"$DIR/log" 2>&1 3<&- &
server=$!
(cat <&3; kill -"$STOP" "$server") >/dev/null 2>&1 &
wait "$server"
echo "$?" >"$DIR/exited"
exec 3<&-
wait
cd / && rm -rf "$DIR"
`

// recipe says how to start one kind of server. A new folder, and ports picked by prepare, belong to
// each attempt.
type recipe struct {
	name   string
	stop   string              // the signal that ends it quickly and cleanly
	user   *syscall.Credential // nil is our own
	within time.Duration       // until it answers

	prepare func(dir string) (argv []string, err error)
	answers func(ctx context.Context) error
}

// process is a running server with its warden.
type process struct {
	name  string
	dir   string
	cmd   *exec.Cmd
	leash io.Closer // the writing end of the warden's pipe
}

// run starts a server for one test and stops it when that ends.
func run(t testing.TB, r recipe) {
	t.Helper()
	p, err := start(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
}

// keep starts a server that runs as long as this test process. It must stay reachable: a leash that
// is collected is closed, and then the server ends.
func keep(r recipe) error {
	p, err := start(r)
	kept.Store(r.name, p)
	return err
}

var kept sync.Map

// start tries thrice, since a port that was free may be taken before the server binds it.
func start(r recipe) (*process, error) {
	var errs []error
	for range 3 {
		p, err := attempt(r)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func attempt(r recipe) (*process, error) {
	dir, err := os.MkdirTemp("", "exeunt-"+r.name+"-")
	if err != nil {
		return nil, err
	}
	if r.user != nil {
		err = os.Chown(dir, int(r.user.Uid), int(r.user.Gid))
	}
	var argv []string
	if err == nil {
		argv, err = r.prepare(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", r.name, err), os.RemoveAll(dir))
	}
	p, err := spawn(r, dir, argv)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", r.name, err), os.RemoveAll(dir))
	}
	if err := p.await(r); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func spawn(r recipe, dir string, argv []string) (*process, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", warden, r.name}, argv...)...)
	cmd.Dir = dir
	cmd.Env = append(environment(dir), "DIR="+dir, "STOP="+r.stop)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: r.user}
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{name: r.name, dir: dir, cmd: cmd, leash: leash}, nil
}

// environment keeps the developer's own settings away from the servers.
func environment(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C", "TZ=UTC"}
}

// await polls until the server answers, and gives up at once when it has ended.
func (p *process) await(r recipe) error {
	ctx, cancel := context.WithTimeout(context.Background(), r.within)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := r.answers(ctx)
		if err == nil {
			return nil
		}
		if code, gone := os.ReadFile(filepath.Join(p.dir, "exited")); gone == nil {
			return fmt.Errorf("%s ended with code %s before it answered:\n%s", p.name, strings.TrimSpace(string(code)), p.tail())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer within %v: %w\n%s", p.name, r.within, err, p.tail())
		}
	}
}

// stop ends the server and its folder; one that does not obey is killed, which is a fault.
func (p *process) stop() error {
	p.leash.Close()
	ended := make(chan struct{})
	go func() { p.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-time.After(20 * time.Second):
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-ended
	return errors.Join(fmt.Errorf("%s did not stop and was killed", p.name), os.RemoveAll(p.dir))
}

// tail is the end of the server's own log.
func (p *process) tail() string {
	log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
	return string(log[max(0, len(log)-4000):])
}

// freePort returns a port of 127.0.0.1 that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// accepts says whether somebody listens at the address.
func accepts(ctx context.Context, address string) error {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

// command runs a preparing program to its end, as the given user.
func command(dir string, user *syscall.Credential, argv ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, environment(dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(argv[0]), err, out)
	}
	return nil
}
