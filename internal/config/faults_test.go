package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var updateFaults = flag.Bool("update", false, "write what is said into testdata/faults")

// TestEveryBrokenFolderIsToldByOneFault takes the good folder and puts files over it, or changes words of it, and wants the
// one fault that an administrator would look for: where, what and what to do. Each archive in testdata/faults is one folder:
// its comment says what is broken; files stand as they are, and a file "-" removes what it names; "exeunt.yaml~" holds pairs
// of lines, what is there and what stands there instead. The file "fault" is what has to be said, and nothing else may be.
func TestEveryBrokenFolderIsToldByOneFault(t *testing.T) {
	t.Setenv("CONFIG_TEST_SECRET", "x")
	archives, err := filepath.Glob("testdata/faults/*.txtar")
	if err != nil || len(archives) < 40 {
		t.Fatalf("%d archives, %v", len(archives), err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, want := folder(), ""
			for _, f := range archive.Files {
				text := string(f.Data)
				switch over, changed := strings.CutSuffix(f.Name, "~"); {
				case f.Name == "fault":
					want = strings.TrimSpace(text)
				case f.Name == "-":
					for _, gone := range strings.Fields(text) {
						delete(files, gone)
					}
				case changed:
					files[over] = exchange(t, files[over], text)
				default:
					files[f.Name] = text
				}
			}
			c, faults := load(t, files)
			if c != nil {
				t.Error("the folder is taken")
			}
			said := strings.TrimSpace(faults.Errors().Error())
			if *updateFaults {
				rewriteFault(t, name, archive, said)
				return
			}
			if said != want {
				t.Errorf("it is said:\n%s\nwanted:\n%s", said, want)
			}
			for _, f := range faults.Errors() {
				if f.Remedy == "" || f.What == "" || f.Line == 0 && f.File == "exeunt.yaml" && !strings.Contains(f.What, "cannot be read") {
					t.Errorf("a fault without its place or what to do: %s", f)
				}
			}
			if strings.Contains(said, "s3cret") {
				t.Error("a secret is repeated")
			}
		})
	}
}

// exchange replaces words of a file, pair by pair of lines.
func exchange(t *testing.T, file, pairs string) string {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(pairs, "\n"), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		if !strings.Contains(file, lines[i]) {
			t.Fatalf("the folder has no %q", lines[i])
		}
		file = strings.Replace(file, lines[i], strings.ReplaceAll(lines[i+1], `\n`, "\n"), 1)
	}
	return file
}

func rewriteFault(t *testing.T, name string, archive *txtar.Archive, said string) {
	t.Helper()
	files := archive.Files[:0]
	for _, f := range archive.Files {
		if f.Name != "fault" {
			files = append(files, f)
		}
	}
	archive.Files = append(files, txtar.File{Name: "fault", Data: []byte(said + "\n")})
	if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
		t.Fatal(err)
	}
}
