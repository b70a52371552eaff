package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func encodeLine(w io.Writer, object any) error { return json.NewEncoder(w).Encode(object) }

func taskCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "task", Short: "List and complete tasks", Example: "  exeunt task list --owner dana@example.com\n  exeunt task done T-311 --note \"laptop received\"\n  exeunt task reassign T-311 --to tom@example.com"}
	return group(cmd, taskListCommand(c), taskDoneCommand(c), taskReassignCommand(c),
		taskDecisionCommand(c, "approve", "Approve what a task asks of a second person", "approved"), taskDecisionCommand(c, "reject", "Reject what a task asks of a second person", "rejected"))
}

func taskListCommand(c *console) *cobra.Command {
	flags := map[string]*string{"state": new(string), "owner": new(string), "case": new(string), "system": new(string)}
	cmd := &cobra.Command{
		Use: "list", Short: "List open tasks, the nearest deadline first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{}
			for name, v := range flags {
				if *v != "" {
					q.Set(name, *v)
				}
			}
			var list api.TaskList
			if err := get(cmd.Context(), "/tasks?"+q.Encode(), &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) { printTasks(w, list, time.Now()) })
		},
	}
	cmd.Flags().StringVar(flags["state"], "state", "", "done, withdrawn, waiting or all")
	cmd.Flags().StringVar(flags["owner"], "owner", "", "e-mail address of the owner")
	cmd.Flags().StringVar(flags["case"], "case", "", "only of this case")
	cmd.Flags().StringVar(flags["system"], "system", "", "only of this system")
	return cmd
}

func printTasks(w io.Writer, list api.TaskList, now time.Time) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "TASK\tCASE\tPERSON\tWHAT\tSTATUS")
	for _, r := range list.Tasks {
		word, status := taskWords(r.Task, now)
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s %s\n", r.ID, r.Case, r.Name, r.Title, symbol(status), word)
	}
	_ = t.Flush()
}

func taskDoneCommand(c *console) *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "done TASK", Short: "Complete a task in your name", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseTaskID(args[0])
			if err != nil {
				return err
			}
			if err := post(cmd.Context(), "/tasks/"+id.String()+"/complete", map[string]string{"note": note}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "task": id.String()}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, "completed") })
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "what the record should say")
	return cmd
}

func taskReassignCommand(c *console) *cobra.Command {
	var to, name, reason string
	cmd := &cobra.Command{
		Use: "reassign TASK --to ADDRESS", Short: "Hand a task to somebody else", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := exeunt.ParseTaskID(args[0])
			if err != nil {
				return err
			}
			if err := post(cmd.Context(), "/tasks/"+id.String()+"/reassign", map[string]string{"email": to, "name": name, "reason": reason}); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "task": id.String(), "owner": to}, func(w io.Writer) { _, _ = fmt.Fprintln(w, id, "now with", firstOf(name, to)) })
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "e-mail address of the new owner")
	cmd.Flags().StringVar(&name, "name", "", "name of the new owner")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}
