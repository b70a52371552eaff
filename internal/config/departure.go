package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// Departure reads a departure that a person wrote down, as YAML or JSON: for a preview, or to start
// a case by hand. What the file leaves out is filled in as for a source: entity, zone, country, and
// the termination date.
func (c *Config) Departure(name string, source []byte) (exeunt.Departure, Faults) {
	// JSON allows tabs between its tokens and nowhere else; YAML does not allow them there.
	if trimmed := bytes.TrimSpace(source); len(trimmed) > 0 && trimmed[0] == '{' {
		source = bytes.ReplaceAll(source, []byte("\t"), []byte(" "))
	}
	doc := yamlfile.Parse(name, source)
	var d exeunt.Departure
	doc.Decode(&d)
	if doc.Failed() {
		return d, doc.Faults().Sorted()
	}
	if d.Leaver.Entity == "" && len(c.Entities) == 1 {
		d.Leaver.Entity = c.Entities[0].Name
	}
	var of *Entity
	for i := range c.Entities {
		if c.Entities[i].Name == d.Leaver.Entity {
			of = &c.Entities[i]
		}
	}
	if of == nil {
		doc.Report(yamlfile.Problem{Path: "leaver.entity", What: "this is not an entity of the configuration", Remedy: "name the legal entity that the person leaves"})
		return d, doc.Faults().Sorted()
	}
	d.Leaver.Zone, d.Leaver.Country = cmp.Or(d.Leaver.Zone, of.Zone), cmp.Or(d.Leaver.Country, of.Country)
	d.TerminationDate = cmp.Or(d.TerminationDate, d.LastDay)
	if err := d.Check(); err != nil {
		p := yamlfile.Problem{What: exeunt.MessageOf(err)}
		if e, ok := errors.AsType[*exeunt.Error](err); ok {
			p.Path, p.What = e.Field, strings.TrimPrefix(p.What, e.Field+": ")
		}
		doc.Report(p)
	}
	return d, doc.Faults().Sorted()
}

// Departures reads one departure, a JSON list of them, or one in JSON on each line. Where one of several is wrong, the
// fault says which.
func (c *Config) Departures(name string, source []byte) ([]exeunt.Departure, Faults) {
	parts := apart(source)
	var out []exeunt.Departure
	var faults Faults
	for i, part := range parts {
		where := name
		if len(parts) > 1 {
			where = fmt.Sprintf("%s (departure %d)", name, i+1)
		}
		d, more := c.Departure(where, part)
		out, faults = append(out, d), append(faults, more...)
	}
	return out, faults
}

// apart cuts a list into its departures. What is no list is left whole.
func apart(source []byte) [][]byte {
	trimmed := bytes.TrimSpace(source)
	var list []json.RawMessage
	if len(trimmed) > 0 && trimmed[0] == '[' && json.Unmarshal(trimmed, &list) == nil {
		out := make([][]byte, len(list))
		for i, one := range list {
			out[i] = one
		}
		return out
	}
	lines := bytes.Split(trimmed, []byte("\n"))
	for _, line := range lines {
		if !json.Valid(line) {
			return [][]byte{source}
		}
	}
	return lines
}
