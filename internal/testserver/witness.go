package testserver

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// A CosigningWitness is a litewitness (filippo.io/torchwood) that knows one log.
type CosigningWitness struct {
	Key string // verifier key, as in a policy
	URL string

	database string
}

// Learn tells the witness of another verifier key of a log that it knows, as its operator would when the key is changed.
func (w CosigningWitness) Learn(t testing.TB, origin, key string) {
	t.Helper()
	db, err := sql.Open("sqlite", w.database+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "INSERT INTO key VALUES (?, ?)", origin, key); err != nil {
		t.Fatal(err)
	}
}

// Witness starts a real witness of a log: litewitness with a database of its own, and its key in an SSH agent, which
// is how it wants it. Each of the log's verifier keys is known to it.
func Witness(t testing.TB, name, origin string, keys ...string) CosigningWitness {
	t.Helper()
	serve := need(t, LiteWitness)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	port, file := 0, ""
	socket := filepath.Join(t.TempDir(), "agent.sock")
	serveAgent(t, socket, private)
	signer, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	run(t, recipe{
		name: "witness", stop: "INT", within: time.Minute,
		prepare: func(dir string) ([]string, error) {
			file = filepath.Join(dir, "witness.db")
			if err := knowLog(file, origin, keys); err != nil {
				return nil, err
			}
			var err error
			port, err = freePort()
			return []string{serve, "-db", file, "-name", name, "-key", ssh.FingerprintSHA256(signer), "-ssh-agent", socket, "-listen", fmt.Sprintf("127.0.0.1:%d", port)}, err
		},
		answers: func(ctx context.Context) error { return accepts(ctx, fmt.Sprintf("127.0.0.1:%d", port)) },
	})
	return CosigningWitness{Key: CosignerKey(name, public), URL: fmt.Sprintf("http://127.0.0.1:%d", port), database: file}
}

// knowLog writes what witnessctl would: which logs the witness cosigns (litewitness v0.9.0, internal/witness). That
// program needs a module that the proxies do not have.
func knowLog(file, origin string, keys []string) error {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	empty := sha256.Sum256(nil)
	statements := [][]any{
		{"CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL)"},
		{"CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin))"},
		{"INSERT INTO log VALUES (?, 0, ?)", origin, base64.StdEncoding.EncodeToString(empty[:])},
	}
	for _, key := range keys {
		statements = append(statements, []any{"INSERT INTO key VALUES (?, ?)", origin, key})
	}
	for _, s := range statements {
		if _, err := db.Exec(s[0].(string), s[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// serveAgent holds a key as ssh-agent does, until the test ends.
func serveAgent(t testing.TB, socket string, key ed25519.PrivateKey) {
	t.Helper()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: &key}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c); c.Close() }()
		}
	}()
}

// CosignerKey writes a verifier key of type 4 (https://c2sp.org/signed-note).
func CosignerKey(name string, key ed25519.PublicKey) string {
	raw := append([]byte{0x04}, key...)
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return fmt.Sprintf("%s+%x+%s", name, sum[:4], base64.StdEncoding.EncodeToString(raw))
}
