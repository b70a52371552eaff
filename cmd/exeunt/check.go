package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/spf13/cobra"
)

func checkCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "check --config DIR", Short: "Check a configuration: every fault at once, with file, line and remedy", Args: cobra.NoArgs,
		Example: "  exeunt check --config examples/acme\n  exeunt check --config /etc/exeunt --json",
		RunE: func(*cobra.Command, []string) error {
			cfg, faults := config.Load(dir, connectors.All(os.DirFS(dir)))
			document := map[string]any{"schema": "check/v1", "valid": cfg != nil, "faults": append(config.Faults{}, faults...)}
			if err := c.print(document, func(w io.Writer) { printFaults(w, dir, cfg, faults) }); err != nil {
				return err
			}
			if cfg == nil {
				return exitError{exitUsage, nil}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", "configuration folder")
	_ = cmd.MarkFlagRequired("config")
	return cmd
}

func printFaults(w io.Writer, dir string, cfg *config.Config, faults config.Faults) {
	for _, f := range faults {
		f.File = filepath.Join(dir, f.File)
		_, _ = fmt.Fprintln(w, f)
	}
	if cfg == nil {
		_, _ = fmt.Fprintf(w, "%s. Nothing of this configuration is used until they are mended.\n", spelling.Count(len(faults.Errors()), "fault", "faults"))
		return
	}
	_, _ = fmt.Fprintf(w, "%s Valid: %s, %s, %s, %s.\n", symbol("done"), spelling.Count(len(cfg.Systems), "system", "systems"), spelling.Count(len(cfg.Policies), "policy", "policies"),
		spelling.Count(len(cfg.Sources), "source", "sources"), spelling.Count(len(faults), "warning", "warnings"))
	live := 0
	for _, s := range cfg.Systems {
		if s.Stage == exeunt.Live {
			live++
		}
	}
	if live > 0 {
		_, _ = fmt.Fprintf(w, "  Stage live is asked for in %s: a connector acts once people have decided that on the server (exeunt system live).\n", spelling.Count(live, "system", "systems"))
	}
}

func schemaCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "schema --out DIR", Short: "Write the JSON Schemas of the configuration, for editors", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			schemas, err := config.Schemas(connectors.All())
			if err != nil {
				return err
			}
			if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // published documentation, no secret
				return err
			}
			for name, text := range schemas {
				path := filepath.Join(dir, filepath.Base(name))
				if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // likewise
					return err
				}
				c.note("%s", path)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "out", "docs/schema", "folder to write to")
	return cmd
}

func versionCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version, revision := "unknown", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = s.Value
					}
				}
			}
			return c.print(map[string]string{"schema": "version/v1", "version": version, "revision": revision}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "exeunt", version, revision) })
		},
	}
}
