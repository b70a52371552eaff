package entra_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt/connector/connectortest"
)

func BenchmarkDeparture(b *testing.B) {
	for _, lag := range []time.Duration{0, 30 * time.Second} {
		b.Run("lag "+lag.String(), func(b *testing.B) {
			connectortest.Departures(b, lag, func(t testing.TB) connectortest.Subject {
				g := newGraph(t)
				g.page = 100 // as Graph has them
				s := g.subject(t)
				if lag > 0 {
					g.lag()
					s.Later = func(testing.TB) { g.catchUp() }
				}
				return s
			})
		})
	}
}
