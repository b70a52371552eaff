package acme_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
)

// BenchmarkPlan drafts the plan of one leaver over 120 systems, conditions and all: a preview of everybody in a company
// of 10,000 is ten thousand of them.
func BenchmarkPlan(b *testing.B) {
	c, d := bigCompany(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Plan(exeunt.Case{Departure: d}, planned); err != nil {
			b.Fatal(err)
		}
	}
}

var planned = time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)

// bigCompany is the example with 120 systems, and one of its leavers.
func bigCompany(b testing.TB) (*config.Config, exeunt.Departure) {
	b.Helper()
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		b.Fatal(err)
	}
	files, err := filepath.Glob("systems/*.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for i := len(files); i < 120; i++ {
		text, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("copy-%d", i)
		text = bytes.Replace(text, []byte("\nname: "), []byte("\nname: "+name+"\n# "), 1)
		if err := os.WriteFile(filepath.Join(dir, "systems", name+".yaml"), text, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	c, faults := config.Load(dir, kinds())
	if c == nil {
		b.Fatal(faults.Errors())
	}
	source, err := os.ReadFile("leaver.json")
	if err != nil {
		b.Fatal(err)
	}
	d, faults := c.Departure("leaver.json", source)
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	return c, d
}

// BenchmarkPlansOfACompany drafts the plan of every leaver of a company of 10,000 over 120 systems, on every core: of all
// types and flags, so that modifiers count.
func BenchmarkPlansOfACompany(b *testing.B) {
	c, d := bigCompany(b)
	people := make([]exeunt.Departure, 10_000)
	flags := [][]exeunt.Flag{nil, nil, nil, nil, {exeunt.Executive}, {exeunt.OnLeave}, {exeunt.Privileged}, {exeunt.LitigationHold}}
	for i := range people {
		people[i] = d
		people[i].Leaver.ID = fmt.Sprint(i)
		people[i].Leaver.Flags = flags[i%len(flags)]
		people[i].Type = exeunt.DepartureTypes[i%len(exeunt.DepartureTypes)]
	}
	for b.Loop() {
		var all sync.WaitGroup
		workers := runtime.GOMAXPROCS(0)
		for w := range workers {
			all.Go(func() {
				for i := w; i < len(people); i += workers {
					if _, err := c.Plan(exeunt.Case{Departure: people[i]}, planned); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}
