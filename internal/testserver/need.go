package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// Names of what a test may need, as EXEUNT_WITHOUT and install.sh spell them.
const (
	Slapd       = "slapd"
	SambaDC     = "samba"
	PostgreSQL  = "postgresql"
	Browser     = "chromium"
	Node        = "node"
	NodeModules = "node_modules"
	Systemd     = "systemd-analyze"
	Poppler     = "pdftotext"
	Python      = "python3"
	OpenSSL     = "openssl"
	LiteWitness = "litewitness"
	ObjectStore = "s3server"
	SingleSign  = "glewlwyd"
	Immutable   = "immutable" // files: root, and a file system that knows them
)

// programs lists where each name may be found, the best first. Debian keeps daemons out of the
// ordinary user's PATH, and each PostgreSQL release in a folder of its own.
var programs = map[string][]string{
	Slapd:       {"slapd", "/usr/sbin/slapd"},
	SambaDC:     {"samba", "/usr/sbin/samba"},
	PostgreSQL:  {"/usr/lib/postgresql/*/bin/postgres", "postgres"},
	Browser:     {"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"},
	Node:        {"node", "nodejs"},
	Systemd:     {"systemd-analyze"},
	Poppler:     {"pdftotext"},
	Python:      {"python3"},
	OpenSSL:     {"openssl"},
	SingleSign:  {"glewlwyd", "/usr/bin/glewlwyd"},
	Immutable:   {"chattr"},
	LiteWitness: {filepath.Join(binDir(), LiteWitness), LiteWitness},
	ObjectStore: {filepath.Join(binDir(), ObjectStore)},
	NodeModules: {filepath.Join(nodeDir(), "node_modules", ".package-lock.json")},
}

// need returns where a program lies. A missing one fails the test; it is skipped, loudly, only
// where EXEUNT_WITHOUT owns up to the lack and CI does not hide behind it.
func need(t testing.TB, name string) string {
	t.Helper()
	path, why := locate(name)
	if why == "" {
		return path
	}
	if owned(name, os.Getenv) {
		t.Skipf("NOT TESTED: %s %s, and EXEUNT_WITHOUT says that this machine is without it", name, why)
	}
	t.Fatalf("%s %s. Run internal/testserver/install.sh, or set EXEUNT_WITHOUT=%s to leave out what needs it", name, why, name)
	return ""
}

// owned says whether the lack of a name is owned up to.
func owned(name string, getenv func(string) string) bool {
	return getenv("CI") != "true" && slices.Contains(strings.Split(getenv("EXEUNT_WITHOUT"), ","), name)
}

// locate finds a program, or says why it cannot be used.
func locate(name string) (path, why string) {
	if name == SambaDC && os.Geteuid() != 0 {
		return "", "needs root (its ports are 389 and 636)"
	}
	if name == Immutable && !canSeal() {
		return "", "needs root, a capability that containers lack (CAP_LINUX_IMMUTABLE), chattr, and a file system such as ext4"
	}
	for _, candidate := range programs[name] {
		if strings.Contains(candidate, "*") || name == NodeModules {
			if found, _ := filepath.Glob(candidate); len(found) > 0 {
				return found[len(found)-1], ""
			}
		} else if found, err := exec.LookPath(candidate); err == nil {
			return found, ""
		}
	}
	return "", "is not installed"
}

// nodeDir is the folder with package.json, beside this file.
func nodeDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "node")
}

// binDir has the servers that install.sh builds from Go modules.
func binDir() string { return filepath.Join(filepath.Dir(nodeDir()), "bin") }

// Chromium returns the path of a Chromium or Chrome binary.
func Chromium(t testing.TB) string {
	t.Helper()
	return need(t, Browser)
}

// SystemdAnalyze returns the path of systemd-analyze, which reads units without a running systemd.
func SystemdAnalyze(t testing.TB) string {
	t.Helper()
	return need(t, Systemd)
}

// ImmutableFiles sees that files can be made immutable here.
func ImmutableFiles(t testing.TB) {
	t.Helper()
	need(t, Immutable)
}

// canSeal tries it in the folder of temporary files, where tests have theirs.
func canSeal() bool {
	f, err := os.CreateTemp("", "exeunt-immutable-")
	if err != nil {
		return false
	}
	defer os.Remove(f.Name())
	defer f.Close()
	return exec.Command("chattr", "+i", f.Name()).Run() == nil && exec.Command("chattr", "-i", f.Name()).Run() == nil
}

// PDFToText returns the path of Poppler's pdftotext, which reads PDFs as people would.
func PDFToText(t testing.TB) string {
	t.Helper()
	return need(t, Poppler)
}

// PythonWithOpenSSL returns the path of python3, and sees that the openssl command is there too: together they are
// what the verifier for auditors in docs/verify needs.
func PythonWithOpenSSL(t testing.TB) string {
	t.Helper()
	need(t, OpenSSL)
	return need(t, Python)
}
