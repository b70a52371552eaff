package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatInitWritesPassesCheck takes every answer that there is to choose from.
func TestWhatInitWritesPassesCheck(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"none", "bamboohr", "webhook"} {
		for _, directory := range []string{"none", "activedirectory", "ldap"} {
			t.Run(source+" "+directory, func(t *testing.T) {
				t.Parallel()
				dir, s := filepath.Join(t.TempDir(), "new", "acme"), newShell(t)
				got := s.run(t, "", "init", "--config", dir, "--yes", "--company", `Acme: "Sons" & Co # 1`, "--owner", `Ida "The" Novák <ida@acme.example>`, "--zone", "Europe/Berlin",
					"--source", source, "--directory", directory, "--mail", "smtp.acme.example")
				if got.code != 0 {
					t.Fatalf("init: %d %s%s", got.code, got.out, got.err)
				}
				if got := s.run(t, "", "check", "--config", dir); got.code != 0 || !strings.Contains(got.out, "Valid:") {
					t.Errorf("check: %d %s", got.code, got.out)
				}
				if got := s.run(t, "", "init", "--config", dir, "--yes", "--company", "B", "--owner", "b@b.example"); got.code != 7 {
					t.Errorf("a folder that is there: %d %s", got.code, got.err)
				}
			})
		}
	}
}

func TestInitAsksAndSaysWhichAnswerCannotBeUsed(t *testing.T) {
	t.Parallel()
	s, dir := newShell(t), filepath.Join(t.TempDir(), "acme")
	// An empty answer where there has to be one is asked again; the rest is as in brackets.
	got := s.run(t, "Acme\n\nIda Novak <ida@acme.example>\nEurope/Berlin\nDE\n", "init", "--config", dir)
	if got.code != 0 || strings.Count(got.err, "Who owns every case") != 2 {
		t.Fatalf("%d %s%s", got.code, got.out, got.err)
	}
	main, err := os.ReadFile(filepath.Join(dir, "exeunt.yaml"))
	if err != nil || !strings.Contains(string(main), `{name: "Ida Novak", email: "ida@acme.example"}`) || !strings.Contains(string(main), `country: "DE"`) {
		t.Errorf("%s %v", main, err)
	}
	for name, args := range map[string][]string{
		"zone:":        {"--company", "A", "--owner", "a@a.example", "--zone", "Europe/Bielefeld"},
		"case_owner":   {"--company", "A", "--owner", "nobody"},
		"Give --owner": {"--company", "A"},
		"url:":         {"--company", "A", "--owner", "a@a.example", "--url", "ftp://x"},
	} {
		other := filepath.Join(t.TempDir(), "acme")
		got := s.run(t, "", append([]string{"init", "--yes", "--config", other}, args...)...)
		if got.code != 2 || !strings.Contains(got.err, name) {
			t.Errorf("%q: %d %s", args, got.code, got.err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(other), "*")); len(left) > 0 {
			t.Errorf("%q left %v", args, left)
		}
	}
}

// TestInitWritesAllOrNothing has a folder with one of the files that it would write.
func TestInitWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	s, dir := newShell(t), t.TempDir()
	there := filepath.Join(dir, "systems", "payroll.yaml")
	if err := os.MkdirAll(filepath.Dir(there), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(there, []byte("ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.run(t, "", "init", "--config", dir, "--yes", "--company", "A", "--owner", "a@a.example")
	if got.code != 7 || !strings.Contains(got.err, "nothing was written") || !strings.Contains(got.err, "payroll.yaml") {
		t.Errorf("%d %s", got.code, got.err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if text, _ := os.ReadFile(there); err != nil || len(left) != 1 || string(text) != "ours" {
		t.Errorf("there is %v, %q, %v", left, text, err)
	}
}
