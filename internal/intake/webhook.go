package intake

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// Webhook are the settings of a source of kind webhook: any HR system that can post signed JSON.
type Webhook struct {
	Signature   Signature         `json:"signature" jsonschema:"required" remedy:"say how the sender signs: scheme: standard-webhooks, or hmac-sha256 with its header" jsonschema_description:"How the sender signs."`
	EventID     string            `json:"event_id,omitempty" jsonschema_description:"CEL: the sender's id of the delivery, the same when it is sent again. It stays on record after the person's case is erased: take none that holds a person's number. When left out: the header webhook-id, else a digest of the body and its signed timestamp."`
	When        string            `json:"when,omitempty" jsonschema_description:"CEL: whether the delivery is about a departure; others are recorded and ignored. Every one when left out."`
	Rescinded   string            `json:"rescinded,omitempty" jsonschema_description:"CEL: whether the delivery takes a departure back."`
	Rehired     string            `json:"rehired,omitempty" jsonschema_description:"CEL: whether the delivery says that somebody who left works there again. One that takes a departure back and has a later hire date says so too."`
	OccurredAt  string            `json:"occurred_at,omitempty" jsonschema_description:"CEL: when the HR system says it happened (RFC 3339)."`
	Map         map[string]string `json:"map" jsonschema:"required" remedy:"map at least leaver.id, leaver.name and last_day to expressions such as body.employee.id" jsonschema_description:"What each fact is called in the delivery: {leaver.id: body.employee.id}. Values are CEL over body and headers."`
	KeepHeaders []string          `json:"keep_headers,omitempty" jsonschema_description:"Headers that expressions may read as headers[\"x-name\"], in small letters."`
	Defaults
}

// required are the targets without which nothing can be a departure; last_day may come as
// termination_date.
var required = []string{"leaver.id", "leaver.name", "last_day"}

type webhook struct {
	spec       Spec
	settings   Webhook
	fields     map[string]*expression
	eventID    *expression
	when       *expression
	rescinded  *expression
	rehired    *expression
	occurredAt *expression
}

func openWebhook(spec Spec, raw []byte) (format, []yamlfile.Problem) {
	w := &webhook{spec: spec, fields: map[string]*expression{}}
	if err := connector.DecodeSettings(raw, &w.settings); err != nil {
		return w, []yamlfile.Problem{{What: err.Error()}}
	}
	problems := append(w.settings.Signature.problems(), w.settings.Defaults.problems()...)
	use := func(into **expression, path, text string, want ...*cel.Type) {
		if text == "" {
			return
		}
		e, more := compile(path, text, want...)
		*into, problems = e, append(problems, more...)
	}
	use(&w.eventID, "event_id", w.settings.EventID, cel.StringType, cel.IntType)
	if s := w.settings.Signature; s.Scheme == "hmac-sha256" && s.Over != "timestamp.body" && w.settings.EventID == "" {
		problems = append(problems, yamlfile.Problem{Path: "event_id", Warning: true, What: "deliveries have neither an id nor a signed timestamp, so that one that says again what an earlier one said, such as a date that was cleared and set again, is taken for a repeat and ignored",
			Remedy: "give event_id, such as event_id: body.id, or let the sender sign a timestamp"})
	}
	use(&w.when, "when", w.settings.When, cel.BoolType)
	use(&w.rescinded, "rescinded", w.settings.Rescinded, cel.BoolType)
	use(&w.rehired, "rehired", w.settings.Rehired, cel.BoolType)
	use(&w.occurredAt, "occurred_at", w.settings.OccurredAt, cel.StringType, cel.TimestampType)
	for _, target := range slices.Sorted(maps.Keys(w.settings.Map)) {
		path := "map." + target
		if !isTarget(target) {
			problems = append(problems, yamlfile.Problem{Path: path, What: "nothing can be mapped to this", Remedy: "use one of " + strings.Join(targetNames(), ", ")})
			continue
		}
		var e *expression
		use(&e, path, w.settings.Map[target])
		w.fields[target] = e
	}
	return w, append(problems, w.missing()...)
}

func (w *webhook) missing() []yamlfile.Problem {
	var out []yamlfile.Problem
	for _, target := range required {
		if w.settings.Map[target] == "" && (target != "last_day" || w.settings.Map["termination_date"] == "") {
			out = append(out, yamlfile.Problem{Path: "map", What: target + " is not mapped", Remedy: "add " + target + ": body.…, the path in the HR system's delivery"})
		}
	}
	if w.settings.Map["type"] == "" && w.settings.DefaultType == "" {
		out = append(out, yamlfile.Problem{Path: "map", What: "type is not mapped and there is no default_type", Remedy: "map type, or set default_type: voluntary"})
	}
	return out
}

func (w *webhook) identifiers() []exeunt.IdentifierKind { return identifiersOf(w.settings.Map) }

func identifiersOf[V any](m map[string]V) []exeunt.IdentifierKind {
	var out []exeunt.IdentifierKind
	for _, target := range slices.Sorted(maps.Keys(m)) {
		if kind, ok := strings.CutPrefix(target, identifierPrefix); ok {
			out = append(out, exeunt.IdentifierKind(kind))
		}
	}
	return out
}

func (w *webhook) verify(h http.Header, body []byte, secret string, now time.Time) *exeunt.Error {
	return w.settings.Signature.verify(h, body, secret, now)
}

func (w *webhook) events(h http.Header, body []byte) ([]Event, *Answer) {
	parsed, err := parseJSON(body)
	if err != nil {
		return nil, malformed("the body is not JSON")
	}
	d := delivery{parsed, w.kept(h)}
	e := Event{EventID: digest(body, w.settings.Signature.signedAt(h)), Headers: d.headers}
	if id := h.Get("webhook-id"); id != "" && w.settings.Signature.Scheme == "standard-webhooks" {
		e.EventID = id // it is signed; elsewhere it would not be
	}
	if w.eventID != nil {
		id := w.eventID.value(d)
		if id == "" {
			return nil, unprocessable(missed(w.pathOf("event_id", w.eventID)))
		}
		e.EventID = id
	}
	trigger, problem := w.read(d)
	if problem != nil {
		return nil, unprocessable(problem)
	}
	e.Employee = trigger.Departure.Leaver.ID
	return []Event{e}, nil
}

func (w *webhook) kept(h http.Header) map[string]string {
	kept := map[string]string{}
	for _, name := range w.settings.KeepHeaders {
		if v := h.Get(name); v != "" {
			kept[strings.ToLower(name)] = strings.ToValidUTF8(v, "\uFFFD")
		}
	}
	return kept
}

// read maps one delivery. What is not about a departure gives the zero trigger.
func (w *webhook) read(d delivery) (exeunt.Trigger, *exeunt.Error) {
	if about, err := w.asks(w.when, d, true); err != nil || !about {
		return exeunt.Trigger{}, err
	}
	t := exeunt.Trigger{Kind: exeunt.Announced}
	for _, target := range slices.Sorted(maps.Keys(w.fields)) {
		if err := set(&t.Departure, target, w.fields[target].value(d)); err != nil {
			return t, renamed(exeunt.Errorf(exeunt.Invalid, "%s", exeunt.MessageOf(err)).In(target), w.path)
		}
	}
	if w.occurredAt != nil {
		t.OccurredAt, _ = occurred(w.occurredAt.value(d))
	}
	for _, asked := range []struct {
		whether *expression
		kind    exeunt.TriggerKind
	}{{w.rescinded, exeunt.Rescinded}, {w.rehired, exeunt.Rehired}} {
		if says, err := w.asks(asked.whether, d, false); err != nil {
			return t, err
		} else if says {
			t.Kind = asked.kind
		}
	}
	if t.Kind != exeunt.Announced {
		if t.Departure.Leaver.ID == "" {
			return t, missed(w.path("leaver.id"))
		}
		return t, nil
	}
	for _, target := range required {
		if w.empty(t.Departure, target) {
			return t, missed(w.path(target))
		}
	}
	return t, w.settings.Defaults.complete(&t.Departure, w.spec, w.path)
}

func (w *webhook) asks(e *expression, d delivery, otherwise bool) (bool, *exeunt.Error) {
	if e == nil {
		return otherwise, nil
	}
	return e.truth(d)
}

func (w *webhook) empty(d exeunt.Departure, target string) bool {
	switch target {
	case "leaver.id":
		return d.Leaver.ID == ""
	case "leaver.name":
		return d.Leaver.Name == ""
	default:
		return d.LastDay == "" && d.TerminationDate == ""
	}
}

func missed(path string) *exeunt.Error {
	return exeunt.Errorf(exeunt.Invalid, "%s is missing or empty: the HR system must send it", path).In(path)
}

// path names a target as the HR system calls it, where one place gives it.
func (w *webhook) path(target string) string {
	if target == "last_day" && w.fields[target] == nil {
		target = "termination_date"
	}
	return w.pathOf(target, w.fields[target])
}

func (w *webhook) pathOf(target string, e *expression) string {
	if e != nil {
		if path, ok := e.path(); ok {
			return path
		}
	}
	return target
}

func (w *webhook) normalise(_ context.Context, e Event) (exeunt.Trigger, error) {
	parsed, err := parseJSON(e.Body)
	if err != nil {
		return exeunt.Trigger{}, exeunt.Errorf(exeunt.Invalid, "the kept body is not JSON").Because(err)
	}
	t, problem := w.read(delivery{parsed, e.Headers})
	if problem != nil {
		return t, problem
	}
	if t.Kind == "" {
		return t, notADeparture("the delivery is not about a departure")
	}
	return t, nil
}
