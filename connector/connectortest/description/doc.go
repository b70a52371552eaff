// Package description reads what vendors say of their own APIs, and holds recorded traffic to it: requests (method, path,
// query, headers, body) and answers. It knows no connector and no fake of one, so that a misunderstanding that a connector
// shares with its fake is found all the same.
//
//   - [OpenAPI]: OpenAPI 3 (Okta, GitHub, our own descriptions of simulated systems)
//   - [Graph]: the CSDL of Microsoft Graph, as JSON (OData 4.01), with its JSON batches
//   - [Discovery]: Google's discovery documents
//   - [SCIM]: the schemas that a service provider serves (RFC 7643 §7), with the protocol of RFC 7644
//   - [Token]: the token endpoint of OAuth 2.0 (RFC 6749, RFC 7521, RFC 7523)
//   - [Pushed]: a receiver of security events (RFC 8935, Shared Signals)
//
// [Any] puts several together, such as an API and the place where its tokens come from.
package description

import (
	"encoding/json"
	"fmt"
	"mime"
	"strings"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// Any is all of some descriptions. An exchange is held to the first that knows its request.
func Any(all ...connectortest.Description) connectortest.Description { return either(all) }

type either []connectortest.Description

// Judge implements connectortest.Description.
func (all either) Judge(x connectortest.Exchange) connectortest.Verdict {
	var unknown connectortest.Verdict
	for _, d := range all {
		v := d.Judge(x)
		if len(v.Operations) > 0 {
			return v
		}
		unknown.Faults = append(unknown.Faults, v.Faults...)
	}
	return unknown
}

// media is the bare type of a body.
func media(contentType string) string {
	bare, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return contentType
	}
	return bare
}

// under cuts the path at which an API stands from an address.
func under(base, path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(base, "/"))
	return rest, ok && strings.HasPrefix(rest, "/")
}

// object reads a JSON object.
func object(raw []byte) (map[string]any, error) {
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil || out == nil {
		return nil, fmt.Errorf("is no JSON object: %.80s", raw)
	}
	return out, nil
}
