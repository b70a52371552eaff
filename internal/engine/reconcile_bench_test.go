package engine_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// crowd is so many systems that each know everybody.
type crowd struct {
	*company
	systems  []exeunt.System
	accounts []exeunt.Found
}

func (c *crowd) Names() []string {
	var names []string
	for _, s := range c.systems {
		names = append(names, s.Name)
	}
	return names
}

func (c *crowd) System(name string) (exeunt.System, error) {
	for _, s := range c.systems {
		if s.Name == name {
			return s, nil
		}
	}
	return exeunt.System{}, exeunt.Errorf(exeunt.NotFound, "no system %s", name)
}

func (c *crowd) Connector(string) (connector.Connector, error) {
	return everybody{accounts: c.accounts}, nil
}

// everybody lists its accounts, and can do nothing else.
type everybody struct {
	connector.Connector
	accounts []exeunt.Found
}

func (e everybody) List(_ context.Context, cursor string, _ []string) (connector.Page, error) {
	from, _ := strconv.Atoi(cursor)
	to := min(from+500, len(e.accounts))
	page := connector.Page{Accounts: e.accounts[from:to]}
	if to < len(e.accounts) {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

// BenchmarkReconcile compares 50,000 people with 20 systems that each list 50,000 accounts, from the list of people to the
// last finding: what is measured is ours, since the systems answer at once.
func BenchmarkReconcile(b *testing.B) {
	const people, systems = 50_000, 20
	c := &crowd{company: &company{store: storetest.SQLite(b)}}
	by := exeunt.Correlation{exeunt.IdentifierRule("number", exeunt.EmployeeID), exeunt.IdentifierRule("mail", exeunt.WorkEmail)}
	for i := range systems {
		c.systems = append(c.systems, exeunt.System{Name: fmt.Sprint("s", i), Stage: exeunt.Live, Correlation: by, Actions: storetest.Inventory()[0].Actions})
	}
	var workers []exeunt.Worker
	for i := range people {
		id, mail := fmt.Sprint(i), fmt.Sprintf("person%d@x.example", i)
		workers = append(workers, exeunt.Worker{Leaver: exeunt.Leaver{ID: id, Entity: "main", Name: "N" + id, Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: mail}}})
		c.accounts = append(c.accounts, exeunt.Found{Account: exeunt.Account{ID: "a" + id, Login: mail}, Has: map[string][]string{"number": {id}, "mail": {mail}}})
	}
	e := engine.New(engine.Config{Store: c.store, Systems: c, Planner: c, Intake: c, Messenger: c, Log: slog.New(slog.DiscardHandler)})
	if err := e.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Stop(context.Background()) }()
	for b.Loop() {
		if _, err := e.As(exeunt.Viewer{}).Reconcile(b.Context(), workers, hera); err != nil {
			b.Fatal(err)
		}
		for {
			r, err := c.store.Everything().Reconciliation(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if !r.EndedAt.IsZero() {
				if r.Systems[0].Tally.Matched != people {
					b.Fatalf("%+v", r.Systems[0])
				}
				break
			}
			<-time.After(50 * time.Millisecond)
		}
	}
}
