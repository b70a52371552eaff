package config_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config"
)

// boxSettings are those of a kind that exists for these tests.
type boxSettings struct {
	Address string           `json:"address" jsonschema:"required" remedy:"write where it is"`
	Port    int              `json:"port,omitempty"`
	Token   connector.Secret `json:"token,omitzero"`
	Groups  []string         `json:"groups,omitempty"`
	Limits  struct {
		Rows int `json:"rows,omitempty"`
	} `json:"limits,omitzero"`
}

func (s boxSettings) Check() error {
	if s.Port == 23 {
		return exeunt.Errorf(exeunt.Invalid, "telnet is not spoken here").In("port")
	}
	return nil
}

func kinds() []connector.Kind {
	box := connector.Define("box", "Box", []exeunt.ActionSpec{{Action: exeunt.Disable, Title: "Disable account", Proof: exeunt.Observed}},
		func(boxSettings, http.RoundTripper) (connector.Connector, error) { return nil, nil })
	box.Knows = func([]byte) (connector.Knows, error) {
		return connector.Knows{Attributes: []connector.Attribute{{Name: "mail", Identifier: exeunt.WorkEmail}, {Name: "number", Exact: true}}}, nil
	}
	return []connector.Kind{box}
}

const mainFile = `company:
  name: Acme
zone: Europe/Berlin
country: DE
url: https://exeunt.acme.example/
sources:
  - name: bamboo
    kind: bamboohr
    authoritative: true
    secret: env:CONFIG_TEST_SECRET
    settings:
      company: acme
      api_key: env:CONFIG_TEST_SECRET
      default_type: voluntary
people:
  case_owner:
    name: Hilde Owner
    email: hilde@acme.example
    deputy: {name: Dora Deputy, email: dora@acme.example}
  roles:
    it: {name: Ida Admin, email: ida@acme.example, deputy: {name: Igor, email: igor@acme.example}}
    hr: {name: Hans, email: hans@acme.example, away: true, deputy: {name: Hera, email: hera@acme.example}}
    legal: {name: Leo, email: leo@acme.example}
  operators:
    - {name: Olga, email: olga@acme.example}
mail:
  host: smtp.acme.example
  from: Exeunt <exeunt@acme.example>
  username: exeunt
  password: env:CONFIG_TEST_SECRET
ledger: {address: "unix:///run/exeunt-ledger/ledger.sock"}
`

const boxFile = `name: crm
title: CRM
kind: box
identifier: work_email
tier: 1
owner: {role: it}
fallback: Open the CRM and close the account.
stage: live
settings:
  address: crm.acme.example
  port: 443
  token: env:CONFIG_TEST_SECRET
`

func system(name, more string) string {
	return "name: " + name + "\nkind: manual\nidentifier: login\ntier: 2\nowner: {name: Ida, email: ida@acme.example}\nfallback: By hand.\n" + more
}

// folder is a good configuration; each test changes one thing.
func folder() map[string]string {
	return map[string]string{
		"exeunt.yaml":           mainFile,
		"systems/crm.yaml":      boxFile,
		"systems/door.yaml":     system("door", ""),
		"systems/payroll.yaml":  system("payroll", "branch: Payroll\n"),
		"systems/benefits.yaml": system("benefits", "branch: Benefits\nsso: crm\n"),
	}
}

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, files map[string]string) (*config.Config, config.Faults) {
	t.Helper()
	t.Setenv("CONFIG_TEST_SECRET", "s3cret")
	return config.Load(write(t, files), kinds())
}

func TestAGoodFolderLoadsWhole(t *testing.T) {
	c, faults := load(t, folder())
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	crm, err := c.System("crm")
	if err != nil || crm.Title != "CRM" || crm.Stage != exeunt.Live || len(crm.Actions) != 1 || !strings.Contains(string(crm.Settings), `"port":443`) || crm.Owner.Role != "it" {
		t.Errorf("crm: %+v %s", crm, crm.Settings)
	}
	door, _ := c.System("door")
	if door.Stage != exeunt.Manual || door.Automated() {
		t.Errorf("door: %+v", door)
	}
	if strings.Join(c.Names(), " ") != "benefits crm door payroll" || c.URL != "https://exeunt.acme.example" || c.Ledger.Origin != "exeunt.acme.example/ledger" || c.Mail.Port != 587 || c.Mail.TLS != "starttls" {
		t.Errorf("%v %s %s %+v", c.Names(), c.URL, c.Ledger.Origin, c.Mail)
	}
	if c.Entities[0].Name != "main" || c.Sources[0].Zone != "Europe/Berlin" || c.Sources[0].Entity != "main" {
		t.Errorf("%+v %+v", c.Entities, c.Sources)
	}
	if c.Ledger.Address != "unix:///run/exeunt-ledger/ledger.sock" {
		t.Errorf("%+v", c.Ledger)
	}
	if len(c.Policies) != 3 || len(c.Version) != 12 {
		t.Errorf("%d policies, version %q", len(c.Policies), c.Version)
	}
}

func TestCorrelationRulesAreThoseOfTheFileOrOfTheKind(t *testing.T) {
	jane := exeunt.Leaver{ID: "42", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "jane@acme.example"}}
	files := folder()
	files["systems/crm.yaml"] += "correlate:\n  - {attribute: number, is: 'pad(identifiers.employee_id, 4)'}\n  - {attribute: mail, is: identifiers.work_email, otherwise: true}\n"
	for want, files := range map[string]map[string]string{
		"[[{mail jane@acme.example}]]":                                   folder(),
		"[[{number 0042} {mail }] [{mail jane@acme.example} {number }]]": files,
	} {
		c, faults := load(t, files)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		crm, _ := c.System("crm")
		sought, err := crm.Correlation.Of(jane)
		if got := fmt.Sprint(sought.Rounds()); err != nil || got != want {
			t.Errorf("asks %s, %v; want %s", got, err, want)
		}
	}
}

func TestTheVersionFollowsTheContent(t *testing.T) {
	one, _ := load(t, folder())
	again, _ := load(t, folder())
	files := folder()
	files["systems/door.yaml"] = system("door", "title: The door\n")
	other, _ := load(t, files)
	files["policies/a.yaml"] = "name: a\nextends: standard\napplies: 'true'\n"
	more, _ := load(t, files)
	if one.Version != again.Version || one.Version == other.Version || other.Version == more.Version {
		t.Errorf("versions %s %s %s %s", one.Version, again.Version, other.Version, more.Version)
	}
}

func TestEveryFaultIsSaidWithItsPlaceAndRemedy(t *testing.T) {
	policyFile := "name: own\nextends: standard\napplies: 'true'\nrules:\n  - name: a\n    task: {owner: pope, procedure: pray}\n    start: trigger\n    deadline: start + 1d\n"
	cases := []struct{ name, file, old, new, want string }{
		{"no owner", "systems/crm.yaml", "owner: {role: it}\n", "", "systems/crm.yaml:1:1: owner: missing; name who does it when automation cannot"},
		{"no fallback", "systems/crm.yaml", "fallback: Open the CRM and close the account.", "fallback: ", "systems/crm.yaml:7:1: fallback: missing; write down how it is done by hand"},
		{"tier", "systems/crm.yaml", "tier: 1", "tier: 4", `systems/crm.yaml:5:7: tier: "4" is not possible here; use one of 1, 2, 3`},
		{"tier in words", "systems/crm.yaml", "tier: 1", "tier: high", "systems/crm.yaml:5:7: tier: this shall be a whole number, not a text"},
		{"stage", "systems/crm.yaml", "stage: live\n", "", "systems/crm.yaml:1:1: stage: missing"},
		{"wrong stage", "systems/crm.yaml", "stage: live", "stage: alive", `stage: "alive" is not possible here`},
		{"stage of manual", "systems/door.yaml", "kind: manual", "kind: manual\nstage: live", "stage: nothing automates a system of kind manual"},
		{"identifier", "systems/crm.yaml", "identifier: work_email\n", "", "identifier: missing"},
		{"unsupplied identifier", "systems/crm.yaml", "work_email", "shoe_size", "systems/crm.yaml:4:13: warning: identifier: no source supplies the identifier shoe_size"},
		{"unknown kind", "systems/crm.yaml", "kind: box", "kind: bax", `systems/crm.yaml:3:7: kind: there is no connector "bax"; use one of box, manual`},
		{"a rule of an unknown attribute", "systems/crm.yaml", "tier: 1", "tier: 1\ncorrelate:\n  - {attribute: nubmer, is: identifiers.employee_id}", `systems/crm.yaml:7:17: correlate[0].attribute: a system of kind box is not searched by "nubmer"; use one of mail, number`},
		{"a rule that is no CEL", "systems/crm.yaml", "tier: 1", "tier: 1\ncorrelate:\n  - {attribute: number, is: 'pad(identifiers.employee_id)'}", "correlate[0].is: found no matching overload for 'pad'"},
		{"a rule of nothing", "systems/crm.yaml", "tier: 1", "tier: 1\ncorrelate:\n  - {attribute: number}", "correlate[0].is: missing; say what it holds for somebody"},
		{"otherwise than nothing", "systems/crm.yaml", "tier: 1", "tier: 1\ncorrelate:\n  - {attribute: number, is: identifiers.employee_id, otherwise: true}", "correlate[0].otherwise: there is no rule before the first"},
		{"rules of a manual system", "systems/door.yaml", "tier: 2", "tier: 2\ncorrelate:\n  - {attribute: number, is: identifiers.employee_id}", "correlate: nothing is looked for in a system of kind manual"},
		{"a share of nobody", "exeunt.yaml", "people:", "fuse: {percent: 5}\npeople:", "fuse.percent: a part of the workforce cannot be known without its size; write fuse.headcount"},
		{"no fuse", "exeunt.yaml", "people:", "fuse: {departures: 0}\npeople:", "warning: fuse: no number of departures at once is too many"},
		{"a window of months", "exeunt.yaml", "people:", "fuse: {window: 60d}\npeople:", "fuse.window: a window of more than 31 days"},
		{"who approves", "exeunt.yaml", "people:", "approvals: {approver: pope}\npeople:", `approvals.approver: nobody holds the role "pope"`},
		{"an unknown flag", "exeunt.yaml", "people:", "approvals: {flags: [royal]}\npeople:", `approvals.flags[0]: there is no flag "royal"`},
		{"an answer at once", "exeunt.yaml", "people:", "approvals: {lasts: 5s}\npeople:", "approvals.lasts: nobody can answer within less than a minute"},
		{"approver of a system", "systems/crm.yaml", "tier: 1", "tier: 1\napprover: pope", `approver: nobody holds the role "pope"`},
		{"approver", "exeunt.yaml", "people:", "fuse: {approver: pope}\npeople:", `fuse.approver: nobody holds the role "pope"`},
		{"unknown key", "systems/crm.yaml", "title:", "titel:", "systems/crm.yaml:2:1: titel: there is no such key here; did you mean title?"},
		{"unknown setting", "systems/crm.yaml", "port: 443", "prot: 443", "systems/crm.yaml:11:3: settings.prot: there is no such key here; did you mean port?"},
		{"setting of another type", "systems/crm.yaml", "port: 443", "port: [443]", "systems/crm.yaml:11:9: settings.port: this shall be a whole number, not a list"},
		{"nested setting", "systems/crm.yaml", "port: 443", "limits: {rows: many}", "systems/crm.yaml:11:18: settings.limits.rows: this shall be a whole number"},
		{"missing setting", "systems/crm.yaml", "  address: crm.acme.example\n", "", "systems/crm.yaml:10:3: settings.address: missing; write where it is"},
		{"no settings", "systems/crm.yaml", boxFile[strings.Index(boxFile, "settings:"):], "", "settings.address: missing"},
		{"what the kind refuses", "systems/crm.yaml", "port: 443", "port: 23", "systems/crm.yaml:11:9: settings.port: telnet is not spoken here"},
		{"literal secret", "systems/crm.yaml", "env:CONFIG_TEST_SECRET", "hunter2", "systems/crm.yaml:12:10: settings.token: a secret is given by reference"},
		{"secret that is not there", "systems/crm.yaml", "env:CONFIG_TEST_SECRET", "env:CONFIG_TEST_NONE", "systems/crm.yaml:12:10: warning: settings.token: the secret env:CONFIG_TEST_NONE is not set"},
		{"owner with neither", "systems/door.yaml", "{name: Ida, email: ida@acme.example}", "{name: Ida}", "owner.email: missing"},
		{"owner with both", "systems/crm.yaml", "{role: it}", "{role: it, name: Ida}", "owner: this names both a person and a role"},
		{"role that nobody holds", "systems/crm.yaml", "{role: it}", "{role: pope}", `owner.role: nobody holds the role "pope"`},
		{"two of a name", "systems/door.yaml", "name: door", "name: crm", "systems/door.yaml:1:7: name: crm is the name of a system already, in systems/crm.yaml"},
		{"a name", "systems/door.yaml", "name: door", "name: The Door", `"The Door" is not a name`},
		{"no such sso", "systems/benefits.yaml", "sso: crm", "sso: okta", `systems/benefits.yaml:8:6: sso: there is no system "okta"`},
		{"circle", "systems/crm.yaml", "kind: box", "kind: box\nsso: benefits", "sso: the sign-on leads back to the system itself: benefits → crm → benefits"},
		{"not YAML", "systems/crm.yaml", "title: CRM", "title: [CRM", "systems/crm.yaml:"},
		{"two documents", "systems/crm.yaml", "stage: live\n", "stage: live\n---\nname: x\n", "a second document begins here"},
		{"a key twice", "systems/crm.yaml", "tier: 1", "tier: 1\ntier: 2", "systems/crm.yaml:6:1: tier: this key stands here twice"},
		{"company", "exeunt.yaml", "  name: Acme", "  nmae: Acme", "exeunt.yaml:2:3: company.nmae: there is no such key here; did you mean name?"},
		{"zone", "exeunt.yaml", "Europe/Berlin", "Europe/Bärlin", "exeunt.yaml:3:7: zone:"},
		{"country", "exeunt.yaml", "country: DE", "country: Germany", "is not a country code"},
		{"url in the clear", "exeunt.yaml", "https://exeunt", "http://exeunt", "exeunt.yaml:5:6: url: people's sessions would travel in the clear"},
		{"literal secret of a source", "exeunt.yaml", "    secret: env:CONFIG_TEST_SECRET", "    secret: hunter2", "exeunt.yaml:10:13: sources[0].secret: a secret is given by reference"},
		{"no secret", "exeunt.yaml", "    secret: env:CONFIG_TEST_SECRET\n", "", "sources[0].secret: missing"},
		{"source kind", "exeunt.yaml", "kind: bamboohr", "kind: bambus", "sources[0].kind: \"bambus\" is not possible here"},
		{"source settings", "exeunt.yaml", "default_type: voluntary", "default_type: quit", "exeunt.yaml:14:21: sources[0].settings.default_type: \"quit\" is not possible here"},
		{"source without authority", "exeunt.yaml", "    authoritative: true\n", "", "sources: no source is authoritative for main"},
		{"source that speaks for people", "exeunt.yaml", "- name: bamboo", "- name: wave", "sources[0].name: \"wave\" is what decisions of people are called"},
		{"source of nobody", "exeunt.yaml", "authoritative: true", "authoritative: true\n    entity: acme", "there is no entity \"acme\""},
		{"case owner", "exeunt.yaml", "    email: hilde@acme.example\n", "", "people.case_owner.email: missing"},
		{"no address", "exeunt.yaml", "ida@acme.example,", "ida,", "people.roles.it.email: this is not an e-mail address"},
		{"away without deputy", "exeunt.yaml", "leo@acme.example", "leo@acme.example, away: true", "people.roles.legal.away: nobody stands in"},
		{"ledger that is nowhere", "exeunt.yaml", "unix:///run/exeunt-ledger/ledger.sock", "/run/ledger.sock", "ledger.address: \"/run/ledger.sock\" is not where a ledger can be; write unix:///run/exeunt-ledger/ledger.sock"},
		{"ledger without port", "exeunt.yaml", "unix:///run/exeunt-ledger/ledger.sock", "tls://ledger.acme.example", "is not where a ledger can be"},
		{"ledger far away without certificate", "exeunt.yaml", "unix:///run/exeunt-ledger/ledger.sock", "tls://ledger.acme.example:7443", "ledger.address: a ledger on another machine wants a client certificate"},
		{"mail in the clear", "exeunt.yaml", "  username: exeunt", "  tls: none\n  username: exeunt", "mail.tls: mail would travel in the clear"},
		{"role of a shipped policy", "exeunt.yaml", "    legal: {name: Leo, email: leo@acme.example}\n", "", `people.roles: nobody holds the role "legal", whom the shipped policies ask (layoff)`},
		{"role of a shipped modifier", "exeunt.yaml", "    legal: {name: Leo, email: leo@acme.example}\n", "", `warning: add[0].task.owner: nobody holds the role "legal", whom the rule signing-authority asks`},
		{"role of an own policy", "policies/own.yaml", "", policyFile, `policies/own.yaml:6:19: rules[0].task.owner: nobody holds the role "pope", whom the rule a asks`},
		{"CEL", "policies/own.yaml", "", strings.Replace(policyFile, "'true'", "leaver.nmae == ''", 1), "policies/own.yaml:3:16: applies: undefined field 'nmae'"},
		{"a type without policy", "policies/own.yaml", "", "name: own\nextends: standard\n", "policies: no policy applies to departures of type involuntary, layoff; add policies/immediate.yaml with the lines name: immediate and extends: immediate, policies/layoff.yaml with the lines name: layoff and extends: layoff"},
		{"unknown action", "policies/own.yaml", "", "name: own\napplies: 'true'\nrules:\n  - {name: a, systems: 'true', actions: [dissable], start: trigger, deadline: start + 1d}\n", "policies/own.yaml:4:42: warning: rules[0].actions[0]: no connector knows the action dissable"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files := folder()
			if c.old == "" {
				files[c.file] = c.new
			} else if files[c.file] = strings.Replace(files[c.file], c.old, c.new, 1); files[c.file] == folder()[c.file] {
				t.Fatalf("%q is not in %s", c.old, c.file)
			}
			loaded, faults := load(t, files)
			if !strings.Contains(faults.Error(), c.want) {
				t.Errorf("got:\n%v\nwant: %s", faults, c.want)
			}
			if (loaded == nil) != (len(faults.Errors()) > 0) {
				t.Errorf("loaded %v with errors %v", loaded != nil, faults.Errors())
			}
			if strings.Contains(faults.Error(), "hunter2") || strings.Contains(faults.Error(), "s3cret") {
				t.Errorf("a fault repeats a secret:\n%v", faults)
			}
			for _, f := range faults.Errors() {
				if f.Line == 0 && !strings.HasPrefix(f.What, "no policy applies") {
					t.Errorf("no line: %v", f)
				}
			}
		})
	}
}

func TestTwoAuthoritativeSourcesForAnEntityAreRefused(t *testing.T) {
	second := "  - {name: second, kind: webhook, authoritative: %, secret: env:CONFIG_TEST_SECRET, settings: {signature: {scheme: standard-webhooks}, default_type: voluntary, map: {leaver.id: body.id, leaver.name: body.name, last_day: body.day}}}\npeople:"
	files := folder()
	files["exeunt.yaml"] = strings.Replace(mainFile, "people:", strings.Replace(second, "%", "true", 1), 1)
	c, faults := load(t, files)
	if c != nil || !strings.Contains(faults.Error(), "exeunt.yaml:15:50: sources[1].authoritative: bamboo is authoritative for main already; an entity has exactly one") {
		t.Errorf("two authorities are accepted: %v", faults)
	}
	files["exeunt.yaml"] = strings.Replace(mainFile, "people:", strings.Replace(second, "%", "false", 1), 1)
	if c, faults := load(t, files); c == nil || len(faults) > 0 {
		t.Errorf("a second source that only speaks is refused: %v", faults)
	}
	entities := strings.Replace(mainFile, "sources:\n", "entities:\n  - {name: berlin}\n  - {name: paris, zone: Europe/Paris}\nsources:\n", 1)
	entities = strings.Replace(entities, "    authoritative", "    entity: berlin\n    authoritative", 1)
	files["exeunt.yaml"] = strings.Replace(entities, "people:", strings.Replace(strings.Replace(second, "%", "true", 1), "kind: webhook", "kind: webhook, entity: paris", 1), 1)
	if c, faults := load(t, files); c == nil || c.Sources[1].Zone != "Europe/Paris" {
		t.Errorf("one authority for each of two entities is refused: %v", faults)
	}
}

func TestAllFaultsAreSaidAtOnceAndInOrder(t *testing.T) {
	files := folder()
	files["exeunt.yaml"] = strings.Replace(mainFile, "Europe/Berlin", "Mars/Olympus", 1)
	files["systems/crm.yaml"] = strings.Replace(strings.Replace(boxFile, "tier: 1", "tier: 9", 1), "owner: {role: it}\n", "", 1)
	files["systems/door.yaml"] = "name: door\n"
	files["policies/a.yaml"] = "name: a\nrules: []\n"
	_, faults := load(t, files)
	var order []string
	for _, f := range faults {
		order = append(order, f.File)
	}
	for _, want := range []string{"exeunt.yaml", "policies/a.yaml", "systems/crm.yaml", "systems/door.yaml"} {
		if !strings.Contains(strings.Join(order, " "), want) {
			t.Errorf("nothing is said of %s:\n%v", want, faults)
		}
	}
	if strings.Count(strings.Join(order, " "), "systems/door.yaml") < 5 {
		t.Errorf("not every missing key of door.yaml is named:\n%v", faults)
	}
	for i := 1; i < len(faults); i++ {
		if a, b := faults[i-1], faults[i]; a.File > b.File || a.File == b.File && a.Line > b.Line {
			t.Errorf("out of order: %v before %v", a, b)
		}
	}
}

func TestASecretThatIsNotThereStopsOnlyTheServer(t *testing.T) {
	files := folder()
	files["systems/crm.yaml"] = strings.Replace(boxFile, "CONFIG_TEST_SECRET", "CONFIG_TEST_NONE", 1)
	c, faults := load(t, files)
	if c == nil || len(faults.Errors()) > 0 || len(faults.Warnings()) != 1 {
		t.Fatalf("check: %v", faults)
	}
	if len(faults.ForServing().Errors()) != 1 {
		t.Errorf("serve: %v", faults.ForServing())
	}
}

func TestValuesOfTheEnvironmentArePutIn(t *testing.T) {
	files := folder()
	files["systems/crm.yaml"] = strings.NewReplacer("crm.acme.example", "${CONFIG_TEST_HOST:-localhost}", "443", "${CONFIG_TEST_PORT}", "title: CRM", "title: $${CRM}").Replace(boxFile)
	t.Setenv("CONFIG_TEST_PORT", "8443")
	c, faults := load(t, files)
	if c == nil {
		t.Fatal(faults)
	}
	crm, _ := c.System("crm")
	if s := string(crm.Settings); !strings.Contains(s, `"address":"localhost"`) || !strings.Contains(s, `"port":8443`) || crm.Title != "${CRM}" {
		t.Errorf("%s %s", crm.Title, s)
	}
	t.Setenv("CONFIG_TEST_HOST", "crm.test")
	other, _ := load(t, files)
	if moved, _ := other.System("crm"); !strings.Contains(string(moved.Settings), "crm.test") || other.Version == c.Version {
		t.Errorf("%s, version %s and %s", moved.Settings, other.Version, c.Version)
	}
	t.Setenv("CONFIG_TEST_PORT", "")
	if _, faults := load(t, files); !strings.Contains(faults.Error(), "systems/crm.yaml:11:9: settings.port: the environment has no CONFIG_TEST_PORT; set it") {
		t.Errorf("%v", faults)
	}
}

func TestAnEmptyFolderSaysWhatToDo(t *testing.T) {
	c, faults := config.Load(t.TempDir(), kinds())
	if c != nil || !strings.Contains(faults.Error(), "exeunt.yaml: this file cannot be read: it does not exist") || !strings.Contains(faults.Error(), "systems: the inventory is empty") {
		t.Errorf("%v", faults)
	}
}

func FuzzSystemFile(f *testing.F) {
	f.Add(boxFile)
	f.Add("a: &a [*a]\n")
	f.Add("name: {<<: *x}\n")
	f.Add("tier: .nan\nsettings: {port: .inf}\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		_ = os.Mkdir(filepath.Join(dir, "systems"), 0o700)
		for name, content := range map[string]string{"exeunt.yaml": mainFile, "systems/x.yaml": text} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, faults := config.Load(dir, kinds())
		if c == nil && len(faults.Errors()) == 0 {
			t.Fatal("refused without a fault")
		}
		if c != nil && (c.Systems[0].Fallback == "" && !strings.Contains(text, "fallback") || c.Systems[0].Tier < 1) {
			t.Fatalf("accepted: %+v", c.Systems[0])
		}
	})
}
