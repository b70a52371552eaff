package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
	"github.com/exeunt/exeunt/internal/testserver"
)

// fleet is nodes that beat in turn and do as they are told.
type fleet struct {
	t     *testing.T
	store *store.Store
	nodes []store.Node
}

// settle lets everybody beat until nothing changes hands, and says who has what.
func (f *fleet) settle() map[string]string {
	f.t.Helper()
	for round := range 20 {
		has, moved := map[string]string{}, false
		for _, n := range f.nodes {
			n.Lease = time.Hour
			b, err := f.store.Beat(f.t.Context(), n)
			if err != nil {
				f.t.Fatal(err)
			}
			for _, lane := range b.Lanes {
				has[lane] = n.Name
			}
			if len(b.Surplus) > 0 {
				moved = true
				if err := f.store.LetGo(f.t.Context(), n.Name, b.Surplus...); err != nil {
					f.t.Fatal(err)
				}
			}
		}
		if round > 1 && !moved {
			return has
		}
	}
	f.t.Fatal("lanes go round and round")
	return nil
}

func lanesOf(has map[string]string, node string) (n int) {
	for _, who := range has {
		if who == node {
			n++
		}
	}
	return n
}

func TestWhatOneNodeAloneKnowsIsItsOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := &fleet{t: t, store: s, nodes: []store.Node{{Name: "one", Knows: lanes}, {Name: "two", Knows: lanes}}}
		f.settle()
		f.nodes = append(f.nodes, store.Node{Name: "three", Knows: append([]string{"z"}, lanes...)})
		has := f.settle()
		if has["z"] != "three" || len(has) != 6 || lanesOf(has, "one") == 0 || lanesOf(has, "two") == 0 {
			t.Errorf("a node with one system more: %v", has)
		}
		// The one that knows less must not be given what it does not know, nor keep the others from it.
		f.nodes = append(f.nodes, store.Node{Name: "four", Knows: []string{"a"}})
		has = f.settle()
		if len(has) != 6 || has["z"] != "three" || lanesOf(has, "four") > 1 {
			t.Errorf("a node with one system only: %v", has)
		}
	})
}

func TestWhatOthersCannotHaveIsKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := &fleet{t: t, store: s, nodes: []store.Node{{Name: "more", Knows: append([]string{"z"}, lanes...)}}}
		if has := f.settle(); lanesOf(has, "more") != 6 {
			t.Fatalf("alone: %v", has)
		}
		f.nodes = append(f.nodes, store.Node{Name: "one", Knows: lanes}, store.Node{Name: "two", Knows: lanes})
		if has := f.settle(); len(has) != 6 || has["z"] != "more" {
			t.Errorf("of too many it gave away what nobody else can have: %v", has)
		}
	})
}

// Both that learn of a new system have as much as is theirs already: one of them takes it all the same, and lets
// go of what a third can have.
func TestANewSystemIsTakenByOneThatHasEnough(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		six := []string{"a", "b", "c", "d", "e", "f"}
		f := &fleet{t: t, store: s, nodes: []store.Node{{Name: "one", Knows: six}, {Name: "two", Knows: six}}}
		if has := f.settle(); lanesOf(has, "one") != 3 || lanesOf(has, "two") != 3 {
			t.Fatalf("two alone: %v", has)
		}
		seven := append([]string{"new"}, six...)
		f.nodes = []store.Node{{Name: "three", Knows: six}, {Name: "one", Knows: seven}, {Name: "two", Knows: seven}}
		if has := f.settle(); len(has) != 7 || has["new"] == "" || has["new"] == "three" {
			t.Errorf("nobody took the new one: %v", has)
		}
	})
}

// Thirteen lanes for four: one of them may be left with one lane while nobody has more than its part.
func TestNobodyIsLeftWithNextToNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var thirteen []string
		for i := range 13 {
			thirteen = append(thirteen, fmt.Sprintf("lane-%02d", i))
		}
		f := &fleet{t: t, store: s}
		for _, name := range []string{"one", "two", "three", "four"} {
			f.nodes = append(f.nodes, store.Node{Name: name, Knows: thirteen})
		}
		f.settle()
		for i, lane := range thirteen {
			storetest.Exec(t, s, fmt.Sprintf("UPDATE lanes SET node = '%s' WHERE name = '%s'", []string{"one", "two", "three", "four"}[min(i/4, 3)], lane))
		}
		has := f.settle()
		for _, n := range f.nodes {
			if got := lanesOf(has, n.Name); len(has) != 13 || got < 3 || got > 4 {
				t.Errorf("%s has %d of %d lanes", n.Name, got, len(has))
			}
		}
	})
}

// Whatever each of some nodes knows, every lane that one of them knows comes to rest with one that does.
func TestEveryLaneComesToRestWithSomebody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		draw := rand.New(rand.NewPCG(1, 2))
		fleets := [][]string{{"abcd", "abcdyz"}, {"abc", "abcdefgh", "ah"}}
		for range 30 {
			var all []string
			for range 2 + draw.IntN(3) {
				known := strings.Map(func(r rune) rune {
					if draw.IntN(3) == 0 {
						return -1
					}
					return r
				}, "abcdefghi")
				all = append(all, known)
			}
			fleets = append(fleets, all)
		}
		for _, all := range fleets {
			f, known := &fleet{t: t, store: s}, map[string]bool{}
			for i, lanes := range all {
				f.nodes = append(f.nodes, store.Node{Name: fmt.Sprint(i), Knows: strings.Split(lanes, "")})
				for _, lane := range f.nodes[i].Knows {
					known[lane] = true
				}
			}
			if has := f.settle(); len(has) != len(known) {
				t.Errorf("of nodes that know %q, nobody has some lanes: %v", all, has)
			}
			for _, n := range f.nodes {
				if err := s.LetGo(t.Context(), n.Name); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// clock is off by so much.
func clock(off time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(off) }
}

func TestANodeWithAWrongClockLeavesTheWorkToTheOthers(t *testing.T) {
	for _, off := range []time.Duration{time.Hour, -time.Hour, time.Minute} {
		storetest.Each(t, func(t *testing.T, s *store.Store) {
			wrong := store.Node{Name: "wrong", Knows: append([]string{"z"}, lanes...), Clock: clock(off)}
			f := &fleet{t: t, store: s, nodes: []store.Node{wrong}}
			if has := f.settle(); lanesOf(has, "wrong") != 6 { // whose clock is wrong, nobody can say
				t.Errorf("alone: %v", has)
			}
			f.nodes = append(f.nodes, store.Node{Name: "right", Knows: lanes, Clock: clock(2 * time.Second)})
			if has := f.settle(); lanesOf(has, "right") != 5 || has["z"] != "wrong" {
				t.Errorf("off by %s, beside another: %v", off, has)
			}
			told, err := s.For(exeunt.Viewer{}).WrongClocks(t.Context())
			if err != nil || len(told) != 1 || told[0].Node != "wrong" || told[0].Alone || !strings.Contains(told[0].String(), "Set the wrong one") {
				t.Errorf("people are told %+v, %v", told, err)
			}
			b, err := s.Beat(t.Context(), wrong)
			if diff := (b.Ahead - off).Abs(); err != nil || diff > 5*time.Second {
				t.Errorf("it learns that it is %s ahead, %v; it is %s", b.Ahead, err, off)
			}
			f.nodes[0].Clock = nil
			if has := f.settle(); lanesOf(has, "wrong") < 2 || lanesOf(has, "right") < 2 {
				t.Errorf("set right: %v", has)
			}
			if told, err := s.For(exeunt.Viewer{}).WrongClocks(t.Context()); err != nil || len(told) != 0 {
				t.Errorf("set right, people are told %+v, %v", told, err)
			}
		})
	}
}

func TestTheRowsOfTheDeadAreForgotten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		beat(t, s, "dead", time.Hour)
		storetest.Exec(t, s, "UPDATE nodes SET until = until - 7200000000")
		storetest.Exec(t, s, "UPDATE lanes SET until = until - 7200000000")
		if b := beat(t, s, "other", time.Hour); b.Nodes != 1 || len(b.Lanes) != 5 {
			t.Errorf("beside a dead one: %+v", b)
		}
		storetest.Exec(t, s, "INSERT INTO nodes (name, until, knows, ahead) VALUES ('dead', 0, '', 0)") // fails where it still stands
	})
}

// TestNodesStartOnAnEmptyDatabaseAtTheSameInstant is how a first installation with three servers begins.
func TestNodesStartOnAnEmptyDatabaseAtTheSameInstant(t *testing.T) {
	for round := range 3 {
		address := testserver.Postgres(t)
		var all sync.WaitGroup
		var mu sync.Mutex
		var ran int
		for i := range 4 {
			all.Go(func() {
				s, err := store.Open(t.Context(), "", address, "test.example/log")
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				n, err := s.Migrate(t.Context())
				if err == nil {
					_, err = s.Beat(t.Context(), store.Node{Name: fmt.Sprint(i), Knows: lanes, Lease: time.Hour})
				}
				if err != nil {
					t.Errorf("round %d: %v", round, err)
				}
				mu.Lock()
				ran += n
				mu.Unlock()
			})
		}
		all.Wait()
		if ran == 0 {
			t.Error("nobody made the schema")
		}
	}
}

// wired is a store whose way to its database may be cut or stalled.
func wired(t *testing.T) (*store.Store, *testserver.Line) {
	t.Helper()
	wire := testserver.Wire(t, testserver.Postgres(t))
	s, err := store.Open(t.Context(), "", wire.URL, "test.example/log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, wire
}

// TestAReadOfASilentDatabaseIsGivenUp has a session that was used just now, so that nothing asks first whether it
// lives.
func TestAReadOfASilentDatabaseIsGivenUp(t *testing.T) {
	t.Parallel()
	s, wire := wired(t)
	wire.Stall()
	began := time.Now()
	if err := s.Listen(t.Context(), func(string) {}); err == nil || time.Since(began) > 30*time.Second {
		t.Errorf("after %s who began to listen was answered %v", time.Since(began), err)
	}
	if _, err := s.NextVisit(t.Context(), "directory", now); exeunt.KindOf(err) != exeunt.Temporary || time.Since(began) > 30*time.Second {
		t.Errorf("after %s a read was answered %v", time.Since(began), err)
	}
}

// TestADatabaseThatFallsSilentIsGivenUp stalls the wire: nothing is refused, nothing is answered.
func TestADatabaseThatFallsSilentIsGivenUp(t *testing.T) {
	t.Parallel()
	s, wire := wired(t)
	woken := make(chan string, 10)
	listening, stop := context.WithCancel(t.Context())
	defer stop()
	listened := make(chan error, 1)
	go func() { listened <- s.Listen(listening, func(lane string) { woken <- lane }) }()

	wire.Stall()
	began := time.Now()
	var all sync.WaitGroup
	for i := range 40 { // more than may be written at once, and than there are sessions
		all.Go(func() {
			_, err := s.Receive(t.Context(), store.Event{Source: "hr", ID: fmt.Sprint(i), Body: []byte("{}"), ReceivedAt: now})
			if exeunt.KindOf(err) != exeunt.Temporary {
				t.Errorf("a write to a silent database: %v", err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("it was given up after %s", took)
	}
	if err := <-listened; err == nil {
		t.Error("the silent session was listened to for ever")
	}
	wire.Heal()
	until(t, "the database is used again", func() bool { return s.Ping(t.Context()) == nil })
	again, stopAgain := context.WithCancel(t.Context())
	defer stopAgain()
	go func() { _ = s.Listen(again, func(lane string) { woken <- lane }) }()
	f := &fleet{t: t, store: s, nodes: []store.Node{{Name: "one", Knows: lanes}, {Name: "two", Knows: lanes}}}
	f.settle()
	until(t, "wake-ups are heard again", func() bool {
		_, err := s.Receive(t.Context(), store.Event{Source: "hr", ID: store.Random(8), Body: []byte("{}"), ReceivedAt: now})
		return err == nil && slices.Contains([]string{store.DutyEvents}, heard(woken))
	})
}

func heard(woken chan string) string {
	select {
	case lane := <-woken:
		return lane
	case <-time.After(100 * time.Millisecond):
		return ""
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
