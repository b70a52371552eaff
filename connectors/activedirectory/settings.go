package activedirectory

import (
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/directory"
)

// Settings of one Active Directory domain. url names one domain controller, best the PDC emulator:
// what is written there is read back there, and reaches the others by replication.
type Settings struct {
	directory.Settings

	ArchiveOU   string   `json:"archive_ou,omitempty" jsonschema_description:"Where leavers' accounts go. Without it, move_to_archive is no action of the system."`
	Controllers []string `json:"controllers,omitempty" jsonschema_description:"Further domain controllers, reached as url is (ldaps://dc2.corp.example): disable counts only when each of them shows it."`
	SetExpiry   bool     `json:"set_expiry,omitempty" jsonschema_description:"disable sets accountExpires to its moment, too, so that an account which somebody enables again by mistake stays shut."`
	TicketHours int      `json:"ticket_hours,omitempty" jsonschema_description:"How long a Kerberos ticket lives (Maximum lifetime for user ticket in the Default Domain Policy), for the evidence; 10 is assumed when left out."`

	Privileged connector.Privileged `json:"privileged,omitempty" jsonschema:"enum=ask,enum=act" jsonschema_description:"What happens to an account with an administrator's rights of which HR does not know: ask, when left out, leaves every step to a person; act ends it like any other. Steps of people whom HR flags as privileged are done, after the approval that the configuration wants."`
}

// mostTicketHours is the most that the policy takes (Microsoft, "Maximum lifetime for user ticket").
const mostTicketHours = 99_999

// Check refuses settings that cannot work.
func (s Settings) Check() error {
	if err := s.Settings.Check(); err != nil {
		return err
	}
	for i, address := range s.Controllers {
		if err := s.at(address).Check(); err != nil {
			field := fmt.Sprintf("controllers[%d]", i)
			return exeunt.Errorf(exeunt.Invalid, "%s: write an address as in url, without start_tls where it is ldaps://: %s", field, exeunt.MessageOf(err)).In(field)
		}
		if address == s.URL {
			return exeunt.Errorf(exeunt.Invalid, "controllers: %s is the one in url; name the others", address).In("controllers")
		}
	}
	if s.TicketHours < 0 || s.TicketHours > mostTicketHours {
		return exeunt.Errorf(exeunt.Invalid, "ticket_hours: write a number of hours from 1 to %d", mostTicketHours).In("ticket_hours")
	}
	if err := s.Privileged.Check(); err != nil {
		return err
	}
	if s.ArchiveOU == "" {
		return nil
	}
	return directory.CheckDN("archive_ou", s.ArchiveOU)
}

// at is how another domain controller is reached: as the first, by its own name.
func (s Settings) at(address string) directory.Settings {
	other := s.Settings
	other.URL, other.ServerName = address, ""
	other.StartTLS = strings.HasPrefix(address, "ldap://") && s.StartTLS
	return other
}

// host is how people call a domain controller.
func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return u.Host
	}
	return address
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
