package signals

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// The ways in which a receiver is told.
const (
	wayStream     = "stream"
	wayPush       = "push"
	wayRevocation = "global-token-revocation"
)

// Settings of a receiver of signals.
type Settings struct {
	Way      string `json:"way,omitempty" jsonschema:"enum=stream,enum=push,enum=global-token-revocation" jsonschema_description:"How it is told: stream when it makes its own stream here (Shared Signals Framework), push when it only takes security event tokens at an address, global-token-revocation when it has that endpoint. stream when left out."`
	Audience string `json:"audience" jsonschema:"required" jsonschema_description:"What the receiver calls itself, which no other system may: the aud of its tokens, such as https://app.example."`

	Tokens []string `json:"tokens,omitempty" jsonschema_description:"For stream: by which the receiver signs in here (as client_secret, or as it is), each as sha256: and 64 digits. exeunt signals token makes one. Two while it is changed."`
	PushTo []string `json:"push_to,omitempty" jsonschema_description:"For stream: the hosts to which the receiver may have its tokens sent. It has to poll when left out."`

	Endpoint      string           `json:"endpoint,omitempty" jsonschema_description:"For push and global-token-revocation: where it listens. Only https, except on this machine."`
	Authorization connector.Secret `json:"authorization,omitzero" jsonschema_description:"For push and global-token-revocation: the whole Authorization header. Without one, a revocation is signed in by a token of our own (draft-parecki-oauth-global-token-revocation)."`
	ClientID      string           `json:"client_id,omitempty" jsonschema_description:"For global-token-revocation without authorization: the sub of our token, by which the receiver knows this installation."`

	Subject       string   `json:"subject,omitempty" jsonschema:"enum=email,enum=iss_sub,enum=opaque" jsonschema_description:"How people are named (RFC 9493): email, iss_sub with the subject of their sign-on, or opaque with whatever id the receiver has for them. email when left out."`
	SubjectIssuer string   `json:"subject_issuer,omitempty" jsonschema_description:"For iss_sub: the issuer, such as https://acme.okta.com."`
	Identifier    string   `json:"identifier,omitempty" jsonschema_description:"Which of the leaver's identifiers that is. That of the system when left out."`
	Subjects      string   `json:"subjects,omitempty" jsonschema:"enum=all,enum=added" jsonschema_description:"For stream: whom it hears of: all but those that it has taken out, or only those that it has added. all when left out."`
	Events        []string `json:"events,omitempty" jsonschema_description:"What it is told: account-disabled, session-revoked, credential-change. The first two when left out."`
	FactorType    string   `json:"factor_type,omitempty" jsonschema_description:"The credential_type of a credential-change about factors. app when left out."`
	Algorithm     string   `json:"algorithm,omitempty" jsonschema:"enum=RS256,enum=ES256" jsonschema_description:"How tokens are signed. RS256 when left out, which every receiver has to understand."`
}

// filled is the settings with what they leave out.
func (s Settings) filled() Settings {
	fill := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	fill(&s.Way, wayStream)
	fill(&s.Subject, "email")
	fill(&s.Subjects, "all")
	fill(&s.Algorithm, "RS256") // CAEP Interoperability Profile 1.0, section 2.6
	fill(&s.FactorType, "app")
	if s.Subject == "email" {
		fill(&s.Identifier, string(exeunt.WorkEmail))
	}
	fill(&s.Identifier, string(exeunt.EmployeeID))
	if len(s.Events) == 0 {
		s.Events = []string{exeunt.SignalAccountDisabled.Short(), exeunt.SignalSessionRevoked.Short()}
	}
	return s
}

func invalid(field, format string, args ...any) error {
	return exeunt.Errorf(exeunt.Invalid, format, args...).In(field)
}

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	s = s.filled()
	for _, c := range []struct {
		field, value string
		of           []string
	}{
		{"way", s.Way, []string{wayStream, wayPush, wayRevocation}}, {"subject", s.Subject, []string{"email", "iss_sub", "opaque"}},
		{"subjects", s.Subjects, []string{"all", "added"}}, {"algorithm", s.Algorithm, []string{"RS256", "ES256"}},
	} {
		if !slices.Contains(c.of, c.value) {
			return invalid(c.field, "%s is %q: write one of %s", c.field, c.value, strings.Join(c.of, ", "))
		}
	}
	if s.Audience == "" {
		return invalid("audience", "audience is missing: write what the receiver calls itself")
	}
	if s.Subject == "iss_sub" && s.SubjectIssuer == "" {
		return invalid("subject_issuer", "subject_issuer is missing: a subject means nothing without its issuer")
	}
	for _, e := range s.Events {
		if _, known := eventsOf[e]; !known {
			return invalid("events", "events has %q: write account-disabled, session-revoked or credential-change", e)
		}
	}
	if s.Way == wayStream {
		return s.checkStream()
	}
	return s.checkEndpoint()
}

func (s Settings) checkStream() error {
	switch {
	case s.Endpoint != "" || !s.Authorization.IsZero() || s.ClientID != "":
		return invalid("endpoint", "endpoint, authorization and client_id are the receiver's own to say where it makes its stream: leave them out, or set way")
	case len(s.Tokens) == 0:
		return invalid("tokens", "tokens is missing: make one with exeunt signals token, and give the receiver the token and this file its digest")
	}
	for _, t := range s.Tokens {
		if digits, ok := strings.CutPrefix(t, digestPrefix); !ok || len(digits) != 64 || strings.Trim(digits, "0123456789abcdef") != "" {
			return invalid("tokens", "tokens has something that is no digest: write sha256: and 64 digits, as exeunt signals token prints, and never the token itself")
		}
	}
	for _, host := range s.PushTo {
		if u, err := url.Parse("https://" + host); err != nil || u.Host != host || u.Hostname() == "" {
			return invalid("push_to", "push_to has %q, which is no host: write app.example, or app.example:8443", host)
		}
	}
	return nil
}

func (s Settings) checkEndpoint() error {
	switch {
	case len(s.Tokens) > 0 || len(s.PushTo) > 0 || s.Subjects != "all":
		return invalid("tokens", "tokens, push_to and subjects are for receivers that make their own stream: leave them out")
	case !safe(s.Endpoint):
		return invalid("endpoint", "endpoint is no address of a receiver: write https://host/path, without credentials")
	case s.Way == wayPush && s.ClientID != "":
		return invalid("client_id", "client_id is for global-token-revocation only")
	case s.Way == wayRevocation && s.Authorization.IsZero() && s.ClientID == "":
		return invalid("client_id", "give client_id, for a token that we sign, or authorization")
	}
	return nil
}

// safe says whether something may be sent to an address: what is sent there says who leaves.
func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}

// MayPush says whether a receiver may have its tokens sent to an address: one that it does not own would let it make this
// server call others in its stead.
func (s Settings) MayPush(address string) bool {
	u, err := url.Parse(address)
	return err == nil && safe(address) && slices.Contains(s.PushTo, u.Host)
}

// EventsSupported are the events that the receiver can be told.
func (s Settings) EventsSupported() []exeunt.SignalEvent {
	var out []exeunt.SignalEvent
	for _, name := range s.filled().Events {
		out = append(out, eventsOf[name]...)
	}
	return out
}

// eventsOf are the types of event by their setting. What was disabled can be enabled again.
var eventsOf = map[string][]exeunt.SignalEvent{
	"account-disabled":  {exeunt.SignalAccountDisabled, exeunt.SignalAccountEnabled},
	"session-revoked":   {exeunt.SignalSessionRevoked},
	"credential-change": {exeunt.SignalCredentialChange},
}

// Specs are the actions of a receiver.
func (s Settings) Specs() []exeunt.ActionSpec {
	s = s.filled()
	if s.Way == wayRevocation {
		return []exeunt.ActionSpec{{
			Action: exeunt.RevokeSessions, Scopes: []string{"global token revocation"}, Title: "Ask to revoke every token and session", Order: 40, Proof: exeunt.Acknowledged, Repeatable: true,
			Caveat: "The receiver says that it began; access tokens that it does not look up live until they expire.",
		}}
	}
	var out []exeunt.ActionSpec
	for _, spec := range actions {
		if slices.Contains(s.Events, settingOf[spec.Action]) {
			out = append(out, spec)
		}
	}
	return out
}

var settingOf = map[exeunt.Action]string{
	exeunt.ResetFactors: "credential-change", exeunt.ResetPassword: "credential-change",
	exeunt.Disable: "account-disabled", exeunt.RevokeSessions: "session-revoked",
}

const heard = "The receiver says that it has the message; what it does then cannot be read back."

// The account comes before its sessions: who is thrown out would sign in again.
var actions = []exeunt.ActionSpec{
	{Action: exeunt.ResetFactors, Scopes: []string{"credential-change"}, Title: "Tell that sign-in factors are removed", Order: 10, Proof: exeunt.Acknowledged, Repeatable: true, Caveat: heard},
	{Action: exeunt.ResetPassword, Scopes: []string{"credential-change"}, Title: "Tell that the password is changed", Order: 20, Proof: exeunt.Acknowledged, Repeatable: true, Caveat: heard},
	{
		Action: exeunt.Disable, Scopes: []string{"account-disabled", "account-enabled"}, Title: "Tell that the account is disabled", Order: 30, Proof: exeunt.Acknowledged, Repeatable: true, Reversible: true,
		Takes: []string{account}, Caveat: heard,
	},
	{Action: exeunt.RevokeSessions, Scopes: []string{"session-revoked"}, Title: "Tell that every session is revoked", Order: 40, Proof: exeunt.Acknowledged, Repeatable: true, Caveat: heard},
}

const account = "account" // the key of the snapshot: what the receiver is told back
