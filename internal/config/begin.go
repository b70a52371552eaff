package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/mail"
	"strings"
)

// Answers are what a first configuration is made of.
type Answers struct {
	Company string
	Zone    string // IANA
	Country string // ISO 3166-1, or ""
	URL     string

	Owner, IT, HR, Legal, Payroll string // as in a mail: Ida Novak <ida@acme.example>; the owner where left out

	Source    string // bamboohr, webhook, or none: only people start cases
	Directory string // activedirectory, ldap, or none
	Mail      string // host, or "" for none
}

// Files makes the files of a first configuration, which exeunt check finds valid. What only somebody knows who runs the
// systems stands there as an example, with a word on it.
func (a Answers) Files() map[string]string {
	files := map[string]string{
		fileName:                a.main(),
		"systems/payroll.yaml":  byHand("payroll", "Payroll", "employee_id", 1, "Payroll", "payroll", "End the employment in payroll with the last day, and have the final pay worked out."),
		"systems/benefits.yaml": byHand("benefits", "Benefits", "employee_id", 2, "Benefits", "payroll", "Tell the administrator of benefits the last day."),
		"systems/doors.yaml":    byHand("doors", "Door locks", "employee_id", 1, "", "it", "Block the badge at the reception's console, and take it back."),
	}
	switch a.Directory {
	case "activedirectory":
		files["systems/directory.yaml"] = directoryFile("activedirectory", "Active Directory", "upn", "svc-exeunt@corp.example.com", "OU=Staff,DC=corp,DC=example,DC=com")
	case "ldap":
		files["systems/directory.yaml"] = directoryFile("ldap", "LDAP directory", "login", "cn=exeunt,ou=services,dc=corp,dc=example", "ou=people,dc=corp,dc=example")
	}
	return files
}

// quoted writes a text as YAML takes it whatever it holds: JSON's strings are YAML's (YAML 1.2 §1.3).
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil { // no text fails
		return `""`
	}
	return string(b)
}

// whom writes a person.
func (a Answers) whom(address string) string {
	p, err := mail.ParseAddress(cmp.Or(address, a.Owner))
	if err != nil {
		return fmt.Sprintf("{name: %s, email: %s}", quoted(address), quoted(address)) // refused by the check, with its place
	}
	return fmt.Sprintf("{name: %s, email: %s}", quoted(cmp.Or(p.Name, p.Address)), quoted(p.Address))
}

func (a Answers) main() string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("# docs/configure.md explains every key. A secret is always a reference: env:NAME or file:/path.")
	say("company:\n  name: %s", quoted(a.Company))
	say("zone: %s # of places of work for which HR names none", quoted(a.Zone))
	if a.Country != "" {
		say("country: %s", quoted(a.Country))
	}
	say("url: %s # links in mails begin with it\n", quoted(a.URL))
	say("people:\n  case_owner: %s # owns every case, and stands in where nobody else does\n  roles:", a.whom(a.Owner))
	for _, r := range []struct{ role, who string }{{"it", a.IT}, {"hr", a.HR}, {"payroll", a.Payroll}, {"legal", a.Legal}} {
		say("    %s: %s", r.role, a.whom(r.who))
	}
	say("  operators: # alerted when the installation itself needs somebody\n    - %s\n", a.whom(a.IT))
	b.WriteString(map[string]string{"bamboohr": bambooSource, "webhook": webhookSource}[a.Source])
	if a.Mail != "" {
		say("mail:\n  host: %s\n  from: %s\n  tls: starttls", quoted(a.Mail), quoted("Exeunt <exeunt@"+domainOf(a.Owner)+">"))
	}
	return b.String()
}

func domainOf(address string) string {
	_, domain, _ := strings.Cut(strings.TrimSuffix(address, ">"), "@")
	return cmp.Or(domain, "localhost")
}

const bambooSource = `sources:
  - name: bamboohr # its webhook posts to <url>/hooks/bamboohr
    kind: bamboohr
    authoritative: true
    secret: env:BAMBOOHR_WEBHOOK_KEY # the privateKey that BambooHR shows once
    settings:
      company: acme # change it: the first part of acme.bamboohr.com
      api_key: env:BAMBOOHR_API_KEY
      default_type: voluntary

`

const webhookSource = `sources:
  - name: hr # it posts to <url>/hooks/hr
    kind: webhook
    authoritative: true
    secret: env:HR_WEBHOOK_KEY
    settings:
      signature: {scheme: standard-webhooks}
      map: # where the HR system's own delivery has each; change it
        leaver.id: body.employee.id
        leaver.name: body.employee.name
        leaver.identifiers.work_email: body.employee.email
        leaver.identifiers.login: body.employee.login
        leaver.identifiers.upn: body.employee.email
        last_day: body.last_day
      default_type: voluntary

`

// byHand is the file of a system that a person ends access in.
func byHand(name, title, identifier string, tier int, branch, role, fallback string) string {
	if branch != "" {
		branch = "branch: " + branch + "\n"
	}
	return fmt.Sprintf("name: %s\ntitle: %s\nkind: manual # its owner is given a task; name a connector when there is one\nidentifier: %s\ntier: %d # 1 is the highest risk\n%sowner: {role: %s}\nfallback: %s\n",
		name, title, identifier, tier, branch, role, fallback)
}

// directoryFile is a directory whose connector is set up and not trusted yet.
func directoryFile(kind, title, identifier, bind, base string) string {
	return fmt.Sprintf(`name: directory
title: %s
kind: %s
identifier: %s
tier: 1
owner: {role: it}
fallback: Disable the account, end its sessions, take it out of its groups.
stage: manual # a person does it; shadow and then live when exeunt doctor finds nothing wrong: see docs/live.md
settings: # change them to yours
  url: ldaps://directory.example.com
  bind_dn: %s
  bind_password: env:DIRECTORY_PASSWORD
  base_dn: %s
`, title, kind, identifier, quoted(bind), quoted(base))
}
