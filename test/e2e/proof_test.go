package e2e_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proves exports evidence and verifies it offline: as it is, changed, and with nobody's word for the key.
func (s *installation) proves(t *testing.T, closed, open string) {
	t.Helper()
	var report struct {
		Verified bool
		Entries  int
	}
	s.ask(t, &report, 0, "ledger/v1", "ledger", "verify")
	if !report.Verified || report.Entries == 0 {
		t.Errorf("ledger verify: %+v", report)
	}
	key := strings.TrimSpace(s.run(t, 0, "ledger", "key").out)
	file := filepath.Join(s.home, "packet.zip")
	s.ask(t, nil, 0, "exported/v1", "evidence", "export", closed, "-o", file)
	var verified struct {
		Verified, Closed, Pinned bool
		Case                     string
		Entries                  int
	}
	s.ask(t, &verified, 0, "verified/v1", "evidence", "verify", file, "--key", key)
	if f := s.show(t, closed); !verified.Verified || !verified.Closed || !verified.Pinned || verified.Case != closed || verified.Entries != f.Logged {
		t.Errorf("evidence verify: %+v of %d entries", verified, f.Logged)
	}
	s.ask(t, &verified, 0, "verified/v1", "evidence", "verify", file) // with the key that the export remembered

	strangers := t.TempDir()
	if got := s.try(t, []string{"HOME=" + strangers, "XDG_CONFIG_HOME=" + strangers}, "evidence", "verify", file); got.code != 4 {
		t.Errorf("a packet whose key nobody vouched for: %d\n%s%s", got.code, got.out, got.err)
	}
	shorten(t, file)
	s.run(t, 5, "evidence", "verify", file, "--key", key)

	s.ask(t, nil, 0, "exported/v1", "evidence", "export", open, "-o", file)
	s.ask(t, &verified, 0, "verified/v1", "evidence", "verify", file)
	if verified.Closed {
		t.Error("the packet of an open case says that it is closed")
	}
	s.run(t, 3, "evidence", "export", "C-9999")
}

// shorten leaves one entry out of a packet.
func shorten(t *testing.T, file string) {
	t.Helper()
	in, err := zip.OpenReader(file)
	must(t, err)
	defer in.Close()
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		if !strings.Contains(f.Name, "000004") {
			must(t, out.Copy(f))
		}
	}
	must(t, out.Close())
	must(t, os.WriteFile(file, b.Bytes(), 0o600))
}
