package ldap

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// Settings of one LDAP directory.
type Settings struct {
	directory.Settings

	UserFilter        string   `json:"user_filter,omitempty" jsonschema_description:"Who is a person (RFC 4515); inetOrgPerson or posixAccount when left out."`
	GroupsBase        string   `json:"groups_base,omitempty" jsonschema_description:"Where groups lie; base_dn when left out."`
	GroupAttributes   []string `json:"group_attributes,omitempty" jsonschema_description:"How groups list people: member, uniqueMember, memberUid; member when left out."`
	PlaceholderMember string   `json:"placeholder_member,omitempty" jsonschema_description:"DN that takes the last member's place where the schema wants one."`
	ArchiveOU         string   `json:"archive_ou,omitempty" jsonschema_description:"Where leavers' entries go. Without it, move_to_archive is no action of the system."`
	LockAttribute     string   `json:"lock_attribute,omitempty" jsonschema:"enum=pwdAccountLockedTime,enum=nsAccountLock" jsonschema_description:"By which attribute the directory locks an account: pwdAccountLockedTime, when left out, where there is a password policy (OpenLDAP); nsAccountLock in 389 Directory Server and FreeIPA."`
	IDAttribute       string   `json:"id_attribute,omitempty" jsonschema:"enum=entryUUID,enum=nsUniqueId,enum=ipaUniqueID" jsonschema_description:"Which attribute of an entry never changes: entryUUID when left out (RFC 4530); nsUniqueId or ipaUniqueID where a server has none."`
	OwnerAttributes   []string `json:"owner_attributes,omitempty" jsonschema_description:"By which attributes entries name who answers for them: owner when left out; add memberManager in FreeIPA."`
	PrivilegedGroups  []string `json:"privileged_groups,omitempty" jsonschema_description:"DNs of the groups whose members are administrators, through other groups, too; cn=admins,cn=groups,cn=accounts,… in FreeIPA. LDAP itself knows none."`
	NoLoginShell      string   `json:"nologin_shell,omitempty" jsonschema_description:"Set as loginShell too, such as /usr/sbin/nologin."`

	Privileged connector.Privileged `json:"privileged,omitempty" jsonschema:"enum=ask,enum=act" jsonschema_description:"What happens to a member of privileged_groups of whom HR does not know: ask, when left out, leaves every step to a person; act ends it like any other. Steps of people whom HR flags as privileged are done, after the approval that the configuration wants."`
}

// byName lists the group attributes whose values are logins (RFC 2307); all others hold DNs.
var byName = map[string]bool{"memberUid": true}

// Check refuses settings that cannot work.
func (s Settings) Check() error {
	if err := s.Settings.Check(); err != nil {
		return err
	}
	s = s.complete()
	if _, err := ldap.CompileFilter(s.UserFilter); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "user_filter: %q is not an LDAP filter (RFC 4515)", s.UserFilter).In("user_filter")
	}
	if err := s.checkNames(); err != nil {
		return err
	}
	for _, choice := range []struct {
		field, value string
		of           []string
	}{
		{"lock_attribute", s.LockAttribute, []string{behera, netscape}},
		{"id_attribute", s.IDAttribute, []string{"entryUUID", "nsUniqueId", "ipaUniqueID"}},
	} {
		if !slices.Contains(choice.of, choice.value) {
			return exeunt.Errorf(exeunt.Invalid, "%s: %q is none of %s", choice.field, choice.value, strings.Join(choice.of, ", ")).In(choice.field)
		}
	}
	for _, attribute := range s.GroupAttributes {
		if attribute != "member" && attribute != "uniqueMember" && attribute != "memberUid" {
			return exeunt.Errorf(exeunt.Invalid, "group_attributes: %q is none of member, uniqueMember, memberUid", attribute).In("group_attributes")
		}
	}
	return s.Privileged.Check()
}

// checkNames refuses names that are none, of entries and of attributes.
func (s Settings) checkNames() error {
	for field, dn := range map[string]string{"groups_base": s.GroupsBase, "placeholder_member": s.PlaceholderMember, "archive_ou": s.ArchiveOU} {
		if dn == "" {
			continue
		}
		if err := directory.CheckDN(field, dn); err != nil {
			return err
		}
	}
	for _, dn := range s.PrivilegedGroups {
		if err := directory.CheckDN("privileged_groups", dn); err != nil {
			return err
		}
	}
	for _, attribute := range s.OwnerAttributes {
		if err := directory.CheckAttribute("owner_attributes", attribute); err != nil {
			return err
		}
	}
	if s.ArchiveOU != "" && !directory.Below(s.ArchiveOU, s.BaseDN) {
		return exeunt.Errorf(exeunt.Invalid, "archive_ou: it must lie below base_dn, or archived entries could not be looked at again").In("archive_ou")
	}
	return nil
}

// complete fills in what was left out.
func (s Settings) complete() Settings {
	match := map[exeunt.IdentifierKind]string{
		exeunt.EmployeeID: "employeeNumber", exeunt.WorkEmail: "mail", exeunt.Login: "uid",
	}
	if len(s.Match) > 0 {
		match = maps.Clone(s.Match)
	}
	s.Match = match
	if s.UserFilter == "" {
		s.UserFilter = "(|(objectClass=inetOrgPerson)(objectClass=posixAccount))"
	}
	if s.GroupsBase == "" {
		s.GroupsBase = s.BaseDN
	}
	if len(s.GroupAttributes) == 0 {
		s.GroupAttributes = []string{"member"}
	}
	if len(s.OwnerAttributes) == 0 {
		s.OwnerAttributes = []string{"owner"}
	}
	s.LockAttribute = cmp.Or(s.LockAttribute, behera)
	s.IDAttribute = cmp.Or(s.IDAttribute, "entryUUID")
	return s
}
