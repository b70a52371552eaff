package scim

import (
	"context"
	"maps"
	"net/http"
	"net/url"

	"github.com/exeunt/exeunt"
)

// dialect is a way of writing one attribute in a PATCH. Source of those that the RFC does not have: Microsoft, "Known issues and
// resolutions with SCIM 2.0 protocol compliance", which services were built to.
type dialect struct {
	named bool // by path, as in RFC 7644 §3.5.2.3; or in the value, which it allows, too
	text  bool // "False" for false
}

var dialects = []dialect{{named: true}, {named: false}, {named: true, text: true}}

func (d dialect) body(active bool) map[string]any {
	var value any = active
	if d.text {
		value = map[bool]string{true: "True", false: "False"}[active]
	}
	if d.named {
		return operation("replace", "active", value)
	}
	return map[string]any{"schemas": []string{patchOp}, "Operations": []any{map[string]any{"op": "replace", "value": map[string]any{"active": value}}}}
}

// speaks are the dialects to try: those that the settings leave, the one that was taken before first and alone.
func (s *service) speaks() (out []dialect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialect != nil {
		return []dialect{*s.dialect}
	}
	for _, d := range dialects {
		if s.Boolean == "" || d.text == (s.Boolean == "string") {
			out = append(out, d)
		}
	}
	return out
}

func (s *service) spoke(d dialect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dialect = &d
}

// activate sets active by PATCH, or by replacing the whole user where there is no PATCH. What a service refuses as malformed
// had no effect, so that the next dialect may be tried; whatever it answers, the look afterwards decides.
func (s *service) activate(ctx context.Context, account exeunt.Account, active bool) error {
	can, err := s.discover(ctx)
	if err != nil {
		return err
	}
	set := func(user resource) { user["active"] = s.boolean(user, active) }
	if !can.patch {
		return s.replace(ctx, account, can, set)
	}
	var first error
	for _, d := range s.speaks() {
		_, err := s.ask(ctx, http.MethodPatch, "/Users/"+url.PathEscape(account.ID), nil, d.body(active))
		switch {
		case err == nil:
			s.spoke(d)
			return nil
		case isKind(err, exeunt.Unsupported):
			return s.replace(ctx, account, can, set)
		case !isKind(err, exeunt.Invalid):
			return err
		case first == nil:
			first = err
		}
	}
	return first
}

// boolean is a truth value as the service wants it, or as it writes it itself.
func (s *service) boolean(user resource, so bool) any {
	if _, text := user["active"].(string); text && s.Boolean == "" || s.Boolean == "string" {
		return map[bool]string{true: "True", false: "False"}[so]
	}
	return so
}

// replace writes the user back with a change. PUT clears what it leaves out (RFC 7644 §3.5.1), so
// all that was read goes back, except what is read-only; If-Match keeps a change in between.
func (s *service) replace(ctx context.Context, account exeunt.Account, can features, change func(resource)) error {
	user, err := s.user(ctx, account)
	if err != nil {
		return err
	}
	body := maps.Clone(user)
	delete(body, "meta")
	delete(body, "groups")
	change(body)
	var headers []string
	if version := versionOf(user); can.etag && version != "" {
		headers = []string{"If-Match", version}
	}
	_, err = s.ask(ctx, http.MethodPut, "/Users/"+url.PathEscape(account.ID), nil, body, headers...)
	return err
}

// versionOf is what If-Match wants of a resource (RFC 7643 §3.1); "" where the service has no versions.
func versionOf(r resource) string {
	meta, _ := r["meta"].(map[string]any)
	version, _ := meta["version"].(string)
	return version
}
