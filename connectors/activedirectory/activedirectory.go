// Package activedirectory ends accounts in an Active Directory domain, over LDAPS or StartTLS.
//
// An account is a user object, known by its objectGUID, and always addressed as <GUID=…>: neither a
// renaming nor a move loses it. What is done to it, in order:
//
//   - hand_over: the groups, computers, units and service accounts that name it as who answers for them are listed, for people
//   - reset_password: two random passwords, that nobody has seen, in a row
//   - disable: ACCOUNTDISABLE set by comparing and swapping userAccountControl, seen on each domain
//     controller that the settings name, and accountExpires with it where they ask for it
//   - remove_groups: out of every group of the forest that lists it, after they were recorded; a primary
//     group of its own is exchanged for Domain Users
//   - move_to_archive: into archive_ou, where one is configured
//
// In an immediate departure disable comes first: the domain resets the password of a disabled account, too.
// There is no revoke_sessions: the directory has no call for it. What that means is the caveat of
// disable, and until when Kerberos tickets may live is a fact of each look (see tickets.go).
package activedirectory

import (
	"net/http"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// accountDisable is ADS_UF_ACCOUNT_DISABLE (MS-ADTS 2.2.16).
const accountDisable = 0x2

// inChain follows groups through groups (LDAP_MATCHING_RULE_IN_CHAIN, MS-ADTS 3.1.1.3.4.4.3).
const inChain = "1.2.840.113556.1.4.1941"

// Keys of the snapshot.
const (
	takesEnabled      = "enabled"
	takesExpiry       = "account_expires" // the FILETIME that was there
	takesGroups       = "groups"
	takesPrimaryGroup = "primary_group" // its RID
	takesContainer    = "container"
)

// Kind is Active Directory.
func Kind() connector.Kind {
	return connector.Define("activedirectory", "Active Directory", Settings{SetExpiry: true, ArchiveOU: "any"}.Specs(),
		func(s Settings, _ http.RoundTripper) (connector.Connector, error) {
			return &domain{Settings: s.complete()}, nil
		})
}

// Knows are the attributes that match names, and any other that a rule names.
func (s Settings) Knows() connector.Knows {
	return connector.Knows{Attributes: connector.KnowsBy(s.complete().Match, nil), Any: true}
}

// Specs leaves out the archive where there is none.
func (s Settings) Specs() []exeunt.ActionSpec {
	specs := []exeunt.ActionSpec{
		{
			Action: exeunt.HandOver, Title: "Hand over what others depend on", Order: 5, Proof: exeunt.Observed, ByHand: true,
			Scopes: []string{"Read managedBy and manager of groups, computers, units and service accounts"},
			Caveat: "What names the person under managedBy, and service accounts that do under manager. Services and tasks that run with the person's own account are not seen.",
		},
		{
			Action: exeunt.ResetPassword, Title: "Reset password", Order: 10, Proof: exeunt.Acknowledged, Repeatable: true,
			Scopes: []string{"Reset Password on users"},
			Caveat: "A password cannot be read back; that pwdLastSet moved was seen while it was reset. It is reset twice, since a domain controller accepts the one before for a while (NTLM).",
		},
		s.disabling(),
		{
			Action: exeunt.RemoveGroups, Title: "Remove from groups", Order: 30, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
			Takes:  []string{takesGroups, takesPrimaryGroup},
			Scopes: []string{"Write Members on groups", "Write primaryGroupID on users, where it is not Domain Users"},
			Caveat: "An account must have a primary group: Domain Users stays or takes its place, and Domain Guests stays. Groups of other forests are not seen.",
		},
	}
	if s.ArchiveOU != "" {
		specs = append(specs, exeunt.ActionSpec{
			Action: exeunt.MoveToArchive, Title: "Move to archive OU", Order: 40, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
			Takes:  []string{takesContainer},
			Scopes: []string{"Create and Delete user objects in both OUs"},
			Caveat: "Out of the scope of Entra Connect, the move soft-deletes the account in the cloud.",
		})
	}
	return specs
}

// disabling is what disable does with these settings.
func (s Settings) disabling() exeunt.ActionSpec {
	spec := exeunt.ActionSpec{
		Action: exeunt.Disable, Title: "Disable account", Order: 20, Immediate: 1, Proof: exeunt.Observed, Repeatable: true, Reversible: true,
		Takes:  []string{takesEnabled},
		Scopes: []string{"Write userAccountControl on users"},
		Caveat: "Kerberos tickets that were issued before live on, for 10 h where nobody changed it: the facts say how long and until when. A connection that was bound before stays open, and a laptop off the network lets in by cached credentials. Domain controllers that the settings do not name learn of it by replication, unseen. When it is put back, the account opens with whatever password it has then, never an older one.",
	}
	if s.SetExpiry {
		spec.Takes = append(spec.Takes, takesExpiry)
		spec.Scopes = append(spec.Scopes, "Write accountExpires on users")
	}
	return spec
}

type domain struct {
	Settings
	lists directory.Lists
}
