package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/spf13/cobra"
)

// Exit codes, as `exeunt help exit-codes` lists them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitNeedsPerson = 4
	exitBroken      = 5
	exitUnreachable = 6
	exitRefused     = 7
	exitInterrupted = 130
)

const exitCodesHelp = `Exit codes:
  0    done, or nothing to do
  1    failed for a reason not below
  2    wrong usage, or a configuration that is not valid
  3    not found, or not allowed to see
  4    done, but something needs a person: open or failed steps, a signing key that nobody vouched for
  5    verification failed: the ledger, a packet or a signature is broken
  6    server or target system not reachable, or timed out
  7    refused: a hold, a missing approval, or somebody else was faster
  130  interrupted; work on the server goes on
`

// exitError carries an exit code with an error that was, or needs, saying.
type exitError struct {
	code int
	err  error // nil when all was said already
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

// console is where a command reads and writes: data on out, everything else on err.
type console struct {
	in       io.Reader
	out, err io.Writer
	json     bool
}

func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	io := &console{in: in, out: out, err: errOut}
	root := newRoot(io)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil {
		return exitInterrupted
	}
	code := codeOf(err)
	if text := say(err); text != "" {
		_, _ = fmt.Fprintln(errOut, "exeunt: "+text)
	}
	return code
}

func newRoot(c *console) *cobra.Command {
	root := &cobra.Command{
		Use:   "exeunt",
		Short: "Offboarding that proves itself: access cut, pay settled, tasks chased, evidence sealed",
		Example: `  exeunt demo                                  see it work, in the browser
  exeunt check --config examples/acme          is my configuration right?
  exeunt serve --config /etc/exeunt --data /var/lib/exeunt`,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print one JSON document on stdout and nothing else there")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return exitError{exitUsage, fmt.Errorf("%w. See %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(
		serveCommand(c), demoCommand(c), initCommand(c), checkCommand(c), doctorCommand(c), reloadCommand(c), migrateCommand(c), schemaCommand(c), versionCommand(c),
		planCommand(c), policyCommand(c), triggerCommand(c), caseCommand(c), eraseCommand(c), fuseCommand(c), taskCommand(c), waveCommand(c), systemCommand(c), connectorCommand(c), signalsCommand(c), inventoryCommand(c), reconcileCommand(c), ledgerCommand(c), evidenceCommand(c), tokenCommand(c), benchCommand(c),
		&cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: exitCodesHelp}, // a help topic: nothing to run
	)
	return root
}

// codeOf is the exit code of an error.
func codeOf(err error) int {
	if err == nil {
		return exitDone
	}
	if e, ok := errors.AsType[exitError](err); ok {
		return e.code
	}
	if wrongUsage(err) {
		return exitUsage
	}
	switch exeunt.KindOf(err) {
	case exeunt.Invalid:
		return exitUsage
	case exeunt.NotFound, exeunt.Denied, exeunt.Unauthorised:
		return exitNotFound
	case exeunt.Conflict:
		return exitRefused
	case exeunt.Temporary, exeunt.Throttled:
		return exitUnreachable
	default:
		return exitFailed
	}
}

// wrongUsage recognises what the command line parser says, which has no type of its own.
func wrongUsage(err error) bool {
	for _, begin := range []string{"unknown command", "unknown flag", "unknown shorthand", "required flag", "accepts ", "requires ", "at least one of the flags", "if any flags in the group"} {
		if strings.HasPrefix(err.Error(), begin) {
			return true
		}
	}
	return false
}

// group is a noun: alone it shows its verbs, with an unknown one it says so.
func group(cmd *cobra.Command, verbs ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(verbs...)
	if cmd.RunE == nil {
		cmd.Args = cobra.NoArgs
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	return cmd
}

func say(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// print writes data: one JSON document with --json, else what text writes.
func (c *console) print(document any, text func(io.Writer)) error {
	if !c.json {
		text(c.out)
		return nil
	}
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}

// note writes a hint or progress.
func (c *console) note(format string, args ...any) {
	_, _ = fmt.Fprintf(c.err, format+"\n", args...)
}

// symbol stands beside a status word, so that a colourless paste is complete. ASCII where the locale
// is not UTF-8.
func symbol(status string) string {
	utf8 := map[string]string{"done": "✓", "running": "◐", "failed": "✗", "person": "☻", "scheduled": "◷", "waiting": "◌", "override": "◇", "skipped": "–"}
	ascii := map[string]string{"done": "ok", "running": "run", "failed": "FAIL", "person": "man", "scheduled": "sched", "waiting": "wait", "override": "ovr", "skipped": "-"}
	locale := strings.ToUpper(firstOf(os.Getenv("LC_ALL"), os.Getenv("LC_CTYPE"), os.Getenv("LANG")))
	if strings.Contains(locale, "UTF-8") || strings.Contains(locale, "UTF8") {
		return utf8[status]
	}
	return ascii[status]
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
