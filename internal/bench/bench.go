// Package bench measures the engine whole: events in, steps confirmed, entries in the ledger, every commit
// durable. Each figure is given beside a bound that was measured in the same run on the same disk, since an
// absolute figure says as much about the machine as about us.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Options are what a run is given.
type Options struct {
	Dir      string   // an empty folder on the disk to measure
	Database string   // postgres:// URL of an empty database, or "" for SQLite in the folder
	Cases    int      // of the storm and of the wave, and closed ones at the start
	Only     []string // words of the parts to run; all when empty
	Note     func(format string, args ...any)
}

// Report is what was seen.
type Report struct {
	Machine  Machine `json:"machine"`
	Database string  `json:"database"`
	Storm    *Storm  `json:"storm,omitempty"`
	Lone     *Lone   `json:"lone,omitempty"`
	Wave     *Wave   `json:"wave,omitempty"`
	Start    *Start  `json:"start,omitempty"`
}

// Machine is where it was seen.
type Machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	Build string `json:"build,omitempty"`
}

// ThisMachine describes the machine that we run on.
func ThisMachine() Machine {
	m := Machine{CPU: "unknown", Cores: runtime.GOMAXPROCS(0), Go: runtime.Version()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				m.Build = s.Value
			}
		}
	}
	return m
}

// Quantiles of what was timed.
type Quantiles struct {
	P50 time.Duration `json:"p50"`
	P99 time.Duration `json:"p99"`
	Max time.Duration `json:"max"`
	N   int           `json:"n"`
}

func quantiles(times []time.Duration) Quantiles {
	if len(times) == 0 {
		return Quantiles{}
	}
	slices.Sort(times)
	at := func(q float64) time.Duration { return times[min(int(q*float64(len(times))), len(times)-1)] }
	return Quantiles{P50: at(0.50), P99: at(0.99), Max: times[len(times)-1], N: len(times)}
}

func (q Quantiles) String() string {
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %s, p99 %s, worst %s of %d", round(q.P50), round(q.P99), round(q.Max), q.N)
}

// Run measures everything, each in a folder of its own.
func Run(ctx context.Context, o Options) (Report, error) {
	report := Report{Machine: ThisMachine(), Database: "SQLite, synchronous=FULL"}
	if o.Database != "" {
		report.Database = "PostgreSQL"
	}
	for _, part := range []struct {
		name string
		run  func(Options) error
	}{
		{"lone departures", func(o Options) (err error) { report.Lone, err = RunLone(ctx, o); return err }},
		{"a storm", func(o Options) (err error) { report.Storm, err = RunStorm(ctx, o); return err }},
		{"a wave at limited systems", func(o Options) (err error) { report.Wave, err = RunWave(ctx, o); return err }},
		{"a start with closed cases", func(o Options) (err error) { report.Start, err = RunStart(ctx, o); return err }},
	} {
		if len(o.Only) > 0 && !slices.ContainsFunc(o.Only, func(only string) bool { return strings.Contains(part.name, only) }) {
			continue
		}
		o.Note("measuring %s", part.name)
		if err := o.inItsOwn(ctx, part.run); err != nil {
			return report, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return report, nil
}

// inItsOwn runs a part in a folder, and in a schema of PostgreSQL, of its own.
func (o Options) inItsOwn(ctx context.Context, run func(Options) error) (err error) {
	if o.Dir, err = os.MkdirTemp(o.Dir, "bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
	if o.Database != "" {
		address, drop, made := ownSchema(ctx, o.Database, fmt.Sprintf("bench_%d", time.Now().UnixNano()))
		if made != nil {
			return made
		}
		defer func() { err = errors.Join(err, drop()) }()
		o.Database = address
	}
	return run(o)
}

// inHouse runs a measurement in a house of its own.
func inHouse(ctx context.Context, h *house, run func(*house) error) error {
	err := run(h)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if closing := h.close(stopping); err == nil {
		err = closing
	}
	return err
}

// peakMemory is the most that the process has had in memory, in bytes; 0 where the system does not say.
// Source: proc(5), VmHWM.
func peakMemory() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if n, err := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); err == nil && n == 1 {
			return kilobytes * 1024
		}
	}
	return 0
}
