package google

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// The roles in a group: that of most, and that of who decides about it.
const (
	member = "MEMBER"
	owner  = "OWNER"
)

// allMail is how most have their mail from a group.
const allMail = "ALL_MAIL"

// membership is one of the account's groups. In a snapshot it is the group's id, with the role and with how mail is delivered
// where they are not those of most.
type membership struct{ id, name, role, delivery string }

func (m membership) String() string {
	switch {
	case m.delivery != allMail:
		return m.id + " " + m.role + " " + m.delivery
	case m.role != member:
		return m.id + " " + m.role
	}
	return m.id
}

func membershipOf(recorded string) membership {
	part := append(strings.Fields(recorded), "", "", "")
	return membership{id: part[0], role: cmp.Or(part[1], member), delivery: cmp.Or(part[2], allMail)}
}

func memberPath(group, of string) string {
	return directory + "/groups/" + url.PathEscape(group) + "/members" + of
}

// memberships are the direct ones, and the names of the groups that the account is in without being their member: by another
// group. The list may be behind; each membership is asked for by itself.
func (t *tenant) memberships(ctx context.Context, u user) (direct []membership, others []string, err error) {
	query := url.Values{"userKey": {u.ID}, "maxResults": {"200"}, "fields": {"nextPageToken,groups(id,email)"}}
	err = t.all(ctx, t.groups, directory+"/groups", query, func(a vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			Groups        []struct{ ID, Email string }
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		for _, g := range page.Groups {
			var own struct {
				Role     string
				Delivery string `json:"delivery_settings"`
			}
			err := t.get(ctx, t.groups, memberPath(g.ID, "/"+url.PathEscape(u.ID)), url.Values{"fields": {"role,delivery_settings"}}, &own)
			switch {
			case isKind(err, exeunt.NotFound):
				others = append(others, g.Email)
			case err != nil:
				return "", err
			default:
				direct = append(direct, membership{g.ID, g.Email, cmp.Or(own.Role, member), cmp.Or(own.Delivery, allMail)})
			}
		}
		return page.NextPageToken, nil
	})
	return direct, others, scoped(err)
}

func (t *tenant) lookAtGroups(ctx context.Context, u user, s *sight) error {
	direct, others, err := t.memberships(ctx, u)
	if err != nil {
		return err
	}
	if s.looked[exeunt.HandOver] {
		if err := t.lookAtOwned(ctx, u, direct, s); err != nil {
			return err
		}
	}
	ids, names, owned := []string{}, []string{}, []string{}
	for _, m := range direct {
		ids, names = append(ids, m.String()), append(names, m.name)
		if m.role == owner {
			owned = append(owned, m.name)
		}
	}
	facts := map[string]string{"groups": counted(names)}
	if len(owned) > 0 {
		facts["owner of groups"] = strings.Join(owned, ", ")
	}
	if len(others) > 0 {
		facts["groups by another group"] = strings.Join(others, ", ")
	}
	s.tell(exeunt.RemoveGroups, standing(len(direct) == 0), facts, map[string][]string{"groups": ids, "group_names": names})
	return nil
}

// lookAtOwned tells of the groups that nobody else can be asked about.
func (t *tenant) lookAtOwned(ctx context.Context, u user, direct []membership, s *sight) error {
	alone := []string{}
	for _, m := range direct {
		if m.role != owner {
			continue
		}
		others, err := t.otherOwners(ctx, u, m)
		if err != nil {
			return err
		}
		if others == 0 {
			alone = append(alone, "the group "+m.name)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.HandOver(exeunt.HandOver, alone)
	return nil
}

// otherOwners counts those who are not suspended themselves (unverified whether Google tells of each that they are).
func (t *tenant) otherOwners(ctx context.Context, u user, m membership) (count int, err error) {
	query := url.Values{"roles": {owner}, "maxResults": {"200"}, "fields": {"nextPageToken,members(id,status)"}}
	err = t.all(ctx, t.groups, memberPath(m.id, ""), query, func(a vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			Members       []struct{ ID, Status string }
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		for _, other := range page.Members {
			if other.ID != u.ID && !strings.EqualFold(other.Status, "suspended") {
				count++
			}
		}
		return page.NextPageToken, nil
	})
	return count, err
}

// removeGroups takes the account out of the groups that the look before recorded. Groups that refuse it are named after all
// others are left: a dynamic group follows its query, a synchronised one its source.
func (t *tenant) removeGroups(ctx context.Context, u user, seen exeunt.Observation) error {
	groups, names := seen.Snapshot["groups"], seen.Snapshot["group_names"]
	var left []string
	for i, recorded := range groups {
		err := gone(t.remove(ctx, t.groups, memberPath(membershipOf(recorded).id, "/"+url.PathEscape(u.ID))), exeunt.NotFound)
		switch {
		case isKind(err, exeunt.Denied), isKind(err, exeunt.Invalid), isKind(err, exeunt.Conflict):
			left = append(left, names[i])
		case err != nil:
			return err
		}
	}
	if len(left) > 0 {
		return exeunt.Errorf(exeunt.Denied, "%s does not let the account out of %s: change the query of a dynamic group, the source of one that is synchronised, or our administrator's rights. It is out of the other %d",
			name, strings.Join(left, ", "), len(groups)-len(left))
	}
	return nil
}

func (t *tenant) rejoinGroups(ctx context.Context, u user, recorded map[string][]string) error {
	return connector.PutBack("groups", recorded["groups"], recorded["group_names"], func(item string) error {
		m := membershipOf(item)
		err := t.do(ctx, t.groups, http.MethodPost, memberPath(m.id, ""), map[string]string{"id": u.ID, "role": m.role, "delivery_settings": m.delivery})
		return gone(err, exeunt.Conflict) // a member already
	})
}
