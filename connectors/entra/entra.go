// Package entra ends accounts in Microsoft Entra ID and Microsoft 365, by Microsoft Graph v1.0.
//
// A look is one request: everything that is known of an account is asked for in one $batch, by the account's immutable id,
// so that a visit costs a round trip for each look and not one for each list. What one part of it refuses, for want of a
// permission or of a licence, is unknown and does not stand in the way of the rest.
//
// What Microsoft Graph cannot do is said where it matters, with the command that does it: members of distribution lists and
// of mail-enabled security groups, and delegates of a mailbox, are Exchange Online's.
//
// Sources: learn.microsoft.com/graph/api, v1.0; permissions and least privilege by microsoftgraph/microsoft-graph-devx-content
// (permissions.json, 2026-08); limits by concepts/throttling-limits. What is held to be so without a source that was read, or
// was never seen on a tenant, is marked unverified.
package entra

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

const (
	name        = "Entra ID" // in messages
	graphGlobal = "https://graph.microsoft.com"
	loginGlobal = "https://login.microsoftonline.com"
)

// Settings of a tenant.
type Settings struct {
	Tenant string `json:"tenant" jsonschema:"required" jsonschema_description:"The directory (tenant): its id, or a verified domain of it."`

	signin.ByClient
	signin.BySecret
	signin.ByCertificate

	GraphURL string `json:"graph_url,omitempty" jsonschema_description:"Microsoft Graph of a national cloud, such as https://graph.microsoft.us. The global one when left out."`
	LoginURL string `json:"login_url,omitempty" jsonschema_description:"Where tokens of a national cloud come from, such as https://login.microsoftonline.us. The global one when left out."`

	Match map[exeunt.IdentifierKind]string `json:"match,omitempty" jsonschema_description:"Which of the leaver's identifiers is which attribute: userPrincipalName, mail, proxyAddresses, employeeId, onPremisesImmutableId or id. {employee_id: employeeId, upn: userPrincipalName, work_email: proxyAddresses} when left out."`

	Privileged connector.Privileged `json:"privileged,omitempty" jsonschema:"enum=ask,enum=act" jsonschema_description:"What happens to an account with an administrator role of which HR does not know: ask, when left out, leaves every step to a person; act ends it like any other. Steps of people whom HR flags as privileged are done, after the approval that the configuration wants."`

	AutoReply      string `json:"auto_reply,omitempty" jsonschema_description:"What the mailbox answers from the cut-off on; {name} and {manager} are put in, as the directory has them. Without it, set_auto_reply is no action of the system."`
	SharedMailbox  bool   `json:"shared_mailbox,omitempty" jsonschema_description:"Let the mailbox outlive the account as a shared one that the manager reads. Microsoft Graph cannot make it one: it is a task with the commands of Exchange Online, which ends by itself when the mailbox is seen to be shared, and licences are reclaimed only after it. Without it, share_mailbox is no action of the system."`
	FilesToManager bool   `json:"files_to_manager,omitempty" jsonschema_description:"Give the manager that the directory names access to the OneDrive. Without it, transfer_data is no action of the system."`
}

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	switch {
	case s.Tenant == "" || strings.ContainsAny(s.Tenant, "/?# "):
		return exeunt.Errorf(exeunt.Invalid, "tenant is the id of the directory, or a domain of it").In("tenant")
	case s.ClientID == "":
		return exeunt.Errorf(exeunt.Invalid, "client_id is the application (client) id of our app registration").In("client_id")
	case s.ClientSecret.IsZero() == s.Certificate.IsZero():
		return exeunt.Errorf(exeunt.Invalid, "give either client_secret or certificate").In("client_secret")
	case !s.PrivateKey.IsZero() && s.Certificate.IsZero():
		return exeunt.Errorf(exeunt.Invalid, "private_key is the key of certificate, which is not given").In("private_key")
	}
	if err := s.Privileged.Check(); err != nil {
		return err
	}
	for field, address := range map[string]string{"graph_url": s.GraphURL, "login_url": s.LoginURL} {
		if address == "" {
			continue
		}
		if err := connector.CheckAddress(field, address); err != nil {
			return err
		}
	}
	for identifier, attribute := range s.Match {
		if _, known := attributes[attribute]; !known || identifier == "" {
			return exeunt.Errorf(exeunt.Invalid, "match needs an identifier and one of the attributes %s", strings.Join(slices.Sorted(maps.Keys(attributes)), ", ")).In("match")
		}
	}
	return nil
}

// Kind is the kind "entra".
func Kind() connector.Kind { return connector.Define("entra", "Microsoft Entra ID", actions, open) }

// Knows lists what match names, and the others for rules to name.
func (s Settings) Knows() connector.Knows {
	match := s.Match
	if len(match) == 0 {
		// proxyAddresses has every address that mail to the person may carry, the one in mail among them.
		match = map[exeunt.IdentifierKind]string{exeunt.EmployeeID: "employeeId", exeunt.PrincipalName: "userPrincipalName", exeunt.WorkEmail: "proxyAddresses"}
	}
	exact := func(name string) bool { return attributes[name].exact }
	return connector.Knows{Attributes: connector.KnowsBy(match, exact, slices.Sorted(maps.Keys(attributes))...)}
}

// tenant is one configured directory.
type tenant struct {
	Settings
	api    *vendorapi.Client
	signer signin.Signer
	wire   http.RoundTripper
}

func open(s Settings, rt http.RoundTripper) (connector.Connector, error) {
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "an entra system needs a transport")
	}
	graph, login := graphGlobal, loginGlobal
	if s.GraphURL != "" {
		graph = strings.TrimRight(s.GraphURL, "/")
	}
	if s.LoginURL != "" {
		login = strings.TrimRight(s.LoginURL, "/")
	}
	var proof signin.Proof = s.BySecret
	if !s.Certificate.IsZero() {
		proof = s.ByCertificate
	}
	// Application permissions are granted to the application as a whole, and asked for as such.
	grant := signin.ClientCredentials{ClientID: s.ClientID, Scopes: []string{graph + "/.default"}, Proof: proof}
	signer := signin.Tokens(name, login+"/"+url.PathEscape(s.Tenant)+"/oauth2/v2.0/token", grant, rt)
	return &tenant{Settings: s, signer: signer, wire: rt, api: &vendorapi.Client{
		Vendor: name, Base: graph + "/v1.0", HTTP: signin.Client(rt, signer), Explain: explain,
	}}, nil
}
