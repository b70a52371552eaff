package main

import (
	"fmt"
	"io"

	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/spf13/cobra"
)

const sealHelp = `Make every file of the log that is full and signed immutable, as chattr +i does, so that not even the ledger's own user can
change or remove it any more. Run it as root, now and then: docs/systemd has a unit and a timer. The ledger may be running.

What is not sealed: the newest entries (fewer than 256), the checkpoint, and bodies.db, which erasures change.`

func ledgerSealCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "seal --ledger DIR", Short: "Make the full files of the log immutable; as root", Long: sealHelp, Args: cobra.NoArgs,
		Example: "  sudo exeunt ledger seal --ledger /var/lib/exeunt-ledger",
		RunE: func(*cobra.Command, []string) error {
			sealed, before, err := ledger.Seal(dir)
			if err != nil {
				return err
			}
			return c.print(map[string]any{"schema": "sealed/v1", "sealed": sealed, "before": before}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%d files sealed, %d were before.\n", sealed, before)
			})
		},
	}
	folderFlags(cmd, &dir, nil)
	return cmd
}

func ledgerUnsealCommand(c *console) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "unseal --ledger DIR", Short: "Take that back, so that the folder can be moved or restored; as root", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			n, err := ledger.Unseal(dir)
			if err != nil {
				return err
			}
			return c.print(map[string]any{"schema": "unsealed/v1", "unsealed": n}, func(w io.Writer) { _, _ = fmt.Fprintf(w, "%d files unsealed.\n", n) })
		},
	}
	folderFlags(cmd, &dir, nil)
	return cmd
}
