package exeunt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

const year = 365 * 24 * time.Hour

func closedCase(t *testing.T) exeunt.Case {
	t.Helper()
	c, _, _ := running(t)
	change, err := c.Close(monday)
	if err != nil {
		t.Fatal(err)
	}
	return *change.Case
}

func TestARecordIsErasedByTheRuleOfItsType(t *testing.T) {
	c := closedCase(t)
	for _, r := range []struct {
		name  string
		rule  exeunt.Retention
		after time.Duration // when it may be erased; zero: never
		words string
	}{
		{"none", exeunt.Retention{}, 0, ""},
		{"for every type", exeunt.Retention{Keep: 3 * year}, 3 * year, "retention.keep: 1095 d"},
		{"for its type", exeunt.Retention{Keep: year, Types: map[exeunt.DepartureType]time.Duration{c.Departure.Type: 2 * year}}, 2 * year, "retention.types: 730 d"},
		{"for another type", exeunt.Retention{Types: map[exeunt.DepartureType]time.Duration{exeunt.Death: year}}, 0, ""},
	} {
		for _, at := range []time.Duration{r.after - time.Second, r.after} {
			change, err := c.EraseByRule(r.rule, monday.Add(at))
			if may := r.after > 0 && at >= r.after; may != (err == nil) {
				t.Errorf("%s, after %s: %v", r.name, at, err)
			} else if may && (change.Case.Erasure.Rule != r.words || change.Entries[0].Kind != exeunt.EntryErased || change.Entries[0].Detail["rule"] != r.words) {
				t.Errorf("%s: %+v %+v", r.name, change.Case.Erasure, change.Entries[0])
			}
		}
	}
}

func TestNothingIsErasedThatIsHeldOrOpenOrErased(t *testing.T) {
	rule := exeunt.Retention{Keep: year}
	open, _, _ := running(t)
	held := closedCase(t)
	placed, err := held.PlaceLegalHold(nil, nil, exeunt.Person{Name: "Lea Roth"}, ana, monday)
	if err != nil {
		t.Fatal(err)
	}
	done, err := closedCase(t).EraseByRule(rule, monday.Add(year))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]exeunt.Case{"open": open, "legal hold": *placed.Case, "decided": *done.Case} {
		if _, err := c.EraseByRule(rule, monday.Add(2*year)); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s, by rule: %v", name, err)
		}
		if _, err := c.EraseBy(rule, ana, 0, monday.Add(2*year)); exeunt.KindOf(err) != exeunt.Conflict {
			t.Errorf("%s, by a person: %v", name, err)
		}
	}
	if _, err := done.Case.PlaceLegalHold(nil, nil, exeunt.Person{}, ana, monday); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a hold on what is erased: %v", err)
	}
}

// Where the case is closed no task can ask the second person: that person asks for the same thing.
func TestALegalHoldOfAClosedCaseIsReleasedByTwo(t *testing.T) {
	placed, err := closedCase(t).PlaceLegalHold(nil, nil, exeunt.Person{Name: "Lea Roth"}, ana, monday)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := placed.Case.AskLegalRelease(exeunt.Person{}, ana, 0, monday)
	if err != nil || asked.Case.LegalHold == nil || len(asked.Tasks) > 0 || len(asked.Notices) != 1 {
		t.Fatalf("%+v, %v", asked, err)
	}
	if _, err := asked.Case.AskLegalRelease(exeunt.Person{}, ana, 0, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("the same person twice: %v", err)
	}
	released, err := asked.Case.AskLegalRelease(exeunt.Person{}, lea, 0, monday)
	if err != nil || released.Case.LegalHold != nil || released.Entries[0].Kind != exeunt.EntryLegalReleased || released.Case.Overrides[0].State != exeunt.DeviationDone {
		t.Errorf("%+v, %v", released.Case, err)
	}
}

func TestBeforeItsTimeARecordIsErasedByTwo(t *testing.T) {
	c := closedCase(t)
	asked, err := c.EraseBy(exeunt.Retention{Keep: year}, ana, time.Hour, monday)
	if err != nil || asked.Case.Erasure != nil || asked.Entries[0].Kind != exeunt.EntryEraseAsked {
		t.Fatalf("%+v, %v", asked, err)
	}
	if _, err := asked.Case.EraseBy(exeunt.Retention{}, ana, 0, monday); exeunt.KindOf(err) != exeunt.Denied {
		t.Errorf("the same person twice: %v", err)
	}
	late, err := asked.Case.EraseBy(exeunt.Retention{}, lea, 0, monday.Add(2*time.Hour))
	if err != nil || late.Case.Erasure != nil {
		t.Errorf("a confirmation after the request expired counted: %v", err)
	}
	both, err := asked.Case.EraseBy(exeunt.Retention{}, lea, 0, monday)
	if err != nil || both.Case.Erasure.By.By != ana.By || both.Case.Erasure.Second.By != lea.By || both.Entries[0].Actor != lea.By || both.Entries[0].Detail["asked_by"] != ana.By {
		t.Fatalf("%+v, %v", both.Case, err)
	}
	over, err := c.EraseBy(exeunt.Retention{Keep: year}, ana, 0, monday.Add(year))
	if err != nil || over.Case.Erasure == nil || over.Case.Erasure.Rule == "" {
		t.Errorf("one person is enough when the retention is over: %v", err)
	}
}

func TestWhatStaysOfAnErasedCaseNamesNobody(t *testing.T) {
	c := closedCase(t)
	if _, err := c.Erased(nil, monday); err == nil {
		t.Error("erased without a decision")
	}
	decided, err := c.EraseByRule(exeunt.Retention{Keep: year}, monday.Add(year))
	if err != nil {
		t.Fatal(err)
	}
	rest, err := decided.Case.Erased([]int64{7, 9}, monday.Add(year))
	if err != nil {
		t.Fatal(err)
	}
	kept := exeunt.Entry{What: rest.Entries[0].What, Detail: rest.Entries[0].Detail}
	text := string(kept.Body())
	for _, what := range []string{c.Leaver().Name, string(c.Departure.Type)} {
		if rest.Case.Leaver().Name == what || rest.Case.Leaver().ID != "" || strings.Contains(text, what) {
			t.Errorf("%q is still there", what)
		}
	}
	if rest.Case.ID != c.ID || rest.Case.Handle != c.Handle || !rest.Case.Erasure.DoneAt.Equal(monday.Add(year)) || rest.Case.Open() {
		t.Errorf("%+v", rest.Case)
	}
}

// Each entry has to fit into the ledger, however many went with the case.
func TestWhatWentWithACaseIsListed(t *testing.T) {
	decided, err := closedCase(t).EraseByRule(exeunt.Retention{Keep: year}, monday.Add(year))
	if err != nil {
		t.Fatal(err)
	}
	for _, many := range []int{0, 1, 3, 10_000, 25_001} {
		var beside, listed []int64
		for i := range many {
			beside = append(beside, 9_000_000_000+int64(i)*3)
		}
		rest, err := decided.Case.Erased(beside, monday.Add(year))
		if err != nil || len(rest.Entries) != max(1, (many+9_999)/10_000) {
			t.Fatalf("%d: %d entries, %v", many, len(rest.Entries), err)
		}
		for _, e := range rest.Entries {
			some, ok := e.ErasedBeside()
			if listed = append(listed, some...); !ok || len(e.Body()) > exeunt.MaxBody {
				t.Errorf("%d: %t, %d bytes", many, ok, len(e.Body()))
			}
		}
		if !slices.Equal(listed, beside) {
			t.Errorf("%d went with it, and %d are listed", many, len(listed))
		}
	}
	for _, e := range []exeunt.Entry{{Kind: exeunt.EntryErased}, {Kind: exeunt.EntryErasureDone, Detail: map[string]string{"beside": "7 x"}}} {
		if list, ok := e.ErasedBeside(); ok {
			t.Errorf("%+v lists %v", e, list)
		}
	}
}
