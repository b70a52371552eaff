package description

import (
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// Token is the token endpoint at a path: RFC 6749 §2.3.1, §3.2, §4.4, §5.1 and §5.2, with the assertions of RFC 7521 §4.
type Token string

const (
	bearerAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" //nolint:gosec // the name of a kind
	grantByJWT      = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// Judge implements connectortest.Description.
func (path Token) Judge(x connectortest.Exchange) connectortest.Verdict {
	if x.URL.Path != string(path) {
		return connectortest.Verdict{}
	}
	v := connectortest.Verdict{Operations: []string{"token"}}
	wrong := func(what string) { v.Faults = append(v.Faults, what) }
	form, err := url.ParseQuery(string(x.Body))
	if x.Method != "POST" || x.URL.RawQuery != "" || err != nil || media(x.Header.Get("Content-Type")) != "application/x-www-form-urlencoded" {
		wrong("a token is asked for by POST, with a form in the body and nothing in the query (RFC 6749 §3.2)")
	}
	for name, values := range form {
		if len(values) != 1 {
			wrong(name + " is there twice (RFC 6749 §3.2)")
		}
	}
	for _, fault := range grantFaults(form, strings.HasPrefix(x.Header.Get("Authorization"), "Basic ")) {
		wrong(fault)
	}
	v.Faults = append(v.Faults, tokenFaults(x)...)
	return v
}

func grantFaults(form url.Values, basic bool) []string {
	var faults []string
	ways := 0
	for _, way := range []bool{basic, form.Has("client_secret"), form.Has("client_assertion")} {
		if way {
			ways++
		}
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		if ways != 1 {
			faults = append(faults, "a client says who it is in one way, and no other (RFC 6749 §2.3)")
		}
	case grantByJWT:
		if !form.Has("assertion") {
			faults = append(faults, "the grant has no assertion (RFC 7521 §4.1)")
		}
	default:
		faults = append(faults, "the grant "+form.Get("grant_type")+" is not one that we describe")
	}
	if form.Has("client_assertion") && form.Get("client_assertion_type") != bearerAssertion {
		faults = append(faults, "the assertion does not say its type (RFC 7523 §2.2)")
	}
	return faults
}

// refusals are the codes of RFC 6749 §5.2.
var refusals = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}

func tokenFaults(x connectortest.Exchange) []string {
	if x.Status == 0 || x.Status >= 500 || x.Status == 429 {
		return nil
	}
	body, err := object(x.Answer)
	if err != nil || media(x.AnswerHeader.Get("Content-Type")) != "application/json" {
		return []string{"the answer is no JSON (RFC 6749 §5)"}
	}
	if x.Status != 200 {
		if code, _ := body["error"].(string); !slices.Contains(refusals, code) {
			return []string{"the answer has no error code of RFC 6749 §5.2"}
		}
		return nil
	}
	kind, _ := body["token_type"].(string)
	token, _ := body["access_token"].(string)
	if kind == "" || token == "" {
		return []string{"the answer lacks access_token or token_type (RFC 6749 §5.1)"}
	}
	return nil
}
