package wrap

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Redact is the last line of defence: whatever a connector says in an error or an observation, no
// configured secret and nothing that looks like a credential leaves it. An error that is not ours
// loses its words, since nobody has vouched for them.
func Redact(c connector.Connector, system string, secrets []connector.Secret) connector.Connector {
	return redactor{c, system, secrets}
}

type redactor struct {
	next    connector.Connector
	system  string
	secrets []connector.Secret
}

func (r redactor) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	found, err := r.next.Find(ctx, keys)
	return found, r.clean(err)
}

func (r redactor) List(ctx context.Context, cursor string, attributes []string) (connector.Page, error) {
	page, err := connector.List(ctx, r.next, cursor, attributes)
	return page, r.clean(err)
}

func (r redactor) Examine(ctx context.Context) ([]connector.Right, error) {
	rights, err := connector.Examine(ctx, r.next)
	if len(rights) > 0 {
		scrub := r.scrubber()
		for i := range rights {
			rights[i].Why, rights[i].Remedy = scrub(rights[i].Why), scrub(rights[i].Remedy)
		}
	}
	return rights, r.clean(err)
}

func (r redactor) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	page, err := connector.ListApplications(ctx, r.next, cursor)
	return page, r.clean(err)
}

func (r redactor) Observe(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
	seen, err := r.next.Observe(ctx, a)
	if len(seen.Facts) == 0 && len(seen.Snapshot) == 0 {
		return seen, r.clean(err)
	}
	scrub := r.scrubber()
	facts := make(map[string]string, len(seen.Facts))
	for name, value := range seen.Facts {
		facts[name] = scrub(value)
	}
	// The snapshot goes to the ledger like the facts. A value that is scrubbed there cannot be put back,
	// and the undo will say so: better than a credential in an append-only log.
	snapshot := make(map[string][]string, len(seen.Snapshot))
	for key, values := range seen.Snapshot {
		snapshot[key] = make([]string, len(values))
		for i, value := range values {
			snapshot[key][i] = scrub(value)
		}
	}
	why := make(map[exeunt.Action]string, len(seen.Why))
	for action, reason := range seen.Why {
		why[action] = scrub(reason)
	}
	seen.Facts, seen.Snapshot, seen.Why = facts, snapshot, why
	return seen, r.clean(err)
}

func (r redactor) Apply(ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	return r.clean(r.next.Apply(ctx, a, action, with))
}

func (r redactor) clean(err error) error {
	if err == nil {
		return nil
	}
	scrub := r.scrubber()
	hidden := hiddenCause{text: scrub(err.Error()), cause: err}
	own, ok := errors.AsType[*exeunt.Error](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return connector.Network(r.system, err).Because(hidden)
		}
		return exeunt.Errorf(exeunt.Internal, "%s: the connector failed in a way that it does not explain", r.system).Because(hidden)
	}
	e := *own
	e.Message, e.ByHand = scrub(e.Message), nil
	for _, item := range own.ByHand {
		e.ByHand = append(e.ByHand, scrub(item))
	}
	if cause := errors.Unwrap(own); cause != nil {
		hidden = hiddenCause{text: scrub(cause.Error()), cause: cause}
	}
	return e.Because(hidden)
}

// hiddenCause keeps errors.Is working and hands out scrubbed words only: it does not unwrap.
type hiddenCause struct {
	text  string
	cause error
}

func (h hiddenCause) Error() string        { return h.text }
func (h hiddenCause) Is(target error) bool { return errors.Is(h.cause, target) }

const removed = "[removed]"

// shapes are what credentials look like when nobody told us their value: an Authorization header, a
// JSON Web Token, a name that says what it is followed by a value, a password in an address.
var shapes = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(?i)\b(bearer|basic|ssws|negotiate)\s+[a-z0-9._~+/=-]{16,}`), "$1 " + removed},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?`), removed},
	{regexp.MustCompile(`(?i)\b([a-z_-]*(?:token|secret|password|passwd|api[_-]?key))(["']?\s*[=:]\s*["']?)[^\s"'&,;}]{6,}`), "$1$2" + removed},
	{regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]+):[^\s@/]+@`), "$1:" + removed + "@"},
}

// scrubber reads the secrets anew, as the connectors do, so that a rotated one is known too.
func (r redactor) scrubber() func(string) string {
	var known []string
	for _, s := range r.secrets {
		value, err := s.Reveal()
		if err != nil || len(value) < 4 { // shorter than that is no secret, and would riddle the text
			continue
		}
		for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
			known = append(known, form, removed)
		}
	}
	replace := strings.NewReplacer(known...)
	return func(text string) string {
		text = replace.Replace(text)
		for _, s := range shapes {
			text = s.pattern.ReplaceAllString(text, s.with)
		}
		return text
	}
}

// SecretsIn lists every reference to a secret in a system's settings (JSON), however deep.
func SecretsIn(settings []byte) []connector.Secret {
	var tree any
	if json.Unmarshal(settings, &tree) != nil {
		return nil
	}
	var found []connector.Secret
	var walk func(any)
	walk = func(node any) {
		switch n := node.(type) {
		case map[string]any:
			for _, v := range n {
				walk(v)
			}
		case []any:
			for _, v := range n {
				walk(v)
			}
		case string:
			if s, err := connector.NewSecret(n); err == nil {
				found = append(found, s)
			}
		}
	}
	walk(tree)
	return found
}
