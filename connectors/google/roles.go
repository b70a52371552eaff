package google

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// superAdmin stands in a snapshot for being a super administrator, which is given and taken by a call of its own.
const superAdmin = "super_admin"

type assignment struct {
	ID         string      `json:"roleAssignmentId,omitempty"`
	RoleID     string      `json:"roleId"`
	Assignee   string      `json:"assignedTo"`
	Kind       string      `json:"assigneeType,omitempty"`
	Scope      string      `json:"scopeType"`
	OrgUnit    string      `json:"orgUnitId,omitempty"`
	Expiration *expiration `json:"expirationDetails,omitempty"`
	Condition  string      `json:"condition,omitempty"`
}

// expiration is when a role ends by itself. One that was given for a time is not given back for ever.
type expiration struct {
	Time string `json:"expireTime"`
}

// String is the assignment in a snapshot: role, scope, unit, end and condition; only the condition has spaces.
func (a assignment) String() string {
	end := ""
	if a.Expiration != nil {
		end = a.Expiration.Time
	}
	parts := []string{a.RoleID, a.Scope, a.OrgUnit, end, a.Condition}
	for len(parts) > 2 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	for i := range parts {
		parts[i] = cmp.Or(parts[i], "-")
	}
	return strings.Join(parts, " ")
}

func assignmentOf(recorded string, u user) assignment {
	part := append(strings.SplitN(recorded, " ", 5), "", "", "", "")
	a := assignment{RoleID: part[0], Assignee: u.ID, Scope: part[1], OrgUnit: strings.TrimPrefix(part[2], "-"), Condition: part[4]}
	if end := strings.TrimPrefix(part[3], "-"); end != "" {
		a.Expiration = &expiration{end}
	}
	return a
}

// title is what a role is called, and whether it is the super administrators'.
type title struct {
	RoleName         string
	IsSuperAdminRole bool
}

// titles are those of the roles that were seen. There are few, and each departure asks for some of them twice.
type titles struct {
	mu sync.Mutex
	of map[string]title
}

func (t *tenant) title(ctx context.Context, role string) (title, error) {
	t.titles.mu.Lock()
	known, there := t.titles.of[role]
	t.titles.mu.Unlock()
	if there {
		return known, nil
	}
	var read title
	err := t.get(ctx, t.admins, t.rolePath("/roles/"+url.PathEscape(role)), url.Values{"fields": {"roleName,isSuperAdminRole"}}, &read)
	switch {
	case isKind(err, exeunt.NotFound): // the role is gone, the assignment is still there
		return title{RoleName: "role " + role}, nil
	case err != nil:
		return title{}, err
	}
	t.titles.mu.Lock()
	defer t.titles.mu.Unlock()
	if t.titles.of == nil {
		t.titles.of = map[string]title{}
	}
	t.titles.of[role] = read
	return read, nil
}

func (t *tenant) rolePath(rest string) string {
	return directory + "/customer/" + url.PathEscape(t.Customer) + rest
}

// assignments are the account's own, and those that it has by a group. The super administrators' role is not among them:
// see superAdmin.
func (t *tenant) assignments(ctx context.Context, u user) (own, byGroup []assignment, names map[string]string, err error) {
	names = map[string]string{}
	query := url.Values{"userKey": {u.ID}, "includeIndirectRoleAssignments": {"true"}, "maxResults": {"200"},
		"fields": {"nextPageToken,items(roleAssignmentId,roleId,assignedTo,assigneeType,scopeType,orgUnitId,expirationDetails,condition)"}}
	err = t.all(ctx, t.admins, t.rolePath("/roleassignments"), query, func(a vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			Items         []assignment
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		for _, item := range page.Items {
			indirect := strings.EqualFold(item.Kind, "group")
			if !indirect && item.Assignee != u.ID {
				continue // somebody else's, whatever was asked for
			}
			role, err := t.title(ctx, item.RoleID)
			if err != nil {
				return "", err
			}
			names[item.String()] = role.RoleName
			switch {
			case indirect:
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
	s.roles = own
	s.tell(exeunt.RemoveRoles, standing(len(roles) == 0), facts, map[string][]string{"roles": roles, "role_names": roleNames})
	return nil
}

// makeAdmin makes a super administrator, or none.
func (t *tenant) makeAdmin(ctx context.Context, u user, status bool) error {
	return t.do(ctx, t.users, http.MethodPost, u.path("/makeAdmin"), map[string]bool{"status": status})
}

func (t *tenant) removeRoles(ctx context.Context, s *sight, seen exeunt.Observation) error {
	if s.user.SuperAdmin {
		if err := t.makeAdmin(ctx, s.user, false); err != nil {
			return err
		}
	}
	for _, a := range s.roles {
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
func (t *tenant) regiveRoles(ctx context.Context, s *sight, recorded map[string][]string) error {
	u, own := s.user, s.roles
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
