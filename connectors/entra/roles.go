package entra

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// role is an assignment of an administrator role, or an instance of a schedule of one.
type role struct {
	ID         string `json:"id"`
	Definition string `json:"roleDefinitionId"`
	Scope      string `json:"directoryScopeId"`
	Member     string `json:"memberType"`     // of an instance: Direct, Group, Inherited
	Assigned   string `json:"assignmentType"` // of an active instance: Assigned, Activated
	Ends       string `json:"endDateTime"`    // of an instance; "" for never
	Role       struct {
		Name string `json:"displayName"`
	} `json:"roleDefinition"`
}

// key names the role for good: definition, and the scope in which it counts.
func (r role) key() string { return r.Definition + " " + cmp.Or(r.Scope, "/") }

func (r role) name() string {
	if r.Scope == "" || r.Scope == "/" {
		return cmp.Or(r.Role.Name, r.Definition)
	}
	return cmp.Or(r.Role.Name, r.Definition) + " in " + r.Scope
}

func (r role) direct() bool { return r.Member == "" || strings.EqualFold(r.Member, "Direct") }

// roles are those of an account. A tenant without Privileged Identity Management has active ones only.
// Those that come by a group are assigned to the group, and show among the instances only.
type roles struct{ active, eligible, scheduled []role }

// timed are the active ones that end by themselves: activated by the person, or assigned for a time.
func (r roles) timed(of role) bool {
	return slices.ContainsFunc(r.scheduled, func(s role) bool {
		return s.key() == of.key() && s.direct() && (strings.EqualFold(s.Assigned, "Activated") || s.Ends != "")
	})
}

// offered are the eligible ones that are the account's own.
func (r roles) offered() []role {
	return slices.DeleteFunc(slices.Clone(r.eligible), func(e role) bool { return !e.direct() })
}

// names of all roles that an account holds or may take, those by a group included.
func (l *look) privileges() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, r := range slices.Concat(l.roles.active, l.roles.scheduled) {
		add(r.name())
	}
	for _, r := range l.roles.eligible {
		add(r.name() + " (eligible)")
	}
	for _, g := range l.groups {
		if g.RoleAssignable {
			add("roles of the group " + g.Name)
		}
	}
	return names
}

// removeRoles takes away what is assigned, by the assignment or, where it was for a time, by a request to the schedule that
// would assign it anew; and what is eligible.
// Source: learn.microsoft.com/graph/api/unifiedroleassignment-delete, rbacapplication-post-roleeligibilityschedulerequests.
func (t *tenant) removeRoles(ctx context.Context, l *look, with connector.Parameters) error {
	active := len(l.roles.active)
	all := slices.Concat(l.roles.active, slices.DeleteFunc(l.roles.offered(), func(r role) bool {
		return r.Ends == "" && !recorded(with, "eligible_roles", r.key())
	}))
	at := -1
	return connector.Each(all, role.name, func(r role) error {
		if at++; at < active {
			return unrole(t.removeRole(ctx, l, r, with), r)
		}
		_, err := t.send(ctx, http.MethodPost, "/roleManagement/directory/roleEligibilityScheduleRequests", scheduled("adminRemove", l.user.ID, r.Definition, r.Scope))
		return unrole(unless(err, exeunt.NotFound), r)
	})
}

func (t *tenant) removeRole(ctx context.Context, l *look, r role, with connector.Parameters) error {
	var err error
	switch {
	case l.roles.timed(r):
		_, err = t.send(ctx, http.MethodPost, "/roleManagement/directory/roleAssignmentScheduleRequests", scheduled("adminRemove", l.user.ID, r.Definition, r.Scope))
	case recorded(with, "roles", r.key()):
		_, err = t.send(ctx, http.MethodDelete, "/roleManagement/directory/roleAssignments/"+escape(r.ID), nil)
	}
	return unless(err, exeunt.NotFound)
}

func unrole(err error, r role) error {
	if exeunt.KindOf(err) != exeunt.Denied {
		return err
	}
	return exeunt.Errorf(exeunt.Denied, "%s does not let us take away the role %s: grant our application RoleManagement.ReadWrite.Directory, or do it by hand", name, r.name()).Because(err)
}

// scheduled is a request to Privileged Identity Management.
func scheduled(action, principal, definition, scope string) map[string]any {
	return map[string]any{"action": action, "principalId": principal, "roleDefinitionId": definition, "directoryScopeId": cmp.Or(scope, "/"),
		"justification": "Exeunt: a departure"}
}

// eligible marks, among what is put back, a role that the person could take.
const eligible = "eligible "

// giveRoles puts back what was assigned for good, and what was eligible for good.
func (t *tenant) giveRoles(ctx context.Context, user string, snapshot map[string][]string) error {
	items, names := slices.Clone(snapshot["roles"]), slices.Concat(snapshot["role_names"], snapshot["eligible_role_names"])
	for _, key := range snapshot["eligible_roles"] {
		items = append(items, eligible+key)
	}
	return connector.PutBack("roles", items, names, func(item string) error {
		key, offered := strings.CutPrefix(item, eligible)
		definition, scope, _ := strings.Cut(key, " ")
		var err error
		if offered {
			request := scheduled("adminAssign", user, definition, scope)
			request["scheduleInfo"] = map[string]any{"startDateTime": time.Now().UTC().Format(time.RFC3339), "expiration": map[string]string{"type": "noExpiration"}}
			_, err = t.send(ctx, http.MethodPost, "/roleManagement/directory/roleEligibilityScheduleRequests", request)
		} else {
			_, err = t.send(ctx, http.MethodPost, "/roleManagement/directory/roleAssignments", map[string]string{
				"principalId": user, "roleDefinitionId": definition, "directoryScopeId": cmp.Or(scope, "/")})
		}
		return unless(err, exeunt.Conflict) // there already
	})
}
