package store

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/testserver"
)

// A server that is paused (SIGSTOP, a frozen virtual machine) or cut off in the middle of a transaction keeps
// its locks; the database ends the transaction, and the next server sequences.
func TestAPausedServerGivesTheSequencerBack(t *testing.T) {
	t.Parallel()
	address := testserver.Postgres(t)
	open := func() *Store {
		s, err := Open(t.Context(), "", address, "test.example/log")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	paused, other := open(), open()
	if _, err := other.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	change := exeunt.Change{}
	change.Record(exeunt.EntryAlert, 0, time.Now(), "something", nil)
	if err := other.Commit(t.Context(), &change); err != nil {
		t.Fatal(err)
	}
	holds, resume, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- paused.write(t.Context(), func(ctx context.Context, tx Tx) error {
			got, err := paused.dialect.lockSequencer(ctx, tx)
			if close(holds); !got {
				t.Error("it does not have the sequencer")
			}
			<-resume
			return err
		})
	}()
	<-holds
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	begun := time.Now()
	sequenced := make(chan struct{})
	var others sync.WaitGroup
	others.Go(func() { // commits of others do not wait with the sequencer, although they may share its transaction
		for !closed(sequenced) {
			at := time.Now()
			err := other.write(ctx, func(ctx context.Context, tx Tx) error {
				_, err := tx.exec(ctx, "UPDATE counters SET value = value + 1")
				return err
			})
			if took := time.Since(at); err != nil || took > 3*time.Second {
				t.Errorf("a commit took %s, %v", took, err)
			}
		}
	})
	if n, err := other.Outbox().Sequence(ctx, 10); n != 1 || err != nil {
		t.Errorf("%d entries were sequenced, %v", n, err)
	}
	close(sequenced)
	others.Wait()
	if took := time.Since(begun); took < time.Second {
		t.Errorf("it took %s: nobody held the sequencer", took)
	}
	close(resume)
	if err := <-ended; exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("the paused one commits after all: %v", err)
	}
}

func TestAnHourHasOneManifest(t *testing.T) {
	for name, address := range map[string]string{"sqlite": "", "postgresql": testserver.Postgres(t)} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), t.TempDir(), address, "test.example/log")
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			hour := time.Date(2026, 11, 20, 9, 5, 0, 0, time.UTC)
			happens := func() {
				change := exeunt.Change{}
				change.Record(exeunt.EntryAlert, nil, hour, "something", nil)
				if err := s.Commit(t.Context(), &change); err != nil {
					t.Fatal(err)
				}
			}
			sequenced := func() (kinds []exeunt.LeafKind) {
				t.Helper()
				if _, err := s.Outbox().Sequence(t.Context(), 100); err != nil {
					t.Fatal(err)
				}
				records, err := s.Outbox().Sequenced(t.Context(), 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range records {
					var leaf exeunt.Leaf
					if err := json.Unmarshal(r.Leaf, &leaf); err != nil {
						t.Fatal(err)
					}
					kinds = append(kinds, leaf.Kind)
				}
				return kinds
			}
			manifests := func(at time.Time) (n int32) {
				var recorded atomic.Int32
				var servers sync.WaitGroup
				for range 4 {
					servers.Go(func() {
						done, err := s.Outbox().Manifest(t.Context(), at)
						if err != nil {
							t.Error(err)
						}
						if done {
							recorded.Add(1)
						}
					})
				}
				servers.Wait()
				return recorded.Load()
			}
			if n := manifests(hour); n != 0 {
				t.Errorf("%d manifests of nothing", n)
			}
			happens()
			sequenced()
			if n := manifests(hour); n != 1 {
				t.Errorf("%d manifests by four servers", n)
			}
			happens()
			sequenced()
			if n := manifests(hour.Add(50 * time.Minute)); n != 0 {
				t.Errorf("%d more in the same hour", n)
			}
			if n := manifests(hour.Add(time.Hour)); n != 1 {
				t.Errorf("%d in the next hour", n)
			}
			sequenced()
			if n := manifests(hour.Add(2 * time.Hour)); n != 0 {
				t.Errorf("%d in an hour in which nothing happened", n)
			}
			if kinds := sequenced(); !slices.Equal(kinds, []exeunt.LeafKind{exeunt.LeafEvent, exeunt.LeafManifest, exeunt.LeafEvent, exeunt.LeafManifest}) {
				t.Errorf("the log has %v", kinds)
			}
			page, err := s.Everything().Entries(t.Context(), EntryQuery{Kind: string(exeunt.EntryManifest)})
			if err != nil || len(page.Rows) != 2 || page.Rows[0].Detail["entries"] != "3" || page.Rows[0].Detail["cases"] != "0" {
				t.Errorf("%+v, %v", page.Rows, err)
			}
		})
	}
}
