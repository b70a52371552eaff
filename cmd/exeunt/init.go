package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/spf13/cobra"
)

const initHelp = `Ask a few questions and write a configuration folder that passes exeunt check.

What a flag answers is not asked; with --yes nothing is, and what no flag answers is as shown in brackets. What only
who runs your systems knows stands in the files as an example, with a word on it.`

// question is one thing that is asked.
type question struct {
	flag, ask string
	into      *string
	otherwise func() string // what an empty answer means; nil when there has to be one
}

func initCommand(c *console) *cobra.Command {
	var a config.Answers
	var dir string
	var yes bool
	owner := func() string { return a.Owner }
	is := func(text string) func() string { return func() string { return text } }
	questions := []question{
		{"company", "Name of the company", &a.Company, nil},
		{"owner", "Who owns every case, as in a mail: Ida Novak <ida@acme.example>", &a.Owner, nil},
		{"zone", "Time zone of the main place of work", &a.Zone, localZone},
		{"country", "Its country, two capital letters; empty for none", &a.Country, is("")},
		{"url", "Address at which people reach the server", &a.URL, is(defaultURL)},
		{"it", "Who does what systems need by hand", &a.IT, owner},
		{"hr", "Who is asked in HR", &a.HR, owner},
		{"payroll", "Who is asked in payroll", &a.Payroll, owner},
		{"legal", "Who decides legal matters", &a.Legal, owner},
		{"source", "HR system that announces departures: bamboohr, webhook or none", &a.Source, is("none")},
		{"directory", "Directory: activedirectory, ldap or none", &a.Directory, is("none")},
		{"mail", "Name of the mail server; empty for none", &a.Mail, is("")},
	}
	cmd := &cobra.Command{
		Use: "init --config DIR", Short: "Ask a few questions and write a configuration that passes check", Long: initHelp, Args: cobra.NoArgs,
		Example: "  exeunt init --config my-company\n  exeunt init --config my-company --yes --company Acme --owner \"Ida Novak <ida@acme.example>\"",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Stat(filepath.Join(dir, "exeunt.yaml")); err == nil {
				return exeunt.Errorf(exeunt.Conflict, "%s has an exeunt.yaml already: name another folder, nothing was written", dir)
			}
			lines := bufio.NewScanner(c.in)
			for _, q := range questions {
				if cmd.Flags().Changed(q.flag) {
					continue
				}
				if err := q.answer(c, lines, yes); err != nil {
					return err
				}
			}
			written, faults, err := begin(dir, a)
			if err != nil {
				return err
			}
			return c.print(map[string]any{"schema": "init/v1", "folder": dir, "files": written, "faults": append(config.Faults{}, faults...)}, func(w io.Writer) { printBegun(w, dir, written, faults) })
		},
	}
	cmd.Flags().StringVar(&dir, "config", "", "folder to write")
	cmd.Flags().BoolVar(&yes, "yes", false, "ask nothing")
	for _, q := range questions {
		cmd.Flags().StringVar(q.into, q.flag, "", spelling.Lower(q.ask))
	}
	_ = cmd.MarkFlagRequired("config")
	return cmd
}

// answer asks, until there is an answer where there has to be one.
func (q question) answer(c *console, lines *bufio.Scanner, yes bool) error {
	otherwise, hint := "", ""
	if q.otherwise != nil {
		if otherwise = q.otherwise(); otherwise != "" {
			hint = " [" + otherwise + "]"
		}
	}
	for {
		if !yes {
			_, _ = fmt.Fprintf(c.err, "%s%s: ", q.ask, hint)
			if lines.Scan() {
				*q.into = strings.TrimSpace(lines.Text())
			} else {
				yes = true // nobody is there to ask
			}
		}
		if *q.into == "" {
			*q.into = otherwise
		}
		if *q.into != "" || q.otherwise != nil {
			return nil
		}
		if yes {
			return exeunt.Errorf(exeunt.Invalid, "nobody answered: %s. Give --%s", q.ask, q.flag)
		}
	}
}

// localZone is this machine's, where it has a name.
func localZone() string {
	if name := time.Local.String(); name != "Local" {
		return name
	}
	if path, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(path, "zoneinfo/"); ok {
			return name
		}
	}
	return "UTC"
}

// begin writes the files beside the folder, checks them, and only then puts them there: all, or none where one of them is there
// already.
func begin(dir string, a config.Answers) (written []string, faults config.Faults, err error) {
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o755); err != nil { //nolint:gosec // a folder like any other
		return nil, nil, exeunt.Errorf(exeunt.Invalid, "%s cannot be made", dir).Because(err)
	}
	draft, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".exeunt-init-*")
	if err != nil {
		return nil, nil, exeunt.Errorf(exeunt.Invalid, "nothing can be written beside %s", dir).Because(err)
	}
	defer func() { _ = os.RemoveAll(draft) }()
	files := a.Files()
	written = slices.Sorted(maps.Keys(files))
	for _, name := range written {
		if err := writeFile(filepath.Join(draft, name), files[name]); err != nil {
			return nil, nil, err
		}
	}
	cfg, faults := config.Load(draft, connectors.All())
	if cfg == nil {
		return nil, nil, exeunt.Errorf(exeunt.Invalid, "nothing was written, since an answer cannot be used:\n%s", faults.Errors().Error())
	}
	for _, name := range written {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, exeunt.Errorf(exeunt.Conflict, "%s is there already: nothing was written; name another folder, or move what is there", filepath.Join(dir, name))
		}
	}
	for _, name := range written {
		if err := writeFile(filepath.Join(dir, name), files[name]); err != nil {
			return nil, nil, err
		}
	}
	return written, faults, nil
}

// writeFile writes a new file; one that is there stays.
func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // no secret is in a configuration
		return exeunt.Errorf(exeunt.Invalid, "%s cannot be made", filepath.Dir(path)).Because(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // likewise
	if err != nil {
		return exeunt.Errorf(exeunt.Conflict, "%s is there already, or cannot be written: see what it is; it was left alone", path).Because(err)
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func printBegun(w io.Writer, dir string, written []string, faults config.Faults) {
	for _, f := range faults {
		_, _ = fmt.Fprintln(w, f)
	}
	_, _ = fmt.Fprintf(w, "%s %d files are in %s, and exeunt check finds them valid.\nNext: describe every other system under systems/, then\n  exeunt check --config %s\n  exeunt doctor --config %s\n", symbol("done"), len(written), dir, dir, dir)
}
