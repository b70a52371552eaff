package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func systemCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "system", Short: "List the inventory"}
	return group(cmd, &cobra.Command{
		Use: "list", Short: "List every system: how access ends there, and when that was last proven", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.SystemList
			if err := get(cmd.Context(), "/systems", &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) { printSystems(w, list) })
		},
	})
}

func printSystems(w io.Writer, list api.SystemList) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "SYSTEM\tTIER\tKIND\tSTAGE\tOWNER\tLAST PROOF\tOPEN\tFAILED")
	for _, s := range list.Systems {
		proof := "never"
		if !s.LastProof.IsZero() {
			proof = s.LastProof.UTC().Format("2006-01-02 15:04 UTC")
		}
		_, _ = fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\t%d\t%d\n", s.Name, s.Tier, s.Kind, s.Stage, s.Owner, proof, s.Open, s.Failed)
	}
	_ = t.Flush()
}
