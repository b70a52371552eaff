package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/intake"
	"github.com/exeunt/exeunt/internal/policy"
)

// fileName is the one file that every configuration has.
const fileName = "exeunt.yaml"

// Load reads a folder. The configuration is nil when a fault is more than a warning; faults are
// sorted by place. It speaks to no system.
func Load(dir string, kinds []connector.Kind) (*Config, Faults) {
	l, faults := load(dir, kinds)
	if len(faults.Errors()) > 0 {
		return nil, faults
	}
	return l.config, faults
}

func load(dir string, kinds []connector.Kind) (*loader, Faults) {
	l := &loader{dir: dir, kinds: map[string]connector.Kind{}, config: &Config{Files: map[string]string{}, planned: &planned{}}, content: sha256.New()}
	for _, k := range kinds {
		l.kinds[k.Name] = k
	}
	l.main()
	l.systems()
	l.sheets()
	l.policies()
	l.together()
	faults := l.faults
	for _, doc := range l.docs {
		faults = append(faults, doc.Faults()...)
	}
	l.config.Version = hex.EncodeToString(l.content.Sum(nil))[:12]
	l.count()
	return l, faults.Sorted()
}

type loader struct {
	dir     string
	kinds   map[string]connector.Kind
	config  *Config
	content hash.Hash // over every file, for the version
	docs    []*yamlfile.File
	faults  Faults

	file     File // exeunt.yaml
	mainDoc  *yamlfile.File
	inFiles  []SystemFile     // one for each of config.Systems
	sysDocs  []*yamlfile.File // likewise
	supplied map[exeunt.IdentifierKind]bool
	claimed  map[string]string   // what only one system may say → the file that says it
	unheld   map[string][]string // roles that nobody holds, and which shipped policies ask them
}

func (l *loader) fault(file, what, remedy string) {
	l.faults = append(l.faults, Fault{File: file, What: what, Remedy: remedy})
}

// read takes a file into the version and parses it.
func (l *loader) read(name string) (*yamlfile.File, []byte, bool) {
	source, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		l.fault(name, "this file cannot be read: "+reason(err), "see that it exists and that the server's user may read it")
		return nil, nil, false
	}
	l.include(name, source)
	return yamlfile.Parse(name, source), source, true
}

// include takes the content of a file into the version.
func (l *loader) include(name string, content []byte) {
	fmt.Fprintf(l.content, "%s\n%d\n", name, len(content))
	l.content.Write(content)
	l.config.Files[name] = digest(content)
}

// expanded is read, with the values of the environment put in. They are part of the version.
func (l *loader) expanded(name string) (*yamlfile.File, bool) {
	doc, _, ok := l.read(name)
	if ok {
		doc.Expand(func(variable string) (string, bool) {
			value, set := os.LookupEnv(variable)
			fmt.Fprintf(l.content, "%s=%s\n", variable, value)
			return value, set
		})
	}
	return doc, ok
}

func reason(err error) string {
	switch {
	case os.IsNotExist(err):
		return "it does not exist"
	case os.IsPermission(err):
		return "permission denied"
	default:
		return "input failed"
	}
}

// list names the YAML files of a subfolder, in order.
func (l *loader) list(folder string) []string {
	entries, err := os.ReadDir(filepath.Join(l.dir, folder))
	if err != nil {
		if !os.IsNotExist(err) {
			l.fault(folder, "this folder cannot be read: "+reason(err), "see that the server's user may read it")
		}
		return nil
	}
	var out []string
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if !strings.HasPrefix(e.Name(), ".") && (ext == ".yaml" || ext == ".yml") {
			out = append(out, folder+"/"+e.Name())
		}
	}
	slices.Sort(out)
	return out
}

func (l *loader) main() {
	doc, ok := l.expanded(fileName)
	if !ok {
		return
	}
	l.docs = append(l.docs, doc)
	if !doc.Readable() {
		return
	}
	l.mainDoc = doc
	doc.Decode(&l.file)
	doc.Report(secretProblems("", &l.file)...)
	f, c := l.file, l.config
	c.Company, c.Zone, c.Country, c.URL = f.Company.Name, f.Zone, f.Country, strings.TrimSuffix(f.URL, "/")
	doc.Report(zoneProblems("zone", f.Zone)...)
	doc.Report(countryProblems("country", f.Country)...)
	doc.Report(urlProblems(f.URL)...)
	doc.Report(ledgerProblems(f.Ledger)...)
	c.Ledger = Ledger{Address: f.Ledger.Address, Authority: f.Ledger.Authority, Certificate: f.Ledger.Certificate, Key: f.Ledger.Key, AlertAfter: length(f.Ledger.AlertAfter, time.Hour)}
	l.witnesses()
	l.timeStamp()
	c.Ledger.Origin = cmp.Or(f.Ledger.Origin, hostOf(f.URL)+"/ledger")
	c.Session = Session{Lifetime: length(f.Session.Lifetime, 12*time.Hour), TaskLink: length(f.Session.TaskLink, 14*24*time.Hour)}
	l.entities()
	l.people()
	l.fuse()
	l.retention()
	l.approvals()
	l.mail()
	l.publication()
	l.sources()
}

func length(d *yamlfile.Duration, otherwise time.Duration) time.Duration {
	if d == nil || *d == 0 {
		return otherwise
	}
	return time.Duration(*d)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (l *loader) entities() {
	names := map[string]bool{}
	for i, e := range l.file.Entities {
		path := fmt.Sprintf("entities[%d]", i)
		l.mainDoc.Report(nameProblems(path+".name", e.Name, names)...)
		l.mainDoc.Report(zoneProblems(path+".zone", e.Zone)...)
		l.mainDoc.Report(countryProblems(path+".country", e.Country)...)
		l.config.Entities = append(l.config.Entities, Entity{e.Name, cmp.Or(e.Title, e.Name), cmp.Or(e.Zone, l.file.Zone), cmp.Or(e.Country, l.file.Country)})
	}
	if len(l.config.Entities) == 0 {
		l.config.Entities = []Entity{{"main", l.file.Company.Name, l.file.Zone, l.file.Country}}
	}
}

func (l *loader) people() {
	p := l.file.People
	l.config.People = People{CaseOwner: p.CaseOwner, Roles: p.Roles}
	l.mainDoc.Report(addressProblems("people.case_owner", p.CaseOwner)...)
	for _, role := range slices.Sorted(maps.Keys(p.Roles)) {
		l.mainDoc.Report(addressProblems("people.roles."+role, p.Roles[role])...)
		if role == CaseOwner || policy.IsAddress(role) {
			l.mainDoc.Report(yamlfile.Problem{Path: "people.roles." + role, What: "this cannot be the name of a role", Remedy: "use a word such as it, hr or payroll"})
		}
	}
	for i, o := range p.Operators {
		l.mainDoc.Report(addressProblems(fmt.Sprintf("people.operators[%d]", i), Holder{Human: o})...)
		l.config.People.Operators = append(l.config.People.Operators, person(o, "operator"))
	}
}

func (l *loader) mail() {
	m := l.file.Mail
	if m == nil {
		l.mainDoc.Report(yamlfile.Problem{Path: "mail", Warning: true, What: "no mail server is configured, so that nobody is told by mail", Remedy: "add mail: {host, from}"})
		return
	}
	l.mainDoc.Report(m.problems()...)
	l.config.Mail = m.server()
}

// server is the mail server with what was left out.
func (m MailFile) server() *Mail {
	mode := cmp.Or(m.TLS, "starttls")
	port := map[string]int{"starttls": 587, "implicit": 465, "none": 25}[mode]
	return &Mail{Host: m.Host, Port: cmp.Or(m.Port, port), From: m.From, Username: m.Username, Password: m.Password, TLS: mode}
}

// ownSources are the sources of what people decide here. An HR system of such a name would speak for them.
var ownSources = []string{"override", exeunt.WaveSource}

func (l *loader) sources() {
	names, leading := map[string]bool{}, map[string]string{}
	l.supplied = map[exeunt.IdentifierKind]bool{exeunt.EmployeeID: true}
	for i, s := range l.file.Sources {
		path := fmt.Sprintf("sources[%d]", i)
		l.mainDoc.Report(nameProblems(path+".name", s.Name, names)...)
		if slices.Contains(ownSources, s.Name) {
			l.mainDoc.Report(yamlfile.Problem{Path: path + ".name", What: fmt.Sprintf("%q is what decisions of people are called in the record", s.Name), Remedy: "call the HR system by its own name"})
		}
		entity := l.entity(path, s.Entity)
		if first, two := leading[entity.Name]; s.Authoritative && two {
			l.mainDoc.Report(yamlfile.Problem{Path: path + ".authoritative", What: fmt.Sprintf("%s is authoritative for %s already", first, entity.Name),
				Remedy: "an entity has exactly one authoritative source: decide which system is right, and set the other to false"})
		} else if s.Authoritative {
			leading[entity.Name] = s.Name
		}
		l.source(path, s, entity)
	}
	for _, e := range l.config.Entities {
		if leading[e.Name] == "" {
			l.mainDoc.Report(yamlfile.Problem{Path: "sources", Warning: len(l.file.Sources) == 0, What: fmt.Sprintf("no source is authoritative for %s, so that only a person can start its cases", e.Name),
				Remedy: "set authoritative: true on the one HR system that is right"})
		}
	}
}

func (l *loader) entity(path, name string) Entity {
	if name == "" && len(l.config.Entities) == 1 {
		return l.config.Entities[0]
	}
	for _, e := range l.config.Entities {
		if e.Name == name {
			return e
		}
	}
	what, remedy := "missing", "say whose departures this source announces"
	if name != "" {
		what, remedy = fmt.Sprintf("there is no entity %q", name), "name one of entities"
	}
	l.mainDoc.Report(yamlfile.Problem{Path: path + ".entity", What: what, Remedy: remedy})
	return Entity{Name: "\x00" + path} // never authoritative for a real one
}

func (l *loader) source(path string, s SourceFile, e Entity) {
	spec := intake.Spec{Name: s.Name, Kind: s.Kind, Entity: e.Name, Authoritative: s.Authoritative, Secret: s.Secret, Zone: e.Zone, Country: e.Country}
	i := slices.IndexFunc(intake.Kinds(), func(k intake.Kind) bool { return k.Name == s.Kind })
	if i < 0 {
		return // said by the enum already
	}
	before := len(l.mainDoc.Faults().Errors())
	l.decodeSettings(l.mainDoc, path+".settings", intake.Kinds()[i].Settings)
	raw := l.mainDoc.JSON(path + ".settings")
	if len(l.mainDoc.Faults().Errors()) > before {
		return
	}
	opened, problems := intake.Open(spec, raw, nil)
	for _, p := range problems {
		if p.Path == "" && s.Secret.IsZero() {
			continue // said already: the secret is required
		}
		p.Path = strings.TrimSuffix(path+".settings."+p.Path, ".")
		l.mainDoc.Report(p)
	}
	for _, kind := range opened.Identifiers() {
		l.supplied[kind] = true
	}
	l.config.Sources = append(l.config.Sources, Source{Spec: spec, Settings: raw})
}
