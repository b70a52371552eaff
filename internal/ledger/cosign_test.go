package ledger_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/testserver"
)

func openWitnessed(t *testing.T, dir, policy string) *ledger.Log {
	t.Helper()
	l, err := ledger.Open(t.Context(), dir, ledgertest.Origin, ledger.Options{Witnesses: policy, CheckpointInterval: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// cosignedOver waits until the quorum has cosigned so many entries.
func cosignedOver(t *testing.T, l *ledger.Log, size int64) []byte {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		signed, cp, err := l.Cosigned(t.Context())
		if err == nil && cp.Size >= size {
			return signed
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not cosigned over %d entries: %+v, %v", size, cp, err)
		}
	}
}

// TestARealWitnessCosigns has litewitness cosign a log that grows and changes its key, and holds the result against
// policies as an auditor has them.
func TestARealWitnessCosigns(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
	key, err := l.VerifierKey(t.Context())
	must(t, err)
	must(t, l.Close())
	one := testserver.Witness(t, "witness.example/one", ledgertest.Origin, key)
	stranger := testserver.Witness(t, "witness.example/stranger", "another.example/log", key)
	policy := fmt.Sprintf("log %s\nwitness one %s %s\nwitness away %s http://127.0.0.1:1\ngroup any-of any one away\nquorum any-of\n", key, one.Key, one.URL, stranger.Key)

	o := ledgertest.New()
	o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 300, true)...)
	l = openWitnessed(t, dir, policy)
	must(t, shipOver(t, o, l))
	cosignedOver(t, l, 302)
	o.Add(ledgertest.Handle(2), ledgertest.Entries(2, 300, true)...) // with a proof from what the witness knows
	must(t, shipOver(t, o, l))
	signed := cosignedOver(t, l, 604)
	packet, err := l.Packet(t.Context(), ledgertest.Handle(2))
	must(t, err)

	for _, c := range []struct{ name, policy, fault string }{
		{"the policy that the log has", policy, ""},
		{"one alone", "witness one " + one.Key + "\nquorum one", ""},
		{"no quorum", "quorum none", ""},
		{"another witness", "witness s " + stranger.Key + "\nquorum s", "no witness of the policy"},
		{"both", "witness one " + one.Key + "\nwitness s " + stranger.Key + "\ngroup g all one s\nquorum g", "1 of the policy's witnesses"},
	} {
		p, err := verify.ParsePolicy(c.policy)
		must(t, err)
		for what, checkpoint := range map[string][]byte{"log": signed, "packet": packet.Checkpoint} {
			found, err := p.Check(checkpoint)
			if (c.fault == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s, %s: %v", c.name, what, err)
			}
			if err == nil && c.policy != "quorum none" && (len(found) != 1 || time.Since(found[0].At) > time.Hour) {
				t.Errorf("%s, %s: %+v", c.name, what, found)
			}
		}
	}
	p, err := verify.ParsePolicy("witness one " + one.Key + "\nquorum one")
	must(t, err)
	for i := range signed { // whatever byte is changed, it does not count any more
		changed := append([]byte(nil), signed...)
		changed[i] ^= 1
		_, logErr := verify.OpenCheckpoint(changed, []string{key})
		if _, err := p.Check(changed); err == nil && logErr == nil {
			t.Fatalf("byte %d can be changed", i)
		}
	}
}

// A witness that is away, or that hangs, holds nothing up.
func TestAWitnessThatIsAwayHoldsNothingUp(t *testing.T) {
	enough := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-enough }))
	defer hangs.Close()
	defer close(enough)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	away := "http://" + closed.Addr().String()
	must(t, closed.Close())
	for name, url := range map[string]string{"away": away, "hangs": hangs.URL} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			policy := "witness one " + vkey(t) + " " + url + "\nquorum one\n"
			l := openWitnessed(t, dir, policy)
			o := ledgertest.New()
			o.Add(ledgertest.Handle(1), ledgertest.Entries(1, 5, true)...)
			must(t, shipOver(t, o, l))
			packet, err := l.Packet(t.Context(), ledgertest.Handle(1))
			if err != nil || len(packet.Entries) != 7 {
				t.Errorf("%d entries, %v", len(packet.Entries), err)
			}
			if _, _, err := l.Cosigned(t.Context()); exeunt.KindOf(err) != exeunt.NotFound {
				t.Errorf("cosigned by nobody: %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "log", "checkpoint")); err != nil {
				t.Error(err)
			}
		})
	}
}

// vkey is the verifier key of a witness that nobody runs.
func vkey(t *testing.T) string {
	t.Helper()
	return testserver.CosignerKey("witness.example/none", make([]byte, 32))
}

func TestAPolicyThatIsNoneIsRefused(t *testing.T) {
	w := "witness a " + vkey(t) + "\n"
	for name, text := range map[string]string{
		"empty": "", "no quorum": w, "unknown quorum": w + "quorum b", "unknown member": w + "group g any a b\nquorum g", "too many": w + "group g 2 a\nquorum g",
		"twice": w + w + "quorum a", "a member twice": w + "group g all a a\nquorum g", "a log's key": "witness a example+00000000+AAAA\nquorum a", "other words": "trust me\nquorum none",
		"mistyped": strings.Replace(w, "+", "+f", 1) + "quorum a",
	} {
		if _, err := verify.ParsePolicy(text); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
