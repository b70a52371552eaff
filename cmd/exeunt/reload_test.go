package main

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAServerTakesAnotherConfigurationWithoutARestart goes all three ways: the command, the signal, and the folder itself.
func TestAServerTakesAnotherConfigurationWithoutARestart(t *testing.T) {
	t.Parallel()
	dir, data, s := folder(t, map[string]string{"exeunt.yaml": smallCompany, "systems/doors.yaml": smallDoors}), t.TempDir(), newShell(t)
	token := strings.TrimSpace(s.run(t, "", "token", "create", "--data", data, "--as", "ida@acme.example", "--role", "admin").out)
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	serve := s.command(ctx, "serve", "--config", dir, "--data", data, "--listen", "127.0.0.1:0", "--watch", "50ms")
	log, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	// until reads the server's log up to the line that has the words.
	until := func(words ...string) string {
		t.Helper()
		var seen strings.Builder
		for lines.Scan() {
			line := lines.Text()
			seen.WriteString(line + "\n")
			has := true
			for _, w := range words {
				has = has && strings.Contains(line, w)
			}
			if has {
				return line
			}
		}
		t.Fatalf("the server never says %q:\n%s", words, seen.String())
		return ""
	}
	_, address, _ := strings.Cut(until("Exeunt for Acme: "), "Exeunt for Acme: ")
	client := newShell(t, "EXEUNT_URL="+address, "EXEUNT_TOKEN="+token)

	write := func(name, text string) {
		t.Helper()
		// Beside it, then moved: the server watches the folder and must not meet half a file.
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	wiki := strings.Replace(smallDoors, "doors", "wiki", 1)
	write("systems/wiki.yaml", wiki)
	until("another configuration is served", "since the folder changed", "added system wiki")
	if got := client.run(t, "", "reload"); got.code != 0 || !strings.Contains(got.out, "Nothing has changed") {
		t.Errorf("reload of what is served: %d %s%s", got.code, got.out, got.err)
	}

	write("systems/wiki.yaml", strings.Replace(wiki, "tier: 1", "tire: 1", 1))
	until("has a fault and was not taken", "systems/wiki.yaml")
	got := client.run(t, "", "reload")
	if got.code != 2 || !strings.Contains(got.out, "systems/wiki.yaml:5:1: tire: there is no such key here; did you mean tier?") || !strings.Contains(got.out, "goes on being served") {
		t.Errorf("reload of a folder with a fault: %d %s%s", got.code, got.out, got.err)
	}
	if doc := client.document(t, 2, "reload"); doc["taken"] != false || doc["before"] != doc["after"] {
		t.Errorf("as JSON: %v", doc)
	}
	if err := serve.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until("has a fault and was not taken", "by a signal")
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until("Stopping.")
	if err := serve.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

func TestReloadNeedsAServer(t *testing.T) {
	t.Parallel()
	s := newShell(t, "EXEUNT_URL=http://127.0.0.1:1", "EXEUNT_TOKEN=x")
	if got := s.run(t, "", "reload"); got.code != 6 {
		t.Errorf("without a server: %d %s", got.code, got.err)
	}
}
