// Package storetest runs the same tests over both databases and makes the values they need.
package storetest

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/seal"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Each runs a test over a fresh SQLite store and a fresh PostgreSQL store.
func Each(t *testing.T, run func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { run(t, SQLite(t)) })
	t.Run("postgresql", func(t *testing.T) { run(t, open(t, "", testserver.Postgres(t))) })
}

// SQLite opens a fresh, migrated store in a folder of the test's.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return open(t, t.TempDir(), "")
}

func open(t testing.TB, dir, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir, address, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	key, err := seal.Make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.SealBy(key)
	if opened.Store(s, place{"pgx", address}); address == "" {
		opened.Store(s, place{"sqlite", filepath.Join(dir, "exeunt.db") + "?_pragma=busy_timeout(10000)"})
	}
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Beside opens the database of a store as another server of it does. SQLite has one server only: there it is the same store.
func Beside(t testing.TB, s *store.Store) *store.Store {
	t.Helper()
	at, _ := opened.Load(s)
	if at := at.(place); at.driver == "pgx" {
		return open(t, "", at.address)
	}
	return s
}

// Departure is somebody fictional who leaves on a day.
func Departure(id string, last exeunt.Date) exeunt.Departure {
	return exeunt.Departure{
		Type: exeunt.Voluntary, LastDay: last, TerminationDate: last,
		Leaver: exeunt.Leaver{
			ID: id, Entity: "northwind", Name: "Maya Okonkwo " + id, Title: "Data engineer", Department: "Analytics", Place: "Los Angeles", Zone: "America/Los_Angeles",
			Manager:     exeunt.Person{Name: "Tom Reyes", Email: "tom.reyes@northwind.example"},
			Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: strings.ToLower(id) + "@northwind.example"},
		},
	}
}

// Inventory has a directory with a connector, an application behind it, a payroll, and a lock
// without an API.
func Inventory() []exeunt.System {
	owner := exeunt.Person{Name: "Ana Silva", Email: "ana.silva@northwind.example"}
	takes := map[exeunt.Action][]string{exeunt.Disable: {"enabled"}, exeunt.RemoveGroups: {"groups"}, exeunt.EndEmployment: {"employment"}}
	can := func(actions ...exeunt.Action) []exeunt.ActionSpec {
		var specs []exeunt.ActionSpec
		for i, a := range actions {
			specs = append(specs, exeunt.ActionSpec{Action: a, Title: strings.ToUpper(a.Words()[:1]) + a.Words()[1:], Order: i, Proof: exeunt.Observed, Repeatable: true,
				Reversible: takes[a] != nil, Takes: takes[a]})
		}
		return specs
	}
	return []exeunt.System{
		{Name: "directory", Title: "Directory", Kind: "test", Tier: 1, Stage: exeunt.Live, Owner: owner, Fallback: "Disable it in the console.", Actions: can(exeunt.Disable, exeunt.RemoveGroups)},
		{Name: "wiki", Title: "Wiki", Kind: "manual", SSO: "directory", Tier: 2, Stage: exeunt.Live, Owner: owner, Fallback: "Look in the list of members."},
		{Name: "payroll", Title: "Payroll", Kind: "test", Tier: 1, Branch: "Payroll", Stage: exeunt.Live, Owner: owner, Fallback: "Enter it in payroll.", Actions: can(exeunt.EndEmployment, exeunt.ScheduleFinalPay)},
		{Name: "badges", Title: "Badges", Kind: "manual", Tier: 2, Stage: exeunt.Manual, Owner: owner, Fallback: "Call facilities."},
	}
}

// Policy cuts access at the cut-off, and lets final pay wait for the approved timesheet.
func Policy() exeunt.Policy {
	in := func(names ...string) exeunt.Condition {
		return func(f exeunt.Facts) (bool, error) {
			return strings.Contains(strings.Join(names, " "), f.System.Name), nil
		}
	}
	owners := func(f exeunt.Facts) (bool, error) {
		_, can := f.System.Can(exeunt.HandOver)
		return can, nil
	}
	hour := exeunt.Moment{Anchor: exeunt.AtStart, Offset: time.Hour}
	return exeunt.Policy{Name: "standard", Version: "v1", CutOff: "17:00", AccessSLA: time.Hour, Rules: []exeunt.Rule{
		{Name: "cut", Systems: in("directory", "badges"), Actions: []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups}, Start: exeunt.Moment{Anchor: exeunt.AtCutOff}, Deadline: hour},
		{Name: "end", Branch: "Payroll", Systems: in("payroll"), Actions: []exeunt.Action{exeunt.EndEmployment}, Start: exeunt.Moment{Anchor: exeunt.AtTrigger}, Deadline: hour},
		{Name: "timesheet", Title: "Approve the final timesheet", Branch: "Payroll", Task: &exeunt.TaskPattern{Owner: "manager", Procedure: "Check the hours."}, Start: exeunt.Moment{Anchor: exeunt.AtTrigger}, Deadline: exeunt.Moment{Anchor: exeunt.AtStart, Offset: 20 * time.Minute}},
		{Name: "pay", Branch: "Payroll", Systems: in("payroll"), Actions: []exeunt.Action{exeunt.ScheduleFinalPay}, Start: exeunt.Moment{Anchor: exeunt.AtTrigger}, Deadline: hour,
			After: []exeunt.After{{Rule: "timesheet", Because: "Final pay needs the approved hours."}}},
		{Name: "hand-over", Branch: "Tasks", Systems: owners, Actions: []exeunt.Action{exeunt.HandOver}, Start: exeunt.Moment{Anchor: exeunt.AtTrigger}, Deadline: exeunt.Moment{Anchor: exeunt.AtStart, Offset: 120 * time.Hour}},
	}}
}

// Roles answers every role with one person, and the manager from the leaver.
func Roles(role string, l exeunt.Leaver) exeunt.Person {
	if role == "manager" {
		return l.Manager
	}
	return exeunt.Person{Name: "Priya Nair", Email: "priya.nair@northwind.example", Role: role}
}

// Plan drafts a plan with the above.
func Plan(t testing.TB, id exeunt.CaseID, d exeunt.Departure, now time.Time) exeunt.Plan {
	t.Helper()
	c := exeunt.Case{ID: id, Handle: store.Random(16), Generation: 1, Departure: d, Owner: Roles("hr", d.Leaver)}
	p, err := exeunt.Draft(Policy(), c, Inventory(), Roles, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Open commits a new case and returns what was committed.
func Open(t testing.TB, s *store.Store, d exeunt.Departure, now time.Time) exeunt.Change {
	t.Helper()
	id, err := s.NextCase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change := Plan(t, id, d, now).Open(exeunt.Trigger{Source: "hr", EventID: d.Leaver.ID, Departure: d}, "", now)
	if err := s.Commit(t.Context(), &change); err != nil {
		t.Fatal(err)
	}
	return change
}

// Exec changes the database behind the store's back, as somebody with its password can.
func Exec(t testing.TB, s *store.Store, statement string) {
	t.Helper()
	where, _ := opened.Load(s)
	db, err := sql.Open(where.(place).driver, where.(place).address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// Count asks the database for a number behind the store's back.
func Count(t testing.TB, s *store.Store, query string) int {
	t.Helper()
	where, _ := opened.Load(s)
	db, err := sql.Open(where.(place).driver, where.(place).address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Bytes is all that an SQLite store has on disk.
func Bytes(t testing.TB, s *store.Store) string {
	t.Helper()
	where, _ := opened.Load(s)
	file, _, _ := strings.Cut(where.(place).address, "?")
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, raw...)
	}
	return string(all)
}

// Reading reads a store's database from now on until it is ended, as a long report does.
func Reading(t testing.TB, s *store.Store) (end func()) {
	t.Helper()
	where, _ := opened.Load(s)
	db, err := sql.Open(where.(place).driver, where.(place).address)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err == nil {
		var n int
		err = tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM cases").Scan(&n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _, _ = tx.Rollback(), db.Close() }
}

// opened says where each store of this process keeps its database.
var opened sync.Map // *store.Store → place

type place struct{ driver, address string }
