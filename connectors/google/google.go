// Package google ends accounts in Google Workspace: the Admin SDK (Directory and Data Transfer API), and where the settings
// ask for it the Gmail and the Enterprise License Manager API. It signs in as a service account that acts for an
// administrator (domain-wide delegation).
//
// What the vendor's pages say is cited where it decides something. What they do not say, and is known from tools that are
// in use (GAM, baton-google-workspace), is called unverified.
package google

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

const name = "Google Workspace" // in messages

// The actions that only a few vendors have.
const (
	delegateMailbox exeunt.Action = "delegate_mailbox"
	wipeDevices     exeunt.Action = "wipe_devices"
)

// The scopes, each the least that its requests work with, by the discovery documents in testdata.
const (
	scopeUser         = "https://www.googleapis.com/auth/admin.directory.user"
	scopeSecurity     = "https://www.googleapis.com/auth/admin.directory.user.security"
	scopeGroups       = "https://www.googleapis.com/auth/admin.directory.group.readonly"
	scopeMembers      = "https://www.googleapis.com/auth/admin.directory.group.member"
	scopeRoles        = "https://www.googleapis.com/auth/admin.directory.rolemanagement"
	scopeTransfer     = "https://www.googleapis.com/auth/admin.datatransfer"
	scopeDevices      = "https://www.googleapis.com/auth/admin.directory.device.mobile.action"
	scopeLicences     = "https://www.googleapis.com/auth/apps.licensing"
	scopeMail         = "https://www.googleapis.com/auth/gmail.settings.basic"
	scopeMailDelegate = "https://www.googleapis.com/auth/gmail.settings.sharing"
)

// lag is how long a list may be behind what was done: reads by id are current, lists and flags that are counted from
// elsewhere follow (unverified how late; Google names no bound).
const lag = 10 * time.Minute

var actions = []exeunt.ActionSpec{
	{
		Action: exeunt.HandOver, Title: "Hand over groups without another owner", Order: 5, Proof: exeunt.Observed, ByHand: true,
		Scopes: []string{scopeGroups, scopeMembers, scopeUser}, Settles: lag,
		Caveat: "Shared drives and calendars of the person's own are not seen: for those we would have to be allowed to read everybody's files and calendars.",
	},
	{
		Action: exeunt.RemoveRoles, Title: "Take administrator roles away", Order: 10, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes: []string{"roles"}, Scopes: []string{scopeRoles, scopeUser}, Settles: lag,
		Caveat: "Roles that come from a group end with the membership of that group.",
	},
	{
		Action: exeunt.SetAutoReply, Title: "Set the automatic reply", Order: 20, Immediate: 1, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{scopeMail, scopeUser},
		Caveat: "It answers only while the account is not suspended: mail to a suspended account bounces. It is set before the suspension also in an immediate departure. A reply that the person had is overwritten.",
	},
	{
		Action: delegateMailbox, Title: "Let the manager read the mailbox", Order: 30, Immediate: 2, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{scopeMail, scopeMailDelegate, scopeUser},
		Caveat: "It works while the account is not suspended, and where the organisational unit allows mail delegation; it is done before the suspension also in an immediate departure. What the person had sent on to other addresses ends, or it would go on while the mailbox is open. The delegate is taken back by hand.",
	},
	{
		Action: exeunt.ResetPassword, Title: "Reset password", Order: 40, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{scopeUser},
		Caveat: "The recovery address and phone are cleared as well. A single sign-on before Google asks for its own password.",
	},
	{
		Action: exeunt.ResetFactors, Title: "Invalidate backup codes and turn 2-step verification off", Order: 50, Proof: exeunt.Observed, Repeatable: true,
		Scopes: []string{scopeSecurity, scopeUser}, Settles: lag,
		Caveat: "Google refuses it once the account is suspended, when no factor lets anybody in. Where 2-step verification is enforced it stays on, with the person's keys and phones.",
	},
	{
		Action: exeunt.RevokeTokens, Title: "Remove app passwords", Order: 60, Proof: exeunt.Observed, Repeatable: true,
		Scopes: []string{scopeSecurity, scopeUser}, Settles: lag,
	},
	{
		Action: exeunt.RevokeGrants, Title: "Revoke OAuth grants", Order: 70, Proof: exeunt.Observed, Repeatable: true,
		Scopes: []string{scopeSecurity, scopeUser}, Settles: lag,
		Caveat: "Applications that the person signed in to with Google keep their own sessions until they ask Google again.",
	},
	{
		Action: exeunt.RevokeSessions, Title: "Sign out everywhere", Order: 80, Immediate: 4, Proof: exeunt.Acknowledged, Repeatable: true,
		Scopes: []string{scopeSecurity, scopeUser},
		Caveat: "Google does not tell which sessions there are. Sessions of applications behind its single sign-on go on until they ask Google again.",
	},
	{
		Action: exeunt.Disable, Title: "Suspend account", Order: 90, Immediate: 3, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes: []string{"enabled"}, Scopes: []string{scopeUser}, Settles: time.Minute,
		Caveat: "New mail and invitations to the account bounce, and its licence is still billed.",
	},
	{
		Action: exeunt.TransferData, Title: "Transfer Drive files and calendars", Order: 100, Proof: exeunt.Observed,
		Scopes: []string{scopeTransfer, scopeUser}, Settles: lag,
		Caveat: "Files in shared drives belong to nobody and stay. Rooms that the person booked are released. Transfers of the last 100 days count, whoever began them. Other applications whose data could go are named in the facts.",
	},
	{
		Action: exeunt.LockDevices, Title: "Block mobile devices", Order: 105, Proof: exeunt.Observed, Repeatable: true,
		Scopes: []string{scopeDevices, scopeUser}, Settles: lag,
		Caveat: "A blocked device gets nothing of the account any more; what is on it stays. It is approved again by hand. Company-owned devices are not in this list of Google's.",
	},
	{
		Action: wipeDevices, Title: "Wipe the account from mobile devices", Order: 110, Proof: exeunt.Observed, Repeatable: true, Destructive: true,
		Scopes: []string{scopeDevices, scopeUser}, Settles: lag,
		Caveat: "Only the account's own data goes, the rest of the device stays. A device that is off does it when it is back. Company-owned devices are not in this list of Google's.",
	},
	{
		Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 120, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes: []string{"groups"}, Scopes: []string{scopeGroups, scopeMembers, scopeUser}, Settles: lag,
		Caveat: "Membership by another group ends with that one. Dynamic groups follow their query and are named as left. A group whose only owner this was has none then.",
	},
	{
		Action: exeunt.MoveToArchive, Title: "Move to archive organisational unit", Order: 130, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes: []string{"org_unit", "listed"}, Scopes: []string{scopeUser}, Settles: time.Minute,
		Caveat: "The account is hidden in the directory as well. The unit decides which services and licences its accounts have.",
	},
	{
		Action: exeunt.ReclaimLicence, Title: "Reclaim licences", Order: 140, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes: []string{"licences"}, Scopes: []string{scopeLicences, scopeUser}, Settles: lag,
		Caveat: "Only the licences that the settings name. One that is assigned to everybody automatically comes back.",
	},
}

// Settings of a Google Workspace account.
type Settings struct {
	signin.ByServiceAccount

	Customer    string                           `json:"customer,omitempty" jsonschema_description:"The customer ID, such as C03az79cb; the delegate's own account (my_customer) when left out."`
	Match       map[exeunt.IdentifierKind]string `json:"match,omitempty" jsonschema_description:"Which of the leaver's identifiers is which attribute: email (primary or alias), employeeId (an external ID of the type organization), externalId (of any type) or id. {work_email: email, employee_id: employeeId} when left out."`
	Privileged  connector.Privileged             `json:"privileged,omitempty" jsonschema:"enum=ask,enum=act" jsonschema_description:"What happens to an account with an administrator role of which HR does not know: ask, when left out, leaves every step to a person; act ends it like any other. Steps of people whom HR flags as privileged are done, after the approval that the configuration wants."`
	Without     []exeunt.Action                  `json:"without,omitempty" jsonschema_description:"Actions that are not used here, so that their scopes need not be granted."`
	Successor   string                           `json:"successor,omitempty" jsonschema_description:"The address of who takes over files and mailbox when HR names no manager."`
	ArchiveUnit string                           `json:"archive_unit,omitempty" jsonschema_description:"The path of the organisational unit of people who left, such as /Leavers. Without it, move_to_archive is no action of the system."`
	Licences    []string                         `json:"licences,omitempty" jsonschema_description:"The licences that reclaim_licence takes away, each as product/SKU: Google-Apps/1010020020. Without any, it is no action of the system."`
	ToManager   bool                             `json:"mailbox_to_manager,omitempty" jsonschema_description:"Without it, delegate_mailbox is no action of the system. It is done as the person, as is set_auto_reply: the service account needs the Gmail scopes."`
	AutoReply   string                           `json:"auto_reply,omitempty" jsonschema_description:"What the mailbox answers: {name}, {manager} and {manager_email} stand for the leaver and the manager. Without it, set_auto_reply is no action of the system."`
	BaseURL     string                           `json:"base_url,omitempty" jsonschema_description:"Where all of Google's APIs are asked instead of googleapis.com: a gateway, or a simulation."`
}

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	if s.ServiceAccount.IsZero() || !strings.Contains(s.Delegate, "@") {
		return exeunt.Errorf(exeunt.Invalid, "give service_account, and as delegate the address of the administrator for whom it acts").In("delegate")
	}
	for identifier, attribute := range s.Match {
		if _, known := attributes[attribute]; !known || identifier == "" {
			return exeunt.Errorf(exeunt.Invalid, "match needs an identifier and one of the attributes email, employeeId, externalId and id").In("match")
		}
	}
	if err := s.Privileged.Check(); err != nil {
		return err
	}
	if err := s.checkActions(); err != nil {
		return err
	}
	if s.BaseURL != "" {
		return connector.CheckAddress("base_url", s.BaseURL)
	}
	return nil
}

// checkActions says what is wrong with the settings of single actions.
func (s Settings) checkActions() error {
	for _, action := range s.Without {
		if action == exeunt.Disable || !slices.ContainsFunc(actions, func(a exeunt.ActionSpec) bool { return a.Action == action }) {
			return exeunt.Errorf(exeunt.Invalid, "without names %q: name actions of this connector other than disable", action).In("without")
		}
	}
	if s.ArchiveUnit != "" && !strings.HasPrefix(s.ArchiveUnit, "/") {
		return exeunt.Errorf(exeunt.Invalid, "archive_unit is the full path of an organisational unit and begins with /").In("archive_unit")
	}
	for _, l := range s.Licences {
		if product, sku, ok := strings.Cut(l, "/"); !ok || product == "" || sku == "" {
			return exeunt.Errorf(exeunt.Invalid, "licences are written as product/SKU, such as Google-Apps/1010020020").In("licences")
		}
	}
	return nil
}

// Specs are the actions that the settings leave.
func (s Settings) Specs() []exeunt.ActionSpec {
	off := map[exeunt.Action]bool{
		exeunt.MoveToArchive:  s.ArchiveUnit == "",
		exeunt.ReclaimLicence: len(s.Licences) == 0,
		delegateMailbox:       !s.ToManager,
		exeunt.SetAutoReply:   s.AutoReply == "",
	}
	return slices.DeleteFunc(slices.Clone(actions), func(a exeunt.ActionSpec) bool {
		return off[a.Action] || slices.Contains(s.Without, a.Action)
	})
}

// Kind is the kind "google".
func Kind() connector.Kind { return connector.Define("google", name, actions, open) }

// tenant is one configured Google Workspace account.
type tenant struct {
	Settings
	rt http.RoundTripper

	users, security, groups, admins, transfers, devices, licences *vendorapi.Client

	signedOut    sync.Map // ids of suspended accounts that Google would not sign out (unverified whether it ever refuses)
	recent       recent
	titles       titles
	applications applications
}

func open(s Settings, rt http.RoundTripper) (connector.Connector, error) {
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "a google system needs a transport")
	}
	s.Customer = cmp.Or(s.Customer, "my_customer")
	t := &tenant{Settings: s, rt: rt}
	const host = "https://admin.googleapis.com"
	// Each part has tokens of its own: a scope that was not granted takes nothing but its part away.
	t.users = t.api(host, s.Delegate, scopeUser)
	t.security = t.api(host, s.Delegate, scopeSecurity)
	t.groups = t.api(host, s.Delegate, scopeGroups, scopeMembers)
	t.admins = t.api(host, s.Delegate, scopeRoles)
	t.transfers = t.api(host, s.Delegate, scopeTransfer)
	t.devices = t.api(host, s.Delegate, scopeDevices)
	t.licences = t.api(licensingHost, s.Delegate, scopeLicences)
	t.licences.Explain = explainLicence
	return t, nil
}

const (
	gmailHost     = "https://gmail.googleapis.com"
	licensingHost = "https://licensing.googleapis.com"
)

// api asks one of Google's hosts as somebody, with the scopes that its requests need.
func (t *tenant) api(host, as string, scopes ...string) *vendorapi.Client {
	grant := signin.Delegated{ByServiceAccount: t.ByServiceAccount, Scopes: scopes}
	grant.Delegate = as
	return &vendorapi.Client{
		Vendor: name, Base: strings.TrimRight(cmp.Or(t.BaseURL, host), "/"), Explain: explain,
		HTTP: signin.Client(t.rt, signin.Tokens(name, "", grant, t.rt)),
	}
}
