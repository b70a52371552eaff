package scim_test

import (
	"fmt"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/scim"
	"github.com/exeunt/exeunt/internal/testserver"
)

// BenchmarkDeparture ends people of a real service, who are in two groups of many.
func BenchmarkDeparture(b *testing.B) {
	connectortest.Departures(b, 0, func(t testing.TB) connectortest.Subject {
		h := &house{SCIM: testserver.Scimmy(t)}
		t.Setenv("SCIM_TOKEN", h.Token)
		return connectortest.Subject{Kind: scim.Kind(), Settings: fmt.Appendf(nil, `{"base_url":%q,"token":"env:SCIM_TOKEN"}`, h.URL), Hire: h.hire}
	})
}
