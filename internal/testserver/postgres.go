package testserver

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres makes a fresh, empty database and returns its URL, with the superuser's name and
// password in it (SCRAM over loopback, no TLS). The first call starts the one server of this test
// process; roles are the server's, not the database's, so tests name theirs uniquely.
func Postgres(t testing.TB) string {
	t.Helper()
	need(t, PostgreSQL)
	server, err := sharedPostgres()
	if err != nil {
		t.Fatal(err)
	}
	name := "t" + strings.ToLower(rand.Text())
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func execute(server, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}

var sharedPostgres = sync.OnceValues(func() (string, error) {
	binary, _ := locate(PostgreSQL)
	owner, err := postgresUser()
	if err != nil {
		return "", err
	}
	password := rand.Text()
	var server string
	err = keep(recipe{
		// SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
		name: "postgres", stop: "INT", user: owner, within: 60 * time.Second,
		prepare: func(dir string) ([]string, error) {
			port, err := freePort()
			if err != nil {
				return nil, err
			}
			server = fmt.Sprintf("postgres://postgres:%s@127.0.0.1:%d/postgres?sslmode=disable", password, port)
			return preparePostgres(dir, filepath.Dir(binary), owner, password, port)
		},
		answers: func(ctx context.Context) error {
			c, err := pgx.Connect(ctx, server)
			if err != nil {
				return err
			}
			return c.Close(ctx)
		},
	})
	return server, err
})

// preparePostgres makes a cluster that may lose its data in a power cut and is fast for it.
func preparePostgres(dir, bin string, owner *syscall.Credential, password string, port int) ([]string, error) {
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return nil, err
	}
	if owner != nil {
		if err := os.Chown(secret, int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(dir, "data")
	err := command(dir, owner, filepath.Join(bin, "initdb"), "--pgdata="+data, "--username=postgres", "--auth=scram-sha-256",
		"--pwfile="+secret, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if err != nil {
		return nil, err
	}
	return []string{filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port), "-h", "127.0.0.1", "-k", dir,
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
		"-c", "max_connections=200", "-c", "shared_buffers=32MB"}, nil
}

// postgresUser is who the server runs as: PostgreSQL refuses to run as root.
func postgresUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and there is no user postgres: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}
