package connector_test

import (
	"context"
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
)

// looker is a vendor of which only the looking half is given away.
type looker struct{ connector.Looker }

func TestATrialForetellsAndDoesNothing(t *testing.T) {
	vendor := connectortest.NewVendor()
	leaver := connectortest.Leaver(1)
	account := vendor.Hire(leaver, "staff", "admins")
	vendor.Close(account.ID, exeunt.RevokeSessions)
	vendor.Hire(connectortest.Leaver(2))
	system := exeunt.System{Name: "crm", Identifier: exeunt.WorkEmail, Actions: connectortest.Actions()}

	for _, named := range []string{leaver.Identifier(exeunt.WorkEmail), account.ID, " " + account.ID} {
		trial, err := connector.Try(t.Context(), looker{vendor}, system, named)
		if err != nil || trial.Account.ID != account.ID {
			t.Fatalf("%q: %+v, %v", named, trial, err)
		}
		var told []string
		for _, p := range trial.Prospects {
			told = append(told, string(p.Action)+": "+p.Would)
		}
		want := []string{
			"reset_password: act, and take the system's word: it cannot be read back", "disable: act, and look again",
			"revoke_sessions: nothing: it is so already", "remove_groups: act, and look again",
		}
		if !slices.Equal(told, want) {
			t.Errorf("%q: %q", named, told)
		}
		if groups := trial.Prospects[3].Removes["groups"]; !slices.Equal(groups, []string{"staff", "admins"}) {
			t.Errorf("what would be taken away is not told: %v", trial.Prospects[3].Removes)
		}
	}
	if n := vendor.Calls(connectortest.Apply); n != 0 {
		t.Errorf("%d actions were done", n)
	}
}

func TestATrialTellsWhatIsForPeopleAndWhatIsTooLate(t *testing.T) {
	specs := append(connectortest.Actions(), exeunt.ActionSpec{Action: exeunt.HandOver, Title: "Hand over", Order: 5, Proof: exeunt.Observed, ByHand: true})
	vendor := connectortest.NewVendor(specs...)
	account := vendor.Hire(connectortest.Leaver(1))
	vendor.Own(account.ID, "the group Sales")
	vendor.MootAfter(exeunt.RevokeSessions, exeunt.Disable)
	vendor.Close(account.ID, exeunt.Disable)
	trial, err := connector.Try(t.Context(), vendor, exeunt.System{Name: "crm", Identifier: exeunt.WorkEmail, Actions: specs}, account.ID)
	if err != nil {
		t.Fatal(err)
	}
	told := map[exeunt.Action]string{}
	for _, p := range trial.Prospects {
		told[p.Action] = p.Would
	}
	if told[exeunt.HandOver] != "ask people to do it: the group Sales" || told[exeunt.RevokeSessions] != "nothing: moot: it is too late to revoke sessions" {
		t.Errorf("%q", told)
	}
}

func TestATrialRefusesWhatItWouldHaveToGuess(t *testing.T) {
	vendor := connectortest.NewVendor()
	one, two := connectortest.Leaver(1), connectortest.Leaver(2)
	two.Identifiers[exeunt.WorkEmail] = one.Identifier(exeunt.WorkEmail)
	vendor.Hire(one)
	vendor.Hire(two)
	system := exeunt.System{Name: "crm", Identifier: exeunt.WorkEmail, Actions: connectortest.Actions()}
	for named, kind := range map[string]exeunt.ErrorKind{
		one.Identifier(exeunt.WorkEmail): exeunt.Ambiguous, "nobody@corp.example": exeunt.NotFound, " ": exeunt.Invalid,
	} {
		if _, err := connector.Try(t.Context(), looker{vendor}, system, named); exeunt.KindOf(err) != kind {
			t.Errorf("%q: %v, want %s", named, err, kind)
		}
	}
	vendor.Fail(connectortest.Observe, connectortest.Always, exeunt.Errorf(exeunt.Temporary, "the connection failed"))
	if _, err := connector.Try(t.Context(), looker{vendor}, system, "account-1"); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a failed look was taken for an answer: %v", err)
	}
}

func TestATrialWaitsForWhatIsOnItsWay(t *testing.T) {
	on := pending{}
	system := exeunt.System{Name: "crm", Identifier: exeunt.Login, Actions: []exeunt.ActionSpec{{Action: exeunt.Disable, Proof: exeunt.Observed}}}
	trial, err := connector.Try(t.Context(), on, system, "jdoe")
	if err != nil || trial.Prospects[0].Would != "wait: the system is on its way there" {
		t.Errorf("%+v, %v", trial, err)
	}
}

type pending struct{}

func (pending) Find(context.Context, []exeunt.Key) ([]exeunt.Found, error) {
	return []exeunt.Found{{Account: exeunt.Account{ID: "1"}}}, nil
}

func (pending) Observe(context.Context, exeunt.Account) (exeunt.Observation, error) {
	return exeunt.Observation{Standing: map[exeunt.Action]exeunt.Standing{exeunt.Disable: exeunt.Pending}}, nil
}
