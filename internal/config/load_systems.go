package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/policy"
)

// manualKind is the kind of a system that nothing automates; every installation knows it.
const manualKind = "manual"

func (l *loader) systems() {
	files := l.list("systems")
	if len(files) == 0 {
		l.fault("systems", "the inventory is empty", "describe each application, directory and door lock in a file systems/<name>.yaml")
	}
	for _, name := range files {
		doc, ok := l.expanded(name)
		if !ok {
			continue
		}
		l.docs = append(l.docs, doc)
		if !doc.Readable() {
			continue
		}
		var f SystemFile
		doc.Decode(&f)
		l.system(doc, f)
	}
}

func (l *loader) system(doc *yamlfile.File, f SystemFile) {
	if slices.Contains(l.config.Names(), f.Name) && f.Name != "" {
		other := l.config.Systems[slices.Index(l.config.Names(), f.Name)]
		doc.Report(yamlfile.Problem{Path: "name", What: fmt.Sprintf("%s is the name of a system already, in %s", f.Name, other.File), Remedy: "give each system a name of its own"})
		return
	}
	doc.Report(f.problems()...)
	s := System{API: f.API, File: doc.Name, Settings: doc.JSON("settings"), System: exeunt.System{
		Name: f.Name, Title: cmp.Or(f.Title, f.Name), Vendor: f.Vendor, Kind: f.Kind, SSO: f.SSO, Identifier: f.Identifier, Holds: f.Holds,
		Tier: f.Tier, Branch: f.Branch, Owner: exeunt.Person(f.Owner), Fallback: strings.TrimSpace(f.Fallback), Approver: f.Approver, Retention: f.Retention,
		Rate: exeunt.Rate(f.Rate), Stage: cmp.Or(f.Stage, exeunt.Manual)}}
	if f.SSO == "none" {
		s.SSO = ""
	}
	s.Settings = withIdentifier(s)
	s.description = l.description(s.Settings)
	s.Actions = l.actions(doc, f)
	l.claims(doc, f)
	s.Correlation = l.correlation(doc, f, s.Settings)
	l.config.Systems = append(l.config.Systems, s)
	l.inFiles, l.sysDocs = append(l.inFiles, f), append(l.sysDocs, doc)
}

func (f SystemFile) problems() []yamlfile.Problem {
	out := nameProblems("name", f.Name, map[string]bool{})
	add := func(path, what, remedy string) {
		out = append(out, yamlfile.Problem{Path: path, What: what, Remedy: remedy})
	}
	switch {
	case f.Kind == manualKind && f.Stage != "" && f.Stage != exeunt.Manual:
		add("stage", "nothing automates a system of kind manual", "set stage: manual, or name the connector as kind")
	case f.Kind != manualKind && f.Stage == "":
		add("stage", "missing", "write manual (a person does it), shadow (a person does it, and it looks) or live (it acts, once people have decided)")
	}
	switch o := f.Owner; {
	case o == OwnerFile{}: // said by the decoder
	case o.Role != "" && (o.Name != "" || o.Email != ""):
		add("owner", "this names both a person and a role", "give {name, email} or {role}")
	case o.Role == "" && o.Email == "":
		add("owner.email", "missing", "write the address, since the owner is told when automation cannot do it")
	case o.Email != "" && !policy.IsAddress(o.Email):
		add("owner.email", "this is not an e-mail address", "write it as name@company.example")
	}
	if f.Rate.PerSecond < 0 || f.Rate.Concurrency < 0 {
		add("rate", "a rate cannot be negative", "leave it out where the system sets no limit")
	}
	return out
}

// description takes the description of an API that lies in the folder into the version: it is as much a part of the
// configuration as the system that names it. One that cannot be read is said by the kind.
func (l *loader) description(settings []byte) string {
	var named struct {
		Spec string `json:"spec"`
	}
	if json.Unmarshal(settings, &named) != nil || !strings.HasSuffix(named.Spec, ".yaml") || !filepath.IsLocal(named.Spec) {
		return ""
	}
	source, err := os.ReadFile(filepath.Join(l.dir, named.Spec))
	if err != nil {
		return ""
	}
	if _, known := l.config.Files[named.Spec]; !known { // several systems may name it
		l.include(named.Spec, source)
	}
	return digest(source)
}

// actions asks the kind what the system can do, and checks the settings on the way.
func (l *loader) actions(doc *yamlfile.File, f SystemFile) []exeunt.ActionSpec {
	kind, ok := l.kinds[f.Kind]
	switch {
	case !ok && f.Kind == manualKind:
		return nil
	case !ok && f.Kind != "":
		doc.Report(yamlfile.Problem{Path: "kind", What: fmt.Sprintf("there is no connector %q", f.Kind), Remedy: "use one of " + strings.Join(l.kindNames(), ", ")})
		return nil
	case !ok:
		return nil
	}
	before := len(doc.Faults().Errors())
	if kind.Settings != nil {
		l.decodeSettings(doc, "settings", kind.Settings)
	}
	if len(doc.Faults().Errors()) > before {
		return nil
	}
	raw := doc.JSON("settings")
	if kind.Settings != nil {
		if err := connector.DecodeSettings(raw, reflect.New(kind.Settings).Interface()); err != nil {
			doc.Report(settingsProblem(err))
			return nil
		}
	}
	if kind.Specs == nil {
		return kind.Actions
	}
	specs, err := kind.Specs(raw)
	if err != nil {
		doc.Report(settingsProblem(err))
	}
	return specs
}

// claims refuses what two systems say of themselves and only one may.
func (l *loader) claims(doc *yamlfile.File, f SystemFile) {
	kind, ok := l.kinds[f.Kind]
	if !ok || kind.Claims == nil {
		return
	}
	for _, c := range kind.Claims(doc.JSON("settings")) {
		name := f.Kind + " " + c.Setting + " " + c.Value
		if other, taken := l.claimed[name]; taken {
			doc.Report(yamlfile.Problem{Path: "settings." + c.Setting, What: fmt.Sprintf("%s is that of a system in %s already", c.Setting, other), Remedy: "give each system one of its own"})
			continue
		}
		if l.claimed == nil {
			l.claimed = map[string]string{}
		}
		l.claimed[name] = doc.Name
	}
}

// correlation are the rules of the file, or those of the kind where it has none.
func (l *loader) correlation(doc *yamlfile.File, f SystemFile, settings []byte) exeunt.Correlation {
	kind, ok := l.kinds[f.Kind]
	if !ok || kind.Knows == nil {
		if len(f.Correlate) > 0 {
			doc.Report(yamlfile.Problem{Path: "correlate", What: "nothing is looked for in a system of kind " + f.Kind, Remedy: "take it out, or name the connector as kind"})
		}
		return nil
	}
	knows, err := kind.Knows(settings)
	if err != nil { // said with the settings
		knows = connector.Knows{Any: true}
	}
	if len(f.Correlate) == 0 {
		return knows.Correlation()
	}
	var rules exeunt.Correlation
	for i, c := range f.Correlate {
		path := fmt.Sprintf("correlate[%d]", i)
		attribute, known := knows.Attribute(c.Attribute)
		if !known && c.Attribute != "" {
			doc.Report(yamlfile.Problem{Path: path + ".attribute", What: fmt.Sprintf("a system of kind %s is not searched by %q", f.Kind, c.Attribute), Remedy: "use one of " + strings.Join(attributeNames(knows), ", ")})
		}
		if i == 0 && c.Otherwise {
			doc.Report(yamlfile.Problem{Path: path + ".otherwise", What: "there is no rule before the first", Remedy: "take it out"})
		}
		if c.Is == "" {
			continue // said by the decoder
		}
		values, problems := policy.Values(path+".is", c.Is)
		doc.Report(problems...)
		rules = append(rules, exeunt.CorrelationRule{Attribute: c.Attribute, Exact: attribute.Exact, Otherwise: c.Otherwise, Trusted: true, Values: values})
	}
	return rules
}

func attributeNames(knows connector.Knows) []string {
	var names []string
	for _, a := range knows.Attributes {
		if !slices.Contains(names, a.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

// told are the kinds that are told by which identifier they know people.
var told = []string{"http", "signals"}

// withIdentifier tells an HTTP system, or a receiver of signals, by which identifier the inventory says that it knows people, so
// that the two cannot disagree. Directories say it in their own settings, attribute by attribute.
func withIdentifier(s System) []byte {
	var settings map[string]any
	if !slices.Contains(told, s.Kind) || json.Unmarshal(s.Settings, &settings) != nil || settings == nil { // what cannot be read is said elsewhere
		return s.Settings
	}
	if _, ok := settings["identifier"]; ok || s.Identifier == "" {
		return s.Settings
	}
	settings["identifier"] = s.Identifier
	out, err := json.Marshal(settings)
	if err != nil {
		return s.Settings
	}
	return out
}

func (l *loader) kindNames() []string {
	names := []string{manualKind}
	for name := range l.kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// decodeSettings reads settings into the kind's type for its faults, and looks at their secrets.
func (l *loader) decodeSettings(doc *yamlfile.File, path string, t reflect.Type) {
	decodeInto(doc, path, reflect.New(t).Interface())
}

func decodeInto(doc *yamlfile.File, path string, into any) {
	doc.DecodeAt(path, reflect.ValueOf(into).Elem())
	doc.Report(secretProblems(path, into)...)
}

// settingsProblem places what a kind says about its settings. A foreign error is shown, since it
// comes from decoding keys and shapes; a secret is refused without repeating it.
func settingsProblem(err error) yamlfile.Problem {
	p := yamlfile.Problem{Path: "settings", What: err.Error(), Remedy: "see what the kind needs in docs/connectors.md"}
	if e, ok := errors.AsType[*exeunt.Error](err); ok {
		p.What = e.Message
		if e.Field != "" {
			p.What = strings.TrimPrefix(p.What, e.Field+": ")
			p.Path += "." + strings.TrimPrefix(e.Field, "settings.")
		}
	}
	return p
}
