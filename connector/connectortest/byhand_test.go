package connectortest

import (
	"context"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// leaves makes a vendor that leaves something to people, and its subject.
func leaves(broken func(connector.Connector) connector.Connector) (*Vendor, Subject) {
	v := NewVendor(append(Actions(), exeunt.ActionSpec{Action: exeunt.HandOver, Title: "Hand over what others depend on", Order: 5, Proof: exeunt.Observed, ByHand: true})...)
	s := subject(v, broken)
	hire := s.Hire
	account := func(l exeunt.Leaver) string {
		accounts, _ := Search(context.Background(), v.Kind("test"), nil, v, l)
		return accounts[0].ID
	}
	s.Hire = func(t testing.TB) exeunt.Leaver {
		l := hire(t)
		v.Own(account(l), "the group Sales", "the application Reports")
		return l
	}
	s.HandOver = func(_ testing.TB, l exeunt.Leaver) { v.Own(account(l)) }
	return v, s
}

func TestAVendorThatLeavesSomethingToPeopleConforms(t *testing.T) {
	_, s := leaves(nil)
	Run(t, s)
}

func TestTheSuiteCatchesWhatIsLeftToPeopleThat(t *testing.T) {
	const check = "what people do is listed and seen"
	seeing := func(change func(*exeunt.Observation)) func(connector.Connector) connector.Connector {
		return func(c connector.Connector) connector.Connector {
			return hooked{Connector: c, observe: func(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
				o, err := c.Observe(ctx, a)
				if err == nil {
					change(&o)
				}
				return o, err
			}}
		}
	}
	for name, c := range map[string]struct {
		broken func(connector.Connector) connector.Connector
		says   string
	}{
		"is not listed":    {seeing(func(o *exeunt.Observation) { delete(o.Snapshot, string(exeunt.HandOver)) }), "want what there is for people to do"},
		"is never seen":    {seeing(func(o *exeunt.Observation) { o.HandOver(exeunt.HandOver, []string{"the group Sales"}) }), "once people have done it"},
		"is there no more": {seeing(func(o *exeunt.Observation) { o.HandOver(exeunt.HandOver, nil) }), "want what there is for people to do"},
		"cannot be seen":   {seeing(func(o *exeunt.Observation) { delete(o.Standing, exeunt.HandOver) }), "gave_up"},
		"the connector does": {func(c connector.Connector) connector.Connector {
			return hooked{Connector: c, apply: func(context.Context, exeunt.Account, exeunt.Action, connector.Parameters) error { return nil }}
		}, "is applied"},
	} {
		t.Run(name, func(t *testing.T) {
			_, s := leaves(c.broken)
			if said := watch(t, check, s); !strings.Contains(said, c.says) {
				t.Errorf("the suite says %q, want %q in it", said, c.says)
			}
		})
	}
}
