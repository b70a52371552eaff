package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

const reloadHelp = `Have the running server read its configuration folder again, as it does by itself when the folder changes, and at SIGHUP.

What is right takes the place of what is served, whole and at once; running cases keep the plan that they have. When
anything is wrong, what is served goes on, and every fault is shown: exit code 2. Each server reads its own folder.`

func reloadCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "reload", Short: "Have the server read its configuration again, and show what that changed", Long: reloadHelp, Args: cobra.NoArgs,
		Example: "  exeunt reload\n  exeunt reload --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := newClient()
			if err != nil {
				return err
			}
			var r api.Reload
			if err := cl.call(cmd.Context(), http.MethodPost, "/configuration/reload", nil, &r); err != nil {
				return err
			}
			if err := c.print(r, func(w io.Writer) { printReload(w, r) }); err != nil {
				return err
			}
			if !r.Taken {
				return exitError{exitUsage, nil}
			}
			return nil
		},
	}
}

func printReload(w io.Writer, r api.Reload) {
	switch {
	case !r.Taken:
		for _, f := range r.Faults {
			_, _ = fmt.Fprintln(w, config.Fault{File: f.File, Line: f.Line, Column: f.Column, Path: f.Path, What: f.What, Remedy: f.Remedy})
		}
		_, _ = fmt.Fprintf(w, "%d faults. The configuration %s goes on being served.\n", len(r.Faults), r.Before)
	case r.Before == r.After:
		_, _ = fmt.Fprintf(w, "Nothing has changed: %s is served.\n", r.After)
	default:
		for _, d := range r.Differences {
			_, _ = fmt.Fprintf(w, "%-8s %s\n", d.Change, strings.TrimSpace(d.Noun+" "+d.Name))
		}
		_, _ = fmt.Fprintf(w, "%s Served now: %s, before: %s. Running cases keep their plans.\n", symbol("done"), r.After, r.Before)
	}
}
