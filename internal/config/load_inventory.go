package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/inventory"
)

// Inventory reads what a configuration says of its systems, and what the sources showed, also while the configuration has
// faults: a system that lacks its owner is what one looks for. No server takes it.
func Inventory(dir string, kinds []connector.Kind) (*Config, Faults) {
	l, faults := load(dir, kinds)
	return l.config, faults
}

// Items are the systems as the inventory is compared with the sources.
func (c *Config) Items() []inventory.Item {
	out := make([]inventory.Item, len(c.Systems))
	for i, s := range c.Systems {
		out[i] = inventory.Item{System: s.System, API: s.API}
	}
	return out
}

// sheets reads what the sources showed. It concerns no plan, so that a system that is gone is worth a warning.
func (l *loader) sheets() {
	seen := map[string]string{} // by what a sheet is kept as
	for _, name := range l.list("inventory") {
		doc, _, ok := l.read(name)
		if !ok {
			continue
		}
		l.docs = append(l.docs, doc)
		if !doc.Readable() {
			continue
		}
		var s inventory.Sheet
		doc.Decode(&s)
		if other, twice := seen[s.File()]; twice && s.Source != "" {
			doc.Report(yamlfile.Problem{Path: "source", What: fmt.Sprintf("%s is kept in %s already", strings.TrimSpace(string(s.Source)+" "+s.System), other), Remedy: "remove one of the two, or import the export again"})
			continue
		}
		seen[s.File()] = name
		for i, line := range s.Found {
			if line.Is != "" && !slices.Contains(l.config.Names(), line.Is) {
				doc.Report(yamlfile.Problem{Path: fmt.Sprintf("found[%d].is", i), Warning: true, What: fmt.Sprintf("there is no system %q", line.Is),
					Remedy: "name a system of the inventory, or import the export again"})
			}
		}
		l.config.Sheets = append(l.config.Sheets, s)
	}
}
