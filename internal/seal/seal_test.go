package seal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

func TestWhatIsSealedIsOpenedByItsKeyAsWhatItIsOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); exeunt.KindOf(err) != exeunt.NotFound {
		t.Fatalf("a directory without a key: %v", err)
	}
	k, err := Make(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Make(dir); err == nil {
		t.Error("a second key replaced the first")
	}
	same, err := Open(dir)
	if err != nil || same.ID() != k.ID() {
		t.Fatalf("read again it is %q, not %q: %v", same.ID(), k.ID(), err)
	}
	other, err := Make(t.TempDir())
	if err != nil || other.ID() == k.ID() {
		t.Fatalf("another key is the same: %v", err)
	}
	sealed := k.Seal("Bearer s3cret", "stream crm")
	if strings.Contains(sealed, "s3cret") || sealed == k.Seal("Bearer s3cret", "stream crm") {
		t.Error("it can be read, or guessed")
	}
	if got, err := same.Open(sealed, "stream crm"); got != "Bearer s3cret" || err != nil {
		t.Errorf("opened it says %q: %v", got, err)
	}
	for name, open := range map[string]func() (string, error){
		"another key":   func() (string, error) { return other.Open(sealed, "stream crm") },
		"another place": func() (string, error) { return k.Open(sealed, "stream wiki") },
		"cut":           func() (string, error) { return k.Open(sealed[:8], "stream crm") },
		"none":          func() (string, error) { return k.Open("s3cret", "stream crm") },
	} {
		if got, err := open(); err == nil {
			t.Errorf("%s opens it: %q", name, got)
		}
	}
}

func TestAKeyThatOthersMayKnowIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := Make(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, File)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("it was made as %v: %v", info.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("one that a group reads: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("c2hvcnQ=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("one that is too short: %v", err)
	}
}
