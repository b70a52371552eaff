package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

func triggerCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "trigger", Short: "Start a case by hand, instead of the HR system"}
	return group(cmd, triggerSendCommand(c))
}

func triggerSendCommand(c *console) *cobra.Command {
	var file, reason string
	var embargo embargoFlags
	cmd := &cobra.Command{
		Use: "send --leaver FILE --reason TEXT", Short: "Start a case as an override: in your name, with a reason, in the ledger", Args: cobra.NoArgs,
		Example: "  exeunt trigger send --leaver leaver.json --reason \"the HR system is down; confirmed by Dana Ortiz\"\n" +
			"  exeunt trigger send --leaver leaver.json --embargo-until \"2026-12-01 09:00\" --visible-to dana@acme.example --reason \"decided by the board\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := readFile(c.in, file)
			if err != nil {
				return err
			}
			departure, err := departureJSON(source)
			if err == nil {
				departure, err = embargo.put(departure)
			}
			if err != nil {
				return err
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			var started api.Started
			if err := cl.call(cmd.Context(), "POST", "/cases", map[string]any{"departure": departure, "reason": reason}, &started); err != nil {
				return err
			}
			return c.print(started, func(w io.Writer) {
				_, _ = fmt.Fprintln(w, started.Case)
				c.note("Watch it: exeunt case watch %s", started.Case)
			})
		},
	}
	cmd.Flags().StringVar(&file, "leaver", "", "departure as YAML or JSON, - for standard input")
	cmd.Flags().StringVar(&reason, "reason", "", "why a person starts it (at least 10 characters)")
	embargo.on(cmd, "embargo-until")
	_ = cmd.MarkFlagRequired("leaver")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

// departureJSON reads YAML or JSON, which YAML includes, and gives what the API takes.
func departureJSON(source []byte) (json.RawMessage, error) {
	var tree map[string]any
	if json.Unmarshal(source, &tree) != nil {
		if err := yaml.Unmarshal(source, &tree); err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "the departure is neither YAML nor JSON").Because(err)
		}
	}
	return json.Marshal(withDays(tree))
}

// withDays writes calendar days as days again, which YAML reads as midnight in UTC.
func withDays(node any) any {
	switch n := node.(type) {
	case map[string]any:
		for k, v := range n {
			n[k] = withDays(v)
		}
	case []any:
		for i, v := range n {
			n[i] = withDays(v)
		}
	case time.Time:
		return n.Format(time.DateOnly)
	}
	return node
}
