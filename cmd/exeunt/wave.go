package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func waveCommand(c *console) *cobra.Command {
	show := waveShowCommand(c)
	cmd := &cobra.Command{
		Use: "wave [WAVE]", Short: "Let many people leave as one: list, check, canary, hold point, rate, stop, report", Args: cobra.MaximumNArgs(1),
		Example: `  exeunt wave new --csv people.csv --title "Austin site" --clock "2026-11-23 09:00 America/Chicago" --canary 3 --reason "the site closes"
  exeunt wave check W-3
  exeunt wave approve W-3 --reason "agreed with the works council"     (somebody else)
  exeunt wave start W-3 --reason "as planned" && exeunt wave watch W-3
  exeunt wave report W-3 --csv report.csv`,
		RunE: func(cmd *cobra.Command, args []string) error { // a noun with an identifier shows it
			if len(args) == 0 {
				return cmd.Help()
			}
			return show.RunE(cmd, args)
		},
	}
	return group(cmd, waveNewCommand(c), waveListCommand(c), show, waveCheckCommand(c),
		waveDecisionCommand(c, "approve", "Approve a checked wave, as a second person", "approved"),
		waveDecisionCommand(c, "start", "Start an approved wave: the canary, or everybody", "started"),
		waveDecisionCommand(c, "go-on", "Let the others follow the canary", "goes on"),
		waveDecisionCommand(c, "stop", "Stop a wave for good: nobody else is released, what has begun ends", "stopped"),
		waveWatchCommand(c), waveReportCommand(c))
}

func waveNewCommand(c *console) *cobra.Command {
	var file, kind, opens, reason, until string
	var visible []string
	ask := exeunt.WaveRequest{}
	cmd := &cobra.Command{
		Use: "new --csv FILE --title TEXT --clock MOMENT --reason TEXT", Short: "Make a wave of a list of people; nobody leaves by it before it is checked, approved and started", Args: cobra.NoArgs,
		Long: `Make a wave of a list of people, as CSV with a header. employee_id and name are required; last_day, zone, entity,
work_email, upn, login, uuid, personal_email, identifier:KIND, title, department, manager_name, manager_email, place,
country, region, employment, hired_on, notice_on, termination_date and flags are read. Every fault of the list is said
at once, with its line.

The clock is when access ends, for everybody: an instant (2026-11-23T15:00:00Z, or "2026-11-23 09:00 America/Chicago"),
a time at each place of work ("2026-11-23 17:00"), or now.`,
		Example: "  exeunt wave new --csv people.csv --title \"Austin site\" --clock \"2026-11-23 17:00\" --canary 3 --rate 60 --reason \"the site closes\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := readFile(c.in, file)
			if err != nil {
				return err
			}
			ask.CSV, ask.Type, ask.Opens = string(list), exeunt.DepartureType(kind), exeunt.Opens(opens)
			if until != "" || len(visible) > 0 {
				ask.Embargo = &exeunt.EmbargoTerms{Until: until, VisibleTo: visible}
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			var made api.WaveMade
			in := struct {
				exeunt.WaveRequest
				Reason string `json:"reason"`
			}{ask, reason}
			if err := cl.call(cmd.Context(), "POST", "/waves", in, &made); err != nil {
				return err
			}
			return c.print(made, func(w io.Writer) {
				_, _ = fmt.Fprintln(w, made.Wave)
				c.note("Next: exeunt wave check %s", made.Wave)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "csv", "", "list of people, - for standard input")
	f.StringVar(&ask.Title, "title", "", "what the wave is about")
	f.StringVar(&kind, "type", string(exeunt.Layoff), "type of departure")
	f.StringVar(&ask.Clock, "clock", "", "when access ends, for everybody")
	f.StringVar(&opens, "opens", string(exeunt.OpensNow), "when the cases open: now (once started) or at-cut-off")
	f.IntVar(&ask.Canary, "canary", 0, "how many go first; then the wave holds until a person goes on")
	f.IntVar(&ask.Rate, "rate", 0, "cases a minute; 0 is all at once")
	f.StringVar(&until, "embargo-until", "", "keep the wave and its cases secret until then")
	f.StringSliceVar(&visible, "visible-to", nil, "e-mail addresses of who may see it meanwhile; you are one of them")
	f.StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	for _, name := range []string{"csv", "title", "clock", "reason"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

func waveListCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List waves, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.WaveList
			if err := get(cmd.Context(), "/waves", &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
				_, _ = fmt.Fprintln(t, "WAVE\tTITLE\tSTATE\tPEOPLE\tRELEASED\tCLOCK\tMADE BY\tAPPROVED BY")
				for _, v := range list.Waves {
					approved := "–"
					if v.Approved != nil {
						approved = v.Approved.By
					}
					_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", v.ID, v.Title, v.State, v.Size, v.Released, v.Clock, v.Made.By, approved)
				}
				_ = t.Flush()
			})
		},
	}
}

func fetchWave(ctx context.Context, name string) (api.WaveFile, error) {
	var f api.WaveFile
	id, err := exeunt.ParseWaveID(name)
	if err != nil {
		return f, err
	}
	return f, get(ctx, "/waves/"+id.String(), &f)
}

func waveShowCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "show WAVE", Short: "Show one wave: what went wrong first", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := fetchWave(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.print(f, func(w io.Writer) { printWave(w, f) })
		},
	}
}

// waveDecisionCommand makes the commands by which a person decides about a wave, with a reason.
func waveDecisionCommand(c *console, verb, short, done string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: verb + " WAVE --reason TEXT", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseWaveID(args[0])
			if err != nil {
				return err
			}
			if err := post(cmd.Context(), "/waves/"+id.String()+"/"+verb, map[string]string{"reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "wave": id.String()}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, done) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

// waveCheckCommand begins a check and waits for what it finds. Exit code 4 says that something is not as it
// should be: an account that is not found for sure, a system that is left out, or a limit that cannot be kept.
func waveCheckCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "check WAVE", Short: "Find out what a wave will do: identity, coverage, and how long it takes", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseWaveID(args[0])
			if err != nil {
				return err
			}
			if err := post(cmd.Context(), "/waves/"+id.String()+"/check", map[string]string{}); err != nil {
				return err
			}
			f, err := c.await(cmd.Context(), id.String(), func(f api.WaveFile) (bool, string) {
				if check := f.Wave.Check; f.Wave.Checking() {
					return false, fmt.Sprintf("%d of %d looks", check.Looked(), check.Looks)
				}
				return true, ""
			})
			if err != nil {
				return err
			}
			if err := c.print(f, func(w io.Writer) { printCheck(w, f) }); err != nil {
				return err
			}
			check := f.Wave.Check
			if fault := check.Fault(); fault != "" {
				return exitError{exitNeedsPerson, fmt.Errorf("wave %s cannot be approved: %s", id, fault)}
			}
			if check.Exceptions() > 0 || len(check.Late) > 0 {
				return exitError{exitNeedsPerson, fmt.Errorf("wave %s can be approved, by somebody else, who should know of the above", id)}
			}
			c.note("Next, somebody else: exeunt wave approve %s", id)
			return nil
		},
	}
}

// await asks for a wave until it is as is wanted, and says on the way how far it is.
func (c *console) await(ctx context.Context, name string, done func(api.WaveFile) (bool, string)) (api.WaveFile, error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	said := ""
	for {
		f, err := fetchWave(ctx, name)
		if err != nil {
			return f, err
		}
		over, text := done(f)
		if text != "" && text != said {
			c.note("%s", text)
			said = text
		}
		if over {
			return f, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			c.note("Work on the server goes on: exeunt wave show %s", name)
			return f, ctx.Err()
		}
	}
}

// waveWatchCommand says how far a wave is until it waits for a person or is over.
func waveWatchCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "watch WAVE", Short: "Say how far a wave is until it holds, is over, or only people are left to act", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := c.await(cmd.Context(), args[0], func(f api.WaveFile) (bool, string) {
				p := f.Progress
				text := fmt.Sprintf("%s: %d of %d started, %s", f.Wave.State, p.People-p.Waiting, p.People, p)
				return !f.Wave.Releasing() || p.Waiting+p.Released == 0 && p.Ended+p.Refused+p.Closed >= p.People, text
			})
			if err != nil {
				return err
			}
			if err := c.print(f, func(w io.Writer) { printWave(w, f) }); err != nil {
				return err
			}
			if p := f.Progress; p.Refused+p.Failed+p.Late+p.Held > 0 || f.Wave.State == exeunt.WaveHeld {
				return exitError{exitNeedsPerson, fmt.Errorf("wave %s needs a person: %s", f.Wave.ID, f.Wave.State)}
			}
			return nil
		},
	}
}

func waveReportCommand(c *console) *cobra.Command {
	var sheet string
	cmd := &cobra.Command{
		Use: "report WAVE", Short: "Report a wave: whose access ended when, what failed, who has what open, what is proven", Args: cobra.ExactArgs(1),
		Example: "  exeunt wave report W-3\n  exeunt wave report W-3 --csv report.csv\n  exeunt wave report W-3 --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseWaveID(args[0])
			if err != nil {
				return err
			}
			if sheet == "" {
				var r api.WaveReport
				if err := get(cmd.Context(), "/waves/"+id.String()+"/report", &r); err != nil {
					return err
				}
				return c.print(r, func(w io.Writer) { printWaveReport(w, r) })
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			text, err := cl.raw(cmd.Context(), "GET", "/waves/"+id.String()+"/report.csv", nil)
			if err != nil {
				return err
			}
			if sheet == "-" {
				_, err = c.out.Write(text)
				return err
			}
			if err := os.WriteFile(sheet, text, 0o600); err != nil {
				return exeunt.Errorf(exeunt.Invalid, "cannot write %s: does its folder exist?", sheet).Because(err)
			}
			return c.print(map[string]string{"schema": "done/v1", "wave": id.String(), "file": sheet}, func(w io.Writer) { _, _ = fmt.Fprintln(w, sheet) })
		},
	}
	cmd.Flags().StringVar(&sheet, "csv", "", "write one line a person to this file, - for standard output")
	return cmd
}
