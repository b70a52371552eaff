package google_test

import (
	"testing"
	"time"

	"github.com/exeunt/exeunt/connector/connectortest"
)

func BenchmarkDeparture(b *testing.B) {
	for _, lag := range []time.Duration{0, 30 * time.Second} {
		b.Run("lag "+lag.String(), func(b *testing.B) {
			connectortest.Departures(b, lag, func(t testing.TB) connectortest.Subject {
				w := newWorkspace(t)
				w.lagging = lag > 0
				return w.subject(t, all)
			})
		})
	}
}
