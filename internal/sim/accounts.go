package sim

import (
	"fmt"
	"slices"
	"strings"
)

// What happens to accounts beside the API: people are hired, renamed, let in.

// hire makes the account of a person.
func (v *Vendor) hire(p Person) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(p, v.loginOf(p))
}

// loginOf is by what the system knows people.
func (v *Vendor) loginOf(p Person) string {
	switch v.Name {
	case "code":
		return p.Login
	case "payroll", "benefits":
		return p.EmployeeID
	default:
		return p.WorkEmail
	}
}

func (v *Vendor) add(p Person, login string) {
	v.hired++
	n := 1000 + v.hired // never again, also when somebody was deleted
	v.accounts = append(v.accounts, &account{
		id: fmt.Sprintf("%s%d", v.prefix, n), login: login, person: p,
		groups:   []string{"everyone", slug(p.Department)},
		sessions: []string{fmt.Sprintf("ses-%d-1", n), fmt.Sprintf("ses-%d-2", n)},
		factors:  []string{fmt.Sprintf("push-%d", n), fmt.Sprintf("totp-%d", n)},
	})
}

func slug(s string) string { return strings.ReplaceAll(strings.ToLower(s), " ", "-") }

// of finds the accounts of a person. The lock is held.
func (v *Vendor) of(p Person) []*account {
	var found []*account
	for _, a := range v.accounts {
		if a.person.Number == p.Number {
			found = append(found, a)
		}
	}
	return found
}

// Twin gives a person a second account, as after a merger.
func (v *Vendor) Twin(p Person) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(p, v.loginOf(p))
}

// Rename changes the login of a person's account behind everybody's back.
func (v *Vendor) Rename(p Person) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.of(p) {
		a.login = "renamed-" + a.login
	}
}

// Vanish deletes a person's accounts.
func (v *Vendor) Vanish(p Person) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.accounts = slices.DeleteFunc(v.accounts, func(a *account) bool { return a.person.Number == p.Number })
}

// CanWork says whether the person still gets in: signs in anew, or works on in a session.
func (v *Vendor) CanWork(p Person) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.ContainsFunc(v.of(p), func(a *account) bool {
		if v.Name == "code" {
			return !a.outside
		}
		return !a.closed || len(a.sessions) > 0 && v.hasSessions()
	})
}

func (v *Vendor) hasSessions() bool { return v.Name != "directory" }

// SignIn tries to open a session, as the person would.
func (v *Vendor) SignIn(p Person) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.of(p) {
		if !a.closed && !a.outside {
			a.sessions = append(a.sessions, fmt.Sprintf("ses-%s-%d", a.id, len(a.sessions)+1))
			return true
		}
	}
	return false
}

// Groups lists the ids of a person's groups.
func (v *Vendor) Groups(p Person) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.of(p) {
		return slices.Clone(a.groups)
	}
	return nil
}

// Factors lists the ids of a person's sign-in factors.
func (v *Vendor) Factors(p Person) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.of(p) {
		return slices.Clone(a.factors)
	}
	return nil
}
