package description

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// Pushed is a receiver of security event tokens at a path: RFC 8935 §2, RFC 8417 §2, and the Shared Signals Framework 1.0 §4.
type Pushed string

// Judge implements connectortest.Description.
func (path Pushed) Judge(x connectortest.Exchange) connectortest.Verdict {
	if x.URL.Path != string(path) {
		return connectortest.Verdict{}
	}
	v := connectortest.Verdict{Operations: []string{"push"}}
	for what, wrong := range map[string]bool{
		"a token is pushed by POST (RFC 8935 §2.1)":                                x.Method != http.MethodPost,
		"the body is no application/secevent+jwt (RFC 8935 §2.1)":                  media(x.Header.Get("Content-Type")) != "application/secevent+jwt",
		"it does not say that it takes application/json (RFC 8935 §2.1)":           media(x.Header.Get("Accept")) != "application/json",
		"the answer to a token that was taken is an empty 202 (RFC 8935 §2.2)":     x.Status/100 == 2 && (x.Status != http.StatusAccepted || len(x.Answer) > 0),
		"the answer to a token that was refused says err in JSON (RFC 8935 §2.3)":  x.Status == http.StatusBadRequest && !strings.Contains(string(x.Answer), `"err"`),
		"the token is no signed one of the type secevent+jwt (RFC 8417 §2.3)":      !isEvent(part(x.Body, 0)),
		"the token lacks iss, iat, jti, aud or sub_id (RFC 8417 §2.2, SSF 1.0 §4)": !hasAll(part(x.Body, 1), "iss", "iat", "jti", "aud", "sub_id"),
		"the token has exp or sub, which it must not (SSF 1.0 §4.1)":               hasAny(part(x.Body, 1), "exp", "sub"),
		"the token has not one event (SSF 1.0 §4.1)":                               events(part(x.Body, 1)) != 1,
	} {
		if wrong {
			v.Faults = append(v.Faults, what)
		}
	}
	slices.Sort(v.Faults)
	return v
}

// part is one of a compact serialisation, nil when it is none.
func part(token []byte, n int) map[string]any {
	parts := strings.Split(string(token), ".")
	if len(parts) != 3 || parts[2] == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		return nil
	}
	var out map[string]any
	_ = json.Unmarshal(raw, &out)
	return out
}

func isEvent(header map[string]any) bool {
	kind, _ := header["typ"].(string)
	alg, _ := header["alg"].(string)
	return strings.EqualFold(strings.TrimPrefix(kind, "application/"), "secevent+jwt") && alg != "" && alg != "none"
}

func hasAll(claims map[string]any, names ...string) bool {
	for _, name := range names {
		if claims[name] == nil {
			return false
		}
	}
	return true
}

func hasAny(claims map[string]any, names ...string) bool {
	for _, name := range names {
		if _, has := claims[name]; has {
			return true
		}
	}
	return false
}

func events(claims map[string]any) int {
	all, _ := claims["events"].(map[string]any)
	return len(all)
}
