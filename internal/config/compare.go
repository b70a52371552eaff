package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// Difference is one thing in which two configurations differ. It names what it is and holds nothing of what it says.
type Difference struct {
	Change string // added, removed or changed
	Noun   string // system, policy, modifier, calendar, source, entity, role, or a part of exeunt.yaml such as fuse
	Name   string // of the system, policy…
}

// String is the difference in words.
func (d Difference) String() string { return strings.TrimSpace(d.Change + " " + d.Noun + " " + d.Name) }

// The changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// Compare says how one configuration differs from the one before it, in the order of the words.
func Compare(before, after *Config) []Difference {
	var out []Difference
	add := func(change, noun string) {
		kind, name, _ := strings.Cut(noun, " ")
		out = append(out, Difference{change, kind, name})
	}
	for _, noun := range slices.Sorted(maps.Keys(after.nouns)) {
		switch was, known := before.nouns[noun]; {
		case !known:
			add(Added, noun)
		case was != after.nouns[noun]:
			add(Changed, noun)
		}
	}
	for _, noun := range slices.Sorted(maps.Keys(before.nouns)) {
		if _, stays := after.nouns[noun]; !stays {
			add(Removed, noun)
		}
	}
	return out
}

// Follows says what of a configuration a running server cannot take over from the one before it: what it opened at its
// start and would have to close under the work.
func (c *Config) Follows(before *Config) Faults {
	var out Faults
	for _, path := range slices.Sorted(maps.Keys(c.fixed)) {
		if c.fixed[path] != before.fixed[path] {
			out = append(out, c.doc.Fault(yamlfile.Problem{Path: path, What: "a running server cannot change this: its ledger was opened with what stood here at the start",
				Remedy: "put back what stood here, or start the server again to change it"}))
		}
	}
	return out
}

// Identity is what the connector of a system depends on: where it is the same, an open one goes on serving.
func (s System) Identity() string {
	return s.Kind + "\n" + s.description + "\n" + string(s.Settings)
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// count digests what the configuration is made of. Secrets are references here, as they are in the files.
func (l *loader) count() {
	if l.mainDoc == nil { // said already
		return
	}
	c, f := l.config, l.file
	c.nouns, c.doc = map[string]string{}, l.mainDoc
	put := func(noun string, parts ...any) {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		for _, p := range parts {
			if err := e.Encode(p); err != nil { // what was decoded from YAML can be encoded
				fmt.Fprintf(&text, "%#v", p)
			}
		}
		c.nouns[noun] = digest(text.Bytes())
	}
	put("company", f.Company, f.Zone, f.Country, f.URL)
	for noun, part := range map[string]any{"mail": f.Mail, "fuse": f.Fuse, "approvals": f.Approvals, "retention": f.Retention, "session": f.Session,
		"case_owner": f.People.CaseOwner, "operators": f.People.Operators} {
		put(noun, part)
	}
	stamping := ""
	if f.Ledger.TimeStamp != nil {
		stamping = c.Files[f.Ledger.TimeStamp.Authority]
	}
	put("ledger", f.Ledger, c.Ledger.Witnesses, c.Files[f.Ledger.Publish], stamping)
	for _, e := range c.Entities {
		put("entity "+e.Name, e)
	}
	for i, s := range f.Sources {
		put("source "+s.Name, s, l.mainDoc.JSON(fmt.Sprintf("sources[%d]", i)))
	}
	for name, holder := range f.People.Roles {
		put("role "+name, holder)
	}
	for i, s := range c.Systems {
		put("system "+s.Name, l.inFiles[i], s.Settings, s.description)
	}
	for _, p := range c.Policies {
		put("policy "+p.Name, p.Version)
	}
	for _, m := range c.Set.Modifiers {
		put("modifier "+m.Name, m.Version)
	}
	for _, k := range c.Set.Calendars {
		put("calendar "+k.Name(), k.Version)
	}
	for _, s := range c.Sheets {
		put("inventory "+string(s.Source), s)
	}
	c.fixed = map[string]string{
		"ledger.origin": c.Ledger.Origin, "ledger.address": f.Ledger.Address, "ledger.authority": f.Ledger.Authority, "ledger.certificate": f.Ledger.Certificate,
		"ledger.key": f.Ledger.Key.String(), "ledger.witnesses": c.Ledger.Witnesses, "ledger.publish": f.Ledger.Publish + c.Files[f.Ledger.Publish],
	}
}
