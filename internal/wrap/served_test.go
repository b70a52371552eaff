package wrap_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/wrap"
)

// posting disables by so many requests.
type posting struct {
	*connectortest.Vendor
	rt     http.RoundTripper
	method string
	lost   *answers
}

func (p posting) Apply(ctx context.Context, _ exeunt.Account, _ exeunt.Action, _ connector.Parameters) error {
	for _, method := range []string{p.method, http.MethodPost} {
		r, err := http.NewRequestWithContext(ctx, method, "https://hr.example/", nil)
		if err != nil {
			return err
		}
		answer, err := p.rt.RoundTrip(r)
		if err != nil {
			return err
		}
		if answer.StatusCode == http.StatusTooManyRequests {
			return exeunt.Errorf(exeunt.Throttled, "slow down")
		}
		p.lost.status = http.StatusTooManyRequests
	}
	return nil
}

// What the transport saw decides whether an action that was refused in the end may have done something.
func TestTheTransportTellsWhetherAnythingWasDone(t *testing.T) {
	spec := exeunt.ActionSpec{Action: exeunt.Disable, Proof: exeunt.Observed, Repeatable: true}
	for _, c := range []struct {
		first  string
		status int
		want   bool
	}{
		{http.MethodPost, http.StatusTooManyRequests, true},
		{http.MethodGet, http.StatusOK, true},
		{http.MethodPost, http.StatusOK, false},
	} {
		v := connectortest.NewVendor(spec)
		account := v.Hire(connectortest.Leaver(1))
		lane := wrap.NewLane("hr", exeunt.Rate{})
		vendor := &answers{status: c.status, header: http.Header{}}
		stack := wrap.Stack(posting{v, lane.Transport(vendor), c.first, vendor}, wrap.Options{System: "hr", Lane: lane})
		out, err := connector.Converge(t.Context(), stack, connector.Aim{Account: account, Spec: spec}, func(exeunt.Observation) error { return nil })
		if err != nil || out.Refused != c.want || exeunt.KindOf(out.Err) != exeunt.Throttled {
			t.Errorf("%s answered %d, then refused: refused is %t, %+v, %v", c.first, c.status, out.Refused, out.Err, err)
		}
	}
}

// Who got no turn has sent nothing.
func TestWhoGotNoTurnHasDoneNothing(t *testing.T) {
	spec := exeunt.ActionSpec{Action: exeunt.Disable, Proof: exeunt.Observed, Repeatable: true}
	v := connectortest.NewVendor(spec)
	account := v.Hire(connectortest.Leaver(1))
	lane := wrap.NewLane("hr", exeunt.Rate{})
	out, err := connector.Converge(t.Context(), wrap.Stack(v, wrap.Options{System: "hr", Lane: lane}), connector.Aim{Account: account, Spec: spec}, func(exeunt.Observation) error {
		lane.Pause(wrap.CallTimeout)
		return nil
	})
	if err != nil || !out.Refused || v.Applied(exeunt.Disable) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}
