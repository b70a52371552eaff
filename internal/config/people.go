package config

import (
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/policy"
)

// The roles that need no entry under people.roles.
const (
	CaseOwner = exeunt.CaseOwner
	manager   = "manager" // of the leaver, as HR says
)

// Roles finds the person behind a role for one leaver: the holder, the deputy while the holder is
// away or is the very person who leaves, and at last the case owner. An e-mail address is a role of
// one.
func (c *Config) Roles() exeunt.Roles {
	return func(role string, l exeunt.Leaver) exeunt.Person {
		for _, p := range c.candidates(role, l) {
			if p.Named() && !isLeaver(p, l) {
				return p
			}
		}
		return person(c.People.CaseOwner.Human, CaseOwner)
	}
}

// Line is who may stand for a role for one leaver, in the order in which they are asked.
func (c *Config) Line(role string, l exeunt.Leaver) []exeunt.Person {
	var out []exeunt.Person
	for _, p := range c.candidates(role, l) {
		known := slices.ContainsFunc(out, func(q exeunt.Person) bool { return strings.EqualFold(p.Email, q.Email) })
		if p.Named() && !isLeaver(p, l) && !known {
			out = append(out, p)
		}
	}
	return out
}

// candidates are who may stand for a role, best first.
func (c *Config) candidates(role string, l exeunt.Leaver) []exeunt.Person {
	var out []exeunt.Person
	if role == manager {
		boss := l.Manager
		boss.Role = manager
		out = append(out, boss)
	} else if policy.IsAddress(role) {
		out = append(out, c.known(role))
	}
	if holder, ok := c.People.Roles[role]; ok {
		out = append(out, holder.inOrder(role)...)
	}
	out = append(out, c.People.CaseOwner.inOrder(CaseOwner)...)
	return append(out, c.People.Operators...)
}

func (h Holder) inOrder(role string) []exeunt.Person {
	own := person(h.Human, role)
	if h.Deputy == nil {
		return []exeunt.Person{own}
	}
	deputy := person(*h.Deputy, role)
	if h.Away {
		return []exeunt.Person{deputy, own}
	}
	return []exeunt.Person{own, deputy}
}

// known gives an address the name that the configuration has for it.
func (c *Config) known(email string) exeunt.Person {
	for _, h := range append([]Holder{c.People.CaseOwner}, mapValues(c.People.Roles)...) {
		if strings.EqualFold(h.Email, email) {
			return exeunt.Person{Name: h.Name, Email: email}
		}
	}
	return exeunt.Person{Email: email}
}

// isLeaver says whether the person asked is the one who leaves: nobody takes their own badge back.
func isLeaver(p exeunt.Person, l exeunt.Leaver) bool {
	for _, kind := range []exeunt.IdentifierKind{exeunt.WorkEmail, exeunt.PrincipalName, exeunt.PersonalEmail} {
		if id := l.Identifier(kind); id != "" && strings.EqualFold(id, p.Email) {
			return true
		}
	}
	return false
}

// Operator is who is alerted when the installation itself needs somebody.
func (c *Config) Operator() exeunt.Person {
	if len(c.People.Operators) > 0 {
		return c.People.Operators[0]
	}
	return person(c.People.CaseOwner.Human, CaseOwner)
}

func person(h Human, role string) exeunt.Person {
	return exeunt.Person{Name: h.Name, Email: h.Email, Role: role}
}
