package okta

import (
	"slices"

	"github.com/exeunt/exeunt"
)

// everything is what can be done at all. Each action says what it does not do.
func everything() []exeunt.ActionSpec {
	return []exeunt.ActionSpec{
		{
			Action: exeunt.HandOver, Title: "Hand over what others depend on", Order: 5, Proof: exeunt.Observed, ByHand: true,
			Scopes: []string{"okta.users.read", "okta.groups.read", "okta.apiTokens.read"},
			Caveat: "API tokens that the person made, which end with the account, and groups of theirs that nobody else owns. Okta cannot be asked which groups somebody owns: those that they own without being a member are not seen, nor who looks after an application or knows its secret.",
		},
		{
			Action: exeunt.ResetFactors, Title: "Reset sign-in factors", Order: 10, Proof: exeunt.Observed, Repeatable: true,
			Scopes: []string{"okta.users.read", "okta.users.manage"},
			Caveat: "Okta lists the factors that the policy for our own network zone knows: others are reset and not seen. Whoever returns enrols again.",
		},
		{
			Action: exeunt.Disable, Title: "Suspend account", Order: 20, Immediate: 1, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
			Takes:  []string{"enabled"},
			Scopes: []string{"okta.users.read", "okta.users.manage"},
			Caveat: "Applications that the person is signed in to know nothing of it until they ask Okta again. Groups, applications and licences stay. Where the password lies in Active Directory or another directory, it works there until it is closed there.",
		},
		{
			Action: exeunt.RevokeSessions, Title: "End sessions and tokens", Order: 30, Immediate: 2, Proof: exeunt.Acknowledged, Repeatable: true,
			Scopes: []string{"okta.users.manage"},
			Caveat: "Sessions at Okta and its refresh and access tokens. Sessions inside web and native applications go on until those end them, and an access token that nobody checks at Okta lives until it expires.",
		},
		{
			Action: exeunt.RevokeGrants, Title: "Revoke consents and refresh tokens of applications", Order: 40, Proof: exeunt.Observed, Repeatable: true,
			Scopes: []string{"okta.users.read", "okta.users.manage"},
			Caveat: "An access token that nobody checks at Okta lives until it expires.",
		},
		{
			Action: exeunt.RevokeTokens, Title: "Revoke the person's own API tokens", Order: 50, Proof: exeunt.Observed, Repeatable: true,
			Scopes: []string{"okta.users.read", "okta.apiTokens.read", "okta.apiTokens.manage"},
			Caveat: "Integrations that work with them stop. Secrets of applications that the person knows are not covered.",
		},
		{
			Action: exeunt.RemoveRoles, Title: "Take admin roles away", Order: 60, Proof: exeunt.Observed, Repeatable: true,
			Scopes: []string{"okta.users.read", "okta.roles.read", "okta.roles.manage"},
			Caveat: "Roles that a group gives go with the group. They are recorded, and given back by a person: what a role was limited to is not put back. Only a Super Administrator may take roles away, so our application has to be one.",
		},
		{
			Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 70, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
			Takes:  []string{"groups"},
			Scopes: []string{"okta.users.read", "okta.groups.read", "okta.groups.manage"},
			Caveat: "Groups that an application or a directory feeds, that a group rule fills, and Everyone stay, since Okta or the rule would put the person back: the evidence names them.",
		},
		{
			Action: exeunt.RemoveApps, Title: "Take out of applications", Order: 80, Proof: exeunt.Observed, Repeatable: true, Destructive: true,
			Scopes: []string{"okta.users.read", "okta.apps.read", "okta.apps.manage"},
			Caveat: "What an application kept of the person in its assignment is lost, and one with provisioning may close the account there. Assignments by a group go with the group.",
		},
		{
			Action: exeunt.LockDevices, Title: "Suspend devices", Order: 90, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
			Takes:  []string{"devices"},
			Scopes: []string{"okta.users.read", "okta.devices.read", "okta.devices.manage"},
			Caveat: "A device that several people share is suspended for all of them. The device itself is neither locked nor wiped.",
		},
		{
			Action: exeunt.Deactivate, Title: "Deactivate account for good", Order: 100, Proof: exeunt.Observed, Repeatable: true, Destructive: true,
			Scopes: []string{"okta.users.read", "okta.users.manage"},
			Caveat: "The person is taken out of every application, and some delete mail and files then. Applications that are inactive in Okta keep their assignment. Activating the account again brings none of it back.",
		},
	}
}

// Specs leaves out what the settings do not ask for.
func (s Settings) Specs() []exeunt.ActionSpec {
	optional := map[exeunt.Action]bool{exeunt.RemoveApps: s.UnassignApps, exeunt.LockDevices: s.Devices, exeunt.Deactivate: s.Deactivate}
	return slices.DeleteFunc(everything(), func(spec exeunt.ActionSpec) bool {
		wanted, choice := optional[spec.Action]
		return choice && !wanted
	})
}

func (s Settings) can(action exeunt.Action) bool {
	return slices.ContainsFunc(s.Specs(), func(spec exeunt.ActionSpec) bool { return spec.Action == action })
}
