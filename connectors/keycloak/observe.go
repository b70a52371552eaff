package keycloak

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// held is everything of an account but itself.
type held struct {
	credentials []struct{ ID, Type string }
	sessions    []struct{ ID string }
	consents    []struct {
		Client string `json:"clientId"`
	}
	groups  []group
	roles   []role
	byGroup []role // that come with groups
}

// role is one that is mapped to the account itself.
type role struct {
	ID, Name string
	client   string // id of the client whose it is, "" for one of the realm
	of       string // the client's name
}

// key is how the snapshot has a role: whose it is, and its id.
func (r role) key() string {
	if r.client == "" {
		return "realm/" + r.ID
	}
	return r.client + "/" + r.ID
}

func (r role) title() string { return strings.TrimPrefix(r.of+"."+r.Name, ".") }

// place is where roles of its kind are mapped.
func (r role) place(account exeunt.Account) string {
	if r.client == "" {
		return at(account) + "/role-mappings/realm"
	}
	return at(account) + "/role-mappings/clients/" + url.PathEscape(r.client)
}

// mapping is a role as the API wants it named: by its id and its name.
func (r role) mapping() []map[string]string {
	return []map[string]string{{"id": r.ID, "name": r.Name}}
}

// roles are those that are mapped to an account or a group itself, of the realm first.
func (r *realm) roles(ctx context.Context, path string) ([]role, error) {
	var said struct {
		Realm   []role `json:"realmMappings"`
		Clients map[string]struct {
			ID       string `json:"id"`
			Mappings []role `json:"mappings"`
		} `json:"clientMappings"`
	}
	if err := r.get(ctx, path+"/role-mappings", &said); err != nil {
		return nil, err
	}
	all := said.Realm
	for _, client := range slices.Sorted(maps.Keys(said.Clients)) {
		for _, mapped := range said.Clients[client].Mappings {
			mapped.client, mapped.of = said.Clients[client].ID, client
			all = append(all, mapped)
		}
	}
	return all, nil
}

// look reads what the step in hand wants to know.
func (r *realm) look(ctx context.Context, account exeunt.Account) (h held, err error) {
	if connector.Looks(ctx, exeunt.ResetFactors) || connector.Looks(ctx, exeunt.ResetPassword) {
		if err = r.get(ctx, at(account)+"/credentials", &h.credentials); err != nil {
			return h, err
		}
	}
	if connector.Looks(ctx, exeunt.RevokeSessions) {
		if err = r.get(ctx, at(account)+"/sessions", &h.sessions); err != nil {
			return h, err
		}
		if err = r.get(ctx, at(account)+"/consents", &h.consents); err != nil {
			return h, err
		}
	}
	if connector.Looks(ctx, exeunt.RemoveGroups) {
		if h.groups, err = r.memberships(ctx, account); err != nil {
			return h, err
		}
	}
	if connector.Looks(ctx, exeunt.RemoveRoles) {
		if h.roles, err = r.roles(ctx, at(account)); err != nil {
			return h, err
		}
		h.byGroup, err = r.inherited(ctx, account)
	}
	return h, err
}

// memberships are the groups that the account is itself in.
func (r *realm) memberships(ctx context.Context, account exeunt.Account) ([]group, error) {
	var all []group
	err := r.all(ctx, at(account)+"/groups", nil, func(a vendorapi.Answer) (int, error) {
		var page []group
		err := a.Decode(&page)
		all = append(all, page...)
		return len(page), err
	})
	return all, err
}

const passwordType = "password" // of a credential; all others are factors

// Observe reads the account by its id, and what it holds.
func (r *realm) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	u, err := r.user(ctx, account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	h, err := r.look(ctx, account)
	if err != nil {
		return exeunt.Observation{}, err
	}
	o := exeunt.Observation{At: time.Now().UTC(), Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{"enabled": strconv.FormatBool(u.Enabled)}, Snapshot: map[string][]string{}}
	say := func(action exeunt.Action, fact string, left int) {
		if connector.Looks(ctx, action) {
			o.Standing[action], o.Facts[fact] = so(left == 0), strconv.Itoa(left)
		}
	}
	factors, passwords := []string{}, 0
	for _, c := range h.credentials {
		if c.Type == passwordType {
			passwords++
		} else {
			factors = append(factors, c.Type)
		}
	}
	o.Standing[exeunt.Disable] = so(!u.Enabled)
	if u.Enabled {
		o.Snapshot["enabled"] = []string{"true"}
	}
	say(exeunt.ResetFactors, "factors", len(factors))
	say(exeunt.ResetPassword, "passwords", passwords)
	if u.FederationLink != "" && passwords == 0 {
		delete(o.Standing, exeunt.ResetPassword) // the directory has one, whatever the realm has
	}
	say(exeunt.RevokeSessions, "sessions_and_grants", len(h.sessions)+len(h.consents))
	say(exeunt.RemoveGroups, "groups", len(h.groups))
	say(exeunt.RemoveRoles, "roles", len(h.roles))
	r.record(&o, u, h, factors)
	return o, nil
}

// record puts into the snapshot what actions take away, and into the facts what none of them ends.
func (r *realm) record(o *exeunt.Observation, u user, h held, factors []string) {
	o.Snapshot["factors"] = factors
	o.Snapshot["groups"], o.Snapshot["group_names"] = []string{}, []string{}
	for _, g := range h.groups {
		o.Snapshot["groups"], o.Snapshot["group_names"] = append(o.Snapshot["groups"], g.ID), append(o.Snapshot["group_names"], g.Name)
	}
	o.Snapshot["roles"], o.Snapshot["role_names"] = []string{}, []string{}
	for _, mapped := range h.roles {
		o.Snapshot["roles"], o.Snapshot["role_names"] = append(o.Snapshot["roles"], mapped.key()), append(o.Snapshot["role_names"], mapped.title())
	}
	if len(factors) > 0 {
		o.Facts["factors"] += ": " + strings.Join(factors, ", ")
	}
	var inherited []string
	for _, one := range h.byGroup {
		inherited = append(inherited, one.title())
	}
	if len(inherited) > 0 {
		o.Facts["roles_by_groups"] = strings.Join(inherited, ", ")
	}
	if len(u.Required) > 0 {
		o.Facts["required_actions"] = strings.Join(u.Required, ", ")
	}
	var linked []string
	for _, identity := range u.Identities {
		linked = append(linked, identity.Provider)
	}
	if len(linked) > 0 {
		o.Facts["linked_identities"] = strings.Join(linked, ", ") + ": they stay"
	}
	if u.FederationLink != "" {
		o.Facts["comes_from"] = "a directory"
	}
}

func so(holds bool) exeunt.Standing {
	if holds {
		return exeunt.Holds
	}
	return exeunt.Absent
}
