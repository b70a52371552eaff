package connectortest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// subject is the vendor in memory as the suite sees it. broken, when not nil, stands between.
func subject(v *Vendor, broken func(connector.Connector) connector.Connector) Subject {
	type settings struct {
		Token, Host string
	}
	var people atomic.Int64
	account := func(l exeunt.Leaver) string {
		accounts, _ := Search(context.Background(), v.Kind("test"), nil, v, l)
		if len(accounts) == 0 {
			return ""
		}
		return accounts[0].ID
	}
	return Subject{
		Kind: connector.Define("memory", "Vendor in memory", v.specs, func(s settings, _ http.RoundTripper) (connector.Connector, error) {
			var c connector.Connector = v
			switch {
			case s.Token != "right":
				c = refusing{exeunt.Errorf(exeunt.Unauthorised, "credentials refused")}
			case s.Host == "nowhere":
				c = refusing{exeunt.Errorf(exeunt.Temporary, "the connection failed")}
			case s.Host == "powerless":
				powerless := NewVendor(v.specs...)
				powerless.Forbid(exeunt.Disable)
				c = powerless
			}
			if broken != nil {
				c = broken(c)
			}
			return c, nil
		}),
		Settings:         []byte(`{"Token":"right"}`),
		WrongCredentials: []byte(`{"Token":"wrong-token"}`),
		Unreachable:      []byte(`{"Token":"right","Host":"nowhere"}`),
		Powerless:        []byte(`{"Token":"right","Host":"powerless"}`),
		Needs:            exeunt.Disable,
		Secrets:          []string{"wrong-token"},
		Hire: func(testing.TB) exeunt.Leaver {
			l := Leaver(int(people.Add(1)))
			v.Hire(l, "eng", "vpn "+l.ID)
			return l
		},
		Removals: func(_ testing.TB, l exeunt.Leaver) map[string][]string {
			return map[string][]string{"groups": {"vpn " + l.ID, "eng"}}
		},
		Twin: func(_ testing.TB, l exeunt.Leaver) { v.Hire(l) },
		Rename: func(_ testing.TB, l exeunt.Leaver) {
			v.set(func() {
				for _, r := range v.accounts {
					if r.leaver.ID == l.ID {
						r.login, r.leaver = "renamed", exeunt.Leaver{}
					}
				}
			})
		},
		Vanish: func(_ testing.TB, l exeunt.Leaver) { v.Vanish(account(l)) },
		CanSignIn: func(_ testing.TB, l exeunt.Leaver) bool {
			return !v.Done(account(l), exeunt.Disable) && !v.Done(account(l), exeunt.ResetPassword)
		},
		Drop: func(_ testing.TB, l exeunt.Leaver, action exeunt.Action) (name, value string) {
			if action != exeunt.RemoveGroups {
				return "", ""
			}
			group := "vpn " + l.ID
			v.DropGroup(group)
			return group, group
		},
		Application: func(testing.TB) connector.Application {
			n := people.Add(1)
			a := connector.Application{ID: fmt.Sprintf("app-%d", n), Name: fmt.Sprintf("Application %d", n), Mode: "SAML_2_0", SignsIn: "${user.email}", People: int(n)}
			v.Offer(a)
			return a
		},
		Later: func(testing.TB) {},
	}
}

type refusing struct{ err error }

func (r refusing) Find(context.Context, []exeunt.Key) ([]exeunt.Found, error) { return nil, r.err }
func (r refusing) Observe(context.Context, exeunt.Account) (exeunt.Observation, error) {
	return exeunt.Observation{}, r.err
}
func (r refusing) Apply(context.Context, exeunt.Account, exeunt.Action, connector.Parameters) error {
	return r.err
}

func (r refusing) Examine(context.Context) ([]connector.Right, error) { return nil, r.err }
func (r refusing) Applications(context.Context, string) (connector.Applications, error) {
	return connector.Applications{}, r.err
}

func TestTheVendorInMemoryConforms(t *testing.T) {
	Run(t, subject(NewVendor(), nil))
}

func TestALaggingVendorConforms(t *testing.T) {
	v := NewVendor()
	v.Lag(2)
	Run(t, subject(v, nil))
}

func TestAVendorThatCannotBeAskedNorRepeatedConforms(t *testing.T) {
	v := NewVendor(append(Actions(), exeunt.ActionSpec{Action: exeunt.NotifyAdministrator, Title: "Notify administrator", Order: 50, Proof: exeunt.Acknowledged})...)
	Run(t, subject(v, nil))
}

// withFactors is a vendor whose factors cannot be reset once the account is disabled, as with an immediate departure.
func withFactors() *Vendor {
	disable := Actions()[1]
	disable.Immediate = 1
	v := NewVendor(exeunt.ActionSpec{Action: exeunt.ResetFactors, Title: "Reset factors", Order: 10, Proof: exeunt.Observed, Repeatable: true}, disable)
	v.MootAfter(exeunt.ResetFactors, exeunt.Disable)
	return v
}

func TestAVendorThatLocksOutFirstConforms(t *testing.T) {
	s := subject(withFactors(), nil)
	s.Removals = nil // it knows no groups
	Run(t, s)
}

// hidden says of what is moot something else.
type hidden struct {
	connector.Connector
	stands exeunt.Standing
	why    string
}

func (h hidden) Observe(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
	o, err := h.Connector.Observe(ctx, a)
	if o.Of(exeunt.ResetFactors) == exeunt.Moot {
		o.Standing[exeunt.ResetFactors], o.Why = h.stands, map[exeunt.Action]string{exeunt.ResetFactors: h.why}
	}
	return o, err
}

func TestTheSuiteCatchesAnImmediateOrderThatDoesNotEnd(t *testing.T) {
	for name, broken := range map[string]hidden{
		"an action that can never be done": {stands: exeunt.Absent},
		"moot without a reason":            {stands: exeunt.Moot},
	} {
		said := watch(t, "the immediate order locks out first", subject(withFactors(), func(c connector.Connector) connector.Connector {
			broken.Connector = c
			return broken
		}))
		if said == "" {
			t.Errorf("%s passes", name)
		}
	}
}

// examined breaks what a connector tells of its rights.
type examined struct {
	connector.Connector
	examine func(context.Context) ([]connector.Right, error)
}

func (e examined) Examine(ctx context.Context) ([]connector.Right, error) { return e.examine(ctx) }

func TestTheSuiteCatchesRightsThat(t *testing.T) {
	telling := func(change func([]connector.Right) []connector.Right) func(connector.Connector) connector.Connector {
		return func(c connector.Connector) connector.Connector {
			return examined{c, func(ctx context.Context) ([]connector.Right, error) {
				rights, err := connector.Examine(ctx, c)
				return change(rights), err
			}}
		}
	}
	broken := func(spoil func(*connector.Right)) func(connector.Connector) connector.Connector {
		return telling(func(rights []connector.Right) []connector.Right {
			if len(rights) > 1 {
				spoil(&rights[1])
			}
			return rights
		})
	}
	for name, c := range map[string]struct {
		broken func(*Vendor) func(connector.Connector) connector.Connector
		check  string
		says   string
	}{
		"lack where all is allowed": {func(*Vendor) func(connector.Connector) connector.Connector {
			return broken(func(r *connector.Right) { r.State, r.Why, r.Remedy = connector.Lacking, "so", "so" })
		}, "rights are told without acting", "is said to lack"},
		"say no reason": {func(*Vendor) func(connector.Connector) connector.Connector {
			return broken(func(r *connector.Right) { r.State = connector.Unknown })
		}, "rights are told without acting", "not said why"},
		"have no name": {func(*Vendor) func(connector.Connector) connector.Connector {
			return broken(func(r *connector.Right) { r.Name = "" })
		}, "rights are told without acting", "has no name"},
		"show a secret": {func(*Vendor) func(connector.Connector) connector.Connector {
			return broken(func(r *connector.Right) { r.Why = "wrong-token" })
		}, "rights are told without acting", "shows secret"},
		"are asked for by acting": {func(v *Vendor) func(connector.Connector) connector.Connector {
			return func(c connector.Connector) connector.Connector {
				return examined{c, func(ctx context.Context) ([]connector.Right, error) {
					for id := range v.accounts {
						v.Close(id, exeunt.Disable)
					}
					return connector.Examine(ctx, c)
				}}
			}
		}, "rights are told without acting", "examining changed the account"},
		"are told though nobody signed in": {func(v *Vendor) func(connector.Connector) connector.Connector {
			return func(c connector.Connector) connector.Connector { return examined{c, v.Examine} }
		}, "rights are told without acting", "want unauthorised"},
		"are always there": {func(*Vendor) func(connector.Connector) connector.Connector {
			return telling(func(rights []connector.Right) []connector.Right {
				for i := range rights {
					rights[i] = connector.Right{Name: rights[i].Name, For: rights[i].For, State: connector.Granted}
				}
				return rights
			})
		}, "rights that lack are told", "nothing is said to lack for disable"},
	} {
		t.Run(name, func(t *testing.T) {
			v := NewVendor()
			if said := watch(t, c.check, subject(v, c.broken(v))); !strings.Contains(said, c.says) {
				t.Errorf("the suite says %q, want %q in it", said, c.says)
			}
		})
	}
}

// hooked breaks one verb of a connector.
type hooked struct {
	connector.Connector
	find    func(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error)
	observe func(ctx context.Context, a exeunt.Account) (exeunt.Observation, error)
	apply   func(ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error
}

func (h hooked) Find(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
	if h.find != nil {
		return h.find(ctx, keys)
	}
	return h.Connector.Find(ctx, keys)
}
func (h hooked) Observe(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
	if h.observe != nil {
		return h.observe(ctx, a)
	}
	return h.Connector.Observe(ctx, a)
}
func (h hooked) Apply(ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error {
	if h.apply != nil {
		return h.apply(ctx, a, action, with)
	}
	return h.Connector.Apply(ctx, a, action, with)
}

// Each fault is one that a connector really may have. The suite is worth what it catches.
func TestTheSuiteCatches(t *testing.T) {
	seeing := func(change func(*exeunt.Observation)) func(connector.Connector) connector.Connector {
		return func(c connector.Connector) connector.Connector {
			return hooked{Connector: c, observe: func(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
				o, err := c.Observe(ctx, a)
				if err == nil {
					change(&o)
				}
				return o, err
			}}
		}
	}
	failing := func(change func(error) error) func(connector.Connector) connector.Connector {
		return func(c connector.Connector) connector.Connector {
			return hooked{Connector: c,
				find: func(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
					found, err := c.Find(ctx, keys)
					return found, change(err)
				},
				observe: func(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
					o, err := c.Observe(ctx, a)
					return o, change(err)
				},
				apply: func(ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error {
					return change(c.Apply(ctx, a, action, with))
				}}
		}
	}
	finding := func(change func([]exeunt.Found, error) ([]exeunt.Found, error)) func(connector.Connector) connector.Connector {
		return func(c connector.Connector) connector.Connector {
			return hooked{Connector: c, find: func(ctx context.Context, keys []exeunt.Key) ([]exeunt.Found, error) {
				return change(c.Find(ctx, keys))
			}}
		}
	}
	var ids atomic.Int64
	for _, c := range []struct {
		fault  string
		check  string
		broken func(connector.Connector) connector.Connector
	}{
		{"an error for nobody", "nobody is found for nobody", finding(func(a []exeunt.Found, err error) ([]exeunt.Found, error) {
			if len(a) == 0 && err == nil {
				err = exeunt.Errorf(exeunt.NotFound, "nobody")
			}
			return a, err
		})},
		{"a new id each time", "the same person is the same id", finding(func(a []exeunt.Found, err error) ([]exeunt.Found, error) {
			for i := range a {
				a[i].ID = fmt.Sprint(ids.Add(1))
			}
			return a, err
		})},
		{"a guess among two", "two that match are two", finding(func(a []exeunt.Found, err error) ([]exeunt.Found, error) {
			return a[:min(len(a), 1)], err
		})},
		{"everything holds", "a fresh account is open", seeing(func(o *exeunt.Observation) { o.Standing[exeunt.Disable] = exeunt.Holds })},
		{"a lie believed", "an answer without effect is never done", seeing(func(o *exeunt.Observation) { o.Standing[exeunt.Disable] = exeunt.Holds })},
		{"no standing", "each action converges in order", seeing(func(o *exeunt.Observation) { delete(o.Standing, exeunt.RevokeSessions) })},
		{"never seen", "each action converges in order", seeing(func(o *exeunt.Observation) { o.Standing[exeunt.RemoveGroups] = exeunt.Absent })},
		{"half a snapshot", "the look before records what is taken away", seeing(func(o *exeunt.Observation) {
			if len(o.Snapshot["groups"]) > 0 {
				o.Snapshot["groups"] = o.Snapshot["groups"][:1]
			}
		})},
		{"no moment", "a fresh account is open", seeing(func(o *exeunt.Observation) { o.At = time.Time{} })},
		{"a secret in a fact", "a fresh account is open", seeing(func(o *exeunt.Observation) { o.Facts["token"] = "wrong-token" })},
		{"a secret in an error", "wrong credentials are unauthorised", failing(func(err error) error {
			if err != nil {
				return exeunt.Errorf(exeunt.KindOf(err), "Bearer wrong-token was refused")
			}
			return nil
		})},
		{"401 is temporary", "wrong credentials are unauthorised", failing(func(err error) error {
			if exeunt.KindOf(err) == exeunt.Unauthorised {
				return exeunt.Errorf(exeunt.Temporary, "later")
			}
			return err
		})},
		{"a dead system is a fault of ours", "a dead system is temporary", failing(func(err error) error {
			if exeunt.KindOf(err) == exeunt.Temporary {
				return exeunt.Errorf(exeunt.Internal, "oops")
			}
			return err
		})},
		{"a foreign error", "a vanished account is not found", failing(func(err error) error {
			if err != nil {
				return fmt.Errorf("HTTP 404: %w", err)
			}
			return nil
		})},
		{"gone is temporary", "a vanished account is not found", failing(func(err error) error {
			if exeunt.KindOf(err) == exeunt.NotFound {
				return exeunt.Errorf(exeunt.Temporary, "later")
			}
			return err
		})},
		{"any action will do", "an unknown action is unsupported", failing(func(err error) error {
			if exeunt.KindOf(err) == exeunt.Unsupported {
				return nil
			}
			return err
		})},
		{"a context is ignored", "a cancelled call ends at once", func(c connector.Connector) connector.Connector {
			return hooked{Connector: c, apply: func(_ context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error {
				return c.Apply(context.Background(), a, action, with)
			}}
		}},
		{"by name, not by id", "a renamed account is the same account", func(c connector.Connector) connector.Connector {
			return hooked{Connector: c, observe: func(ctx context.Context, a exeunt.Account) (exeunt.Observation, error) {
				o, err := c.Observe(ctx, a)
				if err == nil && o.Facts["login"] != a.Login {
					return o, exeunt.Errorf(exeunt.NotFound, "no %s", a.Login)
				}
				return o, err
			}}
		}},
		{"a repeat that fails", "each action converges in order", onSecond(func() error { return exeunt.Errorf(exeunt.Invalid, "already") })},
	} {
		t.Run(c.fault, func(t *testing.T) {
			if said := watch(t, c.check, subject(NewVendor(), c.broken)); said == "" {
				t.Errorf("%q passes", c.check)
			}
		})
	}
}

// onSecond fails an action that was applied before.
func onSecond(fail func() error) func(connector.Connector) connector.Connector {
	return func(c connector.Connector) connector.Connector {
		var seen sync.Map
		return hooked{Connector: c, apply: func(ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error {
			if _, again := seen.LoadOrStore(a.ID+string(action), true); again {
				return fail()
			}
			return c.Apply(ctx, a, action, with)
		}}
	}
}

// A door that stays open, and a later action that undoes an earlier one, are caught too.
func TestTheSuiteCatchesAnOpenDoor(t *testing.T) {
	s := subject(NewVendor(), nil)
	s.CanSignIn = func(testing.TB, exeunt.Leaver) bool { return true }
	if watch(t, "each action converges in order", s) == "" {
		t.Error("the door stays open and nobody minds")
	}
}

func TestTheSuiteCatchesAnActionThatUndoesAnother(t *testing.T) {
	v := NewVendor()
	s := subject(v, func(c connector.Connector) connector.Connector {
		return hooked{Connector: c, apply: func(ctx context.Context, a exeunt.Account, action exeunt.Action, with connector.Parameters) error {
			if action == exeunt.ResetPassword { // as OpenLDAP's password policy does
				v.Reopen(a.ID, exeunt.Disable)
			}
			return c.Apply(ctx, a, action, with)
		}}
	})
	if watch(t, "each action converges in order", s) == "" {
		t.Error("a repeated reset unlocks and nobody minds")
	}
}

func TestTheSuiteCatchesUnsoundSpecs(t *testing.T) {
	sound := Actions()[1]
	for name, change := range map[string]func(*exeunt.ActionSpec){
		"no title":        func(s *exeunt.ActionSpec) { s.Title = "" },
		"no way back":     func(s *exeunt.ActionSpec) { s.Takes = nil },
		"one way":         func(s *exeunt.ActionSpec) { s.Reversible = false },
		"unseen way back": func(s *exeunt.ActionSpec) { s.Proof, s.Repeatable = exeunt.Acknowledged, false },
		"attested":        func(s *exeunt.ActionSpec) { s.Proof = exeunt.Attested },
		"lost and found":  func(s *exeunt.ActionSpec) { s.Destructive = true },
		"check_access":    func(s *exeunt.ActionSpec) { s.Action = exeunt.CheckAccess },
		"the order taken": func(s *exeunt.ActionSpec) { s.Order = Actions()[0].Order },
		"taken at once":   func(s *exeunt.ActionSpec) { s.Immediate = Actions()[0].Order },
	} {
		spec := sound
		change(&spec)
		if watch(t, "specs are sound", subject(NewVendor(Actions()[0], spec), nil)) == "" {
			t.Errorf("%s passes", name)
		}
	}
}

func TestFaultsAreSpentAndHealed(t *testing.T) {
	v := NewVendor()
	l := Leaver(1)
	a := v.Hire(l)
	v.Fail(Observe, 1, exeunt.Errorf(exeunt.Throttled, "slow down"))
	if _, err := v.Observe(t.Context(), a); exeunt.KindOf(err) != exeunt.Throttled {
		t.Errorf("first: %v", err)
	}
	if _, err := v.Observe(t.Context(), a); err != nil {
		t.Errorf("second: %v", err)
	}
	v.Fail(Find, Always, exeunt.Errorf(exeunt.Temporary, "down"))
	for range 3 {
		if _, err := Search(t.Context(), v.Kind("test"), nil, v, l); err == nil {
			t.Error("Always ended")
		}
	}
	v.Heal()
	if found, err := Search(t.Context(), v.Kind("test"), nil, v, l); err != nil || len(found) != 1 {
		t.Errorf("healed: %v %v", found, err)
	}
	if v.Calls(Find) != 4 || v.Calls(Observe) != 2 || v.Calls(Apply) != 0 {
		t.Errorf("calls: %d %d %d", v.Calls(Find), v.Calls(Observe), v.Calls(Apply))
	}
}

func TestASlowVendorTakesItsTimeOrTheContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := NewVendor()
		a := v.Hire(Leaver(1))
		v.Slow(time.Minute)
		begun := time.Now()
		if err := v.Apply(t.Context(), a, exeunt.Disable, connector.Parameters{}); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := v.Apply(ctx, a, exeunt.RemoveGroups, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Temporary {
			t.Errorf("got %v", err)
		}
		if v.Done(a.ID, exeunt.RemoveGroups) {
			t.Error("it took effect after its context ended")
		}
	})
}
