package publish_test

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/publish"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// story is a log of which only the size matters: a checkpoint is its size and the name of its history.
type story struct {
	mu      sync.Mutex
	size    int64
	history string
	kept    []ledger.Publication
}

// grown is the log with so many entries.
func (s *story) grown(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size = size
}

func (s *story) known(i int) ledger.Publication {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[i]
}

func (s *story) Origin() string { return "exeunt.example/test" }

func (s *story) checkpoint(size int64) verify.Checkpoint {
	cp := verify.Checkpoint{Origin: s.Origin(), Size: size, Signed: []byte(strconv.FormatInt(size, 10) + " " + s.history)}
	copy(cp.Root[:], s.history)
	return cp
}

func (s *story) ToPublish(context.Context) (verify.Checkpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size == 0 {
		return verify.Checkpoint{}, exeunt.Errorf(exeunt.NotFound, "nothing is signed yet")
	}
	return s.checkpoint(s.size), nil
}

func (s *story) OpenPublished(signed []byte) (verify.Checkpoint, error) {
	number, history, _ := strings.Cut(string(signed), " ")
	size, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return verify.Checkpoint{}, exeunt.Errorf(exeunt.Conflict, "not signed by us")
	}
	return (&story{history: history}).checkpoint(size), nil
}

func (s *story) GoesOnFrom(_ context.Context, cp verify.Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cp.Size > s.size || cp.Root != s.checkpoint(0).Root {
		return exeunt.Errorf(exeunt.Conflict, "rolled back or forked")
	}
	return nil
}

func (s *story) Publish(_ context.Context, places []ledger.Publication) ([]ledger.Publication, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == 0 {
		s.kept = slices.Clone(places)
	}
	return slices.Clone(s.kept), nil
}

func (s *story) Published(_ context.Context, p ledger.Publication) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.kept, func(k ledger.Publication) bool { return k.Target == p.Target })
	s.kept[i] = p
	return nil
}

// shelf is a place in memory.
type shelf struct {
	mu     sync.Mutex
	name   string
	lies   map[int64]string
	puts   []int64
	refuse error
	loose  error // of what is kept
}

func newShelf() *shelf { return &shelf{name: "shelf", lies: map[int64]string{}} }

// refusing is the shelf that refuses everything with an error, or nothing.
func (s *shelf) refusing(err error) *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
	return s
}

// has is what was put there.
func (s *shelf) has() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.puts)
}

func (s *shelf) Where() string { return s.name }

func (s *shelf) Put(_ context.Context, cp verify.Checkpoint) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	s.puts = append(s.puts, cp.Size)
	s.lies[cp.Size] = string(cp.Signed)
	return nil
}

func (s *shelf) AtLeast(_ context.Context, _ string, size int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return nil, s.refuse
	}
	for _, n := range slices.Sorted(maps.Keys(s.lies)) {
		if n >= size {
			return []byte(s.lies[n]), nil
		}
	}
	return nil, nil
}

func (s *shelf) Kept(context.Context, string, int64) error { return s.loose }

// blind is a shelf that cannot be looked into, like a mailbox.
type blind struct{ s *shelf }

func (b blind) Where() string                                       { return b.s.name }
func (b blind) Put(ctx context.Context, cp verify.Checkpoint) error { return b.s.Put(ctx, cp) }

// during runs a publisher over a log in a bubble, while the test changes the world between the ticks.
func during(t *testing.T, log *story, places map[string]publish.Place, do func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := publish.Publisher{Log: log, Logger: slog.New(slog.DiscardHandler)}
	for _, name := range slices.Sorted(maps.Keys(places)) {
		p.Targets = append(p.Targets, publish.Target{Name: name, Kind: "test", Place: places[name], Every: time.Hour})
	}
	ended := make(chan struct{})
	go func() { defer close(ended); p.Run(ctx) }()
	synctest.Wait()
	do()
	stop()
	<-ended
}

// after lets time pass, and everything that is due in it happen.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestACheckpointIsPublishedWhenItIsNewAndDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, seen, mailed := &story{history: "one"}, newShelf(), newShelf()
		places := map[string]publish.Place{"seen": seen, "mailed": blind{mailed}}
		expect := func(when string, want ...int64) {
			t.Helper()
			if !slices.Equal(seen.has(), want) || !slices.Equal(mailed.has(), want) {
				t.Errorf("%s: published %v and %v, want %v", when, seen.has(), mailed.has(), want)
			}
		}
		during(t, log, places, func() {
			expect("of an empty log")
			log.grown(7)
			after(6 * time.Second)
			expect("the first", 7)
			log.grown(9)
			after(59 * time.Minute)
			expect("within the hour", 7)
			after(2 * time.Minute)
			expect("after the hour", 7, 9)
			after(24 * time.Hour)
			expect("of a log that does not grow", 7, 9)
		})
		log.grown(12)
		during(t, log, places, func() {
			after(time.Minute)
			expect("after a restart, which remembers what was published", 7, 9, 12)
		})
		for _, p := range log.kept {
			if p.Size != 12 || p.At.IsZero() || p.Fault != "" {
				t.Errorf("what is known of it: %+v", p)
			}
		}
	})
}

func TestATargetThatFailsIsTriedAgainAndHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, dead, well := &story{history: "one", size: 5}, newShelf().refusing(exeunt.Errorf(exeunt.Temporary, "it is away")), newShelf()
		during(t, log, map[string]publish.Place{"a-dead": dead, "b-well": well}, func() {
			begun := time.Now().UTC()
			after(3 * time.Hour)
			if got := well.has(); !slices.Equal(got, []int64{5}) {
				t.Errorf("the other has %v", got)
			}
			if p := log.known(0); p.Fault != "it is away" || p.Conflict || p.Since.After(begun) || p.Size != 0 {
				t.Errorf("what is known: %+v", p)
			}
			dead.refusing(nil)
			after(31 * time.Minute)
			if p := log.known(0); p.Size != 5 || p.Fault != "" || !p.Since.IsZero() {
				t.Errorf("once it is back: %+v", p)
			}
		})
	})
}

func TestWhatLiesThereDecides(t *testing.T) {
	for _, c := range []struct {
		name     string
		lies     map[int64]string
		known    int64  // what was published last, as far as is remembered
		of       string // of which history; that of the log when empty
		blind    bool   // the place cannot be looked into
		loose    error
		puts     int
		size     int64
		conflict bool
		fault    string
	}{
		{name: "the same, of which nothing is remembered", lies: map[int64]string{5: "5 one"}, size: 5},
		{name: "an older one", lies: map[int64]string{3: "3 one"}, known: 3, puts: 1, size: 5},
		{name: "another history over as many", lies: map[int64]string{5: "5 other"}, conflict: true, fault: "forked"},
		{name: "one over more than the log has", lies: map[int64]string{9: "9 one"}, conflict: true, fault: "rolled back"},
		{name: "what the log has not signed", lies: map[int64]string{8: "rubbish"}, conflict: true, fault: "not signed by us"},
		{name: "one by the name of more entries than it is over", lies: map[int64]string{3: "3 one", 4: "2 one"}, known: 3, size: 3, conflict: true, fault: "by a name that says at least 4"},
		{name: "nothing, though it was put there", lies: map[int64]string{}, known: 4, size: 4, fault: "is gone"},
		{name: "what is not kept as it should be", lies: map[int64]string{}, loose: exeunt.Errorf(exeunt.Invalid, "not locked"), puts: 1, fault: "not locked"},
		{name: "nothing that can be seen, and another history was mailed", lies: map[int64]string{}, known: 3, of: "other", blind: true, size: 3, conflict: true, fault: "forked"},
		{name: "nothing that can be seen, and an older one was mailed", lies: map[int64]string{}, known: 3, blind: true, puts: 1, size: 5},
		{name: "a log that is shorter than what was published", lies: map[int64]string{9: "9 one"}, known: 9, size: 9, conflict: true, fault: "rolled back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log, place := &story{history: "one", size: 5}, &shelf{name: "shelf", lies: c.lies, loose: c.loose}
				if c.known > 0 {
					was := (&story{history: cmp.Or(c.of, "one")}).checkpoint(c.known)
					log.kept = []ledger.Publication{{Target: "shelf", Size: was.Size, Root: was.Root, At: time.Now().Add(-2 * time.Hour)}}
				}
				places := map[string]publish.Place{"shelf": place}
				if c.blind {
					places["shelf"] = blind{place}
				}
				during(t, log, places, func() { after(time.Second) })
				p := log.kept[0]
				if len(place.puts) != c.puts || p.Size != c.size || p.Conflict != c.conflict || !strings.Contains(p.Fault, c.fault) || (p.Fault == "") != (c.fault == "") {
					t.Errorf("%d were put there; known is %+v", len(place.puts), p)
				}
			})
		})
	}
}

// stuck is a shelf that does not come back from a write, whatever its caller wants, until it is let go.
type stuck struct {
	*shelf
	begun int
	loose chan struct{}
}

func (s *stuck) Put(ctx context.Context, cp verify.Checkpoint) error {
	s.begun++
	<-s.loose
	return s.shelf.Put(ctx, cp)
}

// TestAPlaceThatHangsIsSaidAndLeftBehind has a share that hangs as a network file system can: that is a fault like another,
// nothing is begun there a second time, the publisher can be stopped, and it goes on when the share comes back.
func TestAPlaceThatHangsIsSaidAndLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, hung, well := &story{history: "one", size: 5}, &stuck{shelf: newShelf(), loose: make(chan struct{})}, newShelf()
		places := map[string]publish.Place{"a-hung": hung, "b-well": well}
		during(t, log, places, func() {
			after(5 * time.Hour)
			if p := log.known(0); !strings.Contains(p.Fault, "does not answer") || p.Conflict || p.Since.IsZero() || p.Size != 0 || hung.begun != 1 {
				t.Errorf("after %d attempts: %+v", hung.begun, p)
			}
			if got := well.has(); !slices.Equal(got, []int64{5}) {
				t.Errorf("the other has %v", got)
			}
			close(hung.loose)
			after(time.Hour)
			if p := log.known(0); p.Size != 5 || p.Fault != "" || !p.Since.IsZero() {
				t.Errorf("once it is back: %+v", p)
			}
			hung.loose = make(chan struct{})
			log.grown(9)
			after(2 * time.Hour)
		})
		close(hung.loose)
	})
}

// TestAClockThatWasAheadHoldsNothingUp remembers a publication, or a fault, of next year.
func TestAClockThatWasAheadHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, was := time.Now().Add(365*24*time.Hour), (&story{history: "one"}).checkpoint(3)
		log := &story{history: "one", size: 5, kept: []ledger.Publication{{Target: "shelf", Size: was.Size, Root: was.Root, At: next}}}
		place := &shelf{name: "shelf", lies: map[int64]string{3: "3 one"}}
		during(t, log, map[string]publish.Place{"shelf": place}, func() {
			after(time.Minute)
			if p := log.known(0); p.Size != 5 || p.At.After(time.Now()) {
				t.Errorf("known is %+v", p)
			}
		})
		log.kept[0].Fault, log.kept[0].Since = "it is away", next
		place.refusing(exeunt.Errorf(exeunt.Temporary, "it is away"))
		during(t, log, map[string]publish.Place{"shelf": place}, func() {
			after(time.Minute)
			if p := log.known(0); p.Since.After(time.Now()) {
				t.Errorf("it fails since %s", p.Since)
			}
		})
	})
}
