package acme_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
)

// BenchmarkPlan drafts the plan of one leaver over 120 systems, conditions and all: a preview of everybody in a company
// of 10,000 is ten thousand of them.
func BenchmarkPlan(b *testing.B) {
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
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Plan(exeunt.Case{Departure: d}, time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC)); err != nil {
			b.Fatal(err)
		}
	}
}
