package e2e_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"testing"

	"github.com/exeunt/exeunt/internal/sim"
)

// The secrets of the sources. The one of Standard Webhooks is whsec_ and base64, as its specification
// wants it.
var (
	webhookKey    = []byte("a key of a test, and of nothing else")
	webhookSecret = "whsec_" + base64.StdEncoding.EncodeToString(webhookKey)
	legacyKey     = "private-key-of-the-field-based-webhook"
)

// configure writes the folder of a company with three legal entities and an HR system for each.
func (s *installation) configure(t testing.TB, h *house) {
	t.Helper()
	s.company(t, h.company.HR.URL, h.secrets, fmt.Sprintf(mailYAML, port(t, h.mail.SMTP)))
	database := *h.postgres
	database.User = url.User(h.dbRole)
	for name, settings := range map[string]string{
		"corp-directory": fmt.Sprintf(adYAML, h.ad.URL, h.ad.CAFile, h.ad.ServerName, h.ad.Service.Name, h.ad.BaseDN, h.leavers),
		"unix-directory": fmt.Sprintf(ldapYAML, h.openldap.URL, h.openldap.CAFile, h.openldap.ServerName, h.openldap.Service.Name, h.openldap.BaseDN, h.openldap.BaseDN, h.openldap.Admin.Name),
		"crm":            fmt.Sprintf(crmYAML, h.scim.URL), "help-desk": fmt.Sprintf(helpDeskYAML, h.scim.URL),
		"warehouse": fmt.Sprintf(warehouseYAML, database.String()),
		"payroll":   fmt.Sprintf(payrollYAML, h.company.Payroll.URL), "code": fmt.Sprintf(codeYAML, h.company.Code.URL, sim.Organisation),
		"doors": doorsYAML, "wiki": wikiYAML,
	} {
		s.write(t, "systems/"+name+".yaml", "name: "+name+"\n"+settings)
	}
}

// company writes exeunt.yaml and sets the secrets that it refers to.
func (s *installation) company(t testing.TB, hr string, secrets map[string]string, more string) {
	t.Helper()
	for name, value := range secrets {
		s.env[name] = value
	}
	s.env["LEGACY_WEBHOOK_KEY"], s.env["PEOPLE_WEBHOOK_SECRET"] = legacyKey, webhookSecret
	s.write(t, "exeunt.yaml", fmt.Sprintf(companyYAML, s.url(), hr)+more)
}

func port(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse("smtp://" + address)
	must(t, err)
	return u.Port()
}

const companyYAML = `
company: {name: Larkfield Instruments}
zone: Europe/Berlin
country: DE
url: %s

entities:
  - {name: larkfield-de, title: Larkfield GmbH}
  - {name: larkfield-at, title: Larkfield Österreich}
  - {name: larkfield-us, title: Larkfield Inc., zone: America/New_York, country: US}

sources:
  - name: bamboohr
    kind: bamboohr
    entity: larkfield-de
    authoritative: true
    secret: env:EXEUNT_SIM_HR_WEBHOOK_KEY
    settings:
      company: larkfield
      base_url: %s
      api_key: env:EXEUNT_SIM_HR_TOKEN
      fields:
        type: [customLeavingType]
        last_day: [customLastDay]
        leaver.identifiers.login: [customLogin]
      types: {Resignation: voluntary, Dismissal: involuntary}
      default_type: voluntary

  - name: bamboohr-austria
    kind: bamboohr
    entity: larkfield-at
    authoritative: true
    secret: env:LEGACY_WEBHOOK_KEY
    settings:
      default_type: voluntary
      fields:
        leaver.identifiers.login: [customLogin]
        leaver.manager.email: [customManagerEmail]

  - name: people-system
    kind: webhook
    entity: larkfield-us
    authoritative: true
    secret: env:PEOPLE_WEBHOOK_SECRET
    settings:
      signature: {scheme: standard-webhooks}
      when: body.type in ["employee.leaving", "employee.staying"]
      rescinded: body.type == "employee.staying"
      map:
        leaver.id: body.data.employee.number
        leaver.name: body.data.employee.first + " " + body.data.employee.last
        leaver.identifiers.work_email: body.data.employee.email
        leaver.identifiers.login: body.data.employee.login
        leaver.identifiers.employee_id: body.data.employee.badge
        leaver.manager.email: body.data.employee.manager.email
        last_day: body.data.last_day
        type: body.data.reason
      types: {Resignation: voluntary, Dismissal: involuntary}

people:
  case_owner: {name: Hilde Brandt, email: hilde@larkfield.example}
  roles:
    it: {name: Ida Novak, email: ida@larkfield.example}
    hr: {name: Hera Lind, email: hera@larkfield.example}
    payroll: {name: Paul Weiss, email: paul@larkfield.example}
    legal: {name: Lea Roth, email: lea@larkfield.example}
  operators:
    - {name: Ida Novak, email: ida@larkfield.example}

ledger: {origin: exeunt.larkfield.example/ledger}
`

const mailYAML = `
mail: {host: 127.0.0.1, port: %s, tls: none, from: Exeunt <exeunt@larkfield.example>}
`

const adYAML = `
title: Active Directory
kind: activedirectory
identifier: login
tier: 1
owner: {role: it}
fallback: Disable the account in Active Directory Users and Computers.
stage: live
settings:
  url: %s
  ca_file: %s
  server_name: %s
  bind_dn: %s
  bind_password: env:AD_PASSWORD
  base_dn: %s
  archive_ou: %s
  match: {work_email: mail, employee_id: employeeID}
`

const ldapYAML = `
title: OpenLDAP
kind: ldap
identifier: login
tier: 1
owner: {role: it}
fallback: Reset the password, then set pwdAccountLockedTime.
stage: live
settings:
  url: %s
  ca_file: %s
  server_name: %s
  bind_dn: %s
  bind_password: env:LDAP_PASSWORD
  base_dn: %s
  archive_ou: ou=leavers,%s
  placeholder_member: %s
`

const crmYAML = `
title: CRM
kind: scim
sso: corp-directory
identifier: work_email
tier: 2
owner: {name: Carla Mendes, email: carla@larkfield.example}
fallback: In Settings, deactivate the user.
stage: live
settings: {base_url: %s, token: env:CRM_TOKEN}
`

// Behind the single sign-on and of low risk: the plan only checks that access has ended with it.
const helpDeskYAML = `
title: Help desk
kind: scim
sso: corp-directory
identifier: login
tier: 3
owner: {role: it}
fallback: In Agents, see that the agent is inactive.
stage: live
settings: {base_url: %s, token: env:CRM_TOKEN, match: {login: userName}}
`

const warehouseYAML = `
title: Data warehouse
kind: postgresql
identifier: login
tier: 2
owner: {role: it}
fallback: ALTER ROLE <login> NOLOGIN, end its sessions, revoke its memberships.
rate: {concurrency: 2}
stage: live
settings: {url: "%s", password: env:PG_PASSWORD}
`

const payrollYAML = `
title: Payroll
kind: http
branch: Payroll
identifier: employee_id
tier: 1
owner: {role: payroll}
fallback: In payroll, enter the end of employment and schedule the final payment.
stage: live
settings: {spec: payroll, base_url: %s, token: env:EXEUNT_SIM_PAYROLL_TOKEN}
`

const codeYAML = `
title: Code host
kind: http
identifier: login
tier: 1
owner: {role: it}
fallback: In the organisation's settings, remove the member.
stage: live
settings: {spec: github, base_url: %s, token: env:EXEUNT_SIM_CODE_TOKEN, values: {org: %s}}
`

const doorsYAML = `
title: Door locks
kind: manual
identifier: employee_id
tier: 1
owner: {name: Felix Haus, email: felix@larkfield.example}
fallback: Block the badge at the console in the lodge, and take it back.
`

const wikiYAML = `
title: Wiki
kind: manual
sso: corp-directory
identifier: work_email
tier: 3
owner: {name: Wanda Kern, email: wanda@larkfield.example}
fallback: Under Members, see that the member is inactive; end it there if not.
`
