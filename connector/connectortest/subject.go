package connectortest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Subject is a connector under test, with what a test must do in the vendor's system behind its back.
// Hire, Settings and Kind are required.
type Subject struct {
	Kind      connector.Kind
	Settings  json.RawMessage
	Transport http.RoundTripper // nil is http.DefaultTransport

	// Description is what the vendor says of its API. All that the suite says through the transport, and hears, is recorded
	// and held to it. Nil for what does not speak HTTP, or where the vendor describes nothing.
	Description Description

	// Hire makes a fresh account, enabled, with everything that the kind's actions take away (groups,
	// roles, a live session), and returns the leaver whose it is. Each call makes another person.
	Hire func(testing.TB) exeunt.Leaver

	// Removals says what the look before the actions must have recorded for a fresh account, by the
	// snapshot's keys. Order does not matter; keys that it does not name are free.
	Removals func(testing.TB, exeunt.Leaver) map[string][]string

	// CanSignIn tries the vendor's own door with the leaver's own credentials.
	CanSignIn func(testing.TB, exeunt.Leaver) bool

	Twin   func(testing.TB, exeunt.Leaver) // makes a second account that matches the leaver too
	Rename func(testing.TB, exeunt.Leaver) // changes all that may change: name, login, place
	Vanish func(testing.TB, exeunt.Leaver) // deletes the account

	// Drop deletes, behind everybody's back, one of the things that an action took away from the leaver,
	// such as a group. It returns the word by which the error must name it and the value that stood for
	// it in the snapshot; no word when the action takes nothing that can be deleted.
	Drop func(testing.TB, exeunt.Leaver, exeunt.Action) (name, value string)

	// HandOver gives, as people do, another owner to all that the leaver's account alone owns, which for a fresh account is
	// something. A kind with an action for people has it.
	HandOver func(testing.TB, exeunt.Leaver)

	// Later lets a moment pass for a vendor that shows changes late. It must not sleep.
	Later func(testing.TB)

	// Unlisted says that systems of the kind do not tell of all their accounts.
	Unlisted bool

	// Application makes, in a system that signs people in elsewhere, an application that nobody knew of, with somebody
	// assigned to it where the system counts them, and returns it as the list must tell of it. Each call makes another one.
	Application func(testing.TB) connector.Application

	// Powerless are settings whose credentials are good and may not do what the action needs. Without a system that could tell
	// so, nil.
	Powerless json.RawMessage
	Needs     exeunt.Action // that may not be done with them

	WrongCredentials json.RawMessage // settings whose credentials the system refuses
	Unreachable      json.RawMessage // settings that point where nobody answers
	Secrets          []string        // what no message may hold: passwords and tokens in the settings
}

// check is one promise. It takes testing.TB so that the tests of this package can watch it fail.
type check struct {
	name string
	run  func(testing.TB, Subject)
}

// checks lists every promise, explicitly.
var checks = []check{
	{"specs are sound", specsAreSound},
	{"unknown settings are refused", unknownSettingsAreRefused},
	{"nobody is found for nobody", nobodyIsFoundForNobody},
	{"the same person is the same id", samePersonIsTheSameID},
	{"two that match are two", twoThatMatchAreTwo},
	{"a fresh account is open", freshAccountIsOpen},
	{"each action converges in order", eachActionConvergesInOrder},
	{"the immediate order locks out first", immediateOrderLocksOutFirst},
	{"the look before records what is taken away", lookBeforeRecordsWhatIsTaken},
	{"what people do is listed and seen", forPeopleIsListedAndSeen},
	{"a renamed account is the same account", renamedAccountIsTheSame},
	{"a vanished account is not found", vanishedAccountIsNotFound},
	{"an unknown action is unsupported", unknownActionIsUnsupported},
	{"wrong credentials are unauthorised", wrongCredentialsAreUnauthorised},
	{"a dead system is temporary", deadSystemIsTemporary},
	{"a cancelled call ends at once", cancelledCallEndsAtOnce},
	{"concurrent use is safe", concurrentUseIsSafe},
	{"a lost answer converges", lostAnswerConverges},
	{"an answer without effect is never done", lieIsNeverDone},
	{"everybody is listed once", everybodyIsListedOnce},
	{"a list survives lost pages", listSurvivesLostPages},
	{"a list tells open from closed", listTellsOpenFromClosed},
	{"applications are listed once", applicationsAreListedOnce},
	{"rights are told without acting", rightsAreToldWithoutActing},
	{"rights that lack are told", rightsThatLackAreTold},
}

// Run checks every promise of the package's description.
func Run(t *testing.T, s Subject) {
	t.Helper()
	recorder := &Recorder{Next: s.Transport, Secrets: s.Secrets}
	s.Transport = recorder
	for _, c := range slices.Concat(checks, undoChecks) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) { c.run(t, s) })
	}
	t.Run("the_recorded_traffic_is_as_described", func(t *testing.T) { s.trafficIsAsDescribed(t, recorder) })
}

// open opens the connector and puts a witness before it.
func (s Subject) open(t testing.TB) *witness {
	t.Helper()
	return s.openWith(t, s.Settings)
}

func (s Subject) openWith(t testing.TB, settings json.RawMessage) *witness {
	t.Helper()
	transport := s.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	c, err := s.Kind.Open(settings, transport)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return &witness{Connector: c, t: t, secrets: s.Secrets}
}

// specs are the actions that the connector does, in their order.
func (s Subject) specs(t testing.TB) []exeunt.ActionSpec {
	t.Helper()
	return slices.DeleteFunc(s.everySpec(t), func(spec exeunt.ActionSpec) bool { return spec.ByHand })
}

// everySpec has those, too, that it leaves to people.
func (s Subject) everySpec(t testing.TB) []exeunt.ActionSpec {
	t.Helper()
	specs := s.Kind.Actions
	if s.Kind.Specs != nil {
		var err error
		if specs, err = s.Kind.Specs(s.Settings); err != nil {
			t.Fatalf("specs: %v", err)
		}
	}
	return slices.SortedStableFunc(slices.Values(specs), func(a, b exeunt.ActionSpec) int { return a.Order - b.Order })
}

// hire makes a fresh account and finds it.
func (s Subject) hire(t testing.TB, c connector.Connector) (exeunt.Leaver, exeunt.Account) {
	t.Helper()
	leaver := s.Hire(t)
	return leaver, s.find(t, c, leaver)
}

func (s Subject) find(t testing.TB, c connector.Connector, leaver exeunt.Leaver) exeunt.Account {
	t.Helper()
	for range 20 {
		accounts, err := s.search(t.Context(), t, c, leaver)
		if err != nil {
			t.Fatalf("Find of a fresh account: %v", err)
		}
		if len(accounts) == 1 {
			if accounts[0].ID == "" || accounts[0].Login == "" {
				t.Fatalf("Find gives an account without id or login: %+v", accounts[0])
			}
			return accounts[0]
		}
		if s.Later == nil || len(accounts) > 1 {
			t.Fatalf("Find of a fresh account gives %d accounts, want 1", len(accounts))
		}
		s.Later(t)
	}
	t.Fatal("a fresh account is never found")
	return exeunt.Account{}
}

// correlation are the rules of the subject's settings.
func (s Subject) correlation(t testing.TB) exeunt.Correlation {
	t.Helper()
	by, err := s.Kind.Correlation(s.Settings)
	if err != nil {
		t.Fatalf("correlation: %v", err)
	}
	return by
}

// search looks for the accounts of somebody by the rules of the settings.
func (s Subject) search(ctx context.Context, t testing.TB, c connector.Connector, leaver exeunt.Leaver) ([]exeunt.Account, error) {
	t.Helper()
	return Search(ctx, s.Kind, s.Settings, c, leaver)
}

// Search looks for the accounts of somebody by the rules that a kind has for its settings.
func Search(ctx context.Context, kind connector.Kind, settings []byte, c connector.Connector, leaver exeunt.Leaver) ([]exeunt.Account, error) {
	by, err := kind.Correlation(settings)
	if err != nil {
		return nil, err
	}
	match, err := connector.Search(ctx, c, by, leaver, nil)
	var accounts []exeunt.Account
	for _, f := range match.Accounts {
		accounts = append(accounts, f.Account)
	}
	return accounts, err
}

// nobody carries every kind of identifier, and none that anybody has.
func nobody(like exeunt.Leaver) exeunt.Leaver {
	word := "nobody" + strings.ToLower(rand.Text()[:10])
	l := exeunt.Leaver{ID: word, Entity: "none", Name: "No Body", Zone: "UTC", Identifiers: map[exeunt.IdentifierKind]string{}}
	for kind := range like.Identifiers {
		l.Identifiers[kind] = word
	}
	for _, kind := range []exeunt.IdentifierKind{exeunt.EmployeeID, exeunt.Login} {
		l.Identifiers[kind] = word
	}
	for _, kind := range []exeunt.IdentifierKind{exeunt.WorkEmail, exeunt.PersonalEmail, exeunt.PrincipalName} {
		l.Identifiers[kind] = word + "@nobody.example"
	}
	l.Identifiers[exeunt.UUID] = fmt.Sprintf("00000000-0000-4000-8000-%012x", time.Now().UnixNano()&0xffffffffffff)
	return l
}

func aim(leaver exeunt.Leaver, account exeunt.Account, spec exeunt.ActionSpec) connector.Aim {
	return connector.Aim{Account: account, Spec: spec, With: connector.Parameters{
		Case: 1, Leaver: leaver, LastDay: "2030-06-28", TerminationDate: "2030-06-30",
		IdempotencyKey: "1/" + account.ID + "/" + string(spec.Action),
	}}
}

// drive attempts one action until it is settled, as the engine would, and returns the last outcome
// and the look before the first intent.
func (s Subject) drive(t testing.TB, c connector.Connector, a connector.Aim) (exeunt.Outcome, exeunt.Observation) {
	t.Helper()
	return s.attempt(t, c, a, 20)
}

func (s Subject) attempt(t testing.TB, c connector.Connector, a connector.Aim, times int) (exeunt.Outcome, exeunt.Observation) {
	t.Helper()
	var first exeunt.Observation
	var out exeunt.Outcome
	for attempt := range times {
		a.Settling = a.Intended && a.Spec.Settles > 0 && attempt < times-5
		var err error
		out, err = connector.Converge(t.Context(), c, a, func(before exeunt.Observation) error {
			if !a.Intended {
				a.Intended, first = true, before
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", a.Spec.Action, err)
		}
		if slices.Contains([]exeunt.OutcomeKind{exeunt.Done, exeunt.GaveUp, exeunt.BecameMoot, exeunt.ForPeople}, out.Kind) {
			break
		}
		if s.Later != nil {
			s.Later(t)
		}
	}
	return out, first
}

// end converges every action in order and fails the test where one is not done.
func (s Subject) end(t testing.TB, c connector.Connector, leaver exeunt.Leaver, account exeunt.Account) {
	t.Helper()
	for _, spec := range s.specs(t) {
		if out, _ := s.drive(t, c, aim(leaver, account, spec)); out.Kind != exeunt.Done {
			t.Fatalf("%s: %s: %v", spec.Action, out.Kind, reason(out))
		}
	}
}

func reason(out exeunt.Outcome) string {
	if out.Err == nil {
		return "no reason given"
	}
	return string(out.Err.Kind) + ": " + out.Err.Message
}

// promptly bounds how long a call with a dead context may take.
const promptly = 3 * time.Second

func missing(t testing.TB, field string) {
	t.Logf("not checked: the subject has no %s", field)
}
