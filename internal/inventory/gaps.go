package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// GapKind is what is missing.
type GapKind string

// The kinds of gap.
const (
	Unlisted   GapKind = "unlisted"   // a source shows it, the inventory does not
	Undecided  GapKind = "undecided"  // it may be a system of the inventory
	NoOwner    GapKind = "owner"      // nobody does it when automation cannot
	OtherOwner GapKind = "owner-says" // a source names another owner
	NoFallback GapKind = "fallback"   // nobody has written down how it is done by hand
	NoAPI      GapKind = "api"        // nothing can automate it, or nobody has looked
	ByHand     GapKind = "by-hand"    // it could be automated and is not
	Identifier GapKind = "identifier" // it is known by another identifier than the inventory says
	SignOnGap  GapKind = "sign-on"    // the inventory and the sign-on differ
	NoData     GapKind = "data"       // nobody has said what lies there, or how long it is kept
	Unseen     GapKind = "unseen"     // no source shows it any more
)

// Gap is one thing that is not known or not done, and what to do about it.
type Gap struct {
	Kind     GapKind  `json:"kind"`
	System   string   `json:"system,omitempty"` // of the inventory
	Name     string   `json:"name"`             // what people call it
	Tier     int      `json:"tier"`             // risk: 1 the highest; a guess for what is not in the inventory
	What     string   `json:"what"`
	Todo     string   `json:"todo"`
	Sources  []Source `json:"sources,omitempty"` // that show it
	People   int      `json:"people,omitempty"`
	Spend    float64  `json:"spend,omitempty"`
	Currency string   `json:"currency,omitempty"`
}

// Item is a system of the inventory with what its connector's people know of it.
type Item struct {
	exeunt.System
	API string // full, partial, none, or "" when nobody said
}

// Application is what all sources show of one application that is not in the inventory.
type Application struct {
	Name    string
	Maybe   []string
	Because string
	Lines   map[Source]Line
}

// Gaps compares the inventory with what the sources show. The riskiest come first.
func Gaps(items []Item, sheets []Sheet) []Gap {
	var out []Gap
	for _, a := range Unknown(items, sheets) {
		out = append(out, a.gap(sheets))
	}
	for _, item := range items {
		out = append(out, item.gaps()...)
		out = append(out, item.compare(sheets)...)
	}
	slices.SortStableFunc(out, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(weight(a), weight(b)), cmp.Compare(b.People, a.People),
			cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return out
}

// weight puts what leaves access open before what is only not written down.
func weight(g Gap) int {
	switch g.Kind {
	case Unlisted, Undecided, NoOwner, NoFallback, Identifier:
		return 0
	case SignOnGap, NoAPI, OtherOwner:
		return 1
	default:
		return 2
	}
}

// Unknown are the applications that sources show and that are neither a system of the inventory nor decided to be none.
func Unknown(items []Item, sheets []Sheet) []Application {
	at, out := map[string]int{}, []Application(nil)
	for _, s := range sheets {
		for _, l := range s.Found {
			listed := slices.ContainsFunc(items, func(i Item) bool { return i.Name == l.Is })
			if l.Ignored != "" || listed {
				continue
			}
			key := applicationKey(l.Name)
			i, have := at[key]
			if !have {
				i = len(out)
				at[key] = i
				out = append(out, Application{Name: l.Name, Lines: map[Source]Line{}})
			}
			a := &out[i]
			a.Lines[s.Source] = l.with(a.Lines[s.Source])
			if len(a.Maybe) == 0 {
				a.Maybe, a.Because = l.Maybe, l.Because
			}
		}
	}
	return out
}

// line is what the most believed source says, with what only the others know.
func (a Application) line() Line {
	var out Line
	for _, s := range Sources {
		l, ok := a.Lines[s]
		if !ok {
			continue
		}
		out.Name, out.Owner = cmp.Or(out.Name, l.Name), cmp.Or(out.Owner, l.Owner)
		out.SignsIn, out.Mode = cmp.Or(out.SignsIn, l.SignsIn), cmp.Or(out.Mode, l.Mode)
		out.Spend, out.Currency, out.People = out.Spend+l.Spend, cmp.Or(out.Currency, l.Currency), max(out.People, l.People)
		out.Departments, out.Holds = union(out.Departments, l.Departments), union(out.Holds, l.Holds)
	}
	return out
}

func (a Application) sources() []Source {
	return slices.DeleteFunc(slices.Clone(Sources), func(s Source) bool { _, shows := a.Lines[s]; return !shows })
}

// tier guesses how risky an application is that nobody has looked at: as the one that the name stands for, and else the
// riskier the more it is used.
func (a Application) tier() int {
	if k, ok := KnownAs(a.Name); ok {
		return k.Tier
	}
	if _, signsOn := a.Lines[SignOn]; signsOn || a.line().People >= 20 {
		return 2
	}
	return 3
}

func (a Application) gap(sheets []Sheet) Gap {
	l := a.line()
	g := Gap{Kind: Unlisted, Name: l.Name, Tier: a.tier(), Sources: a.sources(), People: l.People, Spend: l.Spend, Currency: l.Currency}
	g.What = "not in the inventory; shown by " + wordsOf(g.Sources)
	if missing := absent(sheets, g.Sources); len(missing) > 0 {
		g.What += ", not by " + wordsOf(missing)
	}
	g.Todo = fmt.Sprintf("exeunt inventory scaffold %q, or exeunt inventory decide %q --ignore \"why it is no system\"", g.Name, g.Name)
	if len(a.Maybe) > 0 {
		g.Kind = Undecided
		g.What = fmt.Sprintf("may be %s: %s; shown by %s", strings.Join(a.Maybe, " or "), a.Because, wordsOf(g.Sources))
		g.Todo = fmt.Sprintf("exeunt inventory decide %q --is %s, or scaffold it", g.Name, a.Maybe[0])
	}
	return g
}

func absent(sheets []Sheet, have []Source) []Source {
	var out []Source
	for _, s := range sheets {
		if !slices.Contains(have, s.Source) && !slices.Contains(out, s.Source) {
			out = append(out, s.Source)
		}
	}
	return out
}

func wordsOf(sources []Source) string {
	var out []string
	for _, s := range sources {
		out = append(out, s.Words())
	}
	return strings.Join(out, " and ")
}

func (i Item) gap(kind GapKind, what, todo string, args ...any) Gap {
	return Gap{Kind: kind, System: i.Name, Name: cmp.Or(i.Title, i.Name), Tier: i.Tier, What: what, Todo: fmt.Sprintf(todo, args...)}
}

// gaps are what the inventory itself does not say.
func (i Item) gaps() []Gap {
	var out []Gap
	file := "systems/" + i.Name + ".yaml"
	if !i.Owner.Named() && i.Owner.Role == "" {
		out = append(out, i.gap(NoOwner, "nobody owns it: what cannot be automated is given to nobody", "write owner into %s: a role, or a name with an address", file))
	}
	if i.Fallback == "" {
		out = append(out, i.gap(NoFallback, "nobody has written down how access is ended by hand", "write fallback into %s, for somebody who does it for the first time", file))
	}
	switch {
	case i.API == "" && i.Stage == exeunt.Manual:
		out = append(out, i.gap(NoAPI, "nobody has said whether it has an API", "ask its owner, and write api: full, partial or none into %s", file))
	case i.API == "none":
		out = append(out, i.gap(NoAPI, "it has no API: its owner does it by hand each time", "ask the vendor, or put it behind the single sign-on, so that at least the way in is closed"))
	case i.Stage == exeunt.Manual:
		out = append(out, i.gap(ByHand, "it has an API and is done by hand", "name its connector as kind in %s, with stage: shadow to begin with", file))
	}
	if len(i.Holds) == 0 || i.Retention == "" {
		out = append(out, i.gap(NoData, "nobody has said what data lies there, or how long it is kept", "write holds and retention into %s", file))
	}
	return out
}

// compare are the differences between what the inventory says of a system and what the sources show.
func (i Item) compare(sheets []Sheet) []Gap {
	var out []Gap
	var shows []Source
	signsOn := false
	for _, s := range sheets {
		for _, l := range s.Found {
			if l.Is == i.Name {
				if !slices.Contains(shows, s.Source) {
					shows = append(shows, s.Source)
				}
				signsOn = signsOn || i.through(s)
				out = append(out, i.differs(s.Source, l)...)
			}
		}
	}
	if i.SSO != "" && !signsOn && slices.ContainsFunc(sheets, i.through) {
		out = append(out, i.gap(SignOnGap, fmt.Sprintf("the inventory says that people sign in through %s, and the single sign-on does not list it", i.SSO),
			"find out how people sign in: if with a password of its own, take sso out of systems/%s.yaml", i.Name))
	}
	if len(shows) == 0 && len(sheets) > 1 {
		out = append(out, i.gap(Unseen, "no source shows it any more", "ask its owner whether it is still used; a system that is gone is taken out of the folder systems"))
	}
	for n := range out {
		out[n].Sources = shows
	}
	return out
}

// through says whether a sheet would show that people sign in to the system as the inventory says.
func (i Item) through(s Sheet) bool {
	return s.Source == SignOn && (s.System == "" || s.System == i.SSO)
}

func (i Item) differs(source Source, l Line) []Gap {
	var out []Gap
	file := "systems/" + i.Name + ".yaml"
	if kind := identifierIn(l.SignsIn); kind != "" && kind != i.Identifier {
		out = append(out, i.gap(Identifier, fmt.Sprintf("the inventory knows people by %s, the single sign-on names them by %s (%s)", i.Identifier, kind, l.SignsIn),
			"look at one account; then set identifier in %s, or a correlation rule", file))
	}
	if source == SignOn && l.Inactive {
		out = append(out, i.gap(SignOnGap, "the single sign-on has switched it off", "find out whether accounts are left in it; if it is gone, take it out of the folder systems"))
	}
	if source == SignOn && !l.Inactive && i.SSO == "" && federated(l.Mode) {
		out = append(out, i.gap(SignOnGap, "the single sign-on lets people in, and the inventory says that it does not", "write sso into %s: the system whose sign-in it uses", file))
	}
	if strings.Contains(l.Owner, "@") && i.Owner.Email != "" && !strings.EqualFold(l.Owner, i.Owner.Email) {
		out = append(out, i.gap(OtherOwner, fmt.Sprintf("%s names %s as its owner, the inventory %s", source.Words(), l.Owner, i.Owner.Email), "ask both, and set owner in %s", file))
	}
	return out
}

// identifierIn is the identifier that a user name format stands for, in the words of Okta, Entra and Keycloak; "" when
// it says nothing.
func identifierIn(format string) exeunt.IdentifierKind {
	f := simple(format)
	switch {
	case f == "":
		return ""
	case strings.Contains(f, "userprincipalname"), f == "upn", strings.Contains(f, "windowsdomainqualifiedname"):
		return exeunt.PrincipalName
	case strings.Contains(f, "employee"):
		return exeunt.EmployeeID
	case strings.Contains(f, "samaccountname"), strings.Contains(f, "prefix"), f == "login", strings.Contains(f, "uid"):
		return exeunt.Login
	case strings.Contains(f, "mail"):
		return exeunt.WorkEmail
	default:
		return ""
	}
}

// federated says whether a sign-on mode means that the application trusts the sign-on: a bookmark or a kept password
// (Okta's SWA, Entra's "password") opens nothing and closes nothing.
func federated(mode string) bool {
	switch m := simple(mode); {
	case strings.Contains(m, "saml"), strings.Contains(m, "oidc"), strings.Contains(m, "openid"), strings.Contains(m, "wsfed"), strings.Contains(m, "oauth"):
		return true
	}
	return false
}
