package exeunt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

// rule is a rule whose attribute holds one identifier.
func rule(attribute string, kind exeunt.IdentifierKind, change ...func(*exeunt.CorrelationRule)) exeunt.CorrelationRule {
	r := exeunt.IdentifierRule(attribute, kind)
	for _, c := range change {
		c(&r)
	}
	return r
}

func otherwise(r *exeunt.CorrelationRule) { r.Otherwise = true }
func trusted(r *exeunt.CorrelationRule)   { r.Trusted = true }
func exact(r *exeunt.CorrelationRule)     { r.Exact = true }

// account is one that was found; its attributes come in pairs.
func account(id string, pairs ...string) exeunt.Found {
	f := exeunt.Found{Account: exeunt.Account{ID: id, Login: "login-" + id}, Has: map[string][]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Has[pairs[i]] = append(f.Has[pairs[i]], pairs[i+1])
	}
	return f
}

func TestRulesJudgeWhoseAnAccountIs(t *testing.T) {
	jane := exeunt.Leaver{ID: "42", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "Jane@corp.example", exeunt.Login: "jane"}}
	both := exeunt.Correlation{rule("number", exeunt.EmployeeID), rule("mail", exeunt.WorkEmail)}
	trusting := exeunt.Correlation{rule("number", exeunt.EmployeeID, trusted), rule("mail", exeunt.WorkEmail, trusted)}
	second := exeunt.Correlation{rule("number", exeunt.EmployeeID, trusted), rule("mail", exeunt.WorkEmail, trusted, otherwise)}
	for _, c := range []struct {
		name    string
		by      exeunt.Correlation
		found   []exeunt.Found
		state   exeunt.MatchState
		account string // when there is one
		says    string
	}{
		{"nobody", both, nil, exeunt.MatchNone, "", "no account matches"},
		{"a stranger", both, []exeunt.Found{account("x", "number", "43", "mail", "jan@corp.example")}, exeunt.MatchNone, "", ""},
		{"by one rule", both, []exeunt.Found{account("a", "mail", "jane@CORP.example")}, exeunt.MatchOne, "a", ""},
		{"one of several values", both, []exeunt.Found{account("a", "mail", "j@corp.example", "mail", "jane@corp.example")}, exeunt.MatchOne, "a", ""},
		{"by both rules, found twice", both, []exeunt.Found{account("a", "number", "42", "mail", "jane@corp.example"), account("a", "number", "42")}, exeunt.MatchOne, "a", ""},
		{"two by one rule", both, []exeunt.Found{account("a", "mail", "jane@corp.example"), account("b", "mail", "JANE@corp.example")}, exeunt.MatchSeveral, "", "login-a, login-b"},
		{"rules that disagree", both, []exeunt.Found{account("a", "number", "42"), account("b", "mail", "jane@corp.example")}, exeunt.MatchDisputed, "", "login-a, login-b"},
		{"another number, without an order of trust", both, []exeunt.Found{account("a", "number", "7", "mail", "jane@corp.example")}, exeunt.MatchOne, "a", ""},
		{"an address that somebody else has by now", trusting, []exeunt.Found{account("a", "number", "7", "mail", "jane@corp.example")}, exeunt.MatchDisputed, "", "another number"},
		{"another address", trusting, []exeunt.Found{account("a", "number", "42", "mail", "roe@corp.example")}, exeunt.MatchOne, "a", ""},
		{"an empty number says nothing", trusting, []exeunt.Found{account("a", "number", " ", "mail", "jane@corp.example")}, exeunt.MatchOne, "a", ""},
		{"the second rule is not needed", second, []exeunt.Found{account("a", "number", "42"), account("b", "mail", "jane@corp.example")}, exeunt.MatchOne, "a", ""},
		{"the second rule is needed", second, []exeunt.Found{account("b", "mail", "jane@corp.example")}, exeunt.MatchOne, "b", ""},
		{"the second rule finds somebody else's", second, []exeunt.Found{account("b", "number", "8", "mail", "jane@corp.example")}, exeunt.MatchDisputed, "", "somebody else's"},
		{"letters count", exeunt.Correlation{rule("role", exeunt.Login, exact)}, []exeunt.Found{account("a", "role", "Jane")}, exeunt.MatchNone, "", ""},
		{"no rules: each identifier by its name", nil, []exeunt.Found{account("a", "login", "JANE")}, exeunt.MatchOne, "a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			sought, err := c.by.Of(jane)
			if err != nil {
				t.Fatal(err)
			}
			got := sought.Judge(c.found, nil)
			if got.State != c.state || !strings.Contains(got.Why, c.says) || c.account != "" && (len(got.Accounts) != 1 || got.Accounts[0].ID != c.account) {
				t.Errorf("%s %v %q, want %s %s %q", got.State, got.Accounts, got.Why, c.state, c.account, c.says)
			}
			if c.state == exeunt.MatchDisputed && got.Count() == 1 {
				t.Error("what is disputed counts as found")
			}
		})
	}
}

func TestWhatDiffersIsSaid(t *testing.T) {
	by := exeunt.Correlation{rule("number", exeunt.EmployeeID, trusted), rule("mail", exeunt.WorkEmail, trusted)}
	sought, err := by.Of(exeunt.Leaver{ID: "42", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "jane@corp.example"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := sought.Judge([]exeunt.Found{account("a", "number", "42", "mail", "roe@corp.example")}, nil); !slices.Equal(got.Differs, []string{"mail"}) {
		t.Errorf("differs %v, want mail", got.Differs)
	}
}

func TestRoundsAskNoFurtherThanNeeded(t *testing.T) {
	by := exeunt.Correlation{rule("number", exeunt.EmployeeID), rule("mail", exeunt.WorkEmail), rule("login", exeunt.Login, otherwise), rule("uuid", exeunt.UUID, otherwise)}
	sought, err := by.Of(exeunt.Leaver{ID: " 42 ", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "j@c.example", exeunt.Login: "j"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "[[{number 42} {mail j@c.example} {login } {uuid }] [{login j} {number } {mail } {uuid }]]"
	if got := fmt.Sprint(sought.Rounds()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := (exeunt.Correlation{rule("uuid", exeunt.UUID)}).Of(exeunt.Leaver{ID: "42"}); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "uuid") {
		t.Errorf("without any identifier: %v", err)
	}
}

// What a person confirmed of somebody else's account stands against every rule.
func TestWhatIsConfirmedToBeOthersIsNobodysGuess(t *testing.T) {
	by := exeunt.Correlation{rule("mail", exeunt.WorkEmail)}
	sought, err := by.Of(exeunt.Leaver{ID: "42", Entity: "main", Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "jane@corp.example"}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := account("a", "mail", "jane@corp.example"), account("b", "mail", "jane@corp.example")
	for _, c := range []struct {
		name  string
		whose exeunt.Whose
		found []exeunt.Found
		state exeunt.MatchState
		says  string
	}{
		{"her own", exeunt.Whose{"a": "main/42"}, []exeunt.Found{a}, exeunt.MatchOne, ""},
		{"another person's", exeunt.Whose{"a": "main/43"}, []exeunt.Found{a}, exeunt.MatchNone, "confirmed to be somebody else's"},
		{"nobody's", exeunt.Whose{"a": ""}, []exeunt.Found{a}, exeunt.MatchNone, "or nobody's"},
		{"one of two is another's", exeunt.Whose{"b": "main/43"}, []exeunt.Found{a, b}, exeunt.MatchOne, ""},
		{"of an account that was not found", exeunt.Whose{"c": "main/43"}, nil, exeunt.MatchNone, "no account matches"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sought.Judge(c.found, c.whose); got.State != c.state || !strings.Contains(got.Why, c.says) {
				t.Errorf("%s %q, want %s %q", got.State, got.Why, c.state, c.says)
			}
		})
	}
}
