package app

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

// figure is a gauge of one system; NaN when there is none.
func figure(t *testing.T, a *App, name, system string) float64 {
	t.Helper()
	families, err := a.metrics.registry(a).Gather()
	must(t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == system {
				return m.GetGauge().GetValue()
			}
		}
	}
	return math.NaN()
}

// A vendor that is down is no fault of this server's: it stays in service, and says what is down.
func TestADeadVendorIsMeasuredAndTheServerStaysReady(t *testing.T) {
	a := started(t)
	defer a.Stop()
	if got := figure(t, a, "exeunt_breaker_open", "doors"); got != 0 {
		t.Errorf("while it answers: %v", got)
	}
	closed := exeunt.Breaker{System: "doors"}
	open := closed.After(exeunt.Errorf(exeunt.Unauthorised, "renew the token"), time.Now())
	must(t, a.Store.KeepBreaker(t.Context(), open, open.Tell(closed, exeunt.System{Name: "doors"}, exeunt.Person{}, time.Now())))
	if got := figure(t, a, "exeunt_breaker_open", "doors"); got != 1 {
		t.Errorf("while it is left alone: %v", got)
	}
	answer, err := http.Get(a.URL() + "/readyz")
	must(t, err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the server is taken out of service: %s", answer.Status)
	}
	for _, name := range []string{"exeunt_lane_waiting", "exeunt_lane_oldest_seconds"} {
		if got := figure(t, a, name, "doors"); got != 0 {
			t.Errorf("%s of an empty line: %v", name, got)
		}
	}
	commands, ida := a.commands(exeunt.Viewer{Email: "ida@acme.example"}), exeunt.Override{By: "Ida Novak"}
	must(t, commands.TryNow(t.Context(), "doors", ida))
	if err := commands.TryNow(t.Context(), "windows", ida); exeunt.KindOf(err) != exeunt.NotFound || !strings.Contains(err.Error(), "windows") {
		t.Errorf("a system that is not there: %v", err)
	}
}
