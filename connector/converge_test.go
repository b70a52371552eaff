package connector_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
)

// look is what the scripted connector answers to one Observe.
type look struct {
	standing exeunt.Standing // "" says nothing of the action
	err      error
}

// script is a connector whose answers are written down beforehand.
type script struct {
	t       *testing.T
	looks   []look
	apply   error
	seen    int
	applied int
	with    connector.Parameters
}

func (s *script) Find(context.Context, []exeunt.Key) ([]exeunt.Found, error) { return nil, nil }

func (s *script) Observe(context.Context, exeunt.Account) (exeunt.Observation, error) {
	if s.seen >= len(s.looks) {
		s.t.Fatal("looked more often than the script has it")
	}
	l := s.looks[s.seen]
	s.seen++
	o := exeunt.Observation{Standing: map[exeunt.Action]exeunt.Standing{}, Facts: map[string]string{"look": string(rune('0' + s.seen))}}
	if l.standing != "" {
		o.Standing[exeunt.Disable] = l.standing
	}
	if s.seen == 1 {
		o.Snapshot = map[string][]string{"groups": {"eng"}}
	}
	return o, l.err
}

func (s *script) Apply(_ context.Context, _ exeunt.Account, _ exeunt.Action, with connector.Parameters) error {
	s.applied++
	s.with = with
	return s.apply
}

func fails(kind exeunt.ErrorKind) error {
	return exeunt.Errorf(kind, "it is %s", kind).After(7 * time.Second)
}

// Each row is one branch of Converge: what was seen before, what the answer was, what was seen after.
func TestConverge(t *testing.T) {
	const (
		holds, absent, pending, unknown = exeunt.Holds, exeunt.Absent, exeunt.Pending, exeunt.Unknown
		done, notYet, again, gaveUp     = exeunt.Done, exeunt.NotYet, exeunt.TryAgain, exeunt.GaveUp
	)
	type aim struct {
		action             exeunt.Action
		intended, settling bool
		once               bool // not repeatable
		settles            time.Duration
	}
	for _, c := range []struct {
		name    string
		aim     aim
		looks   []look
		apply   error
		want    exeunt.OutcomeKind
		proof   exeunt.Proof
		changed bool
		kind    exeunt.ErrorKind
		applied int
	}{
		{name: "already so", looks: []look{{standing: holds}}, want: done, proof: exeunt.Observed},
		{name: "already so after our intent: the lost answer was ours", aim: aim{intended: true}, looks: []look{{standing: holds}}, want: done, proof: exeunt.Observed, changed: true},
		{name: "on its way", looks: []look{{standing: pending}}, want: notYet, kind: exeunt.Temporary},
		{name: "done and seen", looks: []look{{standing: absent}, {standing: holds}}, want: done, proof: exeunt.Observed, changed: true, applied: 1},
		{name: "done and on its way", looks: []look{{standing: absent}, {standing: pending}}, want: notYet, kind: exeunt.Temporary, changed: true, applied: 1},
		{name: "done, cannot be asked", looks: []look{{standing: unknown}, {standing: unknown}}, want: done, proof: exeunt.Acknowledged, changed: true, applied: 1},
		{name: "done, the system says nothing of it", looks: []look{{}, {}}, want: done, proof: exeunt.Acknowledged, changed: true, applied: 1},
		{name: "a lie", looks: []look{{standing: absent}, {standing: absent}}, want: again, kind: exeunt.Temporary, applied: 1},
		{name: "not shown yet by a slow vendor", aim: aim{settles: time.Minute}, looks: []look{{standing: absent}, {standing: absent}}, want: notYet, kind: exeunt.Temporary, changed: true, applied: 1},

		{name: "lost answer, it is so", looks: []look{{standing: absent}, {standing: holds}}, apply: fails(exeunt.Temporary), want: done, proof: exeunt.Observed, changed: true, applied: 1},
		{name: "lost answer, it is not so", looks: []look{{standing: absent}, {standing: absent}}, apply: fails(exeunt.Temporary), want: again, kind: exeunt.Temporary, applied: 1},
		{name: "lost answer, on its way", looks: []look{{standing: absent}, {standing: pending}}, apply: fails(exeunt.Temporary), want: notYet, kind: exeunt.Temporary, changed: true, applied: 1},
		{name: "lost answer, cannot be asked, repeatable", looks: []look{{standing: unknown}, {standing: unknown}}, apply: fails(exeunt.Temporary), want: again, kind: exeunt.Temporary, applied: 1},
		{name: "lost answer, cannot be asked, only once", aim: aim{once: true}, looks: []look{{standing: unknown}, {standing: unknown}}, apply: fails(exeunt.Temporary), want: gaveUp, kind: exeunt.Conflict, applied: 1},
		{name: "a conflict because it is so", looks: []look{{standing: absent}, {standing: holds}}, apply: fails(exeunt.Conflict), want: done, proof: exeunt.Observed, changed: true, applied: 1},
		{name: "a conflict because it cannot be", looks: []look{{standing: absent}, {standing: absent}}, apply: fails(exeunt.Conflict), want: gaveUp, kind: exeunt.Conflict, applied: 1},
		{name: "a fault of ours that worked all the same", looks: []look{{standing: absent}, {standing: holds}}, apply: errors.New("oops"), want: done, proof: exeunt.Observed, changed: true, applied: 1},
		{name: "a fault of ours", looks: []look{{standing: absent}, {standing: absent}}, apply: errors.New("oops: s3cret"), want: again, kind: exeunt.Internal, applied: 1},

		{name: "moot from the start", looks: []look{{standing: exeunt.Moot}}, want: exeunt.BecameMoot, kind: exeunt.Conflict},
		{name: "moot meanwhile", looks: []look{{standing: absent}, {standing: exeunt.Moot}}, apply: fails(exeunt.Conflict), want: exeunt.BecameMoot, kind: exeunt.Conflict, applied: 1},

		{name: "throttled", looks: []look{{standing: absent}}, apply: fails(exeunt.Throttled), want: again, kind: exeunt.Throttled, applied: 1},
		{name: "unauthorised", looks: []look{{standing: absent}}, apply: fails(exeunt.Unauthorised), want: again, kind: exeunt.Unauthorised, applied: 1},
		{name: "denied", looks: []look{{standing: absent}}, apply: fails(exeunt.Denied), want: gaveUp, kind: exeunt.Denied, applied: 1},
		{name: "invalid", looks: []look{{standing: absent}}, apply: fails(exeunt.Invalid), want: gaveUp, kind: exeunt.Invalid, applied: 1},
		{name: "unsupported", looks: []look{{standing: absent}}, apply: fails(exeunt.Unsupported), want: gaveUp, kind: exeunt.Unsupported, applied: 1},
		{name: "gone while acting", looks: []look{{standing: absent}}, apply: fails(exeunt.NotFound), want: gaveUp, kind: exeunt.NotFound, applied: 1},

		{name: "the first look fails for now", looks: []look{{err: fails(exeunt.Temporary)}}, want: again, kind: exeunt.Temporary},
		{name: "the first look finds nothing", looks: []look{{err: fails(exeunt.NotFound)}}, want: gaveUp, kind: exeunt.NotFound},
		{name: "the first look is throttled", looks: []look{{err: fails(exeunt.Throttled)}}, want: again, kind: exeunt.Throttled},
		{name: "the second look fails for now", looks: []look{{standing: absent}, {err: fails(exeunt.Temporary)}}, want: again, kind: exeunt.Temporary, applied: 1},

		{name: "intended before, only once, cannot be asked", aim: aim{intended: true, once: true}, looks: []look{{standing: unknown}}, want: gaveUp, kind: exeunt.Conflict},
		{name: "intended before, repeatable, cannot be asked", aim: aim{intended: true}, looks: []look{{standing: unknown}, {standing: unknown}}, want: done, proof: exeunt.Acknowledged, changed: true, applied: 1},
		{name: "intended before, still settling", aim: aim{intended: true, settling: true, settles: time.Minute}, looks: []look{{standing: absent}}, want: notYet, kind: exeunt.Temporary},
		{name: "intended before, settled and not there", aim: aim{intended: true, settles: time.Minute}, looks: []look{{standing: absent}, {standing: holds}}, want: done, proof: exeunt.Observed, changed: true, applied: 1},
		{name: "intended before, only once, settled and not there", aim: aim{intended: true, once: true, settles: time.Minute}, looks: []look{{standing: absent}}, want: gaveUp, kind: exeunt.Conflict},
		{name: "intended before, only once, shown at once and not there", aim: aim{intended: true, once: true}, looks: []look{{standing: absent}, {standing: holds}}, want: done, proof: exeunt.Observed, changed: true, applied: 1},

		{name: "check access: closed", aim: aim{action: exeunt.CheckAccess}, looks: []look{{standing: holds}}, want: done, proof: exeunt.Observed},
		{name: "check access: open", aim: aim{action: exeunt.CheckAccess}, looks: []look{{standing: absent}}, want: again, kind: exeunt.Temporary},
		{name: "check access: on its way", aim: aim{action: exeunt.CheckAccess}, looks: []look{{standing: pending}}, want: notYet, kind: exeunt.Temporary},
		{name: "check access: cannot be asked", aim: aim{action: exeunt.CheckAccess}, looks: []look{{standing: unknown}}, want: gaveUp, kind: exeunt.Unsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{t: t, looks: c.looks, apply: c.apply}
			action := c.aim.action
			if action == "" {
				action = exeunt.Disable
			}
			intents := 0
			out, err := connector.Converge(t.Context(), s, connector.Aim{
				Account: exeunt.Account{ID: "a1"}, Intended: c.aim.intended, Settling: c.aim.settling,
				Spec: exeunt.ActionSpec{Action: action, Repeatable: !c.aim.once, Settles: c.aim.settles},
			}, func(before exeunt.Observation) error {
				intents++
				if s.applied > 0 {
					t.Error("acted before the intent was recorded")
				}
				if before.Facts["look"] != "1" {
					t.Errorf("the intent carries %v, want the look before", before.Facts)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if out.Kind != c.want || out.Proof != c.proof || out.Changed != c.changed {
				t.Errorf("%s %q changed %v, want %s %q changed %v", out.Kind, out.Proof, out.Changed, c.want, c.proof, c.changed)
			}
			checkError(t, out, c.kind)
			if s.applied != c.applied || intents != c.applied || s.seen != len(c.looks) {
				t.Errorf("%d applied, %d intents, %d looks; want %d, as many, %d", s.applied, intents, s.seen, c.applied, len(c.looks))
			}
			if c.applied > 0 && (len(out.Snapshot["groups"]) != 1 || s.with.Seen.Facts["look"] != "1") {
				t.Errorf("the look before is lost: snapshot %v, parameters %v", out.Snapshot, s.with.Seen.Facts)
			}
		})
	}
}

// checkError sees that the class is kept, the vendor's wait passed on, and no foreign words shown.
func checkError(t *testing.T, out exeunt.Outcome, want exeunt.ErrorKind) {
	t.Helper()
	if want == "" {
		if out.Err != nil {
			t.Errorf("error %v", out.Err)
		}
		return
	}
	if out.Err == nil || out.Err.Kind != want {
		t.Fatalf("error %v, want %s", out.Err, want)
	}
	if strings.Contains(out.Err.Message, "s3cret") {
		t.Error("the message shows a foreign error")
	}
	if want == exeunt.Throttled && out.Wait != 7*time.Second {
		t.Errorf("waits %v, want what the vendor asked for", out.Wait)
	}
}

func TestConvergeDoesNotActUnrecorded(t *testing.T) {
	s := &script{t: t, looks: []look{{standing: exeunt.Absent}}}
	full := errors.New("disk full")
	_, err := connector.Converge(t.Context(), s, connector.Aim{Spec: exeunt.ActionSpec{Action: exeunt.Disable, Repeatable: true}},
		func(exeunt.Observation) error { return full })
	if !errors.Is(err, full) || s.applied != 0 {
		t.Errorf("%v, applied %d; want the store's error and nothing done", err, s.applied)
	}
}

// finder answers Find only.
type finder struct {
	script
	found []exeunt.Found
	err   error
}

func (f *finder) Find(context.Context, []exeunt.Key) ([]exeunt.Found, error) {
	return f.found, f.err
}

func TestCorrelate(t *testing.T) {
	accounts := func(n int) []exeunt.Found {
		var list []exeunt.Found
		for i := range n {
			list = append(list, exeunt.Found{Account: exeunt.Account{ID: string(rune('a' + i)), Login: "login-" + string(rune('a'+i))}, Has: map[string][]string{"employee_id": {"E1"}}})
		}
		return list
	}
	for _, c := range []struct {
		name  string
		found []exeunt.Found
		err   error
		want  exeunt.OutcomeKind
		kind  exeunt.ErrorKind
		says  string
	}{
		{name: "one", found: accounts(1)},
		{name: "none", want: exeunt.NoAccount, kind: exeunt.NotFound, says: "no account matches"},
		{name: "two", found: accounts(2), want: exeunt.GaveUp, kind: exeunt.Ambiguous, says: "login-a, login-b"},
		{name: "seven", found: accounts(7), want: exeunt.GaveUp, kind: exeunt.Ambiguous, says: "login-e and 2 more"},
		{name: "dead", err: fails(exeunt.Temporary), want: exeunt.TryAgain, kind: exeunt.Temporary},
		{name: "denied", err: fails(exeunt.Denied), want: exeunt.GaveUp, kind: exeunt.Denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			account, out := connector.Correlate(t.Context(), &finder{found: c.found, err: c.err}, nil, exeunt.Leaver{ID: "E1"}, nil)
			if c.want == "" {
				if out != nil || account.ID != "a" {
					t.Errorf("%v %v, want the one account", account, out)
				}
				return
			}
			if out == nil || out.Kind != c.want || account.ID != "" {
				t.Fatalf("%v %+v, want %s and no account", account, out, c.want)
			}
			checkError(t, *out, c.kind)
			if !strings.Contains(out.Err.Message, c.says) {
				t.Errorf("says %q, want %q in it", out.Err.Message, c.says)
			}
		})
	}
}

func TestOnlyARefusedApplyIsRefused(t *testing.T) {
	slow := exeunt.Errorf(exeunt.Throttled, "slow down")
	spec := exeunt.ActionSpec{Action: exeunt.Disable, Proof: exeunt.Observed}
	refused := connectortest.NewVendor(spec)
	account := refused.Hire(connectortest.Leaver(1))
	refused.Fail(connectortest.Apply, 1, slow)
	out, err := connector.Converge(t.Context(), refused, connector.Aim{Account: account, Spec: spec}, func(exeunt.Observation) error { return nil })
	if err != nil || !out.Refused {
		t.Errorf("a throttled apply: %+v, %v", out, err)
	}
	unseen := connectortest.NewVendor(spec)
	account = unseen.Hire(connectortest.Leaver(1))
	unseen.LoseAnswers(1)
	out, err = connector.Converge(t.Context(), unseen, connector.Aim{Account: account, Spec: spec}, func(exeunt.Observation) error {
		unseen.Fail(connectortest.Observe, 1, slow) // the read-back, not the first look
		return nil
	})
	if err != nil || out.Refused || out.Kind != exeunt.TryAgain {
		t.Errorf("a lost answer with a throttled read-back: %+v, %v", out, err)
	}
}

// half is a system whose every action takes two requests, of which the second may be refused.
type half struct {
	*connectortest.Vendor
	before, after func(context.Context)
}

func (h half) Apply(ctx context.Context, _ exeunt.Account, _ exeunt.Action, _ connector.Parameters) error {
	h.before(ctx)
	h.after(ctx)
	return exeunt.Errorf(exeunt.Throttled, "slow down")
}

func TestAnApplyThatWasServedInPartIsNotForgotten(t *testing.T) {
	spec := exeunt.ActionSpec{Action: exeunt.Disable, Proof: exeunt.Observed, Repeatable: true}
	nothing := func(context.Context) {}
	for name, c := range map[string]struct {
		before, after func(context.Context)
		intended      bool
		want          bool
	}{
		"refused at once":                {nothing, connector.NotServed, false, true},
		"refused half way":               {connector.Served, connector.NotServed, false, false},
		"refused, and nobody knows when": {nothing, nothing, false, false},
		"an earlier answer was lost":     {nothing, connector.NotServed, true, false},
	} {
		v := connectortest.NewVendor(spec)
		account := v.Hire(connectortest.Leaver(1))
		out, err := connector.Converge(t.Context(), half{v, c.before, c.after}, connector.Aim{Account: account, Spec: spec, Intended: c.intended},
			func(exeunt.Observation) error { return nil })
		if err != nil || out.Kind != exeunt.TryAgain || out.Refused != c.want {
			t.Errorf("%s: refused is %t: %+v, %v", name, out.Refused, out, err)
		}
	}
}

// An address was given to somebody else, whose account has another number: without any rule of the configuration that is an
// exception, and never the leaver's account.
func TestAReusedAddressEndsNobodysAccount(t *testing.T) {
	knows := connector.Knows{Attributes: connector.KnowsBy(map[exeunt.IdentifierKind]string{exeunt.EmployeeID: "employeeID", "badge": "badge", exeunt.WorkEmail: "mail"}, nil)}
	found := exeunt.Found{Account: exeunt.Account{ID: "b", Login: "jane"}, Has: map[string][]string{"employeeID": {"99"}, "mail": {"jane@c.example"}, "badge": {"7"}}}
	leaver := exeunt.Leaver{ID: "42", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "jane@c.example", "badge": "7"}}
	account, out := connector.Correlate(t.Context(), &finder{found: []exeunt.Found{found}}, knows.Correlation(), leaver, nil)
	if account.ID != "" || out == nil || exeunt.KindOf(out.Err) != exeunt.Ambiguous || !strings.Contains(out.Err.Message, "another employeeID") {
		t.Errorf("%+v, %+v", account, out)
	}
	found.Has["employeeID"] = []string{"42"}
	if account, out = connector.Correlate(t.Context(), &finder{found: []exeunt.Found{found}}, knows.Correlation(), leaver, nil); account.ID != "b" {
		t.Errorf("the leaver's own: %+v, %+v", account, out)
	}
}

// noting notes for which actions it is asked.
type noting struct {
	*connectortest.Vendor
	looked []exeunt.Action
}

func (l *noting) Observe(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
	for _, spec := range connectortest.Actions() {
		if connector.Looks(ctx, spec.Action) {
			l.looked = append(l.looked, spec.Action)
		}
	}
	return l.Vendor.Observe(ctx, a)
}

func TestALookIsForWhatIsDone(t *testing.T) {
	l := &noting{Vendor: connectortest.NewVendor()}
	account := l.Hire(connectortest.Leaver(1))
	for _, action := range []exeunt.Action{exeunt.RemoveGroups, exeunt.CheckAccess} {
		spec := exeunt.ActionSpec{Action: action, Proof: exeunt.Observed, Repeatable: true}
		if _, err := connector.Converge(t.Context(), l, connector.Aim{Account: account, Spec: spec}, func(exeunt.Observation) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if want := []exeunt.Action{exeunt.RemoveGroups, exeunt.RemoveGroups, exeunt.Disable}; !slices.Equal(l.looked, want) {
		t.Errorf("looked for %v, want %v: before and after acting, and whether access has ended", l.looked, want)
	}
	if _, err := l.Observe(t.Context(), account); err != nil || len(l.looked) != 3+len(connectortest.Actions()) {
		t.Errorf("a look that says nothing is for %v, %v; want all", l.looked[3:], err)
	}
}
