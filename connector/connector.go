// Package connector is the contract between a step and a vendor.
//
// A connector knows one kind of system and has three verbs: Find, Observe, Apply. It does not
// retry, log, throttle, redact or decide: [Converge] decides, the engine retries, internal/wrap
// throttles and redacts. A new action is data (an exeunt.ActionSpec), not a new method.
//
// A new connector is done when connector/connectortest passes against a real server of its kind.
package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/exeunt/exeunt"
)

// Connector speaks to one configured system. Its methods are safe for concurrent use.
//
// Every error is an *exeunt.Error, classed as SPEC §6 has it; its message holds no secret and no
// raw reply.
type Connector interface {
	// Find returns every account that has any of the keys, with what it has of their attributes. It
	// reads only. No account is an empty list and no error; whose an account is, is not the
	// connector's to say: see [Search]. A key without a value finds nothing: it only asks to be
	// shown its attribute.
	Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error)

	// Observe says how the account stands, by a strongly consistent read by its immutable id. It
	// reads only. An account that is gone is exeunt.NotFound. It may leave out what nobody wants to
	// know now: see [Looks].
	Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error)

	// Apply does one action. It is called only after an Observe that did not find it done, and
	// again after a lost answer only when the action's spec says that it is repeatable.
	//
	// With Undo it puts back what the action took away: what the snapshot has under the spec's Takes,
	// and nothing else. That may come twice. What is gone meanwhile (a group that was deleted) is left
	// out and named in the error, after the rest is back: see [PutBack].
	Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with Parameters) error
}

// Parameters are what an action may need to know beside the account.
type Parameters struct {
	Case            exeunt.CaseID
	Leaver          exeunt.Leaver
	LastDay         exeunt.Date
	TerminationDate exeunt.Date
	Step            string             // the key of the step, of the case
	IdempotencyKey  string             // the same for every attempt at the same step
	Seen            exeunt.Observation // the look that preceded this
	Begun           time.Time          // when the first attempt at the step began: whatever is older is not its doing; zero when nobody knows

	Undo     bool                // put the action back instead of doing it
	Snapshot map[string][]string // with Undo: what was there before the action was done
}

// Kind is one kind of system: what it can do and how to open one.
type Kind struct {
	Name     string              // "ldap": the word in systems/*.yaml
	Title    string              // "LDAP directory"
	Actions  []exeunt.ActionSpec // what every system of the kind can do, unless Specs says otherwise
	Settings reflect.Type        // the type that the settings of a system decode into; its fields make the JSON Schema

	// Specs gives the actions of one configured system, where its settings decide them.
	Specs func(settings []byte) ([]exeunt.ActionSpec, error)

	// Knows says by which attributes a configured system knows people. Where it is nil, each
	// identifier is an attribute of its own name.
	Knows func(settings []byte) (Knows, error)

	// Claims are settings that no two systems of the kind may share; nil where they may share all.
	Claims func(settings []byte) []Claim

	// Open makes a connector from a system's settings (JSON). HTTP connectors must send through rt;
	// others ignore it. It does not speak to the system yet.
	Open func(settings []byte, rt http.RoundTripper) (Connector, error)
}

// Claim is the value of a setting that one system has for itself.
type Claim struct{ Setting, Value string }

// Define makes a Kind whose settings are of type S. Unknown fields in the settings are refused.
// S may have these methods, which see the decoded settings: Check() error, what is wrong with them; Specs()
// []exeunt.ActionSpec, what a system with them can do, where that is not all of actions; Knows() Knows, by what it knows people.
func Define[S any](name, title string, actions []exeunt.ActionSpec, open func(S, http.RoundTripper) (Connector, error)) Kind {
	decode := func(settings []byte) (s S, err error) {
		if err = DecodeSettings(settings, &s); err != nil {
			err = exeunt.Errorf(exeunt.Invalid, "settings of a %s system: %v", name, err)
		}
		return s, err
	}
	kind := Kind{
		Name: name, Title: title, Actions: actions, Settings: reflect.TypeFor[S](),
		Specs: func([]byte) ([]exeunt.ActionSpec, error) { return actions, nil },
		Open: func(settings []byte, rt http.RoundTripper) (Connector, error) {
			s, err := decode(settings)
			if err != nil {
				return nil, err
			}
			return open(s, rt)
		},
	}
	if _, says := any(*new(S)).(interface{ Specs() []exeunt.ActionSpec }); says {
		kind.Specs = asked(decode, func(s S) []exeunt.ActionSpec { return any(s).(interface{ Specs() []exeunt.ActionSpec }).Specs() })
	}
	if _, says := any(*new(S)).(interface{ Knows() Knows }); says {
		kind.Knows = asked(decode, func(s S) Knows { return any(s).(interface{ Knows() Knows }).Knows() })
	}
	return kind
}

// asked answers from decoded settings.
func asked[S, T any](decode func([]byte) (S, error), answer func(S) T) func([]byte) (T, error) {
	return func(settings []byte) (out T, err error) {
		s, err := decode(settings)
		if err != nil {
			return out, err
		}
		return answer(s), nil
	}
}

// DecodeSettings decodes strictly and then calls Check where the type has it.
func DecodeSettings(settings []byte, into any) error {
	if len(bytes.TrimSpace(settings)) == 0 {
		settings = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(settings))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w", err)
	}
	if c, ok := into.(interface{ Check() error }); ok {
		return c.Check()
	}
	return nil
}
