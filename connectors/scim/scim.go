// Package scim ends accounts in systems that speak SCIM 2.0 (RFC 7643, RFC 7644), whatever their
// vendor.
//
// SCIM knows no sessions and no sign-in factors: what active=false does to a live session is the
// vendor's to say.
package scim

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// Settings of a SCIM system.
type Settings struct {
	BaseURL string `json:"base_url" jsonschema:"required" jsonschema_description:"What /Users follows, such as https://host/scim/v2. Only https, except on this machine."`

	signin.ByToken
	signin.ByPassword

	// Each pair is searched, and what they find together must be one account.
	Match map[exeunt.IdentifierKind]string `json:"match,omitempty" jsonschema_description:"Which of the leaver's identifiers is which attribute: userName, externalId or emails. {work_email: userName} when left out."`

	Boolean       string `json:"boolean,omitempty" jsonschema:"enum=boolean,enum=string" jsonschema_description:"How this service wants false written: boolean as the RFC has it, or string for those that take \"False\" only. When left out, what it refuses is written the other way."`
	MemberRemoval string `json:"member_removal,omitempty" jsonschema:"enum=filter,enum=value" jsonschema_description:"How a member is taken out of a group: filter names it in the path (RFC 7644 3.5.2.2), value in the value. When left out, what it refuses is written the other way."`
	WithoutGroups bool   `json:"without_groups,omitempty" jsonschema_description:"For services that have no /Groups: remove_groups is then no action of the system."`

	Roles           []string             `json:"roles,omitempty" jsonschema:"enum=roles,enum=entitlements" jsonschema_description:"Which attributes of a user hold what it may do, and are cleared: roles, entitlements. Without it, remove_roles is no action of the system."`
	PrivilegedRoles []string             `json:"privileged_roles,omitempty" jsonschema_description:"Names or values of the roles, entitlements and groups that make an administrator. SCIM itself knows none."`
	Privileged      connector.Privileged `json:"privileged,omitempty" jsonschema:"enum=ask,enum=act" jsonschema_description:"What happens to an account with one of privileged_roles of which HR does not know: ask, when left out, leaves every step to a person; act ends it like any other. Steps of people whom HR flags as privileged are done, after the approval that the configuration wants."`
}

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	if err := connector.CheckAddress("base_url", s.BaseURL); err != nil {
		return err
	}
	if s.Token.IsZero() == (s.Username == "" || s.Password.IsZero()) {
		return exeunt.Errorf(exeunt.Invalid, "give either token, or username and password").In("token")
	}
	for identifier, attribute := range s.Match {
		if _, ok := attributes[attribute]; !ok || identifier == "" {
			return exeunt.Errorf(exeunt.Invalid, "match needs an identifier and one of the attributes userName, externalId and emails").In("match")
		}
	}
	if !slices.Contains([]string{"", "boolean", "string"}, s.Boolean) {
		return exeunt.Errorf(exeunt.Invalid, "boolean is %q: write boolean or string", s.Boolean).In("boolean")
	}
	if !slices.Contains([]string{"", "filter", "value"}, s.MemberRemoval) {
		return exeunt.Errorf(exeunt.Invalid, "member_removal is %q: write filter or value", s.MemberRemoval).In("member_removal")
	}
	for _, attribute := range s.Roles {
		if !slices.Contains(rights, attribute) {
			return exeunt.Errorf(exeunt.Invalid, "roles: %q is none of %s", attribute, strings.Join(rights, ", ")).In("roles")
		}
	}
	return s.Privileged.Check()
}

var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.Disable, Title: "Deactivate account", Order: 20, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  []string{"enabled"},
		Scopes: []string{"Users: read, write"},
		Caveat: "SCIM has no notion of sessions: whether live ones end is the application's to say.",
	},
	{
		Action: exeunt.RemoveRoles, Title: "Clear roles", Order: 30, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  rights,
		Scopes: []string{"Users: read, write"},
		Caveat: "What a role means is the application's own; rights that it gives otherwise are not seen. What the service itself adds to a role, such as its name, is not put back by us.",
	},
	{
		Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  []string{"groups"},
		Scopes: []string{"Users: read", "Groups: read, write"},
		Caveat: "Memberships that come from another group (type indirect) end with that group's, not here.",
	},
}

// Kind is the kind "scim".
func Kind() connector.Kind { return connector.Define("scim", "SCIM 2.0", actions, open) }

// Knows lists what match names, and the others for rules to name.
func (s Settings) Knows() connector.Knows {
	if len(s.Match) == 0 {
		s.Match = map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "userName"}
	}
	exact := func(name string) bool { return attributes[name].exact }
	return connector.Knows{Attributes: connector.KnowsBy(s.Match, exact, slices.Sorted(maps.Keys(attributes))...)}
}

// Specs leaves out the groups and the roles where there are none.
func (s Settings) Specs() []exeunt.ActionSpec {
	return slices.DeleteFunc(slices.Clone(actions), func(a exeunt.ActionSpec) bool {
		return a.Action == exeunt.RemoveGroups && s.WithoutGroups || a.Action == exeunt.RemoveRoles && len(s.Roles) == 0
	})
}

func open(s Settings, rt http.RoundTripper) (connector.Connector, error) {
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "a scim system needs a transport")
	}
	signer := signin.Bearer(s.Token)
	if s.Token.IsZero() {
		signer = signin.Basic(s.Username, s.Password)
	}
	return &service{Settings: s, api: &vendorapi.Client{
		Vendor: name, Base: strings.TrimRight(s.BaseURL, "/"), Media: mediaType, HTTP: signin.Client(rt, signer), Explain: explain,
	}}, nil
}
