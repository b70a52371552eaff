package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/spf13/cobra"
)

// stock is the inventory of a configuration as the commands need it.
type stock struct {
	dir    string
	config *config.Config
	items  []inventory.Item
	sheets []inventory.Sheet
	gaps   []inventory.Gap
}

func inventoryCommand(c *console) *cobra.Command {
	s := &stock{}
	cmd := &cobra.Command{
		Use: "inventory", Short: "Know every system before anything happens: list, import, gaps, scaffold",
		Long: `Know every system before anything happens.

Finance knows what is paid for, the single sign-on what is signed in to, the departments what they use. Import their
exports; what the inventory lacks, and what it says otherwise, are its gaps. Everything lies in the configuration folder,
in systems/ and inventory/, to be reviewed and kept as the rest of it is; no server is needed.`,
		Example: `  exeunt inventory import --config /etc/exeunt --from finance spend.csv
  exeunt inventory gaps --config /etc/exeunt
  exeunt inventory decide "Brd Sng" --config /etc/exeunt --is wiki
  exeunt inventory scaffold Snowflake --config /etc/exeunt`,
		PersistentPreRunE: func(*cobra.Command, []string) error { return s.read(c) },
	}
	cmd.PersistentFlags().StringVar(&s.dir, "config", "", "configuration folder")
	return group(cmd, inventoryListCommand(c, s), inventoryShowCommand(c, s), inventoryImportCommand(c, s), inventoryDecideCommand(c, s), inventoryGapsCommand(c, s), inventoryScaffoldCommand(c, s))
}

// read takes what a configuration says, also where it has faults: filling them is what the inventory is for. Only a
// folder that cannot be read at all is refused.
func (s *stock) read(c *console) error {
	if s.dir == "" {
		return exeunt.Errorf(exeunt.Invalid, "--config is missing: name the folder that has exeunt.yaml")
	}
	if _, err := os.Stat(s.dir); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the configuration folder %s cannot be read: name the one that has exeunt.yaml", s.dir)
	}
	var faults config.Faults
	s.config, faults = config.Inventory(s.dir, connectors.All(os.DirFS(s.dir)))
	s.items, s.sheets = s.config.Items(), s.config.Sheets
	if n := len(faults.Errors()); n > 0 {
		c.note("The configuration has %d faults; a file that cannot be read is not compared: exeunt check --config %s", n, s.dir)
	}
	slices.SortStableFunc(s.items, func(a, b inventory.Item) int { return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Name, b.Name)) })
	s.gaps = inventory.Gaps(s.items, s.sheets)
	return nil
}

func (s *stock) systems() []exeunt.System {
	out := make([]exeunt.System, len(s.items))
	for i, item := range s.items {
		out[i] = item.System
	}
	return out
}

func (s *stock) gapsOf(system string) []inventory.Gap {
	return slices.DeleteFunc(slices.Clone(s.gaps), func(g inventory.Gap) bool { return g.System != system })
}

// inventorySystem is one system as list and show print it.
type inventorySystem struct {
	exeunt.System
	API  string          `json:"api,omitempty"`
	Gaps []inventory.Gap `json:"gaps"`
}

func (s *stock) view(i inventory.Item) inventorySystem {
	return inventorySystem{i.System, i.API, append([]inventory.Gap{}, s.gapsOf(i.Name)...)}
}

func inventoryListCommand(c *console, s *stock) *cobra.Command {
	return &cobra.Command{
		Use: "list --config DIR", Short: "List every system of the inventory, the riskiest first", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all := make([]inventorySystem, len(s.items))
			for i, item := range s.items {
				all[i] = s.view(item)
			}
			return c.print(map[string]any{"schema": "inventory/v1", "systems": all}, func(w io.Writer) { printInventory(w, all) })
		},
	}
}

func printInventory(w io.Writer, all []inventorySystem) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "TIER\tSYSTEM\tTITLE\tKIND\tSTAGE\tSIGN-ON\tIDENTIFIER\tOWNER\tGAPS")
	for _, s := range all {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", tierWords(s.Tier), s.Name, s.Title, s.Kind, s.Stage, firstOf(s.SSO, "own"), s.Identifier, firstOf(ownerWords(s.Owner), "nobody"), len(s.Gaps))
	}
	_ = t.Flush()
}

func tierWords(tier int) string {
	if tier == 0 {
		return "?"
	}
	return fmt.Sprint(tier)
}

func ownerWords(p exeunt.Person) string {
	if p.Role != "" && !p.Named() {
		return "role " + p.Role
	}
	return firstOf(p.Name, p.Email)
}

func inventoryShowCommand(c *console, s *stock) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME --config DIR", Short: "Show what is known of one system, what the sources show of it, and what is missing", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			i := slices.IndexFunc(s.items, func(i inventory.Item) bool {
				return strings.EqualFold(i.Name, args[0]) || strings.EqualFold(i.Title, args[0])
			})
			if i < 0 {
				return exeunt.Errorf(exeunt.NotFound, "there is no system %q in the inventory: see exeunt inventory list", args[0])
			}
			view := s.view(s.items[i])
			shown := map[inventory.Source][]inventory.Line{}
			for _, sheet := range s.sheets {
				for _, l := range sheet.Found {
					if l.Is == view.Name {
						shown[sheet.Source] = append(shown[sheet.Source], l)
					}
				}
			}
			return c.print(map[string]any{"schema": "inventory-system/v1", "system": view, "shown": shown}, func(w io.Writer) { printInventorySystem(w, view, shown) })
		},
	}
}

func printInventorySystem(w io.Writer, s inventorySystem, shown map[inventory.Source][]inventory.Line) {
	_, _ = fmt.Fprintf(w, "%s   %s   tier %s   %s\n\n", firstOf(s.Title, s.Name), s.Kind, tierWords(s.Tier), s.Stage)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range [][2]string{
		{"Name", s.Name}, {"Vendor", s.Vendor}, {"Owner", ownerWords(s.Owner)}, {"By hand", strings.Join(strings.Fields(s.Fallback), " ")}, {"Sign-on", firstOf(s.SSO, "its own")},
		{"Identifier", string(s.Identifier)}, {"Holds", strings.Join(s.Holds, ", ")}, {"API", s.API}, {"Retention", s.Retention},
	} {
		_, _ = fmt.Fprintf(t, "%s\t%s\n", row[0], firstOf(row[1], "not said"))
	}
	_ = t.Flush()
	for _, source := range inventory.Sources {
		for _, l := range shown[source] {
			_, _ = fmt.Fprintf(w, "Shown by %s as %q: %s\n", source.Words(), l.Name, firstOf(decidedBy(l), "by its name"))
		}
	}
	printGaps(w, s.Gaps)
}

func decidedBy(l inventory.Line) string {
	if l.By != "" {
		return "decided by " + l.By
	}
	return l.Because
}

func inventoryGapsCommand(c *console, s *stock) *cobra.Command {
	return &cobra.Command{
		Use: "gaps --config DIR", Short: "Show what nobody knows or has written down, the riskiest first, each with what to do", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			err := c.print(map[string]any{"schema": "gaps/v1", "gaps": append([]inventory.Gap{}, s.gaps...)}, func(w io.Writer) { printGaps(w, s.gaps) })
			if err == nil && len(s.gaps) > 0 {
				return exitError{exitNeedsPerson, nil}
			}
			return err
		},
	}
}

func printGaps(w io.Writer, gaps []inventory.Gap) {
	if len(gaps) == 0 {
		_, _ = fmt.Fprintf(w, "%s No gaps.\n", symbol("done"))
		return
	}
	tier := -1
	for _, g := range gaps {
		if g.Tier != tier {
			tier = g.Tier
			_, _ = fmt.Fprintf(w, "\nTier %s\n", tierWords(tier))
		}
		_, _ = fmt.Fprintf(w, "%s %s: %s%s\n    %s\n", symbol("person"), g.Name, g.What, extent(g), g.Todo)
	}
	_, _ = fmt.Fprintf(w, "\n%s.\n", spelling.Count(len(gaps), "gap", "gaps"))
}

// extent is how much an application is used.
func extent(g inventory.Gap) string {
	var out []string
	if g.People > 0 {
		out = append(out, spelling.Count(g.People, "person", "people"))
	}
	if g.Spend != 0 {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%.2f %s", g.Spend, g.Currency)))
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}
