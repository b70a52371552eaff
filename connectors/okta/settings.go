package okta

import (
	"regexp"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
)

// Settings of an Okta organisation.
type Settings struct {
	BaseURL string `json:"base_url" jsonschema:"required" jsonschema_description:"The organisation, such as https://acme.okta.com: not the -admin address."`

	signin.ByClient
	signin.ByKey
	signin.ByToken

	Privileged connector.Privileged `json:"privileged,omitempty" jsonschema:"enum=ask,enum=act" jsonschema_description:"What happens to an account with an admin role of which HR does not know: ask, when left out, leaves every step to a person; act ends it like any other. Steps of people whom HR flags as privileged are done, after the approval that the configuration wants."`

	Match map[exeunt.IdentifierKind]string `json:"match,omitempty" jsonschema_description:"Which of the leaver's identifiers is which attribute of the profile: employeeNumber, email, login, or one of your own. {employee_id: employeeNumber, work_email: email, login: login} when left out."`

	UnassignApps bool `json:"unassign_apps,omitempty" jsonschema_description:"Also take the person out of applications that they were assigned to by themselves. What an application kept of them there cannot be had back."`
	Devices      bool `json:"devices,omitempty" jsonschema_description:"Also suspend the person's devices. Only with Okta Identity Engine."`
	Deactivate   bool `json:"deactivate,omitempty" jsonschema_description:"Also deactivate the account when a rule asks for it, which cannot be taken back: the person is taken out of every application."`
}

var attributeName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	if err := connector.CheckAddress("base_url", s.BaseURL); err != nil {
		return err
	}
	if s.Token.IsZero() == (s.ClientID == "" || s.PrivateKey.IsZero()) {
		return exeunt.Errorf(exeunt.Invalid, "give either client_id and private_key of a service application, or token").In("client_id")
	}
	if err := s.Privileged.Check(); err != nil {
		return err
	}
	for identifier, name := range s.Match {
		if identifier == "" || !attributeName.MatchString(name) {
			return exeunt.Errorf(exeunt.Invalid, "match needs an identifier and the name of an attribute of the profile, such as employeeNumber").In("match")
		}
	}
	return s.CheckKey()
}

// Knows lists what match names, and the others for rules to name. Okta compares without regard to capital letters.
func (s Settings) Knows() connector.Knows {
	match := s.Match
	if len(match) == 0 {
		match = map[exeunt.IdentifierKind]string{exeunt.EmployeeID: "employeeNumber", exeunt.WorkEmail: "email", exeunt.Login: "login"}
	}
	return connector.Knows{Attributes: connector.KnowsBy(match, nil, "id", "login", "email", "employeeNumber"), Any: true}
}
