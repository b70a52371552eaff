package activedirectory

import (
	"maps"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/directory"
)

// Settings of one Active Directory domain. url names one domain controller, best the PDC emulator:
// what is written there is read back there, and reaches the others by replication.
type Settings struct {
	directory.Settings

	ArchiveOU string `json:"archive_ou,omitempty" jsonschema_description:"Where leavers' accounts go. Without it, move_to_archive is no action of the system."`
}

// Check refuses settings that cannot work.
func (s Settings) Check() error {
	if err := s.Settings.Check(); err != nil {
		return err
	}
	if s.ArchiveOU == "" {
		return nil
	}
	return directory.CheckDN("archive_ou", s.ArchiveOU)
}

// complete fills in by which attributes a domain usually knows people.
func (s Settings) complete() Settings {
	match := map[exeunt.IdentifierKind]string{
		exeunt.EmployeeID: "employeeID", exeunt.PrincipalName: "userPrincipalName",
		exeunt.WorkEmail: "mail", exeunt.Login: "sAMAccountName",
	}
	if len(s.Match) > 0 {
		match = maps.Clone(s.Match)
	}
	s.Match = match
	return s
}
