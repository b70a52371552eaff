package storetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/exeunt/exeunt/internal/store"
)

// Folder makes a folder with a fresh, migrated SQLite database, in memory where the system offers that:
// many short-lived databases are to be fast, and nobody cuts their power.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(quick(), "exeunt-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file, err := migrated()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "exeunt.db"), file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Through opens the SQLite database of a folder with a seam in the store.
func Through(ctx context.Context, dir string, seam store.Seam) (*store.Store, error) {
	s, err := store.Open(ctx, dir, "", "test.example/log")
	if err == nil {
		s.Between(seam)
	}
	return s, err
}

// quick is a folder in memory, or "" for the usual one.
func quick() string {
	const shm = "/dev/shm" // tmpfs(5)
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return ""
}

// migrated is the file of a fresh database, made once.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp(quick(), "exeunt-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(context.Background(), dir, "", "test.example/log")
	if err != nil {
		return nil, err
	}
	_, err = s.Migrate(context.Background())
	s.Close() // which brings the write-ahead log into the file
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "exeunt.db"))
})
