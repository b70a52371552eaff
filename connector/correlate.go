package connector

import (
	"context"
	"maps"
	"slices"

	"github.com/exeunt/exeunt"
)

// Attribute is one by which a system knows people.
type Attribute struct {
	Name       string                         // in the system's own words: employeeNumber, userName
	Identifier exeunt.IdentifierKind          // what it holds unless the configuration has rules; "" for nothing
	Exact      bool                           // capital and small letters differ
	Write      func(identifier string) string // how the identifier is written there; nil for as it is
}

// Knows are the attributes by which a system knows people. Of one with Any, rules may name others, too.
type Knows struct {
	Attributes []Attribute
	Any        bool
}

// Attribute returns one of them by its name.
func (k Knows) Attribute(name string) (Attribute, bool) {
	i := slices.IndexFunc(k.Attributes, func(a Attribute) bool { return a.Name == name })
	if i < 0 {
		return Attribute{Name: name}, k.Any
	}
	return k.Attributes[i], true
}

// Correlation are the rules of a system whose configuration has none. The number that HR gave is trusted more than any other:
// addresses and logins are given to somebody else in time, and that one's account has another number.
func (k Knows) Correlation() exeunt.Correlation {
	var c exeunt.Correlation
	for _, a := range k.Attributes {
		if a.Identifier == "" {
			continue
		}
		rule := exeunt.CorrelationRule{Attribute: a.Name, Exact: a.Exact, Trusted: a.Identifier == exeunt.EmployeeID, Values: func(l exeunt.Leaver) ([]string, error) {
			value := l.Identifier(a.Identifier)
			if a.Write != nil {
				value = a.Write(value)
			}
			return []string{value}, nil
		}}
		if rule.Trusted {
			c = slices.Insert(c, 0, rule)
		} else {
			c = append(c, rule)
		}
	}
	return c
}

// Correlation are the rules of a system of the kind whose configuration has none.
func (k Kind) Correlation(settings []byte) (exeunt.Correlation, error) {
	if k.Knows == nil {
		return nil, nil
	}
	knows, err := k.Knows(settings)
	return knows.Correlation(), err
}

// KnowsBy makes a Knows of a map of settings, in which each identifier has its attribute, in the order of the identifiers. The others are there for rules to name.
func KnowsBy(match map[exeunt.IdentifierKind]string, exact func(attribute string) bool, others ...string) []Attribute {
	var out []Attribute
	for _, kind := range slices.Sorted(maps.Keys(match)) {
		out = append(out, Attribute{Name: match[kind], Identifier: kind, Exact: exact != nil && exact(match[kind])})
	}
	for _, name := range others {
		if !slices.ContainsFunc(out, func(a Attribute) bool { return a.Name == name }) {
			out = append(out, Attribute{Name: name, Exact: exact != nil && exact(name)})
		}
	}
	return out
}

// Confirmed tells of accounts whose they are, where a person has confirmed that.
type Confirmed func(ctx context.Context, accounts []exeunt.Found) (exeunt.Whose, error)

// Search looks for a leaver's accounts and judges them: rules to keys to accounts, and nothing that is not surely the
// leaver's. It asks round by round, and no further than somebody is found. What people confirmed of the accounts counts where
// there is somebody to ask for it.
func Search(ctx context.Context, c Connector, by exeunt.Correlation, l exeunt.Leaver, confirmed Confirmed) (exeunt.Match, error) {
	sought, err := by.Of(l)
	if err != nil {
		return exeunt.Match{}, err
	}
	var all []exeunt.Found
	whose := exeunt.Whose{}
	for _, keys := range sought.Rounds() {
		found, err := c.Find(ctx, keys)
		if err != nil {
			return exeunt.Match{}, err
		}
		all = append(all, found...)
		if confirmed != nil && len(found) > 0 {
			some, err := confirmed(ctx, found)
			if err != nil {
				return exeunt.Match{}, err
			}
			maps.Copy(whose, some)
		}
		if m := sought.Judge(all, whose); m.State != exeunt.MatchNone {
			return m, nil
		}
	}
	return sought.Judge(all, whose), nil
}

// Correlate picks the leaver's one account. None and several are exceptions, never guesses; only a
// search that worked and found none is NoAccount.
func Correlate(ctx context.Context, c Connector, by exeunt.Correlation, l exeunt.Leaver, confirmed Confirmed) (exeunt.Account, *exeunt.Outcome) {
	m, err := Search(ctx, c, by, l, confirmed)
	if err != nil {
		out := failed(err)
		return exeunt.Account{}, &out
	}
	switch m.State {
	case exeunt.MatchOne:
		return m.Accounts[0].Account, nil
	case exeunt.MatchNone:
		return exeunt.Account{}, &exeunt.Outcome{Kind: exeunt.NoAccount, Err: exeunt.Errorf(exeunt.NotFound,
			"%s: confirm that there is none, or end it by hand", m.Why)}
	default:
		return exeunt.Account{}, &exeunt.Outcome{Kind: exeunt.GaveUp, Err: exeunt.Errorf(exeunt.Ambiguous, "%s: nothing was done to a guess", m.Why)}
	}
}

// CorrelateConfirmed takes the account that a person confirmed to be the leaver's, unless that may have become another one: what
// was confirmed is as old as it is, and who came back since has a new account. So the rules are asked, too. An account that they
// do not find and that is closed proves nothing, but where its single sign-on closes it, as this departure does.
func CorrelateConfirmed(ctx context.Context, c Connector, s exeunt.System, l exeunt.Leaver, m exeunt.Mapping, confirmed Confirmed) (exeunt.Account, *exeunt.Outcome) {
	match, err := Search(ctx, c, s.Correlation, l, confirmed)
	if err != nil && exeunt.KindOf(err) != exeunt.Invalid { // who cannot be looked for is known by that alone
		out := failed(err)
		return exeunt.Account{}, &out
	}
	if another := m.Another(match); another != nil {
		return exeunt.Account{}, &exeunt.Outcome{Kind: exeunt.GaveUp, Err: another}
	}
	if m.Found(match) {
		return m.Account, nil
	}
	seen, err := c.Observe(ctx, m.Account)
	switch {
	case err != nil && exeunt.KindOf(err) == exeunt.NotFound:
		return exeunt.Account{}, &exeunt.Outcome{Kind: exeunt.GaveUp, Err: m.Gone()}
	case err != nil:
		out := failed(err)
		return exeunt.Account{}, &out
	case s.SSO == "" && seen.Of(exeunt.Disable) == exeunt.Holds:
		return exeunt.Account{}, &exeunt.Outcome{Kind: exeunt.GaveUp, Err: m.ClosedBefore()}
	}
	return m.Account, nil
}
