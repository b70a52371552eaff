package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/spf13/cobra"
)

const doctorHelp = `Try every connection and permission of a configuration: each system by its connector, the HR sources, the mail
server, the database, the ledger, witnesses, the time stamp authority, and where checkpoints are published.

Everything is tried at once, each within --limit. Nothing is changed anywhere: what only acting would show is
said to be unknown, with what to do to become sure. Run it as the server's user, with its environment.

Exit code 0 when all that can be known is right, 4 when a permission or a setting is missing, 6 when something
does not answer, 2 when the configuration has faults.`

func doctorCommand(c *console) *cobra.Command {
	var d app.Doctor
	cmd := &cobra.Command{
		Use: "doctor --config DIR", Short: "Try every connection and permission, and say which right is missing", Long: doctorHelp, Args: cobra.NoArgs,
		Example: "  exeunt doctor --config /etc/exeunt --data /var/lib/exeunt\n  exeunt doctor --config /etc/exeunt --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, faults := config.Load(d.Dir, connectors.All(os.DirFS(d.Dir)))
			if cfg == nil {
				document := map[string]any{"schema": "check/v1", "valid": false, "faults": faults}
				if err := c.print(document, func(w io.Writer) { printFaults(w, d.Dir, cfg, faults) }); err != nil {
					return err
				}
				return exitError{exitUsage, nil}
			}
			d.Config = cfg
			parts := d.Examine(cmd.Context())
			unset := faults.ForServing().Errors()
			document := map[string]any{"schema": "doctor/v1", "right": healthy(parts) == exitDone && len(unset) == 0, "parts": parts, "faults": append(config.Faults{}, unset...)}
			if err := c.print(document, func(w io.Writer) { printParts(w, parts, unset) }); err != nil {
				return err
			}
			if code := healthy(parts); code != exitDone {
				return exitError{code, nil}
			}
			if len(unset) > 0 {
				return exitError{exitNeedsPerson, nil}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&d.Dir, "config", "", "configuration folder")
	cmd.Flags().StringVar(&d.Data, "data", "", "data directory, to see whether it can be written to")
	cmd.Flags().StringVar(&d.Database, "database", os.Getenv("EXEUNT_DATABASE"), "postgres:// URL, where the server uses one (env EXEUNT_DATABASE)")
	cmd.Flags().DurationVar(&d.Limit, "limit", 20*time.Second, "how long each part may take")
	_ = cmd.MarkFlagRequired("config")
	return cmd
}

// healthy is the exit code of what was found.
func healthy(parts []app.Part) int {
	code := exitDone
	for _, p := range parts {
		switch {
		case p.Right():
		case p.Unreachable():
			return exitUnreachable
		default:
			code = exitNeedsPerson
		}
	}
	return code
}

// printParts shows what is wrong first, whole, and then the rest.
func printParts(w io.Writer, parts []app.Part, unset config.Faults) {
	for _, f := range unset {
		_, _ = fmt.Fprintf(w, "%s %s\n", symbol("failed"), f)
	}
	wrong, unknown := 0, 0
	for _, p := range parts {
		mark := symbol("done")
		if !p.Right() {
			mark = symbol("failed")
			wrong++
		}
		_, _ = fmt.Fprintf(w, "%s %s %s%s\n", mark, p.Kind, p.Name, partWords(p))
		if p.Fault != "" {
			_, _ = fmt.Fprintf(w, "    %s%s\n", p.Fault, then(p.Remedy))
		}
		var granted []string
		for _, r := range p.Rights {
			if r.State == connector.Granted {
				granted = append(granted, r.Name)
				continue
			}
			if r.State == connector.Unknown {
				unknown++
			}
			_, _ = fmt.Fprintf(w, "    %-8s %s%s: %s%s\n", r.State, r.Name, forWords(r.For), r.Why, then(r.Remedy))
		}
		if len(granted) > 0 {
			_, _ = fmt.Fprintf(w, "    granted  %s\n", strings.Join(granted, ", "))
		}
	}
	_, _ = fmt.Fprintf(w, "%d parts examined, nothing changed: %d wrong, %d rights that only acting shows; %d secrets are not set.\n", len(parts), wrong, unknown, len(unset))
}

func partWords(p app.Part) string {
	if p.Kind != "system" || p.Tier == 0 {
		return ""
	}
	return fmt.Sprintf(" (tier %d, %s)", p.Tier, p.Stage)
}

func forWords(actions []exeunt.Action) string {
	if len(actions) == 0 {
		return ""
	}
	words := make([]string, len(actions))
	for i, a := range actions {
		words[i] = string(a)
	}
	return ", for " + strings.Join(words, ", ")
}

func then(remedy string) string {
	if remedy == "" {
		return ""
	}
	return ". To do: " + remedy
}
