// Package manual is the kind of the systems that nothing can reach: no API, or none that may be used.
// Their steps are tasks from the start; they are in the inventory all the same, so that no plan
// leaves them out.
package manual

import (
	"context"
	"net/http"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Settings are empty: there is nothing to reach.
type Settings struct{}

// Kind is "manual". It can do nothing, and every verb says so.
func Kind() connector.Kind {
	return connector.Define("manual", "By hand", nil, func(Settings, http.RoundTripper) (connector.Connector, error) {
		return byHand{}, nil
	})
}

type byHand struct{}

func (byHand) Find(context.Context, []exeunt.Key) ([]exeunt.Found, error) { return nil, no() }

func (byHand) Observe(context.Context, exeunt.Account) (exeunt.Observation, error) {
	return exeunt.Observation{}, no()
}

func (byHand) Apply(context.Context, exeunt.Account, exeunt.Action, connector.Parameters) error {
	return no()
}

func no() error {
	return exeunt.Errorf(exeunt.Unsupported, "this system has no API that we use: its owner does it by hand")
}
