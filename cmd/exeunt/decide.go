package main

import (
	"fmt"
	"io"

	"github.com/exeunt/exeunt"
	"github.com/spf13/cobra"
)

// caseDecisionCommand makes the commands by which a person decides about a case, with a reason.
func caseDecisionCommand(c *console, verb, short, done string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: verb + " CASE --reason TEXT", Short: short, Args: cobra.ExactArgs(1),
		Example: fmt.Sprintf("  exeunt case %s C-2041 --reason \"HR confirmed it by phone\"", verb),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			if err := post(cmd.Context(), "/cases/"+id.String()+"/"+verb, map[string]string{"reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "case": id.String()}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, done) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

// printHold says in one line that nothing of the case happens, why and by whose decision.
func printHold(w io.Writer, c exeunt.Case) {
	if c.State != exeunt.CaseHeld {
		return
	}
	who := ""
	if c.HeldBy != nil {
		who = " by " + c.HeldBy.By
	}
	if !c.HeldAt.IsZero() {
		who += " since " + c.HeldAt.In(c.Zone()).Format("Mon 2 Jan 2006, 15:04 MST")
	}
	_, _ = fmt.Fprintf(w, "Held%s: %s. Nothing happens until it is released.\n", who, c.Hold)
}
