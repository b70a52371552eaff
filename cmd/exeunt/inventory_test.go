package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/internal/sim"
)

// TestFromAnExportToASystem goes the way of who sets Exeunt up: from a spend export to a system in the inventory.
func TestFromAnExportToASystem(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Join(s.home, "acme")
	must(t, os.CopyFS(dir, os.DirFS("../../examples/acme")))
	spend := filepath.Join(s.home, "spend.csv")
	must(t, os.WriteFile(spend, []byte("Kreditor;Betrag;Währung\nSNOWFLAKE COMPUTING INC;900,00;EUR\nMicrosoft Ireland;12,00;EUR\nBürostühle Müller;33,00;EUR\n"), 0o600))
	do := func(code int, want string, args ...string) said {
		t.Helper()
		got := s.run(t, "", append(append([]string{"inventory"}, args...), "--config", dir)...)
		if got.code != code || !strings.Contains(got.out+got.err, want) {
			t.Fatalf("inventory %v ends with %d, want %d and %q:\n%s%s", args, got.code, code, want, got.out, got.err)
		}
		return got
	}
	do(0, "Nothing was kept", "import", spend, "--from", "finance", "--dry-run")
	if _, err := os.Stat(filepath.Join(dir, "inventory")); err == nil {
		t.Fatal("a dry run kept something")
	}
	do(0, `"Microsoft Ireland" may be microsoft365 or corp-directory (88 %)`, "import", spend, "--from", "finance")
	do(4, `exeunt inventory scaffold "SNOWFLAKE COMPUTING INC"`, "gaps")
	do(0, "no system of ours", "decide", "bürostühle müller", "--ignore", "furniture", "--by", "Ida Berg")
	do(0, "corp-directory", "decide", "Microsoft Ireland", "--is", "corp-directory", "--by", "Ida Berg")
	do(3, "no system", "decide", "Microsoft Ireland", "--is", "nothing-of-that-name")
	do(2, "say either --is", "decide", "Microsoft Ireland")
	do(0, "systems/snowflake.yaml", "scaffold", "Snowflake")
	do(7, "has a system snowflake already", "scaffold", "Snowflake")

	check := s.run(t, "", "check", "--config", dir)
	if check.code != 2 || !strings.Contains(check.out, "owner: missing") || !strings.Contains(check.out, "fallback: missing") {
		t.Errorf("a scaffold is not asked for what is open in it: %d\n%s", check.code, check.out)
	}
	file := filepath.Join(dir, "systems", "snowflake.yaml")
	text, err := os.ReadFile(file)
	must(t, err)
	filled := strings.NewReplacer("owner: #", "owner: {role: it} #", "fallback: #", "fallback: Drop the user. #").Replace(string(text))
	must(t, os.WriteFile(file, []byte(filled), 0o600))
	if check := s.run(t, "", "check", "--config", dir); check.code != 0 {
		t.Errorf("filled in, it is still refused: %s", check.out)
	}
	again := do(0, "2 in the inventory, 1 no system of ours, 0 to decide, 0 not in the inventory", "import", spend, "--from", "finance")
	if strings.Contains(again.out, "may be") {
		t.Errorf("it asks again what was decided: %s", again.out)
	}
	do(0, "decided by Ida Berg", "show", "corp-directory")
	do(0, "snowflake", "list")
	gaps := s.document(t, 4, "inventory", "gaps", "--config", dir)
	for _, g := range gaps["gaps"].([]any) {
		if kind := g.(map[string]any)["kind"]; kind == "unlisted" || kind == "undecided" {
			t.Errorf("still a gap: %v", g)
		}
	}
}

func TestAnExportThatNobodyCanReadIsRefusedInWords(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir, file := filepath.Join(s.home, "acme"), filepath.Join(s.home, "x.csv")
	must(t, os.CopyFS(dir, os.DirFS("../../examples/acme")))
	must(t, os.WriteFile(file, []byte("Was,Wieviel\nMiro,12\n"), 0o600))
	for want, args := range map[string][]string{
		`the first row has "Was", "Wieviel"`:         {"import", file, "--from", "finance"},
		"--from is finance, sso or survey, or the":   {"import", file, "--from", "it"},
		"the file is missing: name the spend export": {"import", "--from", "finance"},
		"crm is asked itself":                        {"import", file, "--from", "crm"},
		"wiki has no connector that could be aske":   {"import", "--from", "wiki"},
		"there is no such column":                    {"import", file, "--from", "finance", "--column", "nmae=Was"},
		"see that it exists":                         {"import", file + ".gone", "--from", "finance"},
		"name the one that has exeunt.yaml":          {"gaps", "--config", dir + "-gone"},
		"1 row names no application":                 {},
		"--config is missing":                        nil,
		`there is no system "nothing" in the inve`:   {"show", "nothing"},
	} {
		switch {
		case args == nil:
			args = []string{"inventory", "gaps"}
		case len(args) == 0:
			must(t, os.WriteFile(file+".rows", []byte("Vendor,Amount\nMiro,12\n,13\n"), 0o600))
			args = []string{"inventory", "import", file + ".rows", "--from", "finance", "--config", dir}
		case args[0] == "gaps":
			args = append([]string{"inventory"}, args...)
		default:
			args = append(append([]string{"inventory"}, args...), "--config", dir)
		}
		got := s.run(t, "", args...)
		if !strings.Contains(got.out+got.err, want) {
			t.Errorf("%v says %q and not %q", args, got.out+got.err, want)
		}
	}
}

// TestASingleSignOnIsAskedItself compares the inventory with what the sign-on lets people into, without an export.
func TestASingleSignOnIsAskedItself(t *testing.T) {
	t.Parallel()
	company, err := sim.Start(t.Context(), 3, 1)
	must(t, err)
	t.Cleanup(func() { _ = company.Close() })
	s := newShell(t, "EXEUNT_SIM_IDENTITY_TOKEN="+company.Environment()["EXEUNT_SIM_IDENTITY_TOKEN"])
	dir := filepath.Join(s.home, "acme")
	must(t, os.CopyFS(dir, os.DirFS("../../examples/acme")))
	settings := `{"spec":"identity","client_id":"exeunt","client_secret":"env:EXEUNT_SIM_IDENTITY_TOKEN","base_url":"` + company.Identity.URL + `"}`
	must(t, os.WriteFile(filepath.Join(dir, "systems", "sign-on.yaml"), []byte("name: sign-on\ntitle: Single sign-on\nkind: http\nidentifier: work_email\nholds: [sign-in]\ntier: 1\nowner: {role: it}\nfallback: Suspend the user.\nretention: 90 days\nstage: live\nsettings: "+settings+"\n"), 0o600))
	do := func(code int, want string, args ...string) {
		t.Helper()
		got := s.run(t, "", append(append([]string{"inventory"}, args...), "--config", dir)...)
		if got.code != code || !strings.Contains(got.out+got.err, want) {
			t.Fatalf("inventory %v ends with %d, want %d and %q:\n%s%s", args, got.code, code, want, got.out, got.err)
		}
	}
	do(0, "sign-on shows 5 applications", "import", "--from", "sign-on")
	text, err := os.ReadFile(filepath.Join(dir, "inventory", "sso-sign-on.yaml"))
	must(t, err)
	for _, want := range []string{"system: sign-on", "id: app-3", "people: 41", "mode: oidc", "inactive: true"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the sheet lacks %q:\n%s", want, text)
		}
	}
	do(0, "may be", "import", "--from", "sign-on", "--dry-run")
	do(0, "no system of ours", "decide", "Old Time Sheets", "--ignore", "switched off last year", "--by", "Ida Berg")
	do(4, "Miro: not in the inventory; shown by the single sign-on (41 people)", "gaps")
	do(0, "systems/miro.yaml", "scaffold", "Miro")
	company.Identity.Break(sim.Fault{Path: "/applications", Status: 403})
	do(3, "does not allow it", "import", "--from", "sign-on")
	again, err := os.ReadFile(filepath.Join(dir, "inventory", "sso-sign-on.yaml"))
	if err != nil || !strings.Contains(string(again), "switched off last year") {
		t.Errorf("a refusal took away what is known: %v\n%s", err, again)
	}
}
