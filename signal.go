package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SignalEvent is what a security event token says, by the address of its type.
type SignalEvent string

// The events that are told: CAEP 1.0 section 3, RISC 1.0 section 2, SSF 1.0 section 8.1.4.
const (
	SignalSessionRevoked   SignalEvent = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
	SignalCredentialChange SignalEvent = "https://schemas.openid.net/secevent/caep/event-type/credential-change" //nolint:gosec // a name
	SignalAccountDisabled  SignalEvent = "https://schemas.openid.net/secevent/risc/event-type/account-disabled"
	SignalAccountEnabled   SignalEvent = "https://schemas.openid.net/secevent/risc/event-type/account-enabled"
	SignalVerification     SignalEvent = "https://schemas.openid.net/secevent/ssf/event-type/verification"
)

// Short is the last word of its address: "session-revoked".
func (e SignalEvent) Short() string { return string(e)[strings.LastIndex(string(e), "/")+1:] }

// SignalState says how far a security event token is.
type SignalState string

// The states of a token.
const (
	SignalWaiting   SignalState = "waiting"   // to be delivered
	SignalDelivered SignalState = "delivered" // the receiver said that it has it
	SignalRefused   SignalState = "refused"   // the receiver said that it cannot use it
	SignalTold      SignalState = "told"      // likewise, and the step has failed of it: another attempt makes another token
	SignalWithdrawn SignalState = "withdrawn" // its step was cancelled or waived before the receiver had it
)

// Signal is a security event token (RFC 8417) for one receiver. It is made once for all attempts, so that whoever gets it twice
// sees by its ID that it is the same.
type Signal struct {
	ID       string      `json:"id"` // jti
	Receiver string      `json:"receiver"`
	Subject  string      `json:"subject"`           // whom it is about, as an account is called by the receiver
	Case     CaseID      `json:"case,omitempty"`    // none of what is about the stream itself
	Step     string      `json:"step,omitempty"`    // the key of the step that tells it
	Attempts string      `json:"attempts"`          // what all attempts at it have in common
	Action   Action      `json:"action,omitempty"`  //
	Event    SignalEvent `json:"event"`             //
	MadeAt   time.Time   `json:"made_at"`           //
	Token    string      `json:"-"`                 // signed; gone once it is delivered
	State    SignalState `json:"state"`             //
	Reason   string      `json:"reason,omitempty"`  // why the receiver refused it, in the words of RFC 8935
	EndedAt  time.Time   `json:"ended_at,omitzero"` // delivered or refused
}

// StreamStatus says whether a receiver wants to hear anything now (SSF 1.0 section 8.1.2).
type StreamStatus string

// The statuses. What happens while a stream is paused is kept for it, and what happens while it is disabled is not.
const (
	StreamEnabled  StreamStatus = "enabled"
	StreamPaused   StreamStatus = "paused"
	StreamDisabled StreamStatus = "disabled"
)

// SignalStream is how one receiver wants to be told: it makes and changes that itself.
type SignalStream struct {
	ID            string        `json:"id"`
	Version       int64         `json:"version"`
	Receiver      string        `json:"receiver"`       // the audience of its tokens
	Push          string        `json:"push,omitempty"` // where tokens are sent; it polls when empty
	Authorization string        `json:"-"`              // a secret of the receiver's: sent with each token
	Events        []SignalEvent `json:"events"`         // that it asked for
	Description   string        `json:"description,omitempty"`
	Status        StreamStatus  `json:"status"`
	Reason        string        `json:"reason,omitempty"` // why it is paused or disabled, in the receiver's words
	MadeAt        time.Time     `json:"made_at"`
	ChangedAt     time.Time     `json:"changed_at"`
	VerifiedAt    time.Time     `json:"verified_at,omitzero"` // when a verification was last asked for
}

// Method is how its tokens reach the receiver, as people read it.
func (s SignalStream) Method() string {
	if s.Push == "" {
		return "poll"
	}
	return "push"
}

// Wants says whether the receiver asked for an event.
func (s SignalStream) Wants(e SignalEvent) bool { return slices.Contains(s.Events, e) }

// Refuses says why an event cannot be told to the receiver at all; nil when it can, now or once the stream is enabled again.
func (s SignalStream) Refuses(e SignalEvent) error {
	switch {
	case s.Status == StreamDisabled:
		return Errorf(Unsupported, "the receiver has disabled its stream%s, so that it hears nothing: enable it there, and do by hand what it missed", because(s.Reason))
	case !s.Wants(e):
		return Errorf(Unsupported, "the receiver's stream does not ask for %s: let it ask, or take the event out of the system's settings", e.Short())
	}
	return nil
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + shorten(reason, 200) + ")"
}

// Make is the change by which a receiver begins to listen.
func (s SignalStream) Make(of System, now time.Time) Change {
	var change Change
	change.RecordBy(s.actor(), EntryStream, nil, now, fmt.Sprintf("%s listens: its stream was made", of.title()), s.detail())
	change.Entries[0].System = of.Name
	return change
}

// Become is the change by which a receiver alters its stream. Who wants to hear less than before is told of to the
// system's owner and to the operator: from then on people who leave stay signed in there.
func (s SignalStream) Become(next SignalStream, of System, operator Person, now time.Time) (SignalStream, Change) {
	next.ID, next.Receiver, next.Version, next.MadeAt, next.ChangedAt, next.VerifiedAt = s.ID, s.Receiver, s.Version, s.MadeAt, now.UTC(), s.VerifiedAt
	what := "its stream was changed"
	if next.Status != s.Status {
		what = fmt.Sprintf("its stream is %s%s", next.Status, because(next.Reason))
	}
	var change Change
	change.RecordBy(s.actor(), EntryStream, nil, now, of.title()+": "+what, next.detail())
	change.Entries[0].System = of.Name
	lost := slices.ContainsFunc(s.Events, func(e SignalEvent) bool { return !next.Wants(e) })
	if next.Status != s.Status && next.Status != StreamEnabled || lost {
		change.alertOf(of, operator, fmt.Sprintf("%s hears less than before: %s. Who leaves stays signed in there until somebody ends that by hand.", of.title(), what), now)
	}
	return next, change
}

// End is the change by which a receiver stops listening for good.
func (s SignalStream) End(of System, operator Person, now time.Time) Change {
	var change Change
	what := of.title() + " listens no more: its stream was deleted"
	change.RecordBy(s.actor(), EntryStream, nil, now, what, s.detail())
	change.Entries[0].System = of.Name
	change.alertOf(of, operator, what+". Who leaves stays signed in there until somebody ends that by hand.", now)
	return change
}

// alertOf tells the owner of a system and the operator, once an hour: the receiver may change its mind as often as it likes.
func (c *Change) alertOf(of System, operator Person, what string, now time.Time) {
	for _, to := range uniquePeople(of.Owner, operator) {
		c.Notices = append(c.Notices, Notice{Kind: NoticeAlert, To: to, Text: what, Dedup: fmt.Sprintf("stream:%s:%s", of.Name, now.UTC().Format("2006-01-02 15h"))})
	}
}

func (s SignalStream) actor() string { return "receiver " + s.Receiver }

// detail is what the record keeps of a stream: where it goes to, and not what it is sent with.
func (s SignalStream) detail() map[string]string {
	var events []string
	for _, e := range s.Events {
		events = append(events, e.Short())
	}
	return map[string]string{"stream": s.ID, "receiver": s.Receiver, "delivery": s.Method(), "push_to": s.Push, "events": strings.Join(events, " "), "status": string(s.Status)}
}

// title is what people call a system.
func (s System) title() string { return cmp.Or(s.Title, s.Name) }

// SignalKey signs security event tokens. Private is for whoever signs; everybody else gets the public half.
type SignalKey struct {
	ID        string    `json:"id"` // kid
	Algorithm string    `json:"algorithm"`
	Private   string    `json:"-"` // JSON Web Key (RFC 7517)
	MadeAt    time.Time `json:"made_at"`
	SignsAt   time.Time `json:"signs_at"`         // receivers know it before that
	EndsAt    time.Time `json:"ends_at,omitzero"` // receivers may forget it; zero while it signs
}

// How long keys overlap. Receivers keep what they read of the key set, and tokens wait for whoever polls.
const (
	SignalKeyAhead = 24 * time.Hour
	SignalKeyAfter = 14 * 24 * time.Hour
)

// Follow makes a key the successor of those of its algorithm: it signs once receivers had the time to read it, or at once
// where the key before may be known to somebody.
func (k SignalKey) Follow(before []SignalKey, atOnce bool, by Override, now time.Time) (next SignalKey, ending []SignalKey, change Change) {
	k.MadeAt, k.SignsAt = now.UTC(), now.UTC().Add(SignalKeyAhead)
	if atOnce || !slices.ContainsFunc(before, func(old SignalKey) bool { return old.Algorithm == k.Algorithm }) {
		k.SignsAt = k.MadeAt
	}
	for _, old := range before {
		switch {
		case old.Algorithm != k.Algorithm:
			continue
		case atOnce:
			old.EndsAt = k.MadeAt
		case !old.EndsAt.IsZero():
			continue
		default:
			old.EndsAt = k.SignsAt.Add(SignalKeyAfter)
		}
		ending = append(ending, old)
	}
	detail := by.detail()
	detail["key"], detail["algorithm"], detail["signs_at"] = k.ID, k.Algorithm, k.SignsAt.Format(time.RFC3339)
	change.Record(EntrySignalKey, nil, now, fmt.Sprintf("security event tokens are signed with another key (%s) from %s on", k.Algorithm, k.SignsAt.Format(time.RFC3339)), detail)
	return k, ending, change
}

// ForgetSealed is the change by which what nobody can open any more is taken away: the keys that sign security event tokens, and
// what receivers want to have sent with them.
func ForgetSealed(by Override, now time.Time) Change {
	var change Change
	change.Record(EntrySignalKey, nil, now, "the sealing key is lost: every key for security event tokens was forgotten, and what receivers want to have sent with them", by.detail())
	return change
}

// Signing is the key of an algorithm that signs at a moment; one without ID when there is none.
func Signing(keys []SignalKey, algorithm string, now time.Time) SignalKey {
	var best SignalKey
	for _, k := range keys {
		if k.Algorithm == algorithm && !k.SignsAt.After(now) && (k.EndsAt.IsZero() || k.EndsAt.After(now)) && (best.ID == "" || k.SignsAt.After(best.SignsAt)) {
			best = k
		}
	}
	return best
}
