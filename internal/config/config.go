// Package config reads a configuration: a folder with exeunt.yaml, systems/*.yaml and
// policies/*.yaml. Every fault is found at once, each with its file and line, what is wrong and
// what to do; a folder with an error is not used at all.
package config

import (
	"crypto/x509"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/intake"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/policy"
)

// Fault is one thing that is wrong.
type Fault = yamlfile.Fault

// Faults are all of them at once.
type Faults = yamlfile.Faults

// Config is a configuration without errors. It is never changed; a new one replaces it.
type Config struct {
	Company  string
	Zone     string // IANA zone of places of work for which HR names none
	Country  string
	URL      string            // public address, without a slash at the end
	Version  string            // first twelve hex digits of the SHA-256 of every file that it was read from
	Files    map[string]string // the files, each with its SHA-256 in hex
	Entities []Entity
	Sources  []Source
	Systems  []System
	Sheets   []inventory.Sheet // what sources showed of the applications that there are
	Set      policy.Set        // policies and modifiers together, as departures are planned by them
	Policies []policy.Policy   // those of Set, in the order in which they are asked
	People   People
	Mail     *Mail // nil when there is no mail server
	Ledger   Ledger
	Session  Session

	Retention exeunt.Retention // how long the records of closed cases are kept

	approvals    exeunt.Approvals
	fuse         exeunt.Fuse
	fuseApprover string

	// Kept finds the text of policies that cases were planned with; nil where only the present ones are known. Its error is
	// NotFound when they are not kept.
	Kept func(version string) ([]byte, error)

	planned *planned // the systems that plans are made over

	// Counts gives a system the stage that counts: stage live is what its file asks for, and people decide on it. Where nobody
	// can know of decisions, as in a check, it is nil, and each system is taken as its file has it.
	Counts func(exeunt.System) exeunt.System

	reread sync.Map // the sets of policies that were read again, by their versions

	nouns map[string]string // what it is made of, each with its digest: see Compare
	fixed map[string]string // what a running server cannot change, by its path in exeunt.yaml, likewise
	doc   *yamlfile.File    // exeunt.yaml
}

// Entity is a legal entity.
type Entity struct{ Name, Title, Zone, Country string }

// Source is a configured HR system, not opened yet.
type Source struct {
	intake.Spec
	Settings []byte // JSON
}

// System is one entry of the inventory with what its connector needs.
type System struct {
	exeunt.System
	API      string // full, partial, none, or "" when nobody said
	Settings []byte // JSON, for connector.Kind.Open
	File     string // where it was read from

	description string // the description of its API that lies in the folder, digested; "" when there is none
}

// People are who is asked.
type People struct {
	CaseOwner Holder
	Roles     map[string]Holder
	Operators []exeunt.Person
}

// Mail is the mail server.
type Mail struct {
	Host     string
	Port     int
	From     string
	Username string
	Password connector.Secret
	TLS      string // starttls, implicit or none
}

// Ledger is where the tamper-evident log is. Without an address the server keeps it itself.
type Ledger struct {
	Origin      string
	Address     string // unix:///path or tls://host:port
	Authority   string
	Certificate string
	Key         connector.Secret
	Witnesses   string        // the policy itself; "" when nobody cosigns
	TimeStamp   *TimeStamp    // nil when nobody is asked
	Publish     Publication   // where checkpoints are published by the server itself
	AlertAfter  time.Duration // how long witnesses and others may be behind before the operator is told
}

// TimeStamp is the authority that stamps the close of cases.
type TimeStamp struct {
	URL   string
	Roots *x509.CertPool
}

// Session is how long people stay signed in.
type Session struct {
	Lifetime time.Duration // of a sign-in
	TaskLink time.Duration // how long after its deadline the link in a mail still opens its task
}

// System returns a configured system by name.
func (c *Config) System(name string) (System, error) {
	for i := range c.Systems { // lanes ask again and again
		if c.Systems[i].Name == name {
			found := c.Systems[i]
			found.System = c.counted(found.System)
			return found, nil
		}
	}
	return System{}, exeunt.Errorf(exeunt.NotFound, "no system %q is configured", name)
}

// Names lists every configured system.
func (c *Config) Names() []string {
	var out []string
	for _, s := range c.Systems {
		out = append(out, s.Name)
	}
	return out
}

// Inventory is the systems as policies see them.
func (c *Config) Inventory() []exeunt.System {
	out := make([]exeunt.System, len(c.Systems))
	for i, s := range c.Systems {
		out[i] = c.counted(s.System)
	}
	return out
}

func (c *Config) counted(s exeunt.System) exeunt.System {
	if c.Counts == nil {
		return s
	}
	return c.Counts(s)
}

// Policy is the one that a departure takes.
func (c *Config) Policy(d exeunt.Departure) (exeunt.Policy, error) {
	return c.Set.Policy(d)
}

// setOf is the set of policies of a version: a case keeps the one that it was planned with. One that nobody kept, or that cannot
// be read any more, is the present one, and the record says that it changed.
func (c *Config) setOf(version string) (policy.Set, error) {
	if version == "" || version == c.Set.Version || c.Kept == nil {
		return c.Set, nil
	}
	if known, ok := c.reread.Load(version); ok {
		return known.(policy.Set), nil
	}
	text, err := c.Kept(version)
	switch {
	case exeunt.KindOf(err) == exeunt.NotFound:
		return c.Set, nil
	case err != nil:
		return policy.Set{}, err
	}
	set, err := policy.Kept(text)
	if err != nil { // by a newer version of the product; what HR says of the case cannot wait for that
		set = c.Set
	}
	c.reread.Store(version, set)
	return set, nil
}

// Plan drafts the plan of a departure, without side effects. The case has its id and departure; its
// owner is filled in. Where it names the policies that it was planned with, those plan it.
func (c *Config) Plan(of exeunt.Case, now time.Time) (exeunt.Plan, error) {
	set, err := c.setOf(of.PolicySet)
	if err != nil {
		return exeunt.Plan{}, err
	}
	p, err := set.Policy(of.Departure)
	if err != nil {
		return exeunt.Plan{}, err
	}
	inventory, lasting := c.planned.over(c)
	p.Approvals, p.Lasting = c.approvals, lasting
	roles := c.Roles()
	if !of.Owner.Named() {
		of.Owner = roles(CaseOwner, of.Departure.Leaver)
	}
	plan, err := exeunt.Draft(p, of, inventory, roles, now)
	if err != nil {
		return plan, err
	}
	if left := plan.Uncovered(inventory); len(left) > 0 { // the promise of the product is asked for once more
		return exeunt.Plan{}, exeunt.Errorf(exeunt.Internal, "the plan leaves out %v, so it is not used: a fault of ours; please report it", left)
	}
	return plan, nil
}
