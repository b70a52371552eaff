package httpspec_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/httpspec"
)

var update = flag.Bool("update", false, "write the golden files")

func source(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryFaultOfADescriptionIsNamedWithItsLine(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := httpspec.Parse("it", source(t, file))
			if exeunt.KindOf(err) != exeunt.Invalid {
				t.Fatalf("got %v, want it refused", err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(source(t, golden)); err.Error()+"\n" != want {
				t.Errorf("got\n%s\n\nwant\n%s", err, want)
			}
			faults, ok := errors.AsType[httpspec.Faults](err)
			if !ok || !slices.IsSortedFunc(faults, func(a, b httpspec.Fault) int { return a.Line - b.Line }) {
				t.Error("the cause is not the list of faults in the order of their lines")
			}
		})
	}
}

func TestADescriptionPromisesWhatItSays(t *testing.T) {
	spec, err := httpspec.Parse("suite", source(t, "testdata/suite.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	specs := spec.ActionSpecs()
	disable := specs[0]
	if disable.Action != exeunt.Disable || disable.Proof != exeunt.Observed || !disable.Repeatable || !disable.Reversible ||
		disable.Settles.Minutes() != 10 || disable.Order != 20 || !slices.Equal(disable.Scopes, []string{"users.write"}) {
		t.Errorf("got %+v", disable)
	}
	if last := specs[3]; last.Proof != exeunt.Acknowledged || last.Repeatable {
		t.Errorf("got %+v", last)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(source(f, "testdata/suite.yaml"))
	f.Add(source(f, "testdata/faults/many.yaml"))
	f.Fuzz(func(t *testing.T, b []byte) {
		spec, err := httpspec.Parse("fuzz", b)
		if err == nil {
			spec.ActionSpecs() // must not panic on what was accepted
		} else if exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%v is %s, want invalid", err, exeunt.KindOf(err))
		}
	})
}
