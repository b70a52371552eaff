package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// witness counts what is applied and fails the test when an error is not of ours, or when a secret is
// in anything that would be recorded.
type witness struct {
	connector.Connector
	t       testing.TB
	secrets []string
	applied atomic.Int64
}

func (w *witness) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	accounts, err := w.Connector.Find(ctx, keys)
	w.inspect("Find", accounts, err)
	return accounts, err
}

func (w *witness) List(ctx context.Context, cursor string, attributes []string) (connector.Page, error) {
	page, err := connector.List(ctx, w.Connector, cursor, attributes)
	w.inspect("List", page, err)
	return page, err
}

func (w *witness) Examine(ctx context.Context) ([]connector.Right, error) {
	rights, err := connector.Examine(ctx, w.Connector)
	w.inspect("Examine", rights, err)
	return rights, err
}

func (w *witness) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	page, err := connector.ListApplications(ctx, w.Connector, cursor)
	w.inspect("Applications", page, err)
	return page, err
}

func (w *witness) Observe(ctx context.Context, account exeunt.Account) (exeunt.Observation, error) {
	o, err := w.Connector.Observe(ctx, account)
	w.inspect("Observe", o, err)
	if err == nil && o.At.IsZero() {
		w.t.Error("Observe gives a look without its moment")
	}
	return o, err
}

func (w *witness) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	w.applied.Add(1)
	err := w.Connector.Apply(ctx, account, action, with)
	w.inspect("Apply", nil, err)
	return err
}

func (w *witness) inspect(verb string, value any, err error) {
	text, _ := json.Marshal(value)
	said := string(text)
	if err != nil {
		if _, ok := err.(*exeunt.Error); !ok { //nolint:errorlint // the very type, with nothing of the vendor's around it
			w.t.Errorf("%s returns a %T, want *exeunt.Error", verb, err)
		}
		said += fmt.Sprintf("%v %+v %s", err, err, exeunt.MessageOf(err))
	}
	for i, secret := range w.secrets {
		if secret != "" && strings.Contains(said, secret) {
			w.t.Errorf("%s shows secret number %d", verb, i+1)
		}
	}
}

// losing does what it is told and then loses the answer, as often as it is told to.
type losing struct {
	connector.Connector
	answers atomic.Int64
}

func (l *losing) Apply(ctx context.Context, account exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	err := l.Connector.Apply(ctx, account, action, with)
	if l.answers.Add(-1) >= 0 {
		return exeunt.Errorf(exeunt.Temporary, "the answer was lost")
	}
	return err
}

// lying says yes and does nothing.
type lying struct{ connector.Connector }

func (lying) Apply(context.Context, exeunt.Account, exeunt.Action, connector.Parameters) error {
	return nil
}
