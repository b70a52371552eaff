package okta_test

import (
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
)

func BenchmarkDeparture(b *testing.B) {
	connectortest.Departures(b, 0, func(t testing.TB) connectortest.Subject { return subject(t, anOrganisation(t)) })
}
