package store_test

import (
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
	"github.com/exeunt/exeunt/internal/testserver"
)

func TestAServerNoticesThatItIsNoLongerAlone(t *testing.T) {
	address := testserver.Postgres(t)
	s, err := store.Open(t.Context(), "", address, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.ServeAlone(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.StillAlone(t.Context()); err != nil {
		t.Fatalf("while it is alone: %v", err)
	}
	storetest.EndServerSession(t, s)
	if err := s.StillAlone(t.Context()); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("after the session with the lock has ended: %v", err)
	}
	if _, err := s.Databases().Postgres.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the pool itself goes on, which is why it has to be noticed: %v", err)
	}
}

func TestADatabaseInTroubleIsNotTakenForAnotherServer(t *testing.T) {
	s, err := store.Open(t.Context(), "", testserver.Postgres(t), "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Databases().Postgres.Exec(t.Context(), "CREATE SCHEMA mine; CREATE FUNCTION mine.pg_advisory_lock(bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'out of shared memory' USING ERRCODE = '53200'; END $$"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Databases().Postgres.Exec(t.Context(), "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = mine, pg_catalog, public', current_database()); END $$"); err != nil {
		t.Fatal(err)
	}
	s.Databases().Postgres.Reset() // new sessions see it
	if err := s.ServeAlone(t.Context()); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a database without memory for a lock was answered %v", err)
	}
}
