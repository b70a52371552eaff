package testserver

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Authorisation is a running OAuth 2 authorisation server with a resource of its own.
type Authorisation struct {
	Token    string // its token endpoint
	Revoke   string // where a token is revoked (RFC 7009)
	Resource string // answers {"client","scope"} to a live access token, and 401 to anything else
}

// OIDCProvider starts oidc-provider, a certified authorisation server that allows client credentials, with such clients
// (RFC 7591 §2): see node/oidc.mjs. It takes an assertion once only.
func OIDCProvider(t testing.TB, clients ...map[string]any) Authorisation {
	t.Helper()
	node := need(t, Node)
	need(t, NodeModules)
	known, err := json.Marshal(clients)
	if err != nil {
		t.Fatal(err)
	}
	var base string
	run(t, recipe{
		name: "oidc-provider", stop: "TERM", within: 60 * time.Second,
		prepare: func(string) ([]string, error) {
			port, err := freePort()
			base = fmt.Sprintf("http://127.0.0.1:%d", port)
			return []string{node, filepath.Join(nodeDir(), "oidc.mjs"), strconv.Itoa(port), string(known)}, err
		},
		answers: func(ctx context.Context) error { return answersOK(ctx, base+"/.well-known/openid-configuration", "") },
	})
	return Authorisation{Token: base + "/token", Revoke: base + "/token/revocation", Resource: base + "/resource"}
}
