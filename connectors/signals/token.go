package signals

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// The type of a security event token (RFC 8417 section 2.3): without it, any other token of ours could stand for one.
const typeOfEvent = "secevent+jwt"

// set is the claims of a security event token. SSF 1.0 section 4.1 forbids sub and exp.
type set struct {
	Issuer   string                     `json:"iss"`
	ID       string                     `json:"jti"`
	IssuedAt int64                      `json:"iat"`
	Audience string                     `json:"aud"`
	Cause    string                     `json:"txn,omitempty"` // the same for all that has one root
	Subject  any                        `json:"sub_id"`
	Events   map[exeunt.SignalEvent]any `json:"events"`
}

// makeToken makes the token that tells of an action. Of why somebody leaves, and that they leave at all, it says nothing.
func (r *receiver) makeToken(ctx context.Context, of exeunt.Account, action exeunt.Action, event exeunt.SignalEvent, with connector.Parameters) (exeunt.Signal, error) {
	now := time.Now().UTC()
	g := exeunt.Signal{
		ID: newID(), Receiver: r.Audience, Subject: of.ID, Case: with.Case, Step: with.Step, Attempts: with.IdempotencyKey,
		Action: action, Event: event, MadeAt: now, State: exeunt.SignalWaiting,
	}
	token, err := r.house.Sign(ctx, r.Algorithm, typeOfEvent, set{
		Issuer: r.house.Issuer(), ID: g.ID, IssuedAt: now.Unix(), Audience: r.Audience, Cause: cause(with.IdempotencyKey, with.Step),
		Subject: r.subjectOf(of), Events: map[exeunt.SignalEvent]any{event: r.payload(action, event, now)},
	})
	g.Token = token
	return g, err
}

// payload is what an event type says beside its subject. RISC has no reason for account-disabled that means that somebody
// left, so that none is given.
func (r *receiver) payload(action exeunt.Action, event exeunt.SignalEvent, now time.Time) map[string]any {
	switch event {
	case exeunt.SignalSessionRevoked:
		return caep(now, "All sessions were ended by a policy.", nil)
	case exeunt.SignalCredentialChange:
		if action == exeunt.ResetFactors {
			return caep(now, "Sign-in factors were removed by a policy.", map[string]any{"credential_type": r.FactorType, "change_type": "delete"})
		}
		return caep(now, "The password was changed by a policy.", map[string]any{"credential_type": "password", "change_type": "update"})
	default:
		return map[string]any{}
	}
}

// caep is what events of CAEP 1.0 have in common (section 2). The CAEP Interoperability Profile 1.0 wants a reason (sections 3.1
// and 3.2); that somebody leaves is none of the receiver's affairs.
func caep(now time.Time, reason string, more map[string]any) map[string]any {
	said := map[string]any{"event_timestamp": now.Unix(), "initiating_entity": "policy", "reason_admin": map[string]string{"en": reason}}
	maps.Copy(said, more)
	return said
}

// Verification makes the token by which a receiver sees that it hears (SSF 1.0 section 8.1.4).
func Verification(ctx context.Context, house House, s Settings, stream exeunt.SignalStream, state string) (exeunt.Signal, error) {
	said := map[string]any{}
	if state != "" {
		said["state"] = state
	}
	return aboutStream(ctx, house, s, stream, exeunt.SignalVerification, said)
}

func aboutStream(ctx context.Context, house House, s Settings, stream exeunt.SignalStream, event exeunt.SignalEvent, said map[string]any) (exeunt.Signal, error) {
	now := time.Now().UTC()
	g := exeunt.Signal{ID: newID(), Receiver: stream.Receiver, Attempts: newID(), Event: event, MadeAt: now, State: exeunt.SignalWaiting}
	token, err := house.Sign(ctx, s.filled().Algorithm, typeOfEvent, set{
		Issuer: house.Issuer(), ID: g.ID, IssuedAt: now.Unix(), Audience: stream.Receiver, Cause: newID(),
		Subject: map[string]string{"format": "opaque", "id": stream.ID}, Events: map[exeunt.SignalEvent]any{event: said},
	})
	g.Token = token
	return g, err
}

func newID() string { return strings.ToLower(rand.Text()) }

// cause is the same for all steps of a case, and says nothing of it: the case's handle is known to those who may see it only.
func cause(attempts, step string) string {
	handle := strings.TrimSuffix(attempts, "-"+step)
	sum := sha256.Sum256([]byte("txn\n" + handle))
	return hex.EncodeToString(sum[:12])
}

const digestPrefix = "sha256:"

// NewToken makes a secret for a receiver, and what the configuration keeps of it. The secret is random and long, so that its
// digest may lie in a repository.
func NewToken() (token, digest string) {
	token = "exr_" + rand.Text()
	return token, Digest(token)
}

// Digest is what the configuration keeps of a token.
func Digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return digestPrefix + hex.EncodeToString(sum[:])
}
