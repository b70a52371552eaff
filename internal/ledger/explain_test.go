package ledger_test

import (
	"testing"
	"testing/fstest"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
)

func TestEveryEntryIsExplainedUpToTheSignedRoot(t *testing.T) {
	files, key := logInMemory(t)
	for index := range int64(540) {
		e, err := ledger.Explain(files, []string{key}, index)
		if err != nil {
			t.Fatalf("entry %d: %v", index, err)
		}
		if e.LeafHash != exeunt.LeafHash([]byte(e.Leaf)) || e.Size != 540 || len(e.Steps) == 0 || e.Steps[len(e.Steps)-1].Hash != e.Root {
			t.Fatalf("entry %d: %+v", index, e)
		}
	}
	for _, index := range []int64{-1, 540} {
		if _, err := ledger.Explain(files, []string{key}, index); exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("index %d: %v", index, err)
		}
	}
	changed := fstest.MapFS{}
	for name, f := range files {
		changed[name] = &fstest.MapFile{Data: append([]byte(nil), f.Data...)}
	}
	changed["tile/entries/000"].Data[40] ^= 1
	if _, err := ledger.Explain(changed, []string{key}, 0); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a changed leaf is explained: %v", err)
	}
}
