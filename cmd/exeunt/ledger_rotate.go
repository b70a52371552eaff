package main

import (
	"fmt"
	"io"

	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/spf13/cobra"
)

const rotateHelp = `Give the ledger a new signing key. Stop what has the folder open first: exeunt ledger serve, or the server itself.

From then on the new key and the one before it both sign, under the one name of the log, so that auditors who know either
can verify. Give them the new key by a way that has nothing to do with this machine, such as a letter or the company's web
site; then end the overlap with exeunt ledger retire-key. What was signed before stays proven by the old key: they keep it.`

func ledgerRotateCommand(c *console) *cobra.Command {
	var dir, origin string
	cmd := &cobra.Command{
		Use: "rotate-key --ledger DIR --origin NAME", Short: "Give the ledger a new signing key; the old one signs too until it is retired", Long: rotateHelp, Args: cobra.NoArgs,
		Example: "  exeunt ledger rotate-key --ledger /var/lib/exeunt-ledger --origin exeunt.example.com/ledger",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := ledger.RotateKey(cmd.Context(), dir, origin)
			if err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "key-rotated/v1", "key": key, "fingerprint": verify.Fingerprint(key)}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%s\nFingerprint %s. Give it to auditors by another way than the packets; the key before it signs too until exeunt ledger retire-key.\n", key, verify.Fingerprint(key))
			})
		},
	}
	folderFlags(cmd, &dir, &origin)
	return cmd
}

func ledgerRetireCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "retire-key --ledger DIR", Short: "End the time in which two keys sign: the older one is destroyed", Args: cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			if err := ledger.RetireKey(dir); err != nil {
				return err
			}
			return c.print(map[string]string{"schema": "done/v1", "ledger": dir}, func(w io.Writer) { _, _ = fmt.Fprintln(w, "One key signs.") })
		},
	}
	folderFlags(cmd, &dir, nil)
	return cmd
}

// folderFlags are those of commands that work on the ledger's own folder.
func folderFlags(cmd *cobra.Command, dir, origin *string) {
	cmd.Flags().StringVar(dir, "ledger", "", "folder of the ledger")
	_ = cmd.MarkFlagRequired("ledger")
	if origin != nil {
		cmd.Flags().StringVar(origin, "origin", "", "name of the log, as ledger.origin of the configuration says")
		_ = cmd.MarkFlagRequired("origin")
	}
}
