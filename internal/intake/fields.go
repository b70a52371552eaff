package intake

import (
	"maps"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// identifierPrefix begins the targets that set identifiers: leaver.identifiers.login.
const identifierPrefix = "leaver.identifiers."

// targets are what a source's fields can be mapped to, with how each is set.
var targets = map[string]func(d *exeunt.Departure, v string) error{
	"leaver.id":            func(d *exeunt.Departure, v string) error { d.Leaver.ID = v; return nil },
	"leaver.name":          func(d *exeunt.Departure, v string) error { d.Leaver.Name = v; return nil },
	"leaver.title":         func(d *exeunt.Departure, v string) error { d.Leaver.Title = v; return nil },
	"leaver.department":    func(d *exeunt.Departure, v string) error { d.Leaver.Department = v; return nil },
	"leaver.place":         func(d *exeunt.Departure, v string) error { d.Leaver.Place = v; return nil },
	"leaver.zone":          func(d *exeunt.Departure, v string) error { d.Leaver.Zone = v; return nil },
	"leaver.country":       func(d *exeunt.Departure, v string) error { d.Leaver.Country = v; return nil },
	"leaver.region":        func(d *exeunt.Departure, v string) error { d.Leaver.Region = v; return nil },
	"leaver.employment":    func(d *exeunt.Departure, v string) error { d.Leaver.Employment = v; return nil },
	"leaver.manager.name":  func(d *exeunt.Departure, v string) error { d.Leaver.Manager.Name = v; return nil },
	"leaver.manager.email": func(d *exeunt.Departure, v string) error { d.Leaver.Manager.Email = v; return nil },
	"leaver.flags":         setFlags,
	"leaver.hired_on":      func(d *exeunt.Departure, v string) error { return setDate(&d.Leaver.HiredOn, v) },
	"last_day":             func(d *exeunt.Departure, v string) error { return setDate(&d.LastDay, v) },
	"termination_date":     func(d *exeunt.Departure, v string) error { return setDate(&d.TerminationDate, v) },
	"notice_on":            func(d *exeunt.Departure, v string) error { return setDate(&d.NoticeOn, v) },
	"cut_off_clock":        func(d *exeunt.Departure, v string) error { d.CutOffClock = v; return nil },
	"immediate":            setImmediate,
	"embargo.until":        func(d *exeunt.Departure, v string) error { embargo(d).Until = v; return nil },
	"embargo.visible_to":   setVisibleTo,
	"type":                 func(d *exeunt.Departure, v string) error { d.Type = exeunt.DepartureType(v); return nil },
}

// isTarget says whether something can be mapped to the name.
func isTarget(name string) bool {
	if kind, ok := strings.CutPrefix(name, identifierPrefix); ok {
		return kind != ""
	}
	_, ok := targets[name]
	return ok
}

func targetNames() []string {
	return append(slices.Sorted(maps.Keys(targets)), identifierPrefix+"<name>")
}

// set puts a value where its target says. An empty one leaves the departure as it is.
func set(d *exeunt.Departure, target, value string) error {
	value = strings.TrimSpace(value)
	if value == "" {
		return nil
	}
	if kind, ok := strings.CutPrefix(target, identifierPrefix); ok {
		if d.Leaver.Identifiers == nil {
			d.Leaver.Identifiers = map[exeunt.IdentifierKind]string{}
		}
		d.Leaver.Identifiers[exeunt.IdentifierKind(kind)] = value
		return nil
	}
	return targets[target](d, value)
}

func setDate(into *exeunt.Date, v string) error {
	if strings.HasPrefix(v, "0000-00-00") { // how MySQL-backed HR systems, BambooHR among them, write "no date"
		return nil
	}
	day, err := exeunt.ParseDate(v)
	if err == nil {
		*into = day
	}
	return err
}

func setFlags(d *exeunt.Departure, v string) error {
	known := []exeunt.Flag{exeunt.Executive, exeunt.OnLeave, exeunt.LitigationHold, exeunt.Privileged, exeunt.Protected}
	for _, word := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' }) {
		flag := exeunt.Flag(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(word)), " ", "_"))
		if slices.Contains(known, flag) && !d.Leaver.Has(flag) {
			d.Leaver.Flags = append(d.Leaver.Flags, flag)
		}
	}
	return nil
}

// embargo is the departure's, made when it is first named: half of one is refused and not ignored.
func embargo(d *exeunt.Departure) *exeunt.EmbargoTerms {
	if d.Embargo == nil {
		d.Embargo = &exeunt.EmbargoTerms{}
	}
	return d.Embargo
}

func setVisibleTo(d *exeunt.Departure, v string) error {
	embargo(d).VisibleTo = strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
	return nil
}

func setImmediate(d *exeunt.Departure, v string) error {
	switch strings.ToLower(v) {
	case "true", "yes", "1":
		d.Immediate = true
	case "false", "no", "0":
	default:
		return exeunt.Errorf(exeunt.Invalid, "%q is neither true nor false", v)
	}
	return nil
}

// Defaults are what a source assumes where the HR system does not say.
type Defaults struct {
	Types       map[string]exeunt.DepartureType `json:"types,omitempty" jsonschema_description:"What the HR system's own words for leaving mean: {\"Resignation\": voluntary}. Case does not matter."`
	DefaultType exeunt.DepartureType            `json:"default_type,omitempty" jsonschema:"enum=voluntary,enum=involuntary,enum=layoff,enum=retirement,enum=end_of_contract,enum=death" jsonschema_description:"The type of a departure whose type is missing or not listed in types. When left out, such a delivery is refused and an operator is told."`
	Zones       map[string]string               `json:"zones,omitempty" jsonschema_description:"The IANA time zone of each place of work: {\"Berlin\": Europe/Berlin}."`
	Countries   map[string]string               `json:"countries,omitempty" jsonschema_description:"The ISO country of each place of work: {\"Berlin\": DE}."`
}

func (s Defaults) problems() []yamlfile.Problem {
	var out []yamlfile.Problem
	for _, word := range slices.Sorted(maps.Keys(s.Types)) {
		if !slices.Contains(exeunt.DepartureTypes, s.Types[word]) {
			out = append(out, yamlfile.Problem{Path: "types." + word, What: "this is not a type of departure", Remedy: "use voluntary, involuntary, layoff, retirement, end_of_contract or death"})
		}
	}
	for _, place := range slices.Sorted(maps.Keys(s.Zones)) {
		if _, err := exeunt.Zone(s.Zones[place]); err != nil {
			out = append(out, yamlfile.Problem{Path: "zones." + place, What: exeunt.MessageOf(err), Remedy: "see the list of the IANA time zone database"})
		}
	}
	return out
}

// complete fills in what the HR system did not say and refuses what cannot be a departure. pathOf
// names a target as the HR system calls it.
func (s Defaults) complete(d *exeunt.Departure, spec Spec, pathOf func(target string) string) *exeunt.Error {
	l := &d.Leaver
	l.Entity = spec.Entity
	l.Zone = first(l.Zone, lookUp(s.Zones, l.Place), spec.Zone)
	l.Country = first(l.Country, lookUp(s.Countries, l.Place), spec.Country)
	if l.Manager.Named() {
		l.Manager.Role = "manager"
	}
	if d.LastDay == "" {
		d.LastDay = d.TerminationDate
	}
	if d.TerminationDate == "" {
		d.TerminationDate = d.LastDay
	}
	said := string(d.Type)
	kind, ok := s.kind(said)
	if !ok {
		path := pathOf("type")
		return exeunt.Errorf(exeunt.Invalid, "%s does not say in known words how the person leaves: list its words under types, or set default_type", path).In(path)
	}
	d.Type = kind
	err := d.Check()
	if err == nil {
		return nil
	}
	return renamed(err, pathOf)
}

// renamed says an error about a departure in the HR system's own words.
func renamed(err error, pathOf func(string) string) *exeunt.Error {
	e := exeunt.Errorf(exeunt.Invalid, "%s", exeunt.MessageOf(err))
	if own, ok := asError(err); ok && own.Field != "" {
		path := pathOf(own.Field)
		e = exeunt.Errorf(exeunt.Invalid, "%s is missing or wrong: %s", path, own.Message).In(path)
	}
	return e
}

// kind finds the type of a departure by the HR system's word for it.
func (s Defaults) kind(word string) (exeunt.DepartureType, bool) {
	if t := lookUp(s.Types, word); t != "" {
		return t, true
	}
	same := exeunt.DepartureType(strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(word))))
	if slices.Contains(exeunt.DepartureTypes, same) {
		return same, true
	}
	return s.DefaultType, s.DefaultType != ""
}

// lookUp finds a key without regard to case; an exact one wins.
func lookUp[V ~string](m map[string]V, key string) V {
	if v, ok := m[key]; ok {
		return v
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if strings.EqualFold(strings.TrimSpace(k), strings.TrimSpace(key)) {
			return m[k]
		}
	}
	return ""
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
