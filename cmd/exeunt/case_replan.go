package main

import (
	"fmt"
	"io"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

// caseReplanCommand shows what planning a case anew would change, and does it when a reason is given.
func caseReplanCommand(c *console) *cobra.Command {
	var reason, to string
	cmd := &cobra.Command{
		Use: "replan CASE [--reason TEXT]", Short: "Plan a case anew by the present policies; without a reason, show what that would change", Args: cobra.ExactArgs(1),
		Long: `Plan a case anew by the present policies. A case keeps the policies that it was planned with, also when HR changes the
departure, until a person decides otherwise. Without --reason nothing is changed, and the difference is shown. With --to the case is
planned anew only if the policies are still those whose difference was looked at. Nothing that was done is undone: the case
owner is asked about what the new plan would have done otherwise. Exit code 4 when there is a difference that was only shown.`,
		Example: "  exeunt case replan C-2041\n  exeunt case replan C-2041 --to 5d41402abc4b --reason \"the deadline of legal was mended\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			if reason != "" {
				if err := post(cmd.Context(), "/cases/"+id.String()+"/replan", map[string]string{"reason": reason, "to": to}); err != nil {
					return err
				}
				return c.print(map[string]string{"schema": "done/v1", "case": id.String()}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, "planned anew") })
			}
			var preview api.ReplanPreview
			if err := get(cmd.Context(), "/cases/"+id.String()+"/replan", &preview); err != nil {
				return err
			}
			if err := c.print(preview, func(w io.Writer) { printReplanning(w, id, preview.Replanning) }); err != nil || len(preview.Differences) == 0 {
				return err
			}
			return exitError{exitNeedsPerson, nil}
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	cmd.Flags().StringVar(&to, "to", "", "version of the policies whose difference was looked at")
	return cmd
}

func printReplanning(w io.Writer, id exeunt.CaseID, r exeunt.Replanning) {
	_, _ = fmt.Fprintf(w, "%s is planned by %s (%s, policies %s); now it would be %s (%s, policies %s).\n", id, r.Policy, r.PolicyVersion, r.PolicySet, r.NewPolicy, r.NewPolicyVersion, r.NewPolicySet)
	if len(r.Differences) == 0 {
		_, _ = fmt.Fprintln(w, "Nothing of the plan would change.")
		return
	}
	printDifferences(w, r.Differences)
	if r.DecidesAboutEarlier {
		_, _ = fmt.Fprintln(w, "The case owner would be asked about what was done already.")
	}
	_, _ = fmt.Fprintf(w, "To do it: exeunt case replan %s --to %s --reason \"…\"\n", id, r.NewPolicySet)
}
