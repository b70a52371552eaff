package config

import (
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// File is exeunt.yaml.
type File struct {
	Company   Company       `json:"company" jsonschema:"required" remedy:"write company: {name: Acme}" jsonschema_description:"The company that runs this installation."`
	Zone      string        `json:"zone" jsonschema:"required" remedy:"name the IANA time zone of the main place of work, such as Europe/Berlin" jsonschema_description:"IANA time zone of the places of work for which HR names none."`
	Country   string        `json:"country,omitempty" jsonschema:"pattern=^[A-Z]{2}$" jsonschema_description:"ISO 3166-1 country of the places of work for which HR names none."`
	URL       string        `json:"url" jsonschema:"required" remedy:"write the address at which people reach this server, such as https://exeunt.acme.example" jsonschema_description:"Public address of this server; links in mails begin with it."`
	Entities  []EntityFile  `json:"entities,omitempty" jsonschema_description:"Legal entities, where there is more than one. When left out there is one, called main."`
	Sources   []SourceFile  `json:"sources,omitempty" jsonschema_description:"HR systems that announce departures. Each entity has exactly one authoritative source."`
	People    PeopleFile    `json:"people" jsonschema:"required" remedy:"name people.case_owner, who owns every case" jsonschema_description:"Who is asked, and who stands in."`
	Mail      *MailFile     `json:"mail,omitempty" jsonschema_description:"The mail server by which people are told. Without it nobody is told by mail."`
	Fuse      FuseFile      `json:"fuse,omitzero" jsonschema_description:"The brake on mass change: when it trips, new cases are held until two people decide."`
	Approvals ApprovalsFile `json:"approvals,omitzero" jsonschema_description:"What needs the approval of a second person in every plan."`
	Ledger    LedgerFile    `json:"ledger,omitzero" jsonschema_description:"The tamper-evident log."`
	Retention RetentionFile `json:"retention,omitzero" jsonschema_description:"How long the records of closed cases are kept before they are erased. For good when left out."`
	Session   SessionFile   `json:"session,omitzero" jsonschema_description:"How long people stay signed in."`
}

// Company is who runs the installation.
type Company struct {
	Name string `json:"name" jsonschema:"required" remedy:"write the company's name" jsonschema_description:"As it stands on pages and documents."`
}

// EntityFile is a legal entity.
type EntityFile struct {
	Name    string `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the entity a short name" jsonschema_description:"Short name; part of the key of every person, so never change it."`
	Title   string `json:"title,omitempty" jsonschema_description:"Full name of the legal entity."`
	Zone    string `json:"zone,omitempty" jsonschema_description:"IANA time zone, where it differs from the company's."`
	Country string `json:"country,omitempty" jsonschema:"pattern=^[A-Z]{2}$" jsonschema_description:"ISO 3166-1 country, where it differs."`
}

// SourceFile is an HR system.
type SourceFile struct {
	Name          string           `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the source a short name; its webhook address ends with it" jsonschema_description:"Short name; the webhook address ends with it."`
	Kind          string           `json:"kind" jsonschema:"required,enum=bamboohr,enum=webhook" remedy:"write bamboohr, or webhook for any other" jsonschema_description:"bamboohr, or webhook for any HR system that posts signed JSON."`
	Entity        string           `json:"entity,omitempty" jsonschema_description:"The entity whose departures it announces. May be left out where there is one."`
	Authoritative bool             `json:"authoritative,omitempty" jsonschema_description:"Its events start and change cases. Exactly one source of an entity is; what others say is only noted."`
	Secret        connector.Secret `json:"secret" jsonschema:"required" remedy:"give the signing key by reference: secret: env:NAME or file:/path" jsonschema_description:"The key with which deliveries are signed, by reference."`
	Settings      any              `json:"settings,omitempty" jsonschema_description:"What the kind needs."`
}

// PeopleFile is who is asked.
type PeopleFile struct {
	CaseOwner Holder            `json:"case_owner" jsonschema:"required" remedy:"name who owns every case and stands in where nobody else does" jsonschema_description:"Owns every case, and stands in where nobody else is named."`
	Roles     map[string]Holder `json:"roles,omitempty" jsonschema_description:"Who holds the roles that policies and systems name: it, hr, payroll, legal…"`
	Operators []Human           `json:"operators,omitempty" jsonschema_description:"Who is alerted when the installation itself needs somebody. The case owner when left out."`
}

// Human is somebody with an address.
type Human struct {
	Name  string `json:"name" jsonschema:"required" remedy:"write the person's name" jsonschema_description:"Name."`
	Email string `json:"email" jsonschema:"required" remedy:"write the address, since nobody can be told without one" jsonschema_description:"E-mail address."`
}

// Holder is somebody with a deputy.
type Holder struct {
	Human
	Away   bool   `json:"away,omitempty" jsonschema_description:"The deputy stands in while this is true."`
	Deputy *Human `json:"deputy,omitempty" jsonschema_description:"Stands in while the holder is away, or is the one who leaves."`
}

// MailFile is the mail server.
type MailFile struct {
	Host     string           `json:"host" jsonschema:"required" remedy:"write the name of the mail server" jsonschema_description:"Name of the mail server."`
	Port     int              `json:"port,omitempty" jsonschema_description:"587 for starttls, 465 for implicit, 25 for none, when left out."`
	From     string           `json:"from" jsonschema:"required" remedy:"write the sender: Exeunt <exeunt@acme.example>" jsonschema_description:"The sender."`
	Username string           `json:"username,omitempty" jsonschema_description:"Sign-in name, where the server wants one."`
	Password connector.Secret `json:"password,omitzero" jsonschema_description:"Password, by reference."`
	TLS      string           `json:"tls,omitempty" jsonschema:"enum=starttls,enum=implicit,enum=none" jsonschema_description:"starttls (default), implicit, or none for a server on this machine."`
}

// LedgerFile is what the log is called and where it is.
type LedgerFile struct {
	Origin      string           `json:"origin,omitempty" jsonschema_description:"Name of the log in its signed checkpoints; never change it. The host of url and /ledger when left out."`
	Address     string           `json:"address,omitempty" jsonschema_description:"Where exeunt ledger serve listens: unix:///run/exeunt-ledger/ledger.sock, or tls://host:7443 for another machine. When left out the log is kept by the server itself, in its data directory."`
	Authority   string           `json:"authority,omitempty" jsonschema_description:"For tls: PEM file with the authority that signed the ledger's certificate. The machine's own authorities when left out."`
	Certificate string           `json:"certificate,omitempty" jsonschema_description:"For tls: PEM file with our client certificate."`
	Key         connector.Secret `json:"key,omitzero" jsonschema_description:"For tls: key of the client certificate in PEM, by reference."`

	Witnesses  string             `json:"witnesses,omitempty" jsonschema_description:"File in this folder with the policy of who cosigns the log's checkpoints, and how many have to. A ledger in a process of its own is given the same file with --witnesses."`
	TimeStamp  *TimeStampFile     `json:"timestamp,omitempty" jsonschema_description:"A time stamp authority (RFC 3161), which is asked for a stamp of the close of each case."`
	Publish    string             `json:"publish,omitempty" jsonschema_description:"File in this folder that says where signed checkpoints are published: folders, mailboxes, S3 buckets. A ledger in a process of its own is given it with --publish instead."`
	AlertAfter *yamlfile.Duration `json:"alert_after,omitempty" jsonschema_description:"How long witnesses, time stamps or published checkpoints may be behind before the operator is told. 1h when left out."`
}

// TimeStampFile is a time stamp authority.
type TimeStampFile struct {
	URL       string `json:"url" jsonschema:"required" remedy:"write where it answers, such as https://tsa.example.com/" jsonschema_description:"Where it answers to RFC 3161 over HTTP."`
	Authority string `json:"authority" jsonschema:"required" remedy:"name the PEM file with who certifies it; auditors check with the same" jsonschema_description:"PEM file in this folder with the authority that certifies it. A stamp that does not hold under it is not taken."`
}

// SessionFile is how long people stay signed in.
type SessionFile struct {
	Lifetime *yamlfile.Duration `json:"lifetime,omitempty" jsonschema_description:"How long a sign-in lasts. 12h when left out."`
	TaskLink *yamlfile.Duration `json:"task_link,omitempty" jsonschema_description:"How long after its deadline the link in a mail still opens its task without sign-in. 14d when left out."`
}

// SystemFile is systems/*.yaml: one system of the inventory.
type SystemFile struct {
	Name       string                `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the system a short name, such as corp-directory" jsonschema_description:"Short name; plans and the ledger show it, so never change it."`
	Title      string                `json:"title,omitempty" jsonschema_description:"What people call it."`
	Vendor     string                `json:"vendor,omitempty" jsonschema_description:"Who makes it."`
	Kind       string                `json:"kind" jsonschema:"required" remedy:"name a connector, or manual" jsonschema_description:"The connector that knows it, or manual."`
	SSO        string                `json:"sso,omitempty" jsonschema_description:"Name of the system whose sign-in it uses."`
	Identifier exeunt.IdentifierKind `json:"identifier" jsonschema:"required" remedy:"say by which identifier it knows people: work_email, login, upn, employee_id, uuid…" jsonschema_description:"The identifier by which it knows people: work_email, login, upn, employee_id, uuid, personal_email or any that a source maps."`
	Holds      []string              `json:"holds,omitempty" jsonschema_description:"What data lies there."`
	API        string                `json:"api,omitempty" jsonschema:"enum=full,enum=partial,enum=none" jsonschema_description:"How much of it can be automated at all."`
	Tier       int                   `json:"tier" jsonschema:"required,enum=1,enum=2,enum=3" remedy:"say how risky an open account would be: 1 most, 3 least" jsonschema_description:"Risk: 1 is the highest, 3 the least."`
	Branch     string                `json:"branch,omitempty" jsonschema:"enum=Access,enum=Payroll,enum=Benefits,enum=Tasks" jsonschema_description:"Where its steps stand in a plan. Access when left out."`
	Owner      OwnerFile             `json:"owner" jsonschema:"required" remedy:"name who does it when automation cannot: {name, email} or {role}" jsonschema_description:"Who does it when automation cannot."`
	Approver   string                `json:"approver,omitempty" jsonschema_description:"A role of exeunt.yaml that must approve every step in it, as a second person."`
	Fallback   string                `json:"fallback" jsonschema:"required" remedy:"write down how it is done by hand, for somebody who does it for the first time" jsonschema_description:"How it is done by hand."`
	Retention  string                `json:"retention,omitempty" jsonschema_description:"What is kept, how long and in which form."`
	Rate       RateFile              `json:"rate,omitzero" jsonschema_description:"What the system allows us."`
	Stage      exeunt.Stage          `json:"stage,omitempty" jsonschema:"enum=manual,enum=shadow,enum=live" jsonschema_description:"manual: a person does it. shadow: a person does it, and the connector looks before and after. live: the connector does it, once people have decided that on the server. Required unless the kind is manual."`
	Settings   any                   `json:"settings,omitempty" jsonschema_description:"What the connector needs."`

	Correlate []CorrelateFile `json:"correlate,omitempty" jsonschema_description:"How its accounts are told to be whose: rules in their order, the most trusted first. What the connector's settings say when left out."`
}

// CorrelateFile is one rule by which an account is known to be somebody's.
type CorrelateFile struct {
	Attribute string `json:"attribute" jsonschema:"required" remedy:"name the attribute of the account, in the system's own words, such as employeeNumber or userName" jsonschema_description:"Attribute of the account, in the system's own words."`
	Is        string `json:"is" jsonschema:"required" remedy:"say what it holds for somebody: identifiers.work_email" jsonschema_description:"What the attribute holds for somebody: a CEL expression over identifiers and leaver that gives a text, or a list of texts of which any will do. Functions: lower, upper, local, domain, pad, unpad."`
	Otherwise bool   `json:"otherwise,omitempty" jsonschema_description:"Asked only where the rules before it find nobody."`
}

// OwnerFile names a person or a role.
type OwnerFile struct {
	Name  string `json:"name,omitempty" jsonschema_description:"Name."`
	Email string `json:"email,omitempty" jsonschema_description:"E-mail address."`
	Role  string `json:"role,omitempty" jsonschema_description:"A role of exeunt.yaml, instead of a person."`
}

// RateFile is what a system allows.
type RateFile struct {
	PerSecond   float64 `json:"per_second,omitempty" jsonschema_description:"Requests a second; no limit of ours when left out."`
	Concurrency int     `json:"concurrency,omitempty" jsonschema_description:"Leavers worked on at once; 4 when left out."`
}
