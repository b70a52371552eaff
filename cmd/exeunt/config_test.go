package main

import (
	"strings"
	"testing"
	"time"
)

const (
	webhookSource = `
sources:
  - name: people-system
    kind: webhook
    authoritative: true
    secret: env:NOT_SET_ANYWHERE
    settings:
      signature: {scheme: standard-webhooks}
      map: {leaver.id: body.id, leaver.name: body.name, last_day: body.day}
      default_type: voluntary
`
	badSource = `
sources:
  - name: people-system
    kind: webhook
    authoritative: true
    secret: s3cret-written-down
    settings:
      signature: {scheme: hmac-sha256}
      map: {leaver.id: body.id +, last_day: body.day}
`
)

// TestCheckSaysEveryFaultAtOnce wants each with its file, its line and what to do, in one run.
func TestCheckSaysEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	doors := func(more string) string { return smallDoors[1:] + more } // name stands on line 1
	for name, c := range map[string]struct {
		files map[string]string
		says  []string
		never string // is not repeated
	}{
		"several files": {map[string]string{
			"exeunt.yaml":        strings.Replace(smallCompany, "Europe/Berlin", "Europe/Bielefeld", 1) + badSource,
			"systems/doors.yaml": doors("colour: red\ntire: 2\n"),
			"systems/crm.yaml":   "name: crm\nkind: scim\nidentifier: shoe_size\nsso: nothing\ntier: 7\nfallback: By hand.\nstage: live\nsettings: {base_url: http://crm.example, token: tok-s3cret}\n",
			"policies/own.yaml":  "name: own\nextends: standard\nrules:\n  - name: a\n    when: leaver.nmae == 'x'\n    task: {owner: nobody-has-this, procedure: x}\n    start: cut-off + 3 fortnights\n    deadline: start + 1d\n",
		}, []string{
			"exeunt.yaml:3:7: zone:", "exeunt.yaml:16:13: sources[0].secret:", "sources[0].settings.",
			"systems/crm.yaml:1:1: owner: missing", "systems/crm.yaml:4:6: sso:", "systems/crm.yaml:5:7: tier:", "systems/crm.yaml:8:", "systems/crm.yaml:3:13: warning: identifier:",
			"systems/doors.yaml:7:1: colour:", "systems/doors.yaml:8:1: tire: there is no such key here; did you mean tier?",
			"policies/own.yaml:5:", "undefined field 'nmae'", "policies/own.yaml:7:12:", "faults. Nothing of this configuration is used",
		}, "s3cret"},
		"two of one authority": {map[string]string{
			"exeunt.yaml":        smallCompany + webhookSource + strings.Replace(strings.Replace(webhookSource, "sources:\n", "", 1), "people-system", "agency", 1),
			"systems/doors.yaml": smallDoors,
		}, []string{"sources[1].authoritative: people-system is authoritative for main already", "an entity has exactly one authoritative source"}, ""},
		"no folder at all": {map[string]string{}, []string{"exeunt.yaml", "it does not exist"}, ""},
		"no YAML":          {map[string]string{"exeunt.yaml": "company: [\n", "systems/doors.yaml": "\tname: x\n"}, []string{"exeunt.yaml:", "systems/doors.yaml:1:"}, ""},
		"two of one name":  {map[string]string{"exeunt.yaml": smallCompany, "systems/a.yaml": smallDoors, "systems/b.yaml": smallDoors}, []string{"systems/b.yaml:2:7: name:"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, c.files)
			s := newShell(t)
			got := s.run(t, "", "check", "--config", dir)
			if got.code != 2 {
				t.Errorf("ended with %d, want 2", got.code)
			}
			for _, want := range c.says {
				if !strings.Contains(got.out, want) {
					t.Errorf("check does not say %q:\n%s", want, got.out)
				}
			}
			if c.never != "" && strings.Contains(got.out+got.err, c.never) {
				t.Errorf("check repeats a secret:\n%s", got.out)
			}
			doc := s.document(t, 2, "check", "--config", dir)
			faults, _ := doc["faults"].([]any)
			if doc["valid"] != false || len(faults) == 0 {
				t.Errorf("as JSON: %v", doc)
			}
			for _, f := range faults {
				if fault := f.(map[string]any); fault["file"] == "" || fault["what"] == "" || fault["remedy"] == "" {
					t.Errorf("a fault without file, what or remedy: %v", fault)
				}
			}
		})
	}
}

// TestASecretThatIsNotSet is for check to warn of, and for serve to refuse.
func TestASecretThatIsNotSet(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"exeunt.yaml": smallCompany + webhookSource, "systems/doors.yaml": smallDoors})
	s := newShell(t)
	if got := s.run(t, "", "check", "--config", dir); got.code != 0 || !strings.Contains(got.out, "warning") || !strings.Contains(got.out, "NOT_SET_ANYWHERE") {
		t.Errorf("check: %d %s", got.code, got.out)
	}
	if got := s.run(t, "", "serve", "--config", dir, "--data", t.TempDir(), "--listen", "127.0.0.1:0"); got.code != 2 || !strings.Contains(got.err, "NOT_SET_ANYWHERE") {
		t.Errorf("serve: %d %s", got.code, got.err)
	}
}

// TestThePreviewOfAPlan holds what scripts read of it.
func TestThePreviewOfAPlan(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"exeunt.yaml": smallCompany, "systems/doors.yaml": smallDoors,
		"systems/wiki.yaml": strings.NewReplacer("doors", "wiki", "tier: 1", "tier: 3\nsso: doors").Replace(smallDoors),
		"leaver.yaml":       "type: voluntary\nlast_day: " + time.Now().AddDate(0, 1, 0).Format(time.DateOnly) + "\nleaver: {id: 7, name: Jane Doe, manager: {name: Max Boss, email: max@acme.example}}\n",
	})
	s := newShell(t)
	doc := s.document(t, 0, "plan", "preview", "--config", dir, "--leaver", dir+"/leaver.yaml")
	if doc["schema"] != "plan/v1" || doc["policy"] != "standard" || doc["policy_version"] == "" || doc["zone"] != "Europe/Berlin" {
		t.Errorf("%v", doc)
	}
	cutOff, err := time.Parse(time.RFC3339, doc["cut_off"].(string))
	zone, _ := time.LoadLocation("Europe/Berlin")
	if err != nil || cutOff.In(zone).Format(time.TimeOnly) != "17:00:00" {
		t.Errorf("access ends %v", doc["cut_off"])
	}
	by := map[string]string{}
	for _, c := range doc["systems"].([]any) {
		system := c.(map[string]any)
		by[system["system"].(string)] = system["by"].(string)
	}
	if by["doors"] != "task" || by["wiki"] != "inherited" || len(by) != 2 {
		t.Errorf("covered by %v", by)
	}
	waits := 0
	for _, tk := range doc["tasks"].([]any) {
		task := tk.(map[string]any)
		owner, _ := task["owner"].(map[string]any)
		if task["key"] == "" || task["rule"] == "" || owner["email"] == "" || task["deadline"] == "" {
			t.Errorf("a task without key, rule, owner or deadline: %v", task)
		}
		if after, ok := task["after"].([]any); ok && after[0].(map[string]any)["because"] != "" {
			waits++
		}
	}
	if waits != 1 {
		t.Errorf("%d tasks wait for others and say why, want the check of the wiki", waits)
	}
	for _, step := range doc["tasks"].([]any) {
		if why, _ := step.(map[string]any)["why"].(string); why == "" {
			t.Errorf("a task without a reason: %v", step)
		}
	}
	if got := s.run(t, "", "plan", "preview", "--config", dir); got.code != 2 || !strings.Contains(got.err, "--case C-2041") {
		t.Errorf("without a leaver: %d %s", got.code, got.err)
	}
	if why := s.run(t, "", "plan", "preview", "--config", dir, "--leaver", dir+"/leaver.yaml", "--why"); !strings.Contains(why.out, "why: tracked by hand (no API); rule cut-access-high-risk") || !strings.Contains(why.out, "proof: attested") {
		t.Errorf("--why does not say why:\n%s", why.out)
	}
	table := s.run(t, "", "plan", "preview", "--config", dir, "--leaver", dir+"/leaver.yaml")
	for _, want := range []string{"Jane Doe", "WAITS FOR", "2 systems: 0 by connector, 1 inherited from single sign-on and checked, 1 by a person. None is left out."} {
		if !strings.Contains(table.out, want) {
			t.Errorf("the table lacks %q:\n%s", want, table.out)
		}
	}
}

// TestJSONIsOneDocument goes through every command that prints data.
func TestJSONIsOneDocument(t *testing.T) {
	t.Parallel()
	s := serving(t)
	id := s.starts(t, "1", "2026-01-30")
	for _, args := range []string{
		"case list", "case show " + id, "task list", "task list --case " + id, "system list", "ledger verify", "ledger key", "version",
		"task done T-1 --note done", "task reassign T-2 --to omar@acme.example --reason holiday", "evidence export " + id,
	} {
		s.document(t, 0, strings.Fields(args)...)
	}
}

// TestTheDemoRunsToItsEnd takes most of a minute: one of its systems lies, and is given the time to.
func TestTheDemoRunsToItsEnd(t *testing.T) {
	t.Parallel()
	doc := newShell(t).document(t, 0, "demo", "--once")
	steps, _ := doc["steps"].(map[string]any)
	tasks, _ := doc["tasks"].(map[string]any)
	if doc["schema"] != "demo/v1" || doc["cases"] != 6.0 || doc["closed"] != 1.0 || doc["verified"] != true || doc["evidence"] == "" || doc["ledger_entries"].(float64) < 100 || doc["open"] != nil {
		t.Errorf("%v", doc)
	}
	if steps["confirmed"].(float64) < 50 || steps["acknowledged"] != 6.0 || steps["attested"] == nil || steps["failed"] == nil || tasks["open"] == nil || tasks["done"] == nil {
		t.Errorf("steps %v tasks %v", steps, tasks)
	}
}
