package store

import (
	"context"
	"sync"
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
