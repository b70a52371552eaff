package main

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/httpspec"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func connectorCommand(c *console) *cobra.Command {
	return group(&cobra.Command{
		Use: "connector", Short: "What connectors can do; ask a system what it lets us do; try one account without acting",
		Example: `  exeunt connector list
  exeunt connector show ldap
  exeunt connector show specs/door-locks.yaml        # is my description right?
  exeunt connector check corp-directory              # which right is missing?
  exeunt connector try corp-directory --account jdoe # what would be done?
  exeunt connector new --yaml door-locks             # describe one that is not here`,
	}, connectorListCommand(c), connectorShowCommand(c), connectorCheckCommand(c), connectorTryCommand(c), connectorNewCommand(c), connectorPagesCommand(c))
}

func connectorListCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List every connector with what it can do", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			sheets, err := connectors.Sheets()
			if err != nil {
				return err
			}
			return c.print(api.ConnectorList{Schema: "connectors/v1", Connectors: sheets}, func(w io.Writer) { printConnectors(w, sheets) })
		},
	}
}

func connectorShowCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME|FILE.yaml", Short: "Show what a connector can do, how well it is proven, and its settings", Args: cobra.ExactArgs(1),
		Long:    "Show what a connector can do. A name ending in .yaml is a description of yours: it is checked as a server would, and every fault is told with its line.",
		Example: "  exeunt connector show github\n  exeunt connector show specs/door-locks.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := sheetOf(args[0])
			if err != nil {
				return err
			}
			return c.print(api.ConnectorFile{Schema: "connector/v1", Connector: s}, func(w io.Writer) { printConnector(w, s) })
		},
	}
}

// sheetOf is a shipped connector's, or that of a description in a file.
func sheetOf(name string) (connector.Sheet, error) {
	if strings.HasSuffix(name, ".yaml") {
		source, err := os.ReadFile(name)
		if err != nil {
			return connector.Sheet{}, exeunt.Errorf(exeunt.Invalid, "%s cannot be read: see that it exists and that you may read it", name).Because(err)
		}
		spec, err := httpspec.Parse(name, source)
		if err != nil {
			return connector.Sheet{}, err
		}
		return spec.Sheet(), nil
	}
	sheets, err := connectors.Sheets()
	if err != nil {
		return connector.Sheet{}, err
	}
	i := slices.IndexFunc(sheets, func(s connector.Sheet) bool { return s.Name == name })
	if i < 0 {
		return connector.Sheet{}, exeunt.Errorf(exeunt.NotFound, "there is no connector %q: exeunt connector list has them all", name)
	}
	return sheets[i], nil
}

const withoutServer = "configuration folder, to ask without a server: as the server's user, with its environment"

func connectorCheckCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "check SYSTEM", Short: "Ask one system what it lets us do, and say which right is missing", Args: cobra.ExactArgs(1),
		Long: `Ask one system what it lets us do: what exeunt doctor does for all of them. Nothing is changed. The server asks, within the
limits of the system; with --config no server is needed. Ends with 4 when a right is missing, with 6 when nobody answers.`,
		Example: "  exeunt connector check corp-directory\n  exeunt connector check corp-directory --config /etc/exeunt",
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := ask(cmd.Context(), dir, args[0], "check", nil, func(a app.Ask) (api.SystemCheck, error) { return a.Check(cmd.Context(), args[0]) })
			if err != nil {
				return err
			}
			if err := c.print(found, func(w io.Writer) { printRights(w, found) }); err != nil {
				return err
			}
			switch {
			case found.Right:
				return nil
			case found.Class == exeunt.Temporary, found.Class == exeunt.Throttled:
				return exitError{exitUnreachable, nil}
			}
			return exitError{exitNeedsPerson, nil}
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", withoutServer)
	return cmd
}

func connectorTryCommand(c *console) *cobra.Command {
	var dir, account string
	cmd := &cobra.Command{
		Use: "try SYSTEM --account X", Short: "Look at one account and say what each action would do, without doing it", Args: cobra.ExactArgs(1),
		Long: `Find one account, look at it as a departure would, and say what each action would do to it. Nothing is done: what looks cannot
act. The account is named by whatever the system knows people by, or by its immutable id.

The server asks, and records that you looked. With --config no server is needed, and nothing is recorded.`,
		Example: "  exeunt connector try corp-directory --account test.person@corp.example",
		RunE: func(cmd *cobra.Command, args []string) error {
			trial, err := ask(cmd.Context(), dir, args[0], "trial", map[string]string{"account": account}, func(a app.Ask) (api.SystemTrial, error) { return a.Try(cmd.Context(), args[0], account) })
			if err != nil {
				return err
			}
			return c.print(trial, func(w io.Writer) { printTrial(w, trial) })
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", withoutServer)
	cmd.Flags().StringVar(&account, "account", "", "whom to look at, best a test account")
	_ = cmd.MarkFlagRequired("account")
	return cmd
}

// ask puts a question about a system to the server, or to the system itself where a configuration is given.
func ask[T any](ctx context.Context, dir, system, question string, with any, here func(app.Ask) (T, error)) (T, error) {
	var out T
	if dir == "" {
		cl, err := newClient()
		if err == nil {
			err = cl.call(ctx, "POST", "/systems/"+url.PathEscape(system)+"/"+question, with, &out)
		}
		return out, err
	}
	cfg, faults := config.Load(dir, connectors.All(os.DirFS(dir)))
	if cfg == nil {
		return out, exeunt.Errorf(exeunt.Invalid, "the configuration in %s has faults:\n%s", dir, faults.Errors().Error())
	}
	return here(app.AskFrom(cfg, dir))
}

func connectorPagesCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "pages --out DIR", Short: "Write a page of documentation for every connector", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			sheets, err := connectors.Sheets()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // published documentation, no secret
				return err
			}
			for _, s := range sheets {
				path := filepath.Join(dir, s.Name+".md")
				if err := os.WriteFile(path, connectors.Page(s), 0o644); err != nil { //nolint:gosec // likewise
					return err
				}
				c.note("%s", path)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "folder to write into")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}
