package entra

import (
	"slices"
	"time"

	"github.com/exeunt/exeunt"
)

// settles is how long replicas of the directory may show what was before a change: "a few minutes", by observation; there
// is no promise of Microsoft's.
const settles = 5 * time.Minute

// exchange is what Graph cannot do about a mailbox.
const exchange = "Graph cannot let the manager into the mailbox: with shared_mailbox that is a task with the commands."

var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.HandOver, Title: "Hand over what others depend on", Order: 5, Proof: exeunt.Observed, ByHand: true,
		Scopes: []string{"User.Read.All", "GroupMember.Read.All", "Application.Read.All"},
		Caveat: "Groups, app registrations and enterprise applications that nobody else owns. Secrets of an application that the person knows stay valid: change them with its owner.",
	},
	{
		Action: exeunt.ResetFactors, Title: "Remove sign-in factors", Order: 10, Proof: exeunt.Observed, Repeatable: true, Settles: settles,
		Scopes: []string{"User.Read.All", "UserAuthenticationMethod.ReadWrite.All"},
		Caveat: "Factors cannot be put back: whoever returns enrols again.",
	},
	{
		Action: exeunt.ResetPassword, Title: "Reset password", Order: 15, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{"User.Read.All", "User-PasswordProfile.ReadWrite.All"},
		Caveat: "To one that nobody knows, which cannot be read back; that the moment of the last change has moved was seen, or it would not be said to be done. That of an account from Active Directory is reset there.",
	},
	{
		Action: exeunt.Disable, Title: "Disable account", Order: 20, Immediate: 1, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Settles: settles,
		Takes:  []string{"enabled"},
		Scopes: []string{"User.Read.All", "User.EnableDisableAccount.All"},
		Caveat: "An account that comes from Active Directory is disabled there, and is refused here. Access tokens live 60 to 90 minutes, except where the resource evaluates access continuously (Exchange, SharePoint, Teams, Graph: within 15 minutes); sessions that applications issued themselves are out of Entra's reach.",
	},
	{
		Action: exeunt.RevokeSessions, Title: "Revoke sessions", Order: 30, Immediate: 2, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{"User.Read.All", "User.RevokeSessions.All"},
		Caveat: "That sessions count from a later moment on was seen, or it would not be said to be done; that no older one is used cannot be seen. A guest's session with the home organisation goes on.",
	},
	{
		Action: exeunt.RemoveRoles, Title: "Remove administrator roles", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Settles: settles,
		Takes:  []string{"roles", "eligible_roles"},
		Scopes: []string{"User.Read.All", "RoleManagement.ReadWrite.Directory"},
		Caveat: "Active and eligible roles. One that came by a group goes with the group; one that was active for a time only is not put back. Roles of Azure subscriptions, of Exchange and of Intune are not seen here.",
	},
	{
		Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 50, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Settles: settles,
		Takes:  []string{"groups"},
		Scopes: []string{"User.Read.All", "GroupMember.ReadWrite.All", "RoleManagement.ReadWrite.Directory"},
		Caveat: "Groups with dynamic members or from Active Directory follow their rule or their source, and are named as left; those that give licences stay until licences are reclaimed. Distribution lists and mail-enabled security groups are Exchange's: the step ends as a task with the commands. RoleManagement.ReadWrite.Directory is for role-assignable groups only. Groups that hide their members show with Member.Read.Hidden only; groups that the person may join by Privileged Identity Management are not seen.",
	},
	{
		Action: exeunt.RemoveApps, Title: "Remove application assignments", Order: 60, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Settles: settles,
		Takes:  []string{"app_assignments"},
		Scopes: []string{"User.Read.All", "AppRoleAssignment.ReadWrite.All"},
		Caveat: "Assignments that came by a group go with the group.",
	},
	{
		Action: exeunt.RevokeGrants, Title: "Revoke consents to applications", Order: 70, Proof: exeunt.Observed, Repeatable: true, Settles: settles,
		Scopes: []string{"User.Read.All", "DelegatedPermissionGrant.ReadWrite.All"},
		Caveat: "What an administrator consented to for everybody is not the person's. Consent is given anew by whoever returns.",
	},
	{
		Action: exeunt.LockDevices, Title: "Disable devices", Order: 80, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Settles: settles,
		Takes:  []string{"devices"},
		Scopes: []string{"User.Read.All", "Device.ReadWrite.All"},
		Caveat: "Devices that the person owns in the directory. Nothing is wiped, and a device that is off the network learns of it when it is back.",
	},
	{
		Action: exeunt.RevokeSessionsAgain, Title: "Revoke sessions again", Order: 90, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{"User.Read.All", "User.RevokeSessions.All"},
		Caveat: "Resources may go on for a day by the groups that a token carries, unless sessions are revoked after the groups were taken away.",
	},
	{
		Action: exeunt.SetAutoReply, Title: "Set automatic reply", Order: 100, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Settles: settles,
		Takes:  []string{"auto_reply"},
		Scopes: []string{"User.Read.All", "MailboxSettings.ReadWrite"},
		Caveat: "When it is put back, our reply is off; an own text that stood there before is lost. " + exchange,
	},
	{
		Action: exeunt.TransferData, Title: "Give the manager the files", Order: 110, Proof: exeunt.Observed, Repeatable: true, Settles: settles,
		Scopes: []string{"User.Read.All", "Files.ReadWrite.All"},
		Caveat: "The manager may read and write the whole OneDrive from then on; nothing is copied. " + exchange,
	},
	{
		Action: exeunt.ShareMailbox, Title: "Make the mailbox a shared one", Order: 115, Proof: exeunt.Observed, ByHand: true,
		Scopes: []string{"User.Read.All", "MailboxSettings.Read"},
		Caveat: "Microsoft Graph cannot do it: a task has the two commands of Exchange Online PowerShell, for the manager's access and for the shared mailbox, and is seen to be done when the mailbox is a shared one. That the manager was let in cannot be read. A shared mailbox of more than 50 GB, one with an archive and one on litigation hold need a licence all the same.",
	},
	{
		Action: exeunt.ReclaimLicence, Title: "Reclaim licences", Order: 120, Proof: exeunt.Observed, Repeatable: true, Destructive: true, Settles: settles,
		Scopes: []string{"User.Read.All", "LicenseAssignment.ReadWrite.All", "GroupMember.ReadWrite.All"},
		Caveat: "Mailbox and files are lost 30 days later unless the licence is given back; the licences are recorded. Those that come by a group with dynamic members, or from Active Directory, stay with it.",
	},
}

// Specs leaves out what the settings do not ask for.
func (s Settings) Specs() []exeunt.ActionSpec {
	return slices.DeleteFunc(slices.Clone(actions), func(a exeunt.ActionSpec) bool {
		return a.Action == exeunt.SetAutoReply && s.AutoReply == "" || a.Action == exeunt.TransferData && !s.FilesToManager ||
			a.Action == exeunt.ShareMailbox && !s.SharedMailbox
	})
}
