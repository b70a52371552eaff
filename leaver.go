package exeunt

import (
	"cmp"
	"slices"
	"strings"
)

// IdentifierKind names a format in which systems know people.
type IdentifierKind string

// The formats that HR systems usually carry. A configuration may add any other name.
const (
	EmployeeID    IdentifierKind = "employee_id"
	WorkEmail     IdentifierKind = "work_email"
	PersonalEmail IdentifierKind = "personal_email"
	PrincipalName IdentifierKind = "upn"
	Login         IdentifierKind = "login"
	UUID          IdentifierKind = "uuid"
)

// Person is somebody who is asked or told something: an owner, a manager, a deputy.
type Person struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
	Role  string `json:"role,omitempty"` // the role by which they were found: "it", "payroll", "manager"
}

// String is the name, or the address when there is no name.
func (p Person) String() string { return cmp.Or(p.Name, p.Email, p.Role) }

// Named says whether somebody can be reached under this value.
func (p Person) Named() bool { return p.Name != "" || p.Email != "" }

// Leaver is the person who leaves. The key is (Entity, ID), the id that HR gave, never an e-mail
// address, since those are reused.
type Leaver struct {
	ID          string                    `json:"id"`
	Entity      string                    `json:"entity,omitempty"`
	Name        string                    `json:"name"`
	Title       string                    `json:"title,omitempty"`
	Department  string                    `json:"department,omitempty"`
	Manager     Person                    `json:"manager,omitzero"`
	Place       string                    `json:"place,omitempty"`       // place of work, as HR names it
	Zone        string                    `json:"zone,omitempty"`        // IANA zone of the place of work
	Country     string                    `json:"country,omitempty"`     // ISO 3166-1 alpha-2
	Region      string                    `json:"region,omitempty"`      // ISO 3166-2 subdivision, without the country
	Employment  string                    `json:"employment,omitempty"`  // employee, contractor, intern…
	HiredOn     Date                      `json:"hired_on,omitempty"`    //
	Identifiers map[IdentifierKind]string `json:"identifiers,omitempty"` // every format that any system uses
	Flags       []Flag                    `json:"flags,omitempty"`       // what makes this departure special
}

// Flag marks what changes how a departure is handled.
type Flag string

// The flags that policies and the fuse know.
const (
	Executive      Flag = "executive"
	OnLeave        Flag = "on_leave"
	LitigationHold Flag = "litigation_hold"
	Privileged     Flag = "privileged"
	Protected      Flag = "protected"
)

var knownFlags = []Flag{Executive, OnLeave, LitigationHold, Privileged, Protected}

// Has says whether the leaver carries the flag.
func (l Leaver) Has(f Flag) bool { return slices.Contains(l.Flags, f) }

// Identifier returns the leaver's identifier of a kind, trimmed, or "".
func (l Leaver) Identifier(kind IdentifierKind) string {
	if kind == EmployeeID && l.Identifiers[kind] == "" {
		return strings.TrimSpace(l.ID)
	}
	return strings.TrimSpace(l.Identifiers[kind])
}

// Key is the leaver's identity across events: legal entity and HR id.
func (l Leaver) Key() string { return l.Entity + "/" + l.ID }

// GivenName is the first word of the name: what a letter to a colleague uses.
func (l Leaver) GivenName() string {
	first, _, _ := strings.Cut(strings.TrimSpace(l.Name), " ")
	return first
}
