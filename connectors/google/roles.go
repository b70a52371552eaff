package google

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// superAdmin stands in a snapshot for being a super administrator, which is given and taken by a call of its own.
const superAdmin = "super_admin"

type assignment struct {
	ID        string `json:"roleAssignmentId,omitempty"`
	RoleID    string `json:"roleId"`
	Assignee  string `json:"assignedTo"`
	Kind      string `json:"assigneeType,omitempty"`
	Scope     string `json:"scopeType"`
	OrgUnit   string `json:"orgUnitId,omitempty"`
	Condition string `json:"condition,omitempty"`
}

// String is the assignment in a snapshot: role, scope, unit and condition; no id of Google's has a space.
func (a assignment) String() string {
	return strings.TrimRight(strings.Join([]string{a.RoleID, a.Scope, cmp.Or(a.OrgUnit, "-"), a.Condition}, " "), " -")
}

func assignmentOf(recorded string, u user) assignment {
	part := append(strings.SplitN(recorded, " ", 4), "", "", "")
	return assignment{RoleID: part[0], Assignee: u.ID, Scope: part[1], OrgUnit: strings.Trim(part[2], "-"), Condition: part[3]}
}

func (t *tenant) rolePath(rest string) string {
	return directory + "/customer/" + url.PathEscape(t.Customer) + rest
}

// assignments are the account's own, and those that it has by a group. The super administrators' role is not among them:
// see superAdmin.
func (t *tenant) assignments(ctx context.Context, u user) (own, byGroup []assignment, names map[string]string, err error) {
	names = map[string]string{}
	query := url.Values{"userKey": {u.ID}, "includeIndirectRoleAssignments": {"true"}, "maxResults": {"200"},
		"fields": {"nextPageToken,items(roleAssignmentId,roleId,assignedTo,assigneeType,scopeType,orgUnitId,condition)"}}
	err = t.all(ctx, t.admins, t.rolePath("/roleassignments"), query, func(a vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			Items         []assignment
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		for _, item := range page.Items {
			var role struct {
				RoleName         string
				IsSuperAdminRole bool
			}
			if err := t.get(ctx, t.admins, t.rolePath("/roles/"+url.PathEscape(item.RoleID)), url.Values{"fields": {"roleName,isSuperAdminRole"}}, &role); err != nil {
				return "", err
			}
			names[item.String()] = role.RoleName
			switch {
			case strings.EqualFold(item.Kind, "group"):
				byGroup = append(byGroup, item)
			case !role.IsSuperAdminRole:
				own = append(own, item)
			}
		}
		return page.NextPageToken, nil
	})
	return own, byGroup, names, scoped(err)
}

func (t *tenant) lookAtRoles(ctx context.Context, u user, s *sight) error {
	own, byGroup, names, err := t.assignments(ctx, u)
	if err != nil {
		return err
	}
	roles, roleNames, indirect := []string{}, []string{}, []string{}
	if u.SuperAdmin {
		roles, roleNames = append(roles, superAdmin), append(roleNames, "super administrator")
	}
	for _, a := range own {
		roles, roleNames = append(roles, a.String()), append(roleNames, names[a.String()])
	}
	for _, a := range byGroup {
		indirect = append(indirect, names[a.String()])
	}
	facts := map[string]string{"administrator roles": counted(roleNames)}
	if len(indirect) > 0 {
		facts["roles by a group"] = strings.Join(indirect, ", ")
	}
	s.tell(exeunt.RemoveRoles, standing(len(roles) == 0), facts, map[string][]string{"roles": roles, "role_names": roleNames})
	return nil
}

// makeAdmin makes a super administrator, or none.
func (t *tenant) makeAdmin(ctx context.Context, u user, status bool) error {
	return t.do(ctx, t.users, http.MethodPost, u.path("/makeAdmin"), map[string]bool{"status": status})
}

func (t *tenant) removeRoles(ctx context.Context, u user, seen exeunt.Observation) error {
	if u.SuperAdmin {
		if err := t.makeAdmin(ctx, u, false); err != nil {
			return err
		}
	}
	own, _, _, err := t.assignments(ctx, u)
	if err != nil {
		return err
	}
	for _, a := range own {
		if !slices.Contains(seen.Snapshot["roles"], a.String()) {
			continue // given since, and nothing recorded of it: the look after this shows it
		}
		if err := gone(t.remove(ctx, t.admins, t.rolePath("/roleassignments/"+url.PathEscape(a.ID))), exeunt.NotFound); err != nil {
			return err
		}
	}
	return nil
}

// regiveRoles gives back those that are not there: assigning twice makes two.
func (t *tenant) regiveRoles(ctx context.Context, u user, recorded map[string][]string) error {
	own, _, _, err := t.assignments(ctx, u)
	if err != nil {
		return err
	}
	return connector.PutBack("administrator roles", recorded["roles"], recorded["role_names"], func(item string) error {
		switch {
		case item == superAdmin && u.SuperAdmin, slices.ContainsFunc(own, func(a assignment) bool { return a.String() == item }):
			return nil
		case item == superAdmin:
			return t.makeAdmin(ctx, u, true)
		}
		return gone(t.do(ctx, t.admins, http.MethodPost, t.rolePath("/roleassignments"), assignmentOf(item, u)), exeunt.Conflict)
	})
}
