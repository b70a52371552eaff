package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/testserver"
)

// TestWitnessesThatAreAwayAreSaid starts a server whose only witness nobody runs: departures go on, erasures wait, and
// after a time the operator is told.
func TestWitnessesThatAreAwayAreSaid(t *testing.T) {
	a, err := Start(t.Context(), witnessedByNobody(t))
	must(t, err)
	defer a.Stop()
	id := leaves(t, a, exeunt.Leaver{ID: "E-2", Name: "Othmar Staying"})
	var packet strings.Builder
	must(t, a.Proofs.Evidence(t.Context(), &packet, id, exeunt.Viewer{Name: "Aud Itor"}))
	if n, err := a.Proofs.Covered(t.Context()); err != nil || n != 0 {
		t.Errorf("%d entries count as covered, %v", n, err)
	}
	report, err := evidence.Verify([]byte(packet.String()), nil)
	must(t, err)
	if _, err := a.Proofs.policy.Check(report.Signed); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a packet that nobody cosigned satisfies the policy: %v", err)
	}

	var late lag
	begun := time.Now()
	alerts := func() int {
		page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert), Limit: 100})
		must(t, err)
		n := 0
		for _, e := range page.Rows {
			if strings.Contains(e.What, "witnesses have cosigned 0 of") {
				n++
			}
		}
		return n
	}
	for after, want := range map[time.Duration]int{0: 0, 59 * time.Minute: 0} {
		if a.witnessesAt(t.Context(), &late, begun.Add(after)); alerts() != want {
			t.Errorf("after %s there are %d alerts", after, alerts())
		}
	}
	for range 3 { // each minute, while it lasts
		a.witnessesAt(t.Context(), &late, late.since.Add(2*time.Hour))
	}
	if alerts() != 1 || a.Proofs.WitnessesLate() != 2*time.Hour {
		t.Errorf("%d alerts, late by %s", alerts(), a.Proofs.WitnessesLate())
	}
	if _, _, err := a.Proofs.published(t.Context(), "checkpoint"); err != nil {
		t.Error(err)
	}
}

// TestWhatDoesNotSatisfyThePolicyIsNotKeptUp has a cosigned checkpoint that the quorum of this server's policy has not
// cosigned, which erasures wait for.
func TestWhatDoesNotSatisfyThePolicyIsNotKeptUp(t *testing.T) {
	a, err := Start(t.Context(), witnessedByNobody(t))
	must(t, err)
	defer a.Stop()
	until(t, "something is signed", func() bool {
		_, cp, err := a.Proofs.published(t.Context(), "checkpoint")
		return err == nil && cp.Size > 0
	})
	var late lag
	public := filepath.Join(a.options.DataDir, "ledger", "log")
	signed, err := os.ReadFile(filepath.Join(public, "checkpoint"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(public, "cosigned"), signed, 0o600))
	a.witnessesAt(t.Context(), &late, time.Now())
	if late.since.IsZero() {
		t.Fatal("it counts as kept up")
	}
	a.witnessesAt(t.Context(), &late, late.since.Add(2*time.Hour))
	page, err := a.Store.Everything().Entries(t.Context(), store.EntryQuery{Kind: string(exeunt.EntryAlert), Limit: 100})
	must(t, err)
	if a.Proofs.WitnessesLate() != 2*time.Hour || len(page.Rows) != 1 || !strings.Contains(page.Rows[0].What, "see that this server has the policy that the ledger has") {
		t.Errorf("late by %s, alerts %+v", a.Proofs.WitnessesLate(), page.Rows)
	}
}

// witnessedByNobody are the options of a server whose checkpoints a witness has to cosign that nobody runs.
func witnessedByNobody(t *testing.T) Options {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "witnesses.policy"), []byte("witness away "+testserver.CosignerKey("none.example", make([]byte, 32))+" http://127.0.0.1:1\nquorum away\n"), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "systems"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "exeunt.yaml"), []byte(company+"ledger: {witnesses: witnesses.policy}\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "systems", "doors.yaml"), []byte(doors), 0o600))
	return Options{ConfigDir: dir, DataDir: t.TempDir(), Listen: "127.0.0.1:0", Environment: "test", Log: slog.New(slog.DiscardHandler)}
}
