package okta

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// mostThings bounds the pages of what one person has.
const mostThings = 50

// factor is a way of signing in that the person has enrolled.
type factor struct {
	ID   string `json:"id"`
	Type string `json:"factorType"`
}

func (a *api) factors(ctx context.Context, id string) ([]factor, error) {
	return every[factor](ctx, a, path(id)+"/factors", mostThings)
}

// app is an application that has a consent or a token of the person.
type app struct {
	ID string `json:"client_id"`
}

func (a *api) clients(ctx context.Context, id string) ([]app, error) {
	return every[app](ctx, a, path(id)+"/clients", mostThings)
}

// consents are how many things the person has let applications do.
func (a *api) consents(ctx context.Context, id string) (int, error) {
	grants, err := every[struct{}](ctx, a, path(id)+"/grants", mostThings)
	return len(grants), err
}

// apiToken is one of the organisation's.
type apiToken struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Owner string `json:"userId"`
}

// tokens are the person's own. Okta lists those of the whole organisation.
func (a *api) tokens(ctx context.Context, id string) ([]apiToken, error) {
	all, err := every[apiToken](ctx, a, "/api/v1/api-tokens", mostThings)
	return slices.DeleteFunc(all, func(t apiToken) bool { return t.Owner != id }), err
}

// role is an assignment of one.
type role struct {
	ID         string `json:"id"`
	Label      string `json:"label"`
	Type       string `json:"type"`
	Assignment string `json:"assignmentType"`

	// Of a custom role: the binding that the assignment is a member of (description of CustomRole).
	Role      string `json:"role"`
	Resources string `json:"resource-set"`
}

// custom says whether the role is one of the organisation's own, by a binding to a resource set.
func (r role) custom() bool { return r.Type == "CUSTOM" && r.Role != "" && r.Resources != "" }

// roles are those assigned to the person, and those that come with a group.
func (a *api) roles(ctx context.Context, id string) (own, byGroup []role, err error) {
	all, err := every[role](ctx, a, path(id)+"/roles", mostThings)
	for _, r := range all {
		if r.Assignment == "GROUP" {
			byGroup = append(byGroup, r)
		} else {
			own = append(own, r)
		}
	}
	return own, byGroup, err
}

func (r role) name() string { return cmp.Or(r.Label, r.Type, r.ID) }

// group is a group of which the person is a member.
type group struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Profile struct {
		Name string `json:"name"`
	} `json:"profile"`
}

// groups are those that we may take the person out of, and those that stay, by name with the reason. Okta does not say how a
// person came into a group: of one that a rule fills, nobody else is told apart.
func (a *api) groups(ctx context.Context, id string) (own []group, stay []string, err error) {
	all, err := every[group](ctx, a, path(id)+"/groups", mostThings)
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	filled, err := a.filled(ctx)
	for _, g := range all {
		switch {
		case g.Type == "BUILT_IN":
			stay = append(stay, g.Profile.Name+" (built in)")
		case g.Type != "OKTA_GROUP":
			stay = append(stay, g.Profile.Name+" (fed by an application or a directory)")
		case filled[g.ID]:
			stay = append(stay, g.Profile.Name+" (filled by a group rule)")
		default:
			own = append(own, g)
		}
	}
	return own, stay, err
}

// owned are the groups of the person that they own and nobody else. Each is asked for its owners: there is no other way.
func (a *api) owned(ctx context.Context, id string) ([]group, error) {
	all, err := every[group](ctx, a, path(id)+"/groups", mostThings)
	if err != nil {
		return nil, err
	}
	var out []group
	for _, g := range all {
		if g.Type == "BUILT_IN" {
			continue
		}
		owners, err := a.owners(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		if slices.Contains(owners, id) && !slices.ContainsFunc(owners, func(o string) bool { return o != id }) {
			out = append(out, g)
		}
	}
	return out, nil
}

// owners are those of a group, people and groups alike. An organisation without the feature has none (unverified with which
// answer Okta says so).
func (a *api) owners(ctx context.Context, group string) (ids []string, err error) {
	type owner struct {
		ID string `json:"id"`
	}
	all, err := every[owner](ctx, a, "/api/v1/groups/"+url.PathEscape(group)+"/owners", mostThings)
	if is(err, exeunt.NotFound) || is(err, exeunt.Unsupported) {
		return nil, nil
	}
	for _, o := range all {
		ids = append(ids, o.ID)
	}
	return ids, err
}

// filled are the groups that an active rule puts people into.
func (a *api) filled(ctx context.Context) (map[string]bool, error) {
	type rule struct {
		Status  string `json:"status"`
		Actions struct {
			Assign struct {
				Groups []string `json:"groupIds"`
			} `json:"assignUserToGroups"`
		} `json:"actions"`
	}
	rules, err := every[rule](ctx, a, "/api/v1/groups/rules?limit=200", mostThings)
	filled := map[string]bool{}
	for _, r := range rules {
		for _, id := range r.Actions.Assign.Groups {
			filled[id] = filled[id] || r.Status == "ACTIVE"
		}
	}
	return filled, err
}

// application is one that the person is assigned to, or one of the organisation's.
type application struct {
	ID          string `json:"id"`
	Label       string `json:"label"`
	Status      string `json:"status"`
	SignOn      string `json:"signOnMode"`
	Credentials struct {
		Names struct {
			Template string `json:"template"`
		} `json:"userNameTemplate"`
	} `json:"credentials"`
	Embedded struct {
		User struct {
			Scope string `json:"scope"`
		} `json:"user"`
	} `json:"_embedded"`
}

// applications are those that the person was assigned to by themselves, and those that a group gives, by name.
func (a *api) applications(ctx context.Context, id string) (own []application, byGroup []string, err error) {
	query := url.Values{"filter": {"user.id eq " + quote(id)}, "expand": {"user/" + id}, "limit": {"50"}}
	all, err := every[application](ctx, a, "/api/v1/apps?"+query.Encode(), mostThings)
	if err != nil {
		return nil, nil, err
	}
	for _, one := range all {
		scope := one.Embedded.User.Scope
		if scope == "" { // it was not embedded
			if scope, err = a.assigned(ctx, one.ID, id); is(err, exeunt.NotFound) {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
		switch scope {
		case "USER":
			own = append(own, one)
		case "GROUP":
			byGroup = append(byGroup, one.Label)
		default: // whose assignment is it, that it could be ended?
			return nil, nil, exeunt.Errorf(exeunt.Temporary, "%s did not say how the person came to an application", vendor)
		}
	}
	return own, byGroup, nil
}

// assigned says how the person came to an application: USER or GROUP.
func (a *api) assigned(ctx context.Context, application, id string) (scope string, err error) {
	answer, err := a.ask(ctx, vendorapi.Question{Path: "/api/v1/apps/" + url.PathEscape(application) + "/users/" + url.PathEscape(id)})
	if err != nil {
		return "", err
	}
	var user struct {
		Scope string `json:"scope"`
	}
	return user.Scope, answer.Decode(&user)
}

// device is one that the person has enrolled.
type device struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Display struct {
		Value string `json:"value"`
	} `json:"resourceDisplayName"`
}

// working says whether somebody can sign in with it.
func (d device) working() bool { return d.Status == "ACTIVE" || d.Status == "UNSUSPENDED" }

func (a *api) devices(ctx context.Context, id string) ([]device, error) {
	type link struct {
		Device device `json:"device"`
	}
	links, err := every[link](ctx, a, path(id)+"/devices", mostThings)
	var all []device
	for _, l := range links {
		all = append(all, l.Device)
	}
	return all, err
}

// device reads one anew.
func (a *api) device(ctx context.Context, id string) (d device, err error) {
	answer, err := a.ask(ctx, vendorapi.Question{Path: "/api/v1/devices/" + url.PathEscape(id)})
	if err != nil {
		return d, err
	}
	return d, answer.Decode(&d)
}

// ourselves says whether the token that we sign in with belongs to a person. A service application is nobody.
func (a *api) ourselves(ctx context.Context, id string) error {
	if a.Token.IsZero() {
		return nil
	}
	us, err := a.read(ctx, "me")
	if err == nil && us.ID == id {
		return exeunt.Errorf(exeunt.Denied, "the API token that Exeunt signs in to %s with belongs to this very person: give it one of a service account, or a service application, and try again", vendor)
	}
	return err
}
