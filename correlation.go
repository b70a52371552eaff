package exeunt

import (
	"fmt"
	"slices"
	"strings"
)

// Key is a value by which a system may know somebody: an attribute in the system's own words, and what it holds. One
// without a value asks to be shown the attribute of whatever others find.
type Key struct{ Attribute, Value string }

// Found is an account that a search or a list of a system gave, with what the system knows it by.
type Found struct {
	Account
	Has    map[string][]string // attribute → its values
	Closed bool                // nobody can sign in with it
}

// CorrelationRule says by which attribute of an account a person is known, and what that attribute holds for a leaver.
type CorrelationRule struct {
	Attribute string
	Exact     bool // capital and small letters differ
	Otherwise bool // asked only where the rules before it find nobody
	Trusted   bool // an account that has another value of it is somebody else's, whatever a later rule says

	// Values are all that the attribute may hold for a leaver; none where HR gave nothing to make them of.
	Values func(Leaver) ([]string, error)
}

// Correlation is how the accounts of a system are told to be whose: rules in their order. It is the one way for visits,
// checks of waves and reconciliations alike. Empty, it has one rule for each of the leaver's identifiers, whose attribute
// is called like the identifier.
type Correlation []CorrelationRule

// IdentifierRule is the rule of an attribute that holds one identifier as HR gives it.
func IdentifierRule(attribute string, kind IdentifierKind) CorrelationRule {
	return CorrelationRule{Attribute: attribute, Values: func(l Leaver) ([]string, error) { return []string{l.Identifier(kind)}, nil }}
}

// Sought is what the rules of a system say of one leaver, ready to be asked and judged.
type Sought struct {
	leaver string // key of whose account is sought
	rules  []CorrelationRule
	keys   [][]string // of each rule, without empty ones
}

// Of makes the keys of a leaver. Where there are none the leaver cannot be looked for.
func (c Correlation) Of(l Leaver) (Sought, error) {
	if len(c) == 0 {
		c = everyIdentifier(l)
	}
	s := Sought{leaver: l.Key(), rules: c, keys: make([][]string, len(c))}
	some := false
	for i, rule := range c {
		values, err := rule.Values(l)
		if err != nil {
			return Sought{}, err
		}
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" && !slices.Contains(s.keys[i], v) {
				s.keys[i] = append(s.keys[i], v)
				some = true
			}
		}
	}
	if !some {
		return s, Errorf(Invalid, "HR gave none of the identifiers by which the system knows people (%s): have HR send one, or find the account by hand", strings.Join(c.Attributes(), ", "))
	}
	return s, nil
}

func everyIdentifier(l Leaver) Correlation {
	kinds := []IdentifierKind{EmployeeID}
	for kind := range l.Identifiers {
		if kind != EmployeeID {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	var c Correlation
	for _, kind := range kinds {
		c = append(c, IdentifierRule(string(kind), kind))
	}
	return c
}

// Attributes are those that the rules look at, each once.
func (c Correlation) Attributes() []string {
	var names []string
	for _, rule := range c {
		if !slices.Contains(names, rule.Attribute) {
			names = append(names, rule.Attribute)
		}
	}
	return names
}

// Rounds are the keys to ask for, round by round: those of the rules that count together, then each rule that is asked
// only where nobody was found before.
func (s Sought) Rounds() [][]Key {
	var rounds [][]Key
	for _, round := range s.rounds() {
		var keys []Key
		for _, i := range round {
			for _, v := range s.keys[i] {
				keys = append(keys, Key{s.rules[i].Attribute, v})
			}
		}
		if len(keys) > 0 {
			rounds = append(rounds, append(keys, s.shown(keys)...))
		}
	}
	return rounds
}

// shown asks for what other rounds look at, since an account is judged by all of it.
func (s Sought) shown(asked []Key) []Key {
	var more []Key
	for _, name := range Correlation(s.rules).Attributes() {
		if !slices.ContainsFunc(asked, func(k Key) bool { return k.Attribute == name }) {
			more = append(more, Key{Attribute: name})
		}
	}
	return more
}

// rounds are the places of the rules that count together.
func (s Sought) rounds() [][]int {
	first, later := []int(nil), [][]int(nil)
	for i, rule := range s.rules {
		if rule.Otherwise {
			later = append(later, []int{i})
		} else {
			first = append(first, i)
		}
	}
	if len(first) == 0 {
		return later
	}
	return append([][]int{first}, later...)
}

// MatchState is how a leaver and the accounts of a system stand to each other.
type MatchState string

// The states.
const (
	MatchOne      MatchState = "matched"    // one account, and nothing says otherwise
	MatchNone     MatchState = "missing"    // no account
	MatchSeveral  MatchState = "ambiguous"  // several accounts by one rule
	MatchDisputed MatchState = "mismatched" // rules that should agree point to different people
)

// Match is what the rules make of the accounts that were found for a leaver.
type Match struct {
	State    MatchState
	Accounts []Found  // that any rule matches: one when it is MatchOne
	Why      string   // in words for people; "" then
	Differs  []string // attributes of the one account that hold something else than HR says, and do not count against it
}

// Count is how many accounts might be the leaver's: one only where that is sure.
func (m Match) Count() int {
	if m.State == MatchDisputed {
		return max(len(m.Accounts), 2)
	}
	return len(m.Accounts)
}

// Judge decides which of the accounts is the leaver's. It never guesses: one account is the leaver's when a rule finds it,
// no rule that counts together with that one finds another, and nothing that is trusted more says that it is somebody else's.
// Where a person has confirmed whose an account is, that goes before any rule.
func (s Sought) Judge(found []Found, whose Whose) Match {
	free := slices.DeleteFunc(slices.Clone(found), func(f Found) bool { return whose.Others(f.ID, s.leaver) })
	m := s.byRules(free)
	if m.State == MatchNone && s.byRules(found).State != MatchNone {
		m.Why = "what matches the leaver's identifiers is confirmed to be somebody else's, or nobody's"
	}
	return m
}

func (s Sought) byRules(found []Found) Match {
	for _, round := range s.rounds() {
		by := map[string]int{} // account id → the first rule that finds it
		var hits []Found
		for _, f := range found {
			if _, twice := by[f.ID]; twice {
				continue
			}
			for _, i := range round {
				if s.meets(i, f) {
					by[f.ID], hits = i, append(hits, f)
					break
				}
			}
		}
		switch len(hits) {
		case 0:
			continue
		case 1:
			return s.one(hits[0], by[hits[0].ID])
		default:
			return s.several(hits, by)
		}
	}
	return Match{State: MatchNone, Why: "no account matches the leaver's identifiers"}
}

// one says whether the only account that was found may be the leaver's.
func (s Sought) one(f Found, by int) Match {
	m := Match{State: MatchOne, Accounts: []Found{f}}
	for i, rule := range s.rules {
		if i == by || len(s.keys[i]) == 0 || len(present(f.Has[rule.Attribute])) == 0 || s.meets(i, f) {
			continue
		}
		if rule.Trusted && i < by {
			m.State = MatchDisputed
			m.Why = fmt.Sprintf("%s has the leaver's %s and another %s: by that it is somebody else's", f.Login, s.rules[by].Attribute, rule.Attribute)
			return m
		}
		m.Differs = append(m.Differs, rule.Attribute)
	}
	return m
}

func (s Sought) several(hits []Found, by map[string]int) Match {
	m := Match{State: MatchSeveral, Accounts: hits}
	var names []string
	for _, f := range hits {
		names = append(names, f.Login)
		if by[f.ID] != by[hits[0].ID] {
			m.State = MatchDisputed
		}
	}
	m.Why = fmt.Sprintf("%d accounts match the leaver's identifiers (%s)", len(hits), listedNames(names))
	return m
}

// meets says whether an account has one of the keys of a rule.
func (s Sought) meets(rule int, f Found) bool {
	r := s.rules[rule]
	for _, has := range f.Has[r.Attribute] {
		for _, want := range s.keys[rule] {
			if has = strings.TrimSpace(has); has == want || !r.Exact && strings.EqualFold(has, want) {
				return true
			}
		}
	}
	return false
}

func present(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return strings.TrimSpace(v) == "" })
}

// listedNames writes names as a person reads them, five at most.
func listedNames(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}
