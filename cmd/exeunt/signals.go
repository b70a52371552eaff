package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/signals"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

const signalsHelp = `Applications that listen cut live sessions at once when somebody leaves (Shared Signals Framework). Each of them is a
system of kind signals; docs/signals.md tells how one is set up.`

func signalsCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use: "signals", Short: "Show who listens to who leaves, see that they hear, and change the key", Long: signalsHelp,
		Example: "  exeunt signals list\n  exeunt signals show crm-signals\n  exeunt signals verify crm-signals",
	}
	return group(cmd, signalsListCommand(c), signalsShowCommand(c), signalsVerifyCommand(c), signalsTokenCommand(c), signalsRotateCommand(c), signalsForgetCommand(c))
}

func signalsListCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List every receiver: whether it listens, and what it has not taken", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var list api.SignalList
			if err := get(cmd.Context(), "/signals", &list); err != nil {
				return err
			}
			return c.print(list, func(w io.Writer) { printReceivers(w, list, time.Now()) })
		},
	}
}

func signalsShowCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "show SYSTEM", Short: "Show one receiver, with the tokens that it has not taken", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var list api.SignalList
			if err := get(cmd.Context(), "/signals", &list); err != nil {
				return err
			}
			for _, r := range list.Receivers {
				if r.System == args[0] {
					return c.print(r, func(w io.Writer) { printReceiver(w, r, time.Now()) })
				}
			}
			return exeunt.Errorf(exeunt.NotFound, "no system %q of kind %s is configured: exeunt signals list shows them", args[0], signals.KindName)
		},
	}
}

func signalsVerifyCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "verify SYSTEM", Short: "Send a receiver a verification, to see that it hears", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := newClient()
			if err != nil {
				return err
			}
			var sent api.SignalSent
			if err := cl.call(cmd.Context(), http.MethodPost, "/systems/"+url.PathEscape(args[0])+"/verify", nil, &sent); err != nil {
				return err
			}
			return c.print(sent, func(w io.Writer) {
				if sent.Sent {
					_, _ = fmt.Fprintf(w, "%s %s has the verification %s\n", symbol("done"), args[0], sent.ID)
				} else {
					_, _ = fmt.Fprintf(w, "%s polls: the verification %s waits for it. See whether it is gone with exeunt signals show %s\n", args[0], sent.ID, args[0])
				}
			})
		},
	}
}

// receiverToken is what signals token makes.
type receiverToken struct {
	Schema string `json:"schema"`
	Token  string `json:"token"`
	Digest string `json:"digest"`
}

func signalsTokenCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "token", Short: "Make a token for a receiver, and the digest of it for the configuration", Args: cobra.NoArgs,
		Long: "Make a token with which a receiver signs in here: as it is, or as client_secret of OAuth 2.0 client credentials, where\nthe name of the system is the client_id. It is shown once and kept nowhere: give it to whoever runs the\nreceiver, and write its digest under tokens in the settings of the system. It needs no server.",
		RunE: func(*cobra.Command, []string) error {
			token, digest := signals.NewToken()
			return c.print(receiverToken{"receiver-token/v1", token, digest}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "for the receiver:      %s\nfor the configuration: tokens: [%q]\n", token, digest)
			})
		},
	}
}

func signalsRotateCommand(c *console) *cobra.Command {
	var algorithm, reason string
	var atOnce bool
	cmd := &cobra.Command{
		Use: "rotate", Short: "Let another key sign, from tomorrow on or at once", Args: cobra.NoArgs,
		Long: "Make another key for security event tokens. Receivers can read it at once, and it signs from tomorrow on; the key\nbefore it stays readable for two weeks. With --at-once the key before counts no more: use it when somebody may know it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := newClient()
			if err != nil {
				return err
			}
			var f api.SignalKeyFile
			in := map[string]any{"algorithm": algorithm, "at_once": atOnce, "reason": reason}
			if err := cl.call(cmd.Context(), http.MethodPost, "/signals/rotate", in, &f); err != nil {
				return err
			}
			return c.print(f, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%s The key %s (%s) signs from %s on\n", symbol("done"), f.Key.ID, f.Key.Algorithm, stamp(f.Key.SignsAt, ""))
			})
		},
	}
	cmd.Flags().StringVar(&algorithm, "algorithm", "RS256", "RS256 or ES256")
	cmd.Flags().BoolVar(&atOnce, "at-once", false, "the key before may be known to somebody")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func signalsForgetCommand(c *console) *cobra.Command {
	var f serverFlags
	var reason string
	cmd := &cobra.Command{
		Use: "forget-keys --data DIR --reason TEXT", Short: "Begin anew where the key that seals secrets in the database is lost", Args: cobra.NoArgs,
		Long: "Take away what nobody can open any more, when sealing.key is lost and in no backup: the keys that sign security event\ntokens, and what receivers want to have sent with them. The next start makes other keys, which receivers read by\nthemselves; receivers that want a header have to set it again. Stop every server before.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			by := exeunt.Override{By: app.LocalCommands, Reason: reason}
			if err := by.Check(); err != nil {
				return err
			}
			s, err := openStore(cmd.Context(), f)
			if err != nil {
				return err
			}
			defer s.Close()
			change := exeunt.ForgetSealed(by, time.Now())
			if err := s.ForgetSealed(cmd.Context(), &change); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "keys-forgotten/v1"}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%s The keys are forgotten; the next start makes others\n", symbol("done"))
			})
		},
	}
	f.add(cmd, false)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record (at least 10 characters)")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func printReceivers(w io.Writer, list api.SignalList, now time.Time) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "SYSTEM\tWAY\tDELIVERY\tSTATUS\tWAITING\tOLDEST\tREFUSED\tLAST DELIVERED")
	for _, r := range list.Receivers {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\t%d\t%s\n", r.System, r.Way, firstOf(r.Delivery, "–"), r.Status, r.Waiting, age(r.WaitingSince, now), r.Refused, stamp(r.LastDelivered, "never"))
	}
	_ = t.Flush()
	if len(list.Receivers) == 0 {
		_, _ = fmt.Fprintln(w, "Nobody listens: no system of kind signals is configured. See docs/signals.md.")
	}
}

func age(since, now time.Time) string {
	if since.IsZero() {
		return "–"
	}
	return span(now.Sub(since))
}

func printReceiver(w io.Writer, r api.SignalReceiver, now time.Time) {
	_, _ = fmt.Fprintf(w, "%s   %s   %s %s   %s", firstOf(r.Title, r.System), r.Receiver, r.Way, r.Delivery, r.Status)
	if r.Reason != "" {
		_, _ = fmt.Fprintf(w, " (%s)", r.Reason)
	}
	_, _ = fmt.Fprintln(w)
	var events []string
	for _, e := range r.Events {
		events = append(events, e.Short())
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(t, "Hears of\t%s\n", firstOf(strings.Join(events, ", "), "nothing"))
	if r.PushTo != "" {
		_, _ = fmt.Fprintf(t, "Sent to\t%s\n", r.PushTo)
	}
	_, _ = fmt.Fprintf(t, "Delivered\t%d in 90 days, last %s; %d refused\n", r.Delivered, stamp(r.LastDelivered, "never"), r.Refused)
	_, _ = fmt.Fprintf(t, "Not taken\t%d, the oldest for %s\n", r.Waiting, age(r.WaitingSince, now))
	_ = t.Flush()
	if len(r.Undelivered) == 0 {
		return
	}
	t = tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "\nTOKEN\tCASE\tEVENT\tSTATE\tMADE")
	for _, u := range r.Undelivered {
		name := "–"
		if u.Case != 0 {
			name = u.Case.String()
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", u.ID, name, u.Event.Short(), strings.TrimSpace(string(u.State)+" "+u.Reason), stamp(u.MadeAt, ""))
	}
	_ = t.Flush()
}
