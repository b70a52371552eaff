package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/exeunt/exeunt/internal/bench"
	"github.com/spf13/cobra"
)

func benchCommand(c *console) *cobra.Command {
	o := bench.Options{Note: c.note}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the engine on this machine: a lone departure, a storm, a wave at limited systems, a start",
		Long: `Measures the whole engine with its ledger, every commit as durable as a server's, against systems that answer at once
or that allow so many calls a second. Beside each figure stands the bound that was measured in the same run:
what a bare loop commits to the same disk, or what the limits allow. It touches no installation.`,
		Example: `  exeunt bench --dir /var/lib
  exeunt bench --only storm --cases 1000
  exeunt bench --database postgres://user@host/empty`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Dir, err = os.MkdirTemp(o.Dir, "exeunt-bench"); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(o.Dir)) }()
			report, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return c.print(struct {
				Schema string `json:"schema"`
				bench.Report
			}{"bench/v1", report}, func(w io.Writer) { printBench(w, report) })
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", "", "folder on the disk to measure (default: the folder for temporary files)")
	cmd.Flags().StringVar(&o.Database, "database", "", "postgres:// URL; schemas of its own are made there and dropped (default: SQLite)")
	cmd.Flags().IntVar(&o.Cases, "cases", 10_000, "cases of the storm and of the wave, and closed ones at the start")
	cmd.Flags().StringSliceVar(&o.Only, "only", nil, "parts to run: lone, storm, wave, start")
	return cmd
}

func printBench(w io.Writer, r bench.Report) {
	_, _ = fmt.Fprintf(w, "%s, %d cores, %s; %s\n", r.Machine.CPU, r.Machine.Cores, r.Machine.Go, r.Database)
	if l := r.Lone; l != nil {
		_, _ = fmt.Fprintf(w, "\nA lone departure, from the webhook's receipt\n  to the first request to every system   %s\n  to every step confirmed                %s\n", l.FirstRequest, l.AllConfirmed)
	}
	if s := r.Storm; s != nil {
		_, _ = fmt.Fprintf(w, "\nA storm of %d cases, %d steps in 12 systems that answer at once\n  confirmed         %.0f steps a second, in %s\n  in the ledger     %d entries after %s (%.0f a second)\n  a bare loop       %.0f steps a second on the same disk: we reach %.2f of it\n  memory at most    %d MB\n",
			s.Cases, s.Steps, s.PerSecond, s.Took.Round(10*time.Millisecond), s.Entries, s.Shipped.Round(10*time.Millisecond), float64(s.Entries)/s.Shipped.Seconds(), s.Bound, s.Ratio, s.PeakMemory/1_000_000)
	}
	if s := r.Start; s != nil {
		_, _ = fmt.Fprintf(w, "\nA start over %d closed cases, %d MB\n  from opening the database to the first request of a departure to every system   %s\n", s.Closed, s.Bytes/1_000_000, s.Took.Round(time.Millisecond))
	}
	if v := r.Wave; v != nil {
		_, _ = fmt.Fprintf(w, "\nA wave of %d cases at systems that allow %.0f calls a second, watched for %s\n  of what the limits allow, used         %.3f: %.2f of the shortest time possible\n  calls beyond a limit                   %d\n  an immediate departure under way       %s\n",
			v.Cases, v.PerSecond, v.Watched, v.Used, v.Makespan, v.Refused, v.Urgent)
	}
}
