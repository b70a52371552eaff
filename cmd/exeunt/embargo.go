package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/spf13/cobra"
)

// embargoFlags are the terms of an embargo as people give them.
type embargoFlags struct {
	until     string
	visibleTo []string
}

func (f *embargoFlags) on(cmd *cobra.Command, until string) {
	cmd.Flags().StringVar(&f.until, until, "", "reveal time: \"2026-12-01 09:00\" at the place of work, or RFC 3339")
	cmd.Flags().StringSliceVar(&f.visibleTo, "visible-to", nil, "e-mail address of who may see the case; give it once for each")
}

// put adds the embargo to a departure, in place of what its file says.
func (f embargoFlags) put(departure json.RawMessage) (json.RawMessage, error) {
	if f.until == "" && len(f.visibleTo) == 0 {
		return departure, nil
	}
	tree := map[string]any{}
	if err := json.Unmarshal(departure, &tree); err != nil {
		return nil, err
	}
	if tree == nil { // the file was empty: the server says what is missing
		return departure, nil
	}
	tree["embargo"] = exeunt.EmbargoTerms{Until: f.until, VisibleTo: f.visibleTo}
	return json.Marshal(tree)
}

func caseEmbargoCommand(c *console) *cobra.Command {
	var terms embargoFlags
	var reason string
	cmd := &cobra.Command{
		Use: "embargo CASE --reason TEXT", Short: "Let the embargo of a case last longer, or put more people on its list", Args: cobra.ExactArgs(1),
		Example: "  exeunt case embargo C-2041 --until \"2026-12-03 09:00\" --reason \"the works council meets later\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			body := map[string]any{"until": terms.until, "visible_to": terms.visibleTo, "reason": reason}
			if terms.visibleTo == nil {
				delete(body, "visible_to")
			}
			if err := post(cmd.Context(), "/cases/"+id.String()+"/embargo", body); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "case": id.String()}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, "embargo changed") })
		},
	}
	terms.on(cmd, "until")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

// printEmbargo says in one line until when the case is secret, and who knows.
func printEmbargo(w io.Writer, c exeunt.Case) {
	if !c.Embargoed() {
		return
	}
	_, _ = fmt.Fprintf(w, "Under embargo until %s. Visible to %s. Nothing happens and nobody is told before.\n",
		c.Embargo.Until.In(c.Zone()).Format("Mon 2 Jan 2006, 15:04 MST"), strings.Join(c.Embargo.VisibleTo, ", "))
}
