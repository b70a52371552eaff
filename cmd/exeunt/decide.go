package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
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
	if h := c.LegalHold; h != nil {
		_, _ = fmt.Fprintf(w, "Legal hold by %s: %s. Nothing that loses data happens; access is cut all the same.\n", h.By, h.Reason)
	}
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

// caseRetryCommand puts a failed step back to work.
func caseRetryCommand(c *console) *cobra.Command {
	var step, reason string
	cmd := &cobra.Command{
		Use: "retry CASE --step STEP", Short: "Try a failed step again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			if err := post(cmd.Context(), fmt.Sprintf("/cases/%s/steps/%s/retry", id, url.PathEscape(step)), map[string]string{"reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "case": id.String(), "step": step}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%s %s\n", id, step) })
		},
	}
	cmd.Flags().StringVar(&step, "step", "", "key of the step, as `case show` prints it")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	_ = cmd.MarkFlagRequired("step")
	return cmd
}

// caseOverrideCommand settles a step without its being done, or asks a second person to confirm that.
func caseOverrideCommand(c *console) *cobra.Command {
	var step string
	var ask request
	cmd := &cobra.Command{
		Use: "override CASE --step STEP --reason TEXT", Short: "Settle a step by decision, with a reason; in tier 1 another person confirms it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			return ask.send(cmd.Context(), c, fmt.Sprintf("/cases/%s/steps/%s/waive", id, url.PathEscape(step)), id.String()+" "+step)
		},
	}
	ask.flags(cmd)
	cmd.Flags().StringVar(&step, "step", "", "key of the step, as `case show` prints it")
	_ = cmd.MarkFlagRequired("step")
	return cmd
}

// casePutBackCommand puts back one step that was done before HR changed the departure.
func casePutBackCommand(c *console) *cobra.Command {
	var step, reason string
	cmd := &cobra.Command{
		Use: "put-back CASE --step STEP --reason TEXT", Short: "Put back a step that was done before HR changed the departure, until its new time", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			if err := post(cmd.Context(), fmt.Sprintf("/cases/%s/steps/%s/put-back", id, url.PathEscape(step)), map[string]string{"reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "case": id.String(), "step": step}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%s %s\n", id, step) })
		},
	}
	cmd.Flags().StringVar(&step, "step", "", "key of the step, as `case show` prints it")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	_, _ = cmd.MarkFlagRequired("step"), cmd.MarkFlagRequired("reason")
	return cmd
}

// caseLegalReleaseCommand asks for the end of a legal hold.
func caseLegalReleaseCommand(c *console) *cobra.Command {
	var ask request
	cmd := &cobra.Command{
		Use: "legal-release CASE --reason TEXT", Short: "Ask for the end of a legal hold; another person confirms it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			return ask.send(cmd.Context(), c, "/cases/"+id.String()+"/legal-release", id.String())
		},
	}
	ask.flags(cmd)
	return cmd
}

// request is a decision that may need a second person.
type request struct{ reason, lasts string }

func (r *request) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.reason, "reason", "", "why, for the record (at least 10 characters)")
	cmd.Flags().StringVar(&r.lasts, "lasts", "", "how long it waits for the second person: 30m, 8h, 2d (a day when left out)")
	_ = cmd.MarkFlagRequired("reason")
}

// send posts the decision and says whether it has had its effect.
func (r *request) send(ctx context.Context, c *console, path, what string) error {
	cl, err := newClient()
	if err != nil {
		return err
	}
	var answer api.Overridden
	if err := cl.call(ctx, "POST", path, api.OverrideBody{Reason: r.reason, Lasts: r.lasts}, &answer); err != nil {
		return err
	}
	return c.print(answer, func(w io.Writer) {
		if answer.State == exeunt.DeviationAsked {
			what += " waits: another person has to confirm it, see exeunt task list"
		}
		_, _ = fmt.Fprintln(w, what)
	})
}

// caseOverridesCommand lists what people decided otherwise.
func caseOverridesCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "overrides CASE", Short: "List what people decided otherwise in a case", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseCaseID(args[0])
			if err != nil {
				return err
			}
			var list api.OverrideList
			if err := get(cmd.Context(), "/cases/"+id.String()+"/overrides", &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
				_, _ = fmt.Fprintln(t, "N\tWHAT\tSTATE\tBY\tSECOND\tREASON")
				for _, d := range list.Overrides {
					second := ""
					if d.Second != nil {
						second = d.Second.By
					}
					_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", d.N, d.What, d.State, d.By, second, d.Reason)
				}
				_ = t.Flush()
			})
		},
	}
}

// taskDecisionCommand makes the commands by which a second person answers.
func taskDecisionCommand(c *console, verb, short, done string) *cobra.Command {
	var reason string
	var steps []string
	cmd := &cobra.Command{
		Use: verb + " TASK --reason TEXT", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseTaskID(args[0])
			if err != nil {
				return err
			}
			body := map[string]any{"reason": reason}
			if len(steps) > 0 {
				body["steps"] = steps
			}
			if err := post(cmd.Context(), "/tasks/"+id.String()+"/"+verb, body); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "task": id.String()}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, done) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	cmd.Flags().StringSliceVar(&steps, "step", nil, "only this step; may be given several times")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}
