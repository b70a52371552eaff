package main

import (
	"fmt"
	"io"

	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/spf13/cobra"
)

func ledgerCommand(c *console) *cobra.Command {
	cmd := &cobra.Command{Use: "ledger", Short: "Check the tamper-evident record, or run it as a process of its own", Example: "  exeunt ledger verify\n  exeunt ledger key > exeunt.vkey"}
	return group(cmd, ledgerVerifyCommand(c), ledgerKeyCommand(c), ledgerServeCommand(c), ledgerRotateCommand(c), ledgerRetireCommand(c))
}

func ledgerVerifyCommand(c *console) *cobra.Command {
	var log string
	var keys []string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the whole log, and the database against it; exit 5 when anything does not hold", Args: cobra.NoArgs,
		Long: "Check the whole log, and the database against it.\n\nWith --log it is a copy of the log that is checked, without any server or database: the folder `log` of the ledger.\nThe key then comes from --key, from EXEUNT_LEDGER_KEY, or from what `evidence export` remembered.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if log != "" {
				return verifyLogOffline(c, log, keys)
			}
			cl, err := newClient()
			if err != nil {
				return err
			}
			var r api.LedgerReport
			if err := cl.call(cmd.Context(), "POST", "/ledger/verify", struct{}{}, &r); err != nil {
				return err
			}
			if err := c.print(r, func(w io.Writer) { printReport(w, r) }); err != nil {
				return err
			}
			if !r.Verified {
				return exitError{exitBroken, nil}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&log, "log", "", "check a copy of the log instead, without a server")
	cmd.Flags().StringArrayVar(&keys, "key", nil, "with --log: verifier key of the ledger, or a file that holds it")
	return cmd
}

func printReport(w io.Writer, r api.LedgerReport) {
	if !r.Verified {
		_, _ = fmt.Fprintf(w, "%s The ledger does not hold: %s\n", symbol("failed"), r.Fault)
		return
	}
	_, _ = fmt.Fprintf(w, "%s %d entries, no break. Root %s. Signed by key %s.\n", symbol("done"), r.Entries, r.Root, r.Fingerprint)
	if r.Waiting > 0 {
		_, _ = fmt.Fprintf(w, "  %d newer entries are on their way into the log.\n", r.Waiting)
	}
}

func ledgerKeyCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "Print the key by which the ledger's signatures are checked; give it to auditors", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var key api.LedgerKey
			if err := get(cmd.Context(), "/ledger/key", &key); err != nil {
				return err
			}
			return c.print(key, func(w io.Writer) { _, _ = fmt.Fprintln(w, key.Key) })
		},
	}
}
