// Package simulation_test runs the whole engine on a real database against simulated vendors, mail and HR, in a
// bubble of simulated time, driven by a seed: people leave, change their minds and are called back, vendors fail
// and lie, the disk fills, the process dies at any boundary and comes back, perhaps days later. After each run the
// invariants of the specification are checked. A seed that fails fails again in the very same way.
package simulation_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run this seed alone, in TestSeed")
	shown   = flag.Bool("tell", false, "with -seed: show all that happened") // -trace is go test's own
)

// TestMain spends memory, of which a seed needs little, instead of time: half as many again go through.
func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// again is what to type to see a seed once more, with all that happened in it. Without -args, go test takes flags
// for its own that it knows.
func again(seed uint64) string {
	return fmt.Sprintf("go test github.com/exeunt/exeunt/test/simulation -run 'TestSeed$' -v -args -seed %d -tell", seed)
}

// seeds is how many are run with every commit: what two idle cores do in five minutes.
const seeds = 1500

// number is what the environment says, or else what is good for every commit.
func number(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q: give a number", name, text)
	}
	return n
}

// simulate runs one seed and returns what happened.
func simulate(t *testing.T, seed uint64) (trace []string) {
	t.Helper()
	dir := storetest.Folder(t)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, dir)
		w.run()
		happened.add(w)
		if trace = w.trace; *shown {
			fmt.Println(strings.Join(trace, "\n"))
		}
		w.report()
	})
	return trace
}

// happened counts what all seeds have seen, so that the simulation does not become tame unnoticed.
var happened census

type census struct {
	mu     sync.Mutex
	kinds  map[exeunt.EntryKind]int
	faults map[fault]int
}

func (c *census) add(w *world) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil {
		c.kinds, c.faults = map[exeunt.EntryKind]int{}, map[fault]int{}
	}
	for kind, n := range w.kinds {
		c.kinds[kind] += n
	}
	for fault, n := range w.faults {
		c.faults[fault] += n
	}
}

// missing lists what many seeds should have met and did not.
func (c *census) missing() (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kind := range []exeunt.EntryKind{
		exeunt.EntryOpened, exeunt.EntryAmended, exeunt.EntryRescinded, exeunt.EntryHeld, exeunt.EntryReleased, exeunt.EntryRevealed, exeunt.EntryClosed,
		exeunt.EntryIntent, exeunt.EntryConfirmed, exeunt.EntryAcknowledged, exeunt.EntryAttested, exeunt.EntryRetry, exeunt.EntryRetried, exeunt.EntryFailed,
		exeunt.EntrySkipped, exeunt.EntryWaived, exeunt.EntryLooked, exeunt.EntryCameBack, exeunt.EntryDrifted, exeunt.EntryTaskDone, exeunt.EntryTaskReminded,
		exeunt.EntryLegalHold, exeunt.EntryLegalReleased, exeunt.EntryAsked, exeunt.EntryNoted, exeunt.EntryBreakerOpened, exeunt.EntryBreakerClosed, exeunt.EntryNoticeFailed,
		exeunt.EntryRehired, exeunt.EntryEscalated, exeunt.EntryApproved, exeunt.EntryRejected, exeunt.EntryRefusedBy, exeunt.EntryExpired, exeunt.EntryOvertaken,
		exeunt.EntryTripped, exeunt.EntryFuseAsked, exeunt.EntryFuseReleased, exeunt.EntryFuseRejected,
		exeunt.EntryWaveMade, exeunt.EntryWaveChecked, exeunt.EntryWaveApproved, exeunt.EntryWaveStarted, exeunt.EntryWaveReleased, exeunt.EntryWaveHeld, exeunt.EntryWaveWentOn,
		exeunt.EntryWaveStopped, exeunt.EntryWaveRefused, exeunt.EntryWaveDone,
	} {
		if c.kinds[kind] == 0 {
			out = append(out, string(kind))
		}
	}
	for _, f := range []fault{answerLate, throttled, unauthorised, temporary, foreign, denied, answerLost, lie, showsLate, diskFull, unheard, undelivered, death, pause} {
		if c.faults[f] == 0 {
			out = append(out, string(f))
		}
	}
	return out
}

func TestSeeds(t *testing.T) {
	t.Cleanup(func() {
		if missing := happened.missing(); len(missing) > 0 && number(t, "SEEDS", seeds) >= 200 {
			t.Errorf("the simulation has become tame: in all seeds there was never %v", missing)
		}
	})
	first := number(t, "FIRST", 1)
	for seed := first; seed < first+number(t, "SEEDS", seeds); seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			simulate(t, seed)
		})
	}
}

// TestSeed runs the seed that another test names when it fails.
func TestSeed(t *testing.T) {
	simulate(t, *oneSeed)
}

// TestASeedDecidesEverything holds that a seed that fails fails again in the very same way.
func TestASeedDecidesEverything(t *testing.T) {
	for seed := range uint64(20) {
		first, second := simulate(t, seed), simulate(t, seed)
		for i := range max(len(first), len(second)) {
			if i >= len(first) || i >= len(second) || first[i] != second[i] {
				t.Fatalf("seed %d: step %d of %d and %d differs:\n%s\n%s", seed, i, len(first), len(second), at(first, i), at(second, i))
			}
		}
	}
}

// TestTheCommandShowsTheSeed holds that the command which a failing seed prints shows that very run.
func TestTheCommandShowsTheSeed(t *testing.T) {
	const seed = 18
	told, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", again(seed)).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", again(seed), err, told)
	}
	if trace := strings.Join(simulate(t, seed), "\n"); !strings.Contains(string(told), trace) {
		t.Errorf("%s\ndoes not tell what happened:\n%s\nbut:\n%s", again(seed), trace, told)
	}
}

func at(trace []string, i int) string {
	if i < len(trace) {
		return trace[i]
	}
	return "(the end)"
}
