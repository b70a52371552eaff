package connectortest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func specsAreSound(t testing.TB, s Subject) {
	if s.Kind.Name == "" || s.Kind.Title == "" || s.Kind.Settings == nil {
		t.Errorf("the kind lacks a name, title or settings type: %q %q %v", s.Kind.Name, s.Kind.Title, s.Kind.Settings)
	}
	specs := s.everySpec(t)
	if len(specs) == 0 {
		t.Fatal("the kind can do nothing")
	}
	actions, taken := map[exeunt.Action]bool{}, map[string]exeunt.Action{}
	for _, immediate := range []bool{false, true} {
		orders := map[int]exeunt.Action{}
		for _, spec := range specs {
			if other, taken := orders[spec.In(immediate)]; taken {
				t.Errorf("%s and %s have the same order %d (immediate: %v)", other, spec.Action, spec.In(immediate), immediate)
			}
			orders[spec.In(immediate)] = spec.Action
		}
	}
	for _, spec := range specs {
		if actions[spec.Action] {
			t.Errorf("%s is there twice", spec.Action)
		}
		actions[spec.Action] = true
		if spec.Title == "" {
			t.Errorf("%s has no title", spec.Action)
		}
		if spec.Proof != exeunt.Observed && spec.Proof != exeunt.Acknowledged {
			t.Errorf("%s promises proof %q; a connector can give observed or acknowledged", spec.Action, spec.Proof)
		}
		if spec.Destructive && spec.Reversible {
			t.Errorf("%s loses data and can be put back: one is wrong", spec.Action)
		}
		forPeopleIsSound(t, spec)
		undoIsSound(t, spec, taken)
		if spec.Action == exeunt.CheckAccess {
			t.Error("check_access is Converge's own and not in a kind's list")
		}
	}
}

func unknownSettingsAreRefused(t testing.TB, s Subject) {
	var fields map[string]any
	if err := json.Unmarshal(s.Settings, &fields); err != nil {
		t.Fatalf("the subject's settings are not an object: %v", err)
	}
	fields["no_such_setting"] = true
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Kind.Open(text, s.Transport); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a setting that does not exist gives %v, want an invalid error", err)
	}
}

func nobodyIsFoundForNobody(t testing.TB, s Subject) {
	c := s.open(t)
	leaver := s.Hire(t)
	accounts, err := s.search(t.Context(), t, c, nobody(leaver))
	if err != nil || len(accounts) != 0 {
		t.Errorf("Find of nobody: %v, %v; want no account and no error", accounts, err)
	}
}

func samePersonIsTheSameID(t testing.TB, s Subject) {
	c := s.open(t)
	leaver, first := s.hire(t, c)
	if second := s.find(t, c, leaver); second.ID != first.ID {
		t.Errorf("found as %q, then as %q", first.ID, second.ID)
	}
	if second := s.find(t, s.open(t), leaver); second.ID != first.ID {
		t.Errorf("a newly opened connector finds %q as %q", first.ID, second.ID)
	}
	if _, other := s.hire(t, c); other.ID == first.ID {
		t.Errorf("two people have the id %q", other.ID)
	}
}

func twoThatMatchAreTwo(t testing.TB, s Subject) {
	if s.Twin == nil {
		missing(t, "Twin")
		return
	}
	c := s.open(t)
	leaver, first := s.hire(t, c)
	s.Twin(t, leaver)
	accounts, err := s.search(t.Context(), t, c, leaver)
	if err != nil || len(accounts) != 2 {
		t.Fatalf("Find: %v, %v; want both accounts", accounts, err)
	}
	if accounts[0].ID == accounts[1].ID || !slices.ContainsFunc(accounts, func(a exeunt.Account) bool { return a.ID == first.ID }) {
		t.Errorf("Find gives %v, want two ids with %q among them", accounts, first.ID)
	}
	if _, out := connector.Correlate(t.Context(), c, s.correlation(t), leaver, nil); out == nil || exeunt.KindOf(out.Err) != exeunt.Ambiguous {
		t.Errorf("Correlate gives %v, want ambiguous", out)
	}
}

func freshAccountIsOpen(t testing.TB, s Subject) {
	c := s.open(t)
	leaver, account := s.hire(t, c)
	o := observe(t, c, account)
	for _, spec := range s.specs(t) {
		switch got := o.Of(spec.Action); {
		case spec.Proof == exeunt.Observed && got != exeunt.Absent:
			t.Errorf("%s stands %s before anything was done, want absent", spec.Action, got)
		case spec.Proof == exeunt.Acknowledged && got != exeunt.Unknown && got != exeunt.Absent:
			t.Errorf("%s stands %s before anything was done, want unknown or absent", spec.Action, got)
		}
	}
	if c.applied.Load() != 0 {
		t.Error("looking applied something")
	}
	if s.CanSignIn == nil {
		missing(t, "CanSignIn")
	} else if !s.CanSignIn(t, leaver) {
		t.Error("the person of a fresh account cannot sign in: the test would prove nothing")
	}
}

func eachActionConvergesInOrder(t testing.TB, s Subject) {
	c := s.open(t)
	leaver, account := s.hire(t, c)
	for _, spec := range s.specs(t) {
		s.converges(t, c, aim(leaver, account, spec))
	}
	o := observe(t, c, account)
	for _, spec := range s.specs(t) {
		if spec.Proof == exeunt.Observed && o.Of(spec.Action) != exeunt.Holds {
			t.Errorf("after all actions %s stands %s: a later action undid it", spec.Action, o.Of(spec.Action))
		}
	}
	if s.CanSignIn != nil && s.CanSignIn(t, leaver) {
		t.Error("every action is done and the person can still sign in")
	}
	s.repeatAll(t, c, leaver, account)
}

// immediateOrderLocksOutFirst does the actions in the order of an immediate departure. What is then too late is moot, and
// must still be so when it is looked at again.
func immediateOrderLocksOutFirst(t testing.TB, s Subject) {
	specs := s.specs(t)
	if !slices.ContainsFunc(specs, func(spec exeunt.ActionSpec) bool { return spec.Immediate != 0 }) {
		t.Logf("not checked: the kind does the same in every order")
		return
	}
	slices.SortStableFunc(specs, func(a, b exeunt.ActionSpec) int { return a.In(true) - b.In(true) })
	c := s.open(t)
	leaver, account := s.hire(t, c)
	moot := map[exeunt.Action]bool{}
	for _, spec := range specs {
		out, _ := s.drive(t, c, aim(leaver, account, spec))
		if out.Kind != exeunt.Done && out.Kind != exeunt.BecameMoot {
			t.Fatalf("%s: %s: %s", spec.Action, out.Kind, reason(out))
		}
		moot[spec.Action] = out.Kind == exeunt.BecameMoot
	}
	o := observe(t, c, account)
	for _, spec := range specs {
		want := exeunt.Holds
		if moot[spec.Action] {
			want = exeunt.Moot
		}
		if spec.Proof == exeunt.Observed && o.Of(spec.Action) != want {
			t.Errorf("after all actions %s stands %s, want %s", spec.Action, o.Of(spec.Action), want)
		}
		if moot[spec.Action] && o.Why[spec.Action] == "" {
			t.Errorf("%s is moot and nobody says why", spec.Action)
		}
	}
	if s.CanSignIn != nil && s.CanSignIn(t, leaver) {
		t.Error("every action is done and the person can still sign in")
	}
}

// converges drives one action and then finds it so already.
func (s Subject) converges(t testing.TB, c *witness, a connector.Aim) {
	t.Helper()
	out, _ := s.drive(t, c, a)
	if out.Kind != exeunt.Done {
		t.Fatalf("%s: %s: %s", a.Spec.Action, out.Kind, reason(out))
	}
	if out.Proof != a.Spec.Proof && out.Proof != exeunt.Observed {
		t.Errorf("%s is proven as %s, its spec promises %s", a.Spec.Action, out.Proof, a.Spec.Proof)
	}
	if a.Spec.Proof != exeunt.Observed {
		return
	}
	before := c.applied.Load()
	again, _ := s.drive(t, c, a)
	if again.Kind != exeunt.Done || again.Changed {
		t.Errorf("%s once more: %s, changed %v; want done and unchanged", a.Spec.Action, again.Kind, again.Changed)
	}
	if c.applied.Load() != before {
		t.Errorf("%s is applied again although it holds", a.Spec.Action)
	}
}

// repeatAll applies every repeatable action once more, late and out of order, as the engine may after
// a crash, and sees that nothing came back to life.
func (s Subject) repeatAll(t testing.TB, c *witness, leaver exeunt.Leaver, account exeunt.Account) {
	t.Helper()
	for _, spec := range s.specs(t) {
		if !spec.Repeatable {
			continue
		}
		err := c.Apply(t.Context(), account, spec.Action, aim(leaver, account, spec).With)
		if kind := exeunt.KindOf(err); err != nil && kind != exeunt.Conflict {
			t.Errorf("%s applied twice: %s: %v", spec.Action, kind, err)
		}
		o := observe(t, c, account)
		for _, other := range s.specs(t) {
			if other.Proof == exeunt.Observed && o.Of(other.Action) != exeunt.Holds {
				t.Errorf("repeating %s leaves %s %s", spec.Action, other.Action, o.Of(other.Action))
			}
		}
	}
	if s.CanSignIn != nil && s.CanSignIn(t, leaver) {
		t.Error("repeating the actions let the person in again")
	}
}

func lookBeforeRecordsWhatIsTaken(t testing.TB, s Subject) {
	if s.Removals == nil {
		missing(t, "Removals")
		return
	}
	c := s.open(t)
	leaver, account := s.hire(t, c)
	want := s.Removals(t, leaver)
	if len(want) == 0 {
		t.Fatal("the subject's fresh account has nothing to take away")
	}
	got := map[string][]string{}
	for _, spec := range s.specs(t) {
		out, before := s.drive(t, c, aim(leaver, account, spec))
		if out.Kind != exeunt.Done {
			t.Fatalf("%s: %s: %s", spec.Action, out.Kind, reason(out))
		}
		for key, values := range before.Snapshot {
			if len(got[key]) == 0 {
				got[key] = values
			}
		}
	}
	for key, values := range want {
		if !slices.Equal(slices.Sorted(slices.Values(values)), slices.Sorted(slices.Values(got[key]))) {
			t.Errorf("the snapshot has %s %q, want %q", key, got[key], values)
		}
	}
}

func renamedAccountIsTheSame(t testing.TB, s Subject) {
	if s.Rename == nil {
		missing(t, "Rename")
		return
	}
	c := s.open(t)
	leaver, account := s.hire(t, c)
	s.Rename(t, leaver)
	o := observe(t, c, account)
	for _, spec := range s.specs(t) {
		if spec.Proof == exeunt.Observed && o.Of(spec.Action) != exeunt.Absent {
			t.Errorf("renamed, and %s stands %s", spec.Action, o.Of(spec.Action))
		}
	}
	s.end(t, c, leaver, account)
}

func vanishedAccountIsNotFound(t testing.TB, s Subject) {
	if s.Vanish == nil {
		missing(t, "Vanish")
		return
	}
	c := s.open(t)
	leaver, account := s.hire(t, c)
	s.Vanish(t, leaver)
	if _, err := c.Observe(t.Context(), account); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("Observe: %v (%s), want not_found", err, exeunt.KindOf(err))
	}
	for _, spec := range s.specs(t) {
		err := c.Apply(t.Context(), account, spec.Action, aim(leaver, account, spec).With)
		if exeunt.KindOf(err) != exeunt.NotFound {
			t.Errorf("%s: %v (%s), want not_found", spec.Action, err, exeunt.KindOf(err))
		}
	}
}

func unknownActionIsUnsupported(t testing.TB, s Subject) {
	c := s.open(t)
	leaver, account := s.hire(t, c)
	err := c.Apply(t.Context(), account, "no_such_action", connector.Parameters{Leaver: leaver})
	if exeunt.KindOf(err) != exeunt.Unsupported {
		t.Errorf("got %v (%s), want unsupported", err, exeunt.KindOf(err))
	}
}

func wrongCredentialsAreUnauthorised(t testing.TB, s Subject) {
	if s.WrongCredentials == nil {
		missing(t, "WrongCredentials")
		return
	}
	leaver, account := s.hire(t, s.open(t))
	s.everyVerbFails(t, s.openWith(t, s.WrongCredentials), leaver, account, exeunt.Unauthorised, exeunt.Denied)
}

func deadSystemIsTemporary(t testing.TB, s Subject) {
	if s.Unreachable == nil {
		missing(t, "Unreachable")
		return
	}
	leaver, account := s.hire(t, s.open(t))
	s.everyVerbFails(t, s.openWith(t, s.Unreachable), leaver, account, exeunt.Temporary)
}

func (s Subject) everyVerbFails(t testing.TB, c connector.Connector, leaver exeunt.Leaver, account exeunt.Account, want ...exeunt.ErrorKind) {
	t.Helper()
	_, findErr := s.search(t.Context(), t, c, leaver)
	_, observeErr := c.Observe(t.Context(), account)
	spec := s.specs(t)[0]
	applyErr := c.Apply(t.Context(), account, spec.Action, aim(leaver, account, spec).With)
	for verb, err := range map[string]error{"Find": findErr, "Observe": observeErr, "Apply": applyErr} {
		if !slices.Contains(want, exeunt.KindOf(err)) {
			t.Errorf("%s: %v (%s), want %v", verb, err, exeunt.KindOf(err), want)
		}
	}
}

func cancelledCallEndsAtOnce(t testing.TB, s Subject) {
	c := s.open(t)
	leaver, account := s.hire(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	_, findErr := s.search(ctx, t, c, leaver)
	_, observeErr := c.Observe(ctx, account)
	errs := map[string]error{"Find": findErr, "Observe": observeErr}
	for _, spec := range s.specs(t) {
		errs["Apply "+string(spec.Action)] = c.Apply(ctx, account, spec.Action, aim(leaver, account, spec).With)
	}
	if took := time.Since(begun); took > promptly {
		t.Errorf("calls with a cancelled context took %v", took)
	}
	for verb, err := range errs {
		if err == nil {
			t.Errorf("%s succeeded with a cancelled context", verb)
		}
	}
	o := observe(t, c, account)
	for _, spec := range s.specs(t) {
		if spec.Proof == exeunt.Observed && o.Of(spec.Action) != exeunt.Absent {
			t.Errorf("%s took effect with a cancelled context", spec.Action)
		}
	}
}

func concurrentUseIsSafe(t testing.TB, s Subject) {
	c := s.open(t)
	leaver, account := s.hire(t, c)
	first := s.specs(t)[0]
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if accounts, err := s.search(t.Context(), t, c, leaver); err != nil || len(accounts) != 1 || accounts[0].ID != account.ID {
				t.Errorf("Find: %v, %v", accounts, err)
			}
			out, err := connector.Converge(t.Context(), c, aim(leaver, account, first), func(exeunt.Observation) error { return nil })
			if err != nil || (out.Err != nil && !passing(out.Err)) {
				t.Errorf("%s beside others: %v %s", first.Action, err, reason(out))
			}
		})
	}
	all.Wait()
	s.end(t, c, leaver, account)
}

// passing says whether an error may come of a race with ourselves.
func passing(err *exeunt.Error) bool {
	return slices.Contains([]exeunt.ErrorKind{exeunt.Conflict, exeunt.Temporary, exeunt.Throttled}, err.Kind)
}

func lostAnswerConverges(t testing.TB, s Subject) {
	c := &losing{Connector: s.open(t)}
	leaver, account := s.hire(t, c)
	for _, spec := range s.specs(t) {
		c.answers.Store(1)
		out, _ := s.drive(t, c, aim(leaver, account, spec))
		unknowable := spec.Proof == exeunt.Acknowledged && !spec.Repeatable
		switch {
		case unknowable && out.Kind != exeunt.GaveUp:
			t.Errorf("%s can be neither seen nor repeated, and ends as %s after a lost answer", spec.Action, out.Kind)
		case !unknowable && out.Kind != exeunt.Done:
			t.Errorf("%s after a lost answer: %s: %s", spec.Action, out.Kind, reason(out))
		}
	}
}

func lieIsNeverDone(t testing.TB, s Subject) {
	c := lying{s.open(t)}
	leaver, account := s.hire(t, c)
	for _, spec := range s.specs(t) {
		out, _ := s.attempt(t, c, aim(leaver, account, spec), 3)
		if spec.Proof == exeunt.Observed && out.Kind == exeunt.Done {
			t.Errorf("%s: nothing was done and it counts as done", spec.Action)
		}
		if spec.Proof == exeunt.Acknowledged && out.Proof == exeunt.Observed {
			t.Errorf("%s: nothing was done and it counts as observed", spec.Action)
		}
	}
	if s.CanSignIn != nil && !s.CanSignIn(t, leaver) {
		t.Error("looking at the account shut the door")
	}
}

func observe(t testing.TB, c connector.Connector, account exeunt.Account) exeunt.Observation {
	t.Helper()
	o, err := c.Observe(t.Context(), account)
	if err != nil {
		t.Fatalf("Observe: %v", err)
	}
	return o
}
