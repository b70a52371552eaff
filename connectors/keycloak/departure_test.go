package keycloak_test

import (
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connectors/keycloak"
)

func BenchmarkDeparture(b *testing.B) {
	connectortest.Departures(b, 0, func(t testing.TB) connectortest.Subject {
		secrets(t)
		h, address := newHouse(t)
		return connectortest.Subject{Kind: keycloak.Kind(), Settings: settings(address, "KEYCLOAK_SECRET"), Hire: h.hire}
	})
}
