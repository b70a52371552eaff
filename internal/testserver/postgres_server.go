package testserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL of one test's own, which it may stop and start again.
type Server struct {
	URL string

	recipe  recipe
	process *process
}

// PostgresServer starts a PostgreSQL whose data outlive its process.
func PostgresServer(t testing.TB) *Server {
	t.Helper()
	need(t, PostgreSQL)
	binary, _ := locate(PostgreSQL)
	owner, err := postgresUser()
	fail(t, err)
	home, err := os.MkdirTemp("", "exeunt-pgdata-")
	fail(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	if owner != nil {
		fail(t, os.Chown(home, int(owner.Uid), int(owner.Gid)))
	}
	port, err := freePort()
	fail(t, err)
	password := rand.Text()
	argv, err := preparePostgres(home, filepath.Dir(binary), owner, password, port)
	fail(t, err)
	s := &Server{URL: fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)}
	s.recipe = recipe{
		name: "postgres", stop: "QUIT", user: owner, within: 60 * time.Second, // SIGQUIT is its immediate shutdown: it recovers at the start, as after a crash
		prepare: func(dir string) ([]string, error) { return argv, nil },
		answers: func(ctx context.Context) error {
			c, err := pgx.Connect(ctx, s.URL)
			if err != nil {
				return err
			}
			return c.Close(ctx)
		},
	}
	s.Start(t)
	t.Cleanup(func() {
		if s.process != nil {
			s.Stop(t)
		}
	})
	return s
}

// Stop ends it at once, as a crash does.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	err := s.process.stop()
	s.process = nil
	fail(t, err)
}

// Start starts it again, on the same port.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	p, err := start(s.recipe)
	if err != nil && strings.Contains(err.Error(), "lock file") { // of the process before, which is still on its way out
		p, err = start(s.recipe)
	}
	fail(t, err)
	s.process = p
}

func fail(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
