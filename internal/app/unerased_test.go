package app

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

// shipAll ships what waits, and ends the ledger's process, so that all of it is signed.
func (s *shipping) shipAll() {
	s.t.Helper()
	stop := s.serve()
	defer stop()
	a := s.app()
	if s.ship(a); a.Shipper.Status().Err != nil {
		s.t.Fatal(a.Shipper.Status().Err)
	}
}

// beside commits an entry of the installation; of a case, when one is named.
func (s *shipping) beside(of any, what string) {
	s.t.Helper()
	var change exeunt.Change
	change.Record(exeunt.EntryExported, of, time.Now(), what, nil)
	must(s.t, s.store.Commit(s.t.Context(), &change))
}

// erase does to a case what the engine does to one whose retention is over, and calls between before anything is
// destroyed.
func (s *shipping) erase(id exeunt.CaseID, between func()) {
	s.t.Helper()
	c, err := s.store.Case(s.t.Context(), id)
	must(s.t, err)
	c.Erasure = &exeunt.Erasure{Rule: "retention.keep: 1095 d", DecidedAt: time.Now()}
	decided := exeunt.Change{Case: &c}
	decided.Record(exeunt.EntryErased, c, time.Now(), "erased", nil)
	between()
	must(s.t, s.store.Commit(s.t.Context(), &decided))
	s.shipAll()
	stop := s.serve()
	a := s.app()
	must(s.t, a.Ledger.Erase(s.t.Context(), c.Handle, -1))
	left, err := s.store.Unerased(s.t.Context(), 10)
	must(s.t, err)
	beside, err := s.store.Beside(s.t.Context(), id, left[0].Place)
	must(s.t, err)
	change, err := left[0].Erased(beside, time.Now())
	must(s.t, err)
	must(s.t, s.store.CommitWith(s.t.Context(), &change, store.Purge(id, left[0].Place+1, beside)))
	must(s.t, s.store.ErasureDone(s.t.Context(), id, time.Now()))
	stop()
	s.shipAll()
}

// execBodies changes the ledger's bodies behind its back.
func (s *shipping) execBodies(statement string, args ...any) {
	s.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "bodies.db"))
	must(s.t, err)
	defer db.Close()
	done, err := db.ExecContext(s.t.Context(), statement, args...)
	must(s.t, err)
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		s.t.Fatalf("%s changed nothing: %v", statement, err)
	}
}

// checked is what a check finds.
func (s *shipping) checked() (found []string) {
	s.t.Helper()
	stop := s.serve()
	defer stop()
	run, err := s.app().Proofs.Run(s.t.Context(), "test")
	must(s.t, err)
	for _, d := range run.Differences.Kept {
		found = append(found, fmt.Sprint(d))
	}
	return found
}

// TestOnlyWhatWentWithACaseMayBeEmpty erases a case with two entries beside it, and empties another entry of the
// installation as if it had been one of these.
func TestOnlyWhatWentWithACaseMayBeEmpty(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(s *shipping, handle string)
		says  string
	}{
		{"nothing is spoiled", func(*shipping, string) {}, ""},
		{"a row of the database", func(s *shipping, _ string) {
			s.exec("UPDATE outbox SET about = 1, salt = '', body = '', actor = '', system = '', what = '' WHERE what = 'the list of users'")
		}, "the database, entry"},
		{"a body of the ledger", func(s *shipping, handle string) {
			s.execBodies("UPDATE bodies SET sealed = NULL, holder = ? WHERE n = ?", handle, storetest.Count(s.t, s.store, "SELECT n FROM outbox WHERE what = 'the list of users'"))
		}, "the bodies, entry"},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				s := newShipping(t, db)
				s.cases("E1", "E2")
				s.beside(nil, "the list of users")
				s.beside(exeunt.CaseID(1), "the evidence of the case")
				s.beside(exeunt.CaseID(2), "the evidence of the other")
				s.erase(1, func() { s.beside(exeunt.CaseID(1), "looked at once more") })
				erased, err := db.Case(t.Context(), 1)
				must(t, err)
				if n := storetest.Count(t, db, "SELECT COUNT(*) FROM outbox WHERE case_id = 0 AND body = ''"); n != 2 {
					t.Fatalf("%d entries beside cases are empty, want 2", n)
				}
				c.spoil(s, erased.Handle)
				found := strings.Join(s.checked(), "\n")
				if c.says == "" && found != "" || !strings.Contains(found, c.says) || c.says != "" && !strings.Contains(found, "not among what went with the erased case") {
					t.Errorf("the check says %q", found)
				}
			})
		})
	}
}

// TestARowThatIsMadeToTellOfACaseDoesNotGoWithIt changes the column by which an erasure finds what stands beside a case.
func TestARowThatIsMadeToTellOfACaseDoesNotGoWithIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newShipping(t, db)
		s.cases("E1")
		s.beside(nil, "the list of users")
		s.shipAll()
		s.erase(1, func() { s.exec("UPDATE outbox SET about = 1 WHERE what = 'the list of users'") })
		if n := storetest.Count(t, db, "SELECT COUNT(*) FROM outbox WHERE what = 'the list of users' AND body <> ''"); n != 1 {
			t.Error("it went with the case")
		}
		if found := strings.Join(s.checked(), "\n"); !strings.Contains(found, "about: it is not what the entry says") {
			t.Errorf("the check says %q", found)
		}
	})
}

// TestBodiesOfErasedCasesDoNotComeBackFromABackup puts the ledger's bodies back as they were before an erasure.
func TestBodiesOfErasedCasesDoNotComeBackFromABackup(t *testing.T) {
	s := newShipping(t, storetest.SQLite(t))
	s.cases("E1", "E2")
	s.shipAll()
	bodies := filepath.Join(s.dir, "bodies.db")
	backup, err := os.ReadFile(bodies)
	must(t, err)
	s.erase(1, func() {})
	if found := s.checked(); len(found) > 0 {
		t.Fatalf("before anything was put back: %q", found)
	}
	must(t, os.WriteFile(bodies, backup, 0o600))
	if found := strings.Join(s.checked(), "\n"); !strings.Contains(found, "put back from a backup older than the erasure. They are erased anew") {
		t.Errorf("the check says %q", found)
	}
	db, err := sql.Open("sqlite", bodies)
	must(t, err)
	defer db.Close()
	for who, want := range map[exeunt.CaseID]bool{1: false, 2: true} {
		c, err := s.store.Case(t.Context(), who)
		must(t, err)
		var key, readable bool
		must(t, db.QueryRow("SELECT EXISTS (SELECT 1 FROM keys WHERE holder = $1), EXISTS (SELECT 1 FROM bodies WHERE handle = $1 AND sealed IS NOT NULL)", c.Handle).Scan(&key, &readable))
		if key != want || readable != want {
			t.Errorf("case %s: key %t, bodies %t, want %t", who, key, readable, want)
		}
	}
}
