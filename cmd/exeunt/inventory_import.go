package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/spf13/cobra"
)

// importOptions are what exeunt inventory import is told.
type importOptions struct {
	from    string
	columns map[string]string
	dry     bool
}

func inventoryImportCommand(c *console, s *stock) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use: "import [FILE] --config DIR --from SOURCE", Short: "Read an export of finance, the departments or the single sign-on, or ask the sign-on itself, and match it with the inventory", Args: cobra.MaximumNArgs(1),
		Long: `Read an export and match it with the inventory. The source is finance (what is paid for), sso (what the single
sign-on lets people into) or survey (what departments say that they use). CSV with commas, semicolons or tabs, in UTF-8,
UTF-16 or Windows-1252, is read as it comes; name a column where it is called otherwise than usual.

Or name a system of the inventory that signs people in elsewhere, and no file: it is asked by its connector.

What a source showed before is replaced. What a person decided stays.`,
		Example: `  exeunt inventory import spend.csv --config /etc/exeunt --from finance
  exeunt inventory import ausgaben.csv --config /etc/exeunt --from finance --column name=Zahlungsempfänger --column spend=Summe
  exeunt inventory import --config /etc/exeunt --from single-sign-on`,
		RunE: func(cmd *cobra.Command, args []string) error {
			said, found, unread, err := o.read(cmd.Context(), c, s, args)
			if err != nil {
				return err
			}
			said.Read = exeunt.Date(time.Now().Format(time.DateOnly))
			sheet := inventory.Import(said, found, s.systems(), s.sheets)
			if !o.dry {
				if err := s.keep(sheet); err != nil {
					return err
				}
			}
			return c.print(importSummary(sheet, unread), func(w io.Writer) { printImport(w, sheet, unread, o.dry) })
		},
	}
	cmd.Flags().StringVar(&o.from, "from", "", "whose export it is: finance, sso or survey; or a system of the inventory that is asked itself")
	cmd.Flags().StringToStringVar(&o.columns, "column", nil, "what a column is called: name=Merchant; also "+columnNames())
	cmd.Flags().BoolVar(&o.dry, "dry-run", false, "show what would be matched, and keep nothing")
	_ = cmd.MarkFlagRequired("from")
	return cmd
}

// read takes what the source shows, of a file or of the system itself.
func (o importOptions) read(ctx context.Context, c *console, s *stock, args []string) (said inventory.Sheet, found []inventory.Found, unread int, err error) {
	source := inventory.Source(o.from)
	switch asked := s.has(o.from); {
	case slices.Contains(inventory.Sources, source) && len(args) == 1:
		found, unread, err = o.readExport(c, source, args[0])
		return inventory.Sheet{Source: source, From: filepath.Base(args[0])}, found, unread, err
	case slices.Contains(inventory.Sources, source):
		return said, nil, 0, exeunt.Errorf(exeunt.Invalid, "the file is missing: name %s", source.Words())
	case asked && (len(args) > 0 || len(o.columns) > 0):
		return said, nil, 0, exeunt.Errorf(exeunt.Invalid, "%s is asked itself, so that no file and no column is read: leave them out, or say --from sso for an export of it", o.from)
	case asked:
		found, err = s.askApplications(ctx, c, o.from)
		return inventory.Sheet{Source: inventory.SignOn, System: o.from, From: o.from}, found, 0, err
	default:
		return said, nil, 0, exeunt.Errorf(exeunt.Invalid, "--from is finance, sso or survey, or the name of a system of the inventory, not %q", o.from)
	}
}

func (o importOptions) readExport(c *console, source inventory.Source, file string) ([]inventory.Found, int, error) {
	named, err := namedColumns(o.columns)
	if err != nil {
		return nil, 0, err
	}
	text, err := readFile(c.in, file)
	if err != nil {
		return nil, 0, err
	}
	found, unread, err := inventory.Read(source, text, named)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", file, err)
	}
	return found, unread, nil
}

// has says whether the inventory has a system.
func (s *stock) has(name string) bool {
	return slices.ContainsFunc(s.items, func(i inventory.Item) bool { return i.Name == name })
}

// askApplications asks a single sign-on which applications it signs people in to.
func (s *stock) askApplications(ctx context.Context, c *console, system string) ([]inventory.Found, error) {
	found, err := app.Applications(ctx, s.config, s.dir, system, func(n int) { c.note("%s so far", spelling.Count(n, "application", "applications")) })
	if err == nil && len(found) == 0 {
		err = exeunt.Errorf(exeunt.Invalid, "%s tells of no application: see that its credentials may read them, since an empty list would replace what is known", system)
	}
	return found, err
}

func columnNames() string {
	var out []string
	for _, column := range inventory.Columns[1:] {
		out = append(out, string(column))
	}
	return strings.Join(out, ", ")
}

func namedColumns(columns map[string]string) (map[inventory.Column]string, error) {
	out := map[inventory.Column]string{}
	for column, head := range columns {
		if !slices.Contains(inventory.Columns, inventory.Column(column)) {
			return nil, exeunt.Errorf(exeunt.Invalid, "--column %s: there is no such column; name one of name, %s", column, columnNames())
		}
		out[inventory.Column(column)] = head
	}
	return out, nil
}

// keep writes a sheet whole or not at all.
func (s *stock) keep(sheet inventory.Sheet) error {
	text, err := sheet.YAML()
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(s.dir, sheet.File()), text)
}

func writeWhole(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "%s cannot be made: see that you may write there", filepath.Dir(path)).Because(err)
	}
	if err := os.WriteFile(path+".new", text, 0o640); err != nil { //nolint:gosec // no secret; the server's group reads it
		return exeunt.Errorf(exeunt.Invalid, "%s cannot be written: see that you may write there and that the disk has space", path).Because(err)
	}
	return os.Rename(path+".new", path)
}

// matched says how much of what a source shows is known.
func matched(sheet inventory.Sheet) (known, ignored, asked, unknown int) {
	for _, l := range sheet.Found {
		switch {
		case l.Is != "":
			known++
		case l.Ignored != "":
			ignored++
		case len(l.Maybe) > 0:
			asked++
		default:
			unknown++
		}
	}
	return known, ignored, asked, unknown
}

func importSummary(sheet inventory.Sheet, unread int) map[string]any {
	known, ignored, asked, unknown := matched(sheet)
	return map[string]any{
		"schema": "inventory-import/v1", "source": sheet.Source, "from": sheet.From, "file": sheet.File(), "found": sheet.Found,
		"known": known, "ignored": ignored, "undecided": asked, "unlisted": unknown, "rows_without_a_name": unread,
	}
}

func printImport(w io.Writer, sheet inventory.Sheet, unread int, dry bool) {
	known, ignored, asked, unknown := matched(sheet)
	for _, l := range sheet.Found {
		if len(l.Maybe) > 0 {
			_, _ = fmt.Fprintf(w, "%s %q may be %s (%.0f %%): %s\n", symbol("person"), l.Name, strings.Join(l.Maybe, " or "), 100*l.Confidence, l.Because)
		}
	}
	_, _ = fmt.Fprintf(w, "%s shows %s: %d in the inventory, %d no system of ours, %d to decide, %d not in the inventory.\n", sheet.From, spelling.Count(len(sheet.Found), "application", "applications"), known, ignored, asked, unknown)
	if unread > 0 {
		_, _ = fmt.Fprintf(w, "%s no application: left out.\n", spelling.Count(unread, "row names", "rows name"))
	}
	if dry {
		_, _ = fmt.Fprintln(w, "Nothing was kept.")
		return
	}
	_, _ = fmt.Fprintf(w, "Kept in %s. What to do next: exeunt inventory gaps\n", sheet.File())
}

func inventoryDecideCommand(c *console, s *stock) *cobra.Command {
	var d inventory.Decision
	cmd := &cobra.Command{
		Use: "decide APPLICATION --config DIR", Short: "Say which system an application is, or that it is none of ours; later imports go by it", Args: cobra.ExactArgs(1),
		Example: `  exeunt inventory decide "Brd Sng" --config /etc/exeunt --is wiki
  exeunt inventory decide "Office Chairs" --config /etc/exeunt --ignore "furniture"`,
		RunE: func(_ *cobra.Command, args []string) error {
			d.Name = args[0]
			if (d.Is == "") == (d.Ignored == "") {
				return exeunt.Errorf(exeunt.Invalid, "say either --is SYSTEM or --ignore \"why it is no system of ours\"")
			}
			if d.Is != "" && !s.has(d.Is) {
				return exeunt.Errorf(exeunt.NotFound, "there is no system %q in the inventory: see exeunt inventory list", d.Is)
			}
			changed, err := inventory.Decide(s.sheets, d)
			if err != nil {
				return err
			}
			for _, sheet := range changed {
				if err := s.keep(sheet); err != nil {
					return err
				}
			}
			return c.print(map[string]any{"schema": "done/v1", "application": d.Name, "is": d.Is, "ignored": d.Ignored, "by": d.By}, func(w io.Writer) {
				_, _ = fmt.Fprintf(w, "%q is %s, for %d sources.\n", d.Name, firstOf(d.Is, "no system of ours"), len(changed))
			})
		},
	}
	cmd.Flags().StringVar(&d.Is, "is", "", "the system that it is")
	cmd.Flags().StringVar(&d.Ignored, "ignore", "", "why it is no system of ours")
	cmd.Flags().StringVar(&d.By, "by", whoIsHere(), "who decides")
	return cmd
}

// whoIsHere is the person at the keyboard, as the machine knows them.
func whoIsHere() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return firstOf(u.Name, u.Username)
}

func inventoryScaffoldCommand(c *console, s *stock) *cobra.Command {
	var printed bool
	cmd := &cobra.Command{
		Use: "scaffold APPLICATION --config DIR", Short: "Write the file of a system that a source shows and the inventory lacks", Args: cobra.ExactArgs(1),
		Long: `Write the file of a system that a source shows and the inventory lacks. What is known is filled in; owner and
fallback are for people to say, and exeunt check asks for them until they are there.`,
		RunE: func(_ *cobra.Command, args []string) error {
			file, text, err := inventory.Scaffold(args[0], s.items, s.sheets)
			if err != nil {
				return err
			}
			path := filepath.Join(s.dir, file)
			if _, err := os.Stat(path); err == nil && !printed {
				return exeunt.Errorf(exeunt.Conflict, "%s exists already: change it there, or remove it first", path)
			}
			if !printed {
				if err := writeWhole(path, text); err != nil {
					return err
				}
				c.note("Fill in what is open in it, then: exeunt check --config %s", s.dir)
			}
			return c.print(map[string]string{"schema": "scaffold/v1", "file": file, "text": string(text)}, func(w io.Writer) {
				if printed {
					_, _ = w.Write(text)
					return
				}
				_, _ = fmt.Fprintln(w, path)
			})
		},
	}
	cmd.Flags().BoolVar(&printed, "print", false, "print the file instead of writing it")
	return cmd
}
