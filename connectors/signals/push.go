package signals

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// push sends a token to a receiver (RFC 8935 section 2). Only 202 says that it has it: a page of a proxy is a 200, too.
func (r *receiver) push(ctx context.Context, stream exeunt.SignalStream, token string) error {
	authorization := stream.Authorization
	if r.Way == wayPush && !r.Authorization.IsZero() {
		secret, err := r.Authorization.Reveal()
		if err != nil {
			return err
		}
		authorization = secret
	}
	return Push(ctx, r.http, r.Audience, stream.Push, authorization, token)
}

// Push sends one token to an address.
func Push(ctx context.Context, client *http.Client, system, address, authorization, token string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader([]byte(token)))
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "%s: its address is none: correct it", system)
	}
	request.Header.Set("Content-Type", "application/"+typeOfEvent)
	request.Header.Set("Accept", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer, err := client.Do(request)
	if err != nil {
		return connector.Network(system, err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusAccepted:
		return nil
	case answer.StatusCode == http.StatusBadRequest:
		var said struct {
			Err string `json:"err"`
		}
		_ = json.NewDecoder(io.LimitReader(answer.Body, 4<<10)).Decode(&said) // what it does not say is no reason
		return refusal(system, said.Err)
	case answer.StatusCode == http.StatusNotFound, answer.StatusCode == http.StatusGone:
		return exeunt.Errorf(exeunt.Invalid, "%s does not listen at its address (%d): correct it there, or in the system's settings", system, answer.StatusCode)
	case answer.StatusCode < 300:
		return exeunt.Errorf(exeunt.Invalid, "%s answered %d and not 202, so that it is not known to have the message: see whether its address is that of the receiver", system, answer.StatusCode)
	}
	return connector.Status(system, answer)
}

// The reasons that a receiver may give (RFC 8935 section 2.4, RFC 8936 section 2.6, SSF 1.0 section 8.1.4.1). Other words are
// its own, and are not shown.
var reasons = []string{
	"invalid_request", "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied", "invalid_state", "jwtParse", "jwtHdr", "jwtCrypto", "jws", "jwe", "jwtAud", "jwtIss", "setType", "setParse", "setData", "dup",
}

// Reason is the reason that a receiver gave, or "another reason".
func Reason(said string) string {
	if slices.Contains(reasons, said) {
		return said
	}
	return "another reason"
}

// refusal is the error of a token that a receiver cannot use.
func refusal(system, reason string) error {
	switch Reason(reason) {
	case "authentication_failed":
		return exeunt.Errorf(exeunt.Unauthorised, "%s refused what we sign in with (authentication_failed): renew it", system)
	case "access_denied":
		return exeunt.Errorf(exeunt.Denied, "%s does not take messages from us (access_denied): let it allow this installation", system)
	default:
		return exeunt.Errorf(exeunt.Invalid, "%s cannot use the message (%s): see there whether it knows our issuer, its audience and our keys", system, Reason(reason))
	}
}

// The type of the token with which we sign in, and how long it holds: draft-parecki-oauth-global-token-revocation, as Okta's
// Universal Logout has it.
const (
	typeOfRevocation = "global-token-revocation+jwt"
	revocationSpan   = 5 * time.Minute
)

// revoke asks a receiver to end every token and session of somebody. 204 says that it began to.
func (r *receiver) revoke(ctx context.Context, of exeunt.Account) error {
	body, err := json.Marshal(map[string]any{"sub_id": r.subjectOf(of)})
	if err != nil {
		return err
	}
	authorization, err := r.signIn(ctx)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.Endpoint, bytes.NewReader(body))
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the endpoint of %s is no address: correct it", r.Audience)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", authorization)
	answer, err := r.http.Do(request)
	if err != nil {
		return connector.Network(r.Audience, err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusNoContent:
		return nil
	case http.StatusUnprocessableEntity:
		return exeunt.Errorf(exeunt.Unsupported, "%s cannot sign this person out (422): do it by hand", r.Audience)
	}
	if err := connector.Status(r.Audience, answer); err != nil {
		return err
	}
	return exeunt.Errorf(exeunt.Invalid, "%s answered %d and not 204: see whether its endpoint is that for global token revocation", r.Audience, answer.StatusCode)
}

func (r *receiver) signIn(ctx context.Context) (string, error) {
	if !r.Authorization.IsZero() {
		return r.Authorization.Reveal()
	}
	audience, err := url.Parse(r.Endpoint)
	if err != nil {
		return "", exeunt.Errorf(exeunt.Invalid, "the endpoint of %s is no address: correct it", r.Audience)
	}
	audience.RawQuery = ""
	now := time.Now()
	token, err := r.house.Sign(ctx, r.Algorithm, typeOfRevocation, map[string]any{
		"jti": newID(), "iss": r.house.Issuer(), "sub": r.ClientID, "aud": audience.String(),
		"iat": now.Unix(), "nbf": now.Add(-revocationSpan).Unix(), "exp": now.Add(revocationSpan).Unix(),
	})
	return "Bearer " + token, err
}
