package ldap

import (
	"maps"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
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
	NoLoginShell      string   `json:"nologin_shell,omitempty" jsonschema_description:"Set as loginShell too, such as /usr/sbin/nologin."`
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
	for field, dn := range map[string]string{"groups_base": s.GroupsBase, "placeholder_member": s.PlaceholderMember, "archive_ou": s.ArchiveOU} {
		if dn == "" {
			continue
		}
		if err := directory.CheckDN(field, dn); err != nil {
			return err
		}
	}
	if s.ArchiveOU != "" && !directory.Below(s.ArchiveOU, s.BaseDN) {
		return exeunt.Errorf(exeunt.Invalid, "archive_ou: it must lie below base_dn, or archived entries could not be looked at again").In("archive_ou")
	}
	for _, attribute := range s.GroupAttributes {
		if attribute != "member" && attribute != "uniqueMember" && attribute != "memberUid" {
			return exeunt.Errorf(exeunt.Invalid, "group_attributes: %q is none of member, uniqueMember, memberUid", attribute).In("group_attributes")
		}
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
	return s
}
