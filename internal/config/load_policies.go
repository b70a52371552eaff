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

// policies reads the folder's own, or takes the shipped ones where it has none.
func (l *loader) policies() {
	files := l.list("policies")
	if len(files) == 0 {
		shipped, faults := policy.Shipped()
		for _, p := range shipped {
			fmt.Fprintf(l.content, "%s\n%s\n", p.File, p.Version)
		}
		l.config.Policies, l.faults = shipped, append(l.faults, faults...)
		return
	}
	names := map[string]string{}
	for _, name := range files {
		_, source, ok := l.read(name)
		if !ok {
			continue
		}
		p, faults := policy.Read(name, source)
		l.faults = append(l.faults, faults...)
		if len(faults.Errors()) > 0 {
			continue
		}
		fmt.Fprintf(l.content, "%s\n", p.Version) // the policy that it extends is part of the version
		if other, twice := names[p.Name]; twice {
			l.faults = append(l.faults, p.Fault(yamlfile.Problem{Path: "name", What: fmt.Sprintf("%s is the name of a policy already, in %s", p.Name, other), Remedy: "give each policy a name of its own"}))
		}
		names[p.Name] = name
		l.config.Policies = append(l.config.Policies, p)
	}
}

// together checks what only shows when everything is read.
func (l *loader) together() {
	l.parents()
	l.owners()
	l.identifiers()
	l.branches()
	for _, p := range l.config.Policies {
		l.roles(p)
		l.reach(p)
	}
	if len(l.config.Policies) == 0 {
		return // each of them has faults of its own
	}
	shippedAs := map[exeunt.DepartureType]string{exeunt.Involuntary: "immediate", exeunt.Layoff: "layoff"}
	for _, t := range policy.Without(l.config.Policies) {
		base := shippedAs[t]
		if base == "" {
			base = "standard"
		}
		if !l.brokenPolicies() {
			l.fault("policies", fmt.Sprintf("no policy applies to a departure of type %s", t), fmt.Sprintf("add policies/%s.yaml with the lines name: %s and extends: %s, or widen the applies of another", base, base, base))
		}
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
		if at == s.Name {
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
	return ok || role == manager || role == CaseOwner || policy.IsAddress(role)
}

func (l *loader) roles(p policy.Policy) {
	if l.mainDoc == nil {
		return
	}
	for _, role := range slices.Sorted(maps.Keys(p.Owners)) {
		if !l.held(role) {
			use := p.Owners[role]
			l.faults = append(l.faults, p.Fault(yamlfile.Problem{Path: use.Path, What: fmt.Sprintf("nobody holds the role %q, whom the rule %s asks", role, use.Rule),
				Remedy: fmt.Sprintf("add %s: {name, email} under people.roles in exeunt.yaml", role)}))
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

// reach warns of rules of the folder's own that act nowhere, and of actions that nothing knows.
func (l *loader) reach(p policy.Policy) {
	if p.Shipped() {
		return
	}
	known := l.actionNames()
	for i, r := range p.Rules {
		for j, a := range r.Actions {
			if !known[a] {
				l.faults = append(l.faults, p.Fault(yamlfile.Problem{Path: fmt.Sprintf("rules[%d].actions[%d]", i, j), Warning: true, What: fmt.Sprintf("no connector knows the action %s", a), Remedy: "check its spelling; what no connector can do is left to each system's owner"}))
			}
		}
	}
}

func (l *loader) actionNames() map[exeunt.Action]bool {
	known := map[exeunt.Action]bool{}
	for _, a := range []exeunt.Action{exeunt.Disable, exeunt.RevokeSessions, exeunt.ResetPassword, exeunt.ResetFactors, exeunt.RemoveGroups, exeunt.RemoveRoles,
		exeunt.MoveToArchive, exeunt.ReclaimLicence, exeunt.TransferData, exeunt.EndEmployment, exeunt.ScheduleFinalPay, exeunt.NotifyAdministrator} {
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
