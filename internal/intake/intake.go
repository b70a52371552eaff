// Package intake turns what HR systems send into triggers, in two phases.
//
// [Source.Receive] is synchronous and looks at nothing but the request: signature, age, size, shape
// and the fields that a departure cannot do without. What it returns is made durable before the
// sender is answered. [Source.Normalise] comes later, in a job that may be repeated: it reads the
// employee again where the vendor's payload is thin, and maps the vendor's fields.
//
// A webhook is a hint; what the HR system says when it is asked is the fact. That makes a replayed
// or reordered delivery harmless.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// MaxBody is the largest delivery that is accepted: 1 MiB. Whoever reads the request reads one byte
// more at most.
const MaxBody = 1 << 20

// DefaultTolerance is how far a delivery's timestamp may lie from now, either way. It is the
// Standard Webhooks default, and what BambooHR leaves to the receiver.
const DefaultTolerance = 5 * time.Minute

// ErrNotADeparture says that an event is genuine and about something else. It is recorded as a
// notice and ignored. An error that wraps it is of kind NotFound; no other of [Source.Normalise] is.
var ErrNotADeparture = errors.New("not a departure")

// Event is one delivery about one person, as it is made durable before the sender is answered.
// (Source, EventID) is its identity: the same again is a replay.
type Event struct {
	Source     string            `json:"source"`
	EventID    string            `json:"event_id"`           // the sender's own, or a digest of body and signed timestamp
	Employee   string            `json:"employee,omitempty"` // the HR id, where a delivery is about several people
	Body       []byte            `json:"body"`               // as it was signed
	Headers    map[string]string `json:"headers,omitempty"`  // those that the configuration keeps; small letters
	ReceivedAt time.Time         `json:"received_at"`
}

// Encode is the event as a store keeps it: text, whatever bytes the sender sent.
func (e Event) Encode() []byte {
	b, err := json.Marshal(e)
	if err != nil {
		panic("intake: an event of strings, bytes and a time did not encode: " + err.Error())
	}
	return b
}

// DecodeEvent reads what Encode wrote.
func DecodeEvent(kept []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(kept, &e); err != nil {
		return e, exeunt.Errorf(exeunt.Invalid, "the kept event does not decode").Because(err)
	}
	return e, nil
}

// Answer is what the sender is told.
type Answer struct {
	Status  int           // 202, 400, 401, 413, 422, or 503 while the secret cannot be read
	Problem *exeunt.Error // nil for 202; Field names the HR system's own path where possible
	Signed  bool          // the signature was right, so that a refusal deserves an alert
	// Bad says what is wrong with those parts of an accepted delivery about several people that make no
	// event. The sender would repeat a refusal of the whole in vain, so they are for a person to look at.
	Bad []*exeunt.Error
}

// Accepted says whether the events are to be kept.
func (a Answer) Accepted() bool { return a.Status == http.StatusAccepted }

// Quarantine says whether the raw body is to be kept for a person to look at.
func (a Answer) Quarantine() bool {
	return a.Status == http.StatusBadRequest || a.Status == http.StatusUnprocessableEntity
}

// Spec is what every source has, whatever its kind.
type Spec struct {
	Name          string
	Kind          string // bamboohr or webhook
	Entity        string // the legal entity whose departures it announces
	Authoritative bool   // its events start and change cases; those of others are notices
	Secret        connector.Secret
	Zone          string // of the place of work, where the source does not say
	Country       string // likewise
}

// Source is one configured HR system.
type Source struct {
	Spec
	format format
}

// format is what differs between kinds of source.
type format interface {
	verify(h http.Header, body []byte, secret string, now time.Time) *exeunt.Error
	events(h http.Header, body []byte) ([]Event, *Answer) // nil when all is well
	normalise(ctx context.Context, e Event) (exeunt.Trigger, error)
	identifiers() []exeunt.IdentifierKind
}

// Kind is one kind of source and the type of its settings.
type Kind struct {
	Name     string
	Title    string
	Settings reflect.Type
}

// Kinds lists the kinds of source.
func Kinds() []Kind {
	return []Kind{
		{"bamboohr", "BambooHR webhook", reflect.TypeFor[BambooHR]()},
		{"webhook", "signed webhook of any HR system", reflect.TypeFor[Webhook]()},
	}
}

// Open makes a source from its settings (JSON). What is wrong with them comes back as problems whose
// paths lie inside the settings; the source can be used when none of them is more than a warning.
func Open(spec Spec, settings []byte, rt http.RoundTripper) (*Source, []yamlfile.Problem) {
	s := &Source{Spec: spec}
	var problems []yamlfile.Problem
	switch spec.Kind {
	case "bamboohr":
		s.format, problems = openBambooHR(spec, settings, rt)
	case "webhook":
		s.format, problems = openWebhook(spec, settings)
	default:
		problems = []yamlfile.Problem{{What: "there is no such kind of source", Remedy: "use bamboohr or webhook"}}
	}
	if spec.Secret.IsZero() {
		problems = append(problems, yamlfile.Problem{What: "the source has no secret, so that nothing it receives can be believed", Remedy: "give the signing key as secret: env:NAME"})
	}
	return s, problems
}

// Identifiers lists the identifiers that the source supplies, beside the employee id.
func (s *Source) Identifiers() []exeunt.IdentifierKind { return s.format.identifiers() }

// Receive judges one delivery. It does no I/O but reading the secret. A delivery may be about
// several people; each becomes an event of its own.
func (s *Source) Receive(h http.Header, body []byte, now time.Time) ([]Event, Answer) {
	if len(body) > MaxBody {
		return nil, refuse(http.StatusRequestEntityTooLarge, false, exeunt.Errorf(exeunt.Invalid, "the delivery is larger than 1 MiB"))
	}
	secret, err := s.Secret.Reveal()
	if err != nil || secret == "" {
		// 5xx and not 4xx: BambooHR gives a delivery up for good on 4xx.
		return nil, refuse(http.StatusServiceUnavailable, false, exeunt.Errorf(exeunt.Temporary, "the source %s cannot check signatures now: its secret cannot be read", s.Name).Because(err))
	}
	if err := s.format.verify(h, body, secret, now); err != nil {
		return nil, refuse(http.StatusUnauthorized, false, err)
	}
	if !storable(string(body)) {
		return nil, refuse(http.StatusBadRequest, true, unstorable())
	}
	events, answer := s.format.events(h, body)
	if answer == nil {
		answer = &Answer{Status: http.StatusAccepted}
	}
	answer.Signed = true
	if !answer.Accepted() {
		return nil, *answer
	}
	for i := range events {
		if !storable(events[i].EventID) {
			return nil, refuse(http.StatusBadRequest, true, unstorable())
		}
		if len(events[i].EventID) > longestID {
			return nil, refuse(http.StatusBadRequest, true, exeunt.Errorf(exeunt.Invalid, "the delivery's id has more than %d bytes: see what event_id of the source takes it from", longestID))
		}
		events[i].Source, events[i].Body, events[i].ReceivedAt = s.Name, body, now.UTC()
	}
	return events, *answer
}

// Normalise makes the trigger of an event. Its error is ErrNotADeparture for what is about something
// else, and otherwise an *exeunt.Error whose kind says whether trying again can help.
func (s *Source) Normalise(ctx context.Context, e Event) (exeunt.Trigger, error) {
	t, err := s.format.normalise(ctx, e)
	if err != nil {
		return exeunt.Trigger{}, err
	}
	t.EventID, t.Source, t.ReceivedAt = e.EventID, s.Name, e.ReceivedAt
	if t.OccurredAt.IsZero() {
		t.OccurredAt = e.ReceivedAt
	}
	t.Departure.Leaver.Entity = s.Entity
	return t, nil
}

func refuse(status int, signed bool, problem *exeunt.Error) Answer {
	return Answer{Status: status, Problem: problem, Signed: signed}
}

func malformed(format string, args ...any) *Answer {
	a := refuse(http.StatusBadRequest, true, exeunt.Errorf(exeunt.Invalid, format, args...))
	return &a
}

func unprocessable(problem *exeunt.Error) *Answer {
	a := refuse(http.StatusUnprocessableEntity, true, problem)
	return &a
}

func notADeparture(why string) error {
	return exeunt.Errorf(exeunt.NotFound, "%s", why).Because(ErrNotADeparture)
}

// longestID is how long the id of an event may be: entries and notices repeat it.
const longestID = 1 << 10

// storable says whether a database can keep a text: PostgreSQL keeps neither NUL nor what is not
// UTF-8. Source: PostgreSQL manual, "Character Types" and "Escape string constants".
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func unstorable() *exeunt.Error {
	return exeunt.Errorf(exeunt.Invalid, "the delivery holds NUL characters or is not UTF-8, so that it cannot be kept: the HR system must send clean UTF-8")
}

// digest identifies a delivery that has no id of its own, by its body and the timestamp that is
// signed with it, if any. Without the timestamp a date that is set, cleared and set again would look
// like a replay of the first setting. A sender that signs its retry anew gets it absorbed later,
// since it then says nothing new.
func digest(body []byte, signedAt string) string {
	sum := sha256.Sum256(append(slices.Clone(body), signedAt...))
	return "sha256:" + hex.EncodeToString(sum[:])
}
