package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/store/storetest"
)

const crm = "https://crm.example"

func signalOf(id, attempts string, of exeunt.CaseID, step string) exeunt.Signal {
	return exeunt.Signal{ID: id, Receiver: crm, Subject: "email:jane@acme.example", Case: of, Step: step, Attempts: attempts, Action: exeunt.Disable, Event: exeunt.SignalAccountDisabled, MadeAt: time.Now().UTC(), Token: "token of " + id, State: exeunt.SignalWaiting}
}

// waiting lists the ids of what a receiver may fetch.
func waiting(t *testing.T, s *store.Store) string {
	t.Helper()
	some, _, err := s.WaitingSignals(t.Context(), crm, 100)
	must(t, err)
	out := ""
	for _, g := range some {
		if g.Token != "token of "+g.ID {
			t.Errorf("%s waits as %q", g.ID, g.Token)
		}
		out += g.ID + " "
	}
	return out
}

func TestAReceiverHasOneStream(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), time.Now()
		if _, err := s.SignalStream(ctx, crm); exeunt.KindOf(err) != exeunt.NotFound {
			t.Fatalf("before it is made: %v", err)
		}
		stream := exeunt.SignalStream{ID: "s1", Receiver: crm, Status: exeunt.StreamEnabled, Authorization: "Bearer s3cret"}
		change := stream.Make(exeunt.System{Name: "crm"}, now)
		must(t, s.KeepStream(ctx, stream, &change))
		change = stream.Make(exeunt.System{Name: "crm"}, now)
		if err := s.KeepStream(ctx, stream, &change); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("a second one: %v", err)
		}
		first, err := s.SignalStream(ctx, crm)
		must(t, err)
		paused := first
		paused.Status = exeunt.StreamPaused
		next, change := first.Become(paused, exeunt.System{Name: "crm", Owner: exeunt.Person{Email: "ida@acme.example"}}, exeunt.Person{Email: "olga@acme.example"}, now)
		must(t, s.KeepStream(ctx, next, &change))
		next, change = first.Become(first, exeunt.System{Name: "crm"}, exeunt.Person{}, now)
		if err := s.KeepStream(ctx, next, &change); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("of one that has changed: %v", err)
		}
		second, err := s.SignalStream(ctx, crm)
		if err != nil || second.Status != exeunt.StreamPaused || second.Authorization != "Bearer s3cret" || second.Version != 2 {
			t.Errorf("%+v, %v", second, err)
		}
		asked, err := s.AskedToVerify(ctx, second, now.Add(-time.Minute), now)
		if err != nil || !asked {
			t.Errorf("the first verification: %v %v", asked, err)
		}
		second, err = s.SignalStream(ctx, crm)
		must(t, err)
		if asked, err = s.AskedToVerify(ctx, second, now.Add(-time.Minute), now.Add(time.Second)); err != nil || asked {
			t.Errorf("another within the minute: %v %v", asked, err)
		}
		must(t, s.Mentions(ctx, crm, "email:jane@acme.example", true, now))
		change = second.End(exeunt.System{Name: "crm"}, exeunt.Person{}, now)
		must(t, s.DropStream(ctx, second, &change))
		if _, said, err := s.Mentioned(ctx, crm, "email:jane@acme.example"); said || err != nil {
			t.Errorf("of a stream that is gone it is known whom it wanted: %v", err)
		}
	})
}

func TestWhomAReceiverWantsToHearOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, c := range []struct{ say, wanted, said bool }{{false, false, false}, {true, true, true}, {true, false, true}, {true, true, true}} {
			if c.say {
				must(t, s.Mentions(ctx, crm, "email:jane@acme.example", c.wanted, time.Now()))
			}
			if wanted, said, err := s.Mentioned(ctx, crm, "email:jane@acme.example"); err != nil || wanted != c.wanted || said != c.said {
				t.Errorf("%v %v %v, want %+v", wanted, said, err, c)
			}
		}
	})
}

func TestATokenIsKeptOnceAndWaitsForWhatIsToBeTold(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		keep := func(g exeunt.Signal) exeunt.Signal {
			t.Helper()
			kept, err := s.KeepSignal(ctx, g, 3)
			must(t, err)
			return kept
		}
		f := storetest.Open(t, s, storetest.Departure("1", "2026-11-20"), time.Now())
		id, step := f.Case.ID, f.Steps[0]
		keep(signalOf("a", "1", id, step.Key))
		if kept := keep(signalOf("b", "1", id, step.Key)); kept.ID != "a" {
			t.Errorf("another attempt makes another token: %s", kept.ID)
		}
		if kept := keep(signalOf("c", "2", id, "later")); kept.ID != "c" {
			t.Errorf("another step is told by %s", kept.ID)
		}
		if got := waiting(t, s); got != "a c " {
			t.Errorf("there wait %s", got)
		}
		for _, c := range []struct {
			set, back, want string
		}{
			{"UPDATE cases SET state = 'held' WHERE id = %d", "UPDATE cases SET state = 'running' WHERE id = %d", ""},
			{"UPDATE cases SET embargoed_at = 1 WHERE id = %d", "UPDATE cases SET embargoed_at = NULL WHERE id = %d", ""},
			{"UPDATE cases SET closed_at = 1 WHERE id = %d", "UPDATE cases SET closed_at = NULL WHERE id = %d", ""},
			{"UPDATE steps SET state = 'cancelled' WHERE case_id = %d AND key = '" + step.Key + "'", "UPDATE steps SET state = 'failed' WHERE case_id = %d AND key = '" + step.Key + "'", "c "},
			{"UPDATE steps SET state = 'attested' WHERE case_id = %d AND key = '" + step.Key + "'", "UPDATE steps SET state = 'ready' WHERE case_id = %d AND key = '" + step.Key + "'", "c "},
		} {
			storetest.Exec(t, s, fmt.Sprintf(c.set, id))
			if got := waiting(t, s); got != c.want {
				t.Errorf("%s: there wait %q, want %q", c.set, got, c.want)
			}
			storetest.Exec(t, s, fmt.Sprintf(c.back, id))
			if got := waiting(t, s); got != "a c " {
				t.Errorf("%s: there wait %q", c.back, got)
			}
		}
		settle := func(receiver, id string, state exeunt.SignalState, want bool) {
			t.Helper()
			if settled, err := s.SettleSignal(ctx, receiver, id, state, "invalid_key", time.Now()); err != nil || settled != want {
				t.Errorf("%s of %s is %s: %v %v", id, receiver, state, settled, err)
			}
		}
		settle("https://another.example", "a", exeunt.SignalDelivered, false)
		settle(crm, "a", exeunt.SignalDelivered, true)
		settle(crm, "a", exeunt.SignalDelivered, false)
		settle(crm, "a", exeunt.SignalRefused, false)
		settle(crm, "c", exeunt.SignalRefused, true)
		if kept := keep(signalOf("d", "2", id, "later")); kept.ID != "c" || kept.Reason != "invalid_key" {
			t.Errorf("a refusal that nobody was told of: %+v", kept)
		}
		settle(crm, "c", exeunt.SignalTold, true)
		if kept := keep(signalOf("e", "2", id, "later")); kept.ID != "e" {
			t.Errorf("after a refusal it is told by %s", kept.ID)
		}
		keep(signalOf("f", "3", 0, ""))
		keep(signalOf("g", "4", id, "x"))
		if _, err := s.KeepSignal(ctx, signalOf("h", "5", id, "y"), 3); exeunt.KindOf(err) != exeunt.Temporary {
			t.Errorf("more than may wait: %v", err)
		}
		st, err := s.For(exeunt.Viewer{}).SignalStats(ctx, crm, time.Now())
		if err != nil || st.Waiting != 3 || st.Delivered != 1 || st.Refused != 1 || st.WaitingSince.IsZero() || st.LastDelivered.IsZero() {
			t.Errorf("%+v %v", st, err)
		}
		storetest.Exec(t, s, fmt.Sprintf("UPDATE cases SET embargoed_at = 1 WHERE id = %d", id))
		left, err := s.For(exeunt.Viewer{}).Undelivered(ctx, crm, 10)
		if st, _ := s.For(exeunt.Viewer{}).SignalStats(ctx, crm, time.Now()); err != nil || len(left) != 1 || left[0].ID != "f" || st.Waiting != 1 || st.Delivered != 0 {
			t.Errorf("of a hidden case somebody sees %+v, %+v %v", left, st, err)
		}
		must(t, s.DropSignals(ctx, time.Now().Add(-time.Hour)))
		if left, err := s.Everything().Undelivered(ctx, crm, 10); err != nil || len(left) != 4 {
			t.Errorf("after a moment there is %+v %v", left, err)
		}
		must(t, s.DropSignals(ctx, time.Now().Add(time.Hour)))
		if left, err := s.Everything().Undelivered(ctx, crm, 10); err != nil || len(left) != 3 {
			t.Errorf("after a day there is %+v %v", left, err)
		}
		storetest.Exec(t, s, fmt.Sprintf("UPDATE cases SET closed_at = 1 WHERE id = %d", id))
		must(t, s.DropSignals(ctx, time.Now()))
		if left, err := s.Everything().Undelivered(ctx, crm, 10); err != nil || len(left) != 1 || left[0].State != exeunt.SignalTold {
			t.Errorf("of a closed case there is %+v %v", left, err)
		}
	})
}

func TestKeysFollowEachOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now, by := t.Context(), time.Now().UTC().Truncate(time.Second), exeunt.Override{By: "Ida", Reason: "a year has passed"}
		key := func(id, algorithm string) exeunt.SignalKey {
			return exeunt.SignalKey{ID: id, Algorithm: algorithm, Private: "private " + id}
		}
		keys := func(at time.Time) []exeunt.SignalKey {
			t.Helper()
			all, err := s.SignalKeys(ctx, at)
			must(t, err)
			return all
		}
		_, err := s.FollowKey(ctx, key("a", "RS256"), nil, true, by, now)
		must(t, err)
		if _, err := s.FollowKey(ctx, key("b", "RS256"), nil, true, by, now); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("another server's first key: %v", err)
		}
		_, err = s.FollowKey(ctx, key("e", "ES256"), keys(now), false, by, now)
		must(t, err)
		_, err = s.FollowKey(ctx, key("c", "RS256"), keys(now), false, by, now)
		must(t, err)
		for _, c := range []struct {
			after time.Duration
			signs string
			known int
		}{{0, "a", 3}, {exeunt.SignalKeyAhead - time.Second, "a", 3}, {exeunt.SignalKeyAhead, "c", 3}, {exeunt.SignalKeyAhead + exeunt.SignalKeyAfter, "c", 2}} {
			all := keys(now.Add(c.after))
			if k := exeunt.Signing(all, "RS256", now.Add(c.after)); k.ID != c.signs || k.Private != "private "+c.signs || len(all) != c.known {
				t.Errorf("after %s %q signs, and %d are known; want %q and %d", c.after, k.ID, len(all), c.signs, c.known)
			}
		}
		_, err = s.FollowKey(ctx, key("d", "RS256"), keys(now), true, by, now)
		must(t, err)
		if all := keys(now.Add(time.Second)); len(all) != 2 || exeunt.Signing(all, "RS256", now.Add(time.Second)).ID != "d" {
			t.Errorf("after a leak there are %+v", all)
		}
	})
}

// Two servers that do the same step at once, as when one was taken for lost, tell one and the same.
func TestTwoServersMakeOneToken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		servers := []*store.Store{s, storetest.Beside(t, s)}
		f := storetest.Open(t, s, storetest.Departure("1", "2026-11-20"), time.Now())
		for round := range 25 {
			attempts := fmt.Sprint("attempts ", round)
			ids := make([]string, 8)
			var all sync.WaitGroup
			begin := make(chan struct{})
			for i := range ids {
				all.Go(func() {
					<-begin
					g := signalOf(fmt.Sprintf("%d-%d", round, i), attempts, f.Case.ID, f.Steps[0].Key)
					g.Subject = fmt.Sprint("email:", round)
					kept, err := servers[i%len(servers)].KeepSignal(t.Context(), g, 1000)
					if err != nil {
						t.Error(err)
					}
					ids[i] = kept.ID
				})
			}
			close(begin)
			all.Wait()
			told, err := s.Signals(t.Context(), crm, fmt.Sprint("email:", round))
			must(t, err)
			if slices.Sort(ids); ids[0] != ids[7] || len(told) != 1 || told[0].ID != ids[0] {
				t.Fatalf("round %d: the servers hold %v, and %d tokens were kept", round, ids, len(told))
			}
		}
	})
}
