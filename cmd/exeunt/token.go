package main

import (
	"fmt"
	"io"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/spf13/cobra"
)

func tokenCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{
		Use: "token", Short: "Make API tokens and invite people; works on the server's own data",
		Example: "  export EXEUNT_TOKEN=$(exeunt token create --data /var/lib/exeunt)\n  exeunt token invite --data /var/lib/exeunt --email ana@example.com --role it",
	}
	return group(cmd, tokenCreateCommand(c), tokenListCommand(c), tokenRevokeCommand(c), tokenInviteCommand(c))
}

func tokenCreateCommand(c *console) *cobra.Command {
	var f serverFlags
	var email, label string
	var roles []string
	var days int
	cmd := &cobra.Command{
		Use: "create --data DIR", Short: "Print a new API token; it is shown once", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := knownRoles(roles); err != nil {
				return err
			}
			s, err := openStore(cmd.Context(), f)
			if err != nil {
				return err
			}
			defer s.Close()
			token, err := app.NewAccounts(s, nil).CreateToken(app.FromShell(cmd.Context()), store.User{Email: email, Name: email, Roles: roles}, label, time.Duration(days)*24*time.Hour)
			if err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "token/v1", "token": token}, func(w io.Writer) { _, _ = fmt.Fprintln(w, token) })
		},
	}
	f.add(cmd, false)
	cmd.Flags().StringVar(&email, "as", "cli@localhost", "in whose name the token acts; of somebody who was invited it has their roles")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "give the token roles of its own instead; it then stands for nobody's account")
	cmd.Flags().StringVar(&label, "label", "command line", "what it is for")
	cmd.Flags().IntVar(&days, "days", 90, "how long it is valid")
	return cmd
}

func tokenInviteCommand(c *console) *cobra.Command {
	var f serverFlags
	var email, name string
	var roles []string
	cmd := &cobra.Command{
		Use: "invite --data DIR --email ADDRESS --role ROLE", Short: "Print a one-time link by which somebody chooses a password", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := knownRoles(roles); err != nil {
				return err
			}
			s, err := openStore(cmd.Context(), f)
			if err != nil {
				return err
			}
			defer s.Close()
			secret, err := app.NewAccounts(s, nil).Invite(app.FromShell(cmd.Context()), store.User{Email: email, Name: name, Roles: roles}, app.LocalCommands)
			if err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "invitation/v1", "path": "/invitation/" + secret}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "/invitation/"+secret) })
		},
	}
	f.add(cmd, false)
	cmd.Flags().StringVar(&email, "email", "", "address, with which they sign in")
	cmd.Flags().StringVar(&name, "name", "", "name")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "hr, it, payroll, legal, manager, auditor or admin; somebody known keeps theirs when left out")
	_ = cmd.MarkFlagRequired("email")
	return cmd
}

func tokenListCommand(c *console) *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use: "list --data DIR", Short: "List the API tokens that are valid; their secrets are not kept", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := openStore(cmd.Context(), f)
			if err != nil {
				return err
			}
			defer s.Close()
			tokens, err := app.NewAccounts(s, nil).Tokens(cmd.Context())
			if err != nil {
				return err
			}
			return c.print(map[string]any{"schema": "tokens/v1", "tokens": tokens}, func(w io.Writer) { printTokens(w, tokens) })
		},
	}
	f.add(cmd, false)
	return cmd
}

func printTokens(w io.Writer, tokens []store.Credential) {
	for _, t := range tokens {
		used := "never used"
		if !t.UsedAt.IsZero() {
			used = "first used " + t.UsedAt.Format(time.DateOnly)
		}
		_, _ = fmt.Fprintf(w, "%s  %s  %s; until %s, %s\n", t.ID, t.User.Email, t.Label, t.Until.Format(time.DateOnly), used)
	}
}

func tokenRevokeCommand(c *console) *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use: "revoke --data DIR ID", Short: "End an API token at once; `token list` shows its ID", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openStore(cmd.Context(), f)
			if err != nil {
				return err
			}
			defer s.Close()
			if err := app.NewAccounts(s, nil).RevokeToken(app.FromShell(cmd.Context()), args[0]); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "token-revoked/v1", "id": args[0]}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "Token "+args[0]+" is revoked.") })
		},
	}
	f.add(cmd, false)
	return cmd
}

func knownRoles(roles []string) error {
	for _, r := range roles {
		switch r {
		case "hr", "it", "payroll", "legal", "manager", "auditor", "admin":
		default:
			return exeunt.Errorf(exeunt.Invalid, "%q is not a role: use hr, it, payroll, legal, manager, auditor or admin", r)
		}
	}
	return nil
}
