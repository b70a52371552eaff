package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/policy"
)

// policies reads the folder's own policies and modifiers, beside what is shipped.
func (l *loader) policies() {
	var files []policy.Named
	for _, folder := range []string{"policies", "modifiers", "calendars"} {
		for _, name := range l.list(folder) {
			if _, source, ok := l.read(name); ok {
				files = append(files, policy.Named{Name: name, Source: source})
			}
		}
	}
	set, faults := policy.ReadSet(files)
	l.faults = append(l.faults, faults...)
	fmt.Fprintf(l.content, "%s\n", set.Version) // what is shipped is part of the version
	l.config.Set, l.config.Policies = set, set.Policies
}

// together checks what only shows when everything is read.
func (l *loader) together() {
	l.parents()
	l.owners()
	l.identifiers()
	l.branches()
	for _, p := range l.config.Policies {
		if p.Shipped() { // said once, at the place that can be changed
			l.askedByShipped(p)
		} else {
			l.roles(p.Owners, p.Fault, false)
		}
		if !p.Shipped() {
			l.reach("rules", p.Rules, p.Fault)
		}
	}
	for _, role := range slices.Sorted(maps.Keys(l.unheld)) {
		l.mainDoc.Report(yamlfile.Problem{Path: "people.roles", What: fmt.Sprintf("nobody holds the role %q, whom the shipped policies ask (%s)", role, strings.Join(l.unheld[role], ", ")),
			Remedy: fmt.Sprintf("add %s: {name, email} here; the case owner may hold it too", role)})
	}
	for _, m := range l.config.Set.Modifiers {
		l.roles(m.Owners, m.Fault, m.Shipped()) // it counts unasked: the case owner stands in
		if !m.Shipped() {
			l.reach("add", m.Add, m.Fault)
		}
	}
	if len(l.config.Policies) == 0 {
		return // each of them has faults of its own
	}
	var types, files []string
	shippedAs := map[exeunt.DepartureType]string{exeunt.Involuntary: "immediate", exeunt.Layoff: "layoff"}
	for _, t := range policy.Without(l.config.Policies) {
		base := shippedAs[t]
		if base == "" {
			base = "standard"
		}
		types = append(types, string(t))
		if file := fmt.Sprintf("policies/%s.yaml with the lines name: %s and extends: %s", base, base, base); !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	if len(types) > 0 && !l.brokenPolicies() {
		l.fault("policies", "no policy applies to departures of type "+strings.Join(types, ", "), "add "+strings.Join(files, ", ")+", or widen the applies of another")
	}
}

// brokenPolicies says whether a policy could not be read: then what is missing may be in it.
func (l *loader) brokenPolicies() bool {
	return slices.ContainsFunc(l.faults, func(f Fault) bool { return strings.HasPrefix(f.File, "policies/") && !f.Warning })
}

// parents checks that each single sign-on exists and that none leads back to itself.
func (l *loader) parents() {
	parent := map[string]string{}
	for _, s := range l.config.Systems {
		parent[s.Name] = s.SSO
	}
	for i, s := range l.config.Systems {
		if s.SSO == "" {
			continue
		}
		if _, ok := parent[s.SSO]; !ok {
			l.sysDocs[i].Report(yamlfile.Problem{Path: "sso", What: fmt.Sprintf("there is no system %q", s.SSO), Remedy: "name a system of this inventory, or none"})
			continue
		}
		seen, at := []string{s.Name}, s.SSO
		for at != "" && !slices.Contains(seen, at) {
			seen, at = append(seen, at), parent[at]
		}
		if at == s.Name && s.Name == slices.Min(seen) { // said once
			l.sysDocs[i].Report(yamlfile.Problem{Path: "sso", What: "the sign-on leads back to the system itself: " + strings.Join(append(seen, at), " → "), Remedy: "one of them has a sign-in of its own: set its sso to none"})
		}
	}
}

func (l *loader) owners() {
	if l.mainDoc == nil {
		return
	}
	for i, f := range l.inFiles {
		l.approver(l.sysDocs[i], "approver", f.Approver)
		if role := f.Owner.Role; role != "" && !l.held(role) {
			l.sysDocs[i].Report(yamlfile.Problem{Path: "owner.role", What: fmt.Sprintf("nobody holds the role %q", role), Remedy: "add it under people.roles in exeunt.yaml"})
		}
	}
}

func (l *loader) held(role string) bool {
	_, ok := l.config.People.Roles[role]
	unread := l.mainDoc != nil && !l.mainDoc.Has("people") // which is said, and enough
	return ok || unread || role == manager || role == CaseOwner || policy.IsAddress(role)
}

func (l *loader) roles(owners map[string]policy.Use, fault func(yamlfile.Problem) Fault, warning bool) {
	if l.mainDoc == nil {
		return
	}
	for _, role := range slices.Sorted(maps.Keys(owners)) {
		if !l.held(role) {
			use := owners[role]
			l.faults = append(l.faults, fault(yamlfile.Problem{Path: use.Path, Warning: warning, What: fmt.Sprintf("nobody holds the role %q, whom the rule %s asks", role, use.Rule),
				Remedy: fmt.Sprintf("add %s: {name, email} under people.roles in exeunt.yaml", role)}))
		}
	}
}

// askedByShipped notes the roles that a shipped policy asks and nobody holds.
func (l *loader) askedByShipped(p policy.Policy) {
	for role := range p.Owners {
		if l.mainDoc != nil && !l.held(role) {
			if l.unheld == nil {
				l.unheld = map[string][]string{}
			}
			l.unheld[role] = append(l.unheld[role], p.Name)
		}
	}
}

// identifiers warns of systems that know people by something that no source says.
func (l *loader) identifiers() {
	if len(l.config.Sources) == 0 {
		return
	}
	for i, s := range l.config.Systems {
		if s.Identifier != "" && s.Stage != exeunt.Manual && !l.supplied[s.Identifier] {
			l.sysDocs[i].Report(yamlfile.Problem{Path: "identifier", Warning: true, What: fmt.Sprintf("no source supplies the identifier %s, so that no account will be found", s.Identifier),
				Remedy: fmt.Sprintf("map leaver.identifiers.%s in a source's settings, or use another identifier", s.Identifier)})
		}
	}
}

// branches warns when nobody would be asked to end pay or benefits.
func (l *loader) branches() {
	for _, branch := range []string{"Payroll", "Benefits"} {
		if !slices.ContainsFunc(l.config.Systems, func(s System) bool { return s.Branch == branch }) && len(l.config.Systems) > 0 {
			l.faults = append(l.faults, Fault{File: "systems", Warning: true, What: fmt.Sprintf("no system has branch: %s, so that no plan ends it", branch), Remedy: "describe the system, of kind manual if nothing automates it"})
		}
	}
}

// reach warns of rules of the folder's own whose actions nothing knows.
func (l *loader) reach(list string, rules []exeunt.Rule, fault func(yamlfile.Problem) Fault) {
	known := l.actionNames()
	for i, r := range rules {
		for j, a := range r.Actions {
			if !known[a] {
				l.faults = append(l.faults, fault(yamlfile.Problem{Path: fmt.Sprintf("%s[%d].actions[%d]", list, i, j), Warning: true, What: fmt.Sprintf("no connector knows the action %s", a), Remedy: "check its spelling; what no connector can do is left to each system's owner"}))
			}
		}
	}
}

func (l *loader) actionNames() map[exeunt.Action]bool {
	known := map[exeunt.Action]bool{}
	for _, a := range []exeunt.Action{exeunt.Disable, exeunt.RevokeSessions, exeunt.RevokeSessionsAgain, exeunt.ResetPassword, exeunt.ResetFactors, exeunt.RemoveGroups, exeunt.RemoveRoles,
		exeunt.RemoveApps, exeunt.RevokeGrants, exeunt.RevokeTokens, exeunt.LockDevices, exeunt.Deactivate,
		exeunt.MoveToArchive, exeunt.ReclaimLicence, exeunt.TransferData, exeunt.SetAutoReply, exeunt.EndEmployment, exeunt.ScheduleFinalPay, exeunt.NotifyAdministrator} {
		known[a] = true
	}
	for _, k := range l.kinds {
		for _, spec := range k.Actions {
			known[spec.Action] = true
		}
	}
	for _, s := range l.config.Systems {
		for _, spec := range s.Actions {
			known[spec.Action] = true
		}
	}
	return known
}
