package httpspec

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/exeunt/exeunt"
)

// Spec is a description as it is written. See the package documentation for what each part means.
type Spec struct {
	Name    string            `yaml:"name"`
	Title   string            `yaml:"title"`
	Source  string            `yaml:"source"` // where the vendor says all this
	Auth    Auth              `yaml:"auth"`
	Headers map[string]string `yaml:"headers"`
	Values  map[string]string `yaml:"values"` // what a system's settings must give → what it is, for people
	Rate    Rate              `yaml:"rate"`
	Errors  []ErrorRule       `yaml:"errors"`
	Check   []Probe           `yaml:"check"` // absent: a search for nobody is tried
	Find    Find              `yaml:"find"`
	List    *Everybody        `yaml:"list"` // absent: its accounts cannot be listed
	Observe Observe           `yaml:"observe"`
	Actions []Action          `yaml:"actions"`

	Applications *Applications `yaml:"applications"` // absent: it signs nobody in elsewhere, or does not tell
}

// Auth is how requests are signed in; the credentials are a system's settings, never the description's.
type Auth struct {
	Kind      string   `yaml:"kind"`       // none, bearer, basic, basic-token, header, oauth2, session
	Header    string   `yaml:"header"`     // header, session: its name
	Prefix    string   `yaml:"prefix"`     // header, session: what stands before the token
	TokenPath string   `yaml:"token_path"` // oauth2: where tokens are had, under the base URL; settings may give token_url instead
	Scopes    []string `yaml:"scopes"`     // oauth2
	Login     *Login   `yaml:"login"`      // session
}

// Login is the request by which a session begins, and where its answer has what every other request carries.
type Login struct {
	Path   string  `yaml:"path"`
	Form   bool    `yaml:"form"`   // the body is sent as a form, not as JSON
	Body   any     `yaml:"body"`   // with {username} and {password}
	Cookie string  `yaml:"cookie"` // the cookie that is the session; or
	Token  *string `yaml:"token"`  // where the answer has the token
}

// Rate names the vendor's own words for "slow down" beside 429 and Retry-After.
type Rate struct {
	Statuses  []int  `yaml:"statuses"`  // further statuses that mean it when Remaining is 0 or Retry-After is there
	Remaining string `yaml:"remaining"` // header
	Reset     string `yaml:"reset"`     // header, seconds from now or since 1970
}

// ErrorRule tells an answer apart that its status does not: a 200 that says no, a 400 that means denied.
type ErrorRule struct {
	Status    []int            `yaml:"status"` // empty: any
	Kind      exeunt.ErrorKind `yaml:"kind"`
	Say       string           `yaml:"say"`
	Condition `yaml:",inline"`
}

// Probe is a request that changes nothing and shows what our credentials are allowed.
type Probe struct {
	Right  string            `yaml:"right"`  // what it shows: the scope or role in the vendor's words
	For    []exeunt.Action   `yaml:"for"`    // what cannot be done without; everything when empty
	Path   string            `yaml:"path"`   //
	Query  map[string]string `yaml:"query"`  //
	Holds  []Condition       `yaml:"holds"`  // of the answer; empty: that it is given at all
	Scopes *Scopes           `yaml:"scopes"` // where the answer lists what the credentials are allowed
	Remedy string            `yaml:"remedy"` // what to do when it is missing
}

// Scopes is where an answer lists the scopes of our credentials; every scope of the actions is looked for there.
type Scopes struct {
	Header string `yaml:"header"` // a header with words between commas or spaces
	At     Ref    `yaml:"at"`     // or a list, or a text with such words
}

// Find is the search for accounts.
type Find struct {
	Identifier exeunt.IdentifierKind `yaml:"identifier"` // which of the leaver's it takes unless the settings say otherwise
	Path       string                `yaml:"path"`
	Query      map[string]string     `yaml:"query"`
	Body       any                   `yaml:"body"` // of a search that is sent with POST
	List       *string               `yaml:"list"` // where the results are; absent: the answer is the one account
	ID         string                `yaml:"id"`
	Login      string                `yaml:"login"`
	Match      string                `yaml:"match"` // must be the identifier, or it is a stranger
	FoldCase   bool                  `yaml:"fold_case"`
	None       []int                 `yaml:"none"` // statuses that mean that there is none
	Paging     *Paging               `yaml:"paging"`
}

// Everybody is the list of all accounts. Where an account has its id, its login and what it is known by is said by Find.
type Everybody struct {
	Path   string            `yaml:"path"`
	Query  map[string]string `yaml:"query"`
	List   *string           `yaml:"list"`
	Paging *Paging           `yaml:"paging"`
	Closed []Condition       `yaml:"closed"` // of an item: nobody can sign in with it
}

// Applications is the list of those that a single sign-on lets people into.
type Applications struct {
	Path     string            `yaml:"path"`
	Query    map[string]string `yaml:"query"`
	List     *string           `yaml:"list"`
	Paging   *Paging           `yaml:"paging"`
	ID       string            `yaml:"id"`
	Name     string            `yaml:"name"`
	Mode     string            `yaml:"mode"`     // how it lets people in
	SignsIn  string            `yaml:"signs_in"` // by what it names people to it
	People   string            `yaml:"people"`   // a number, or a list that is counted
	Inactive []Condition       `yaml:"inactive"` // of an item: nobody is let in
}

// Paging is how a list goes on.
type Paging struct {
	Kind      string `yaml:"kind"`       // none, page, offset, cursor, link, url
	Param     string `yaml:"param"`      // page, offset, cursor: the query parameter
	Start     int    `yaml:"start"`      // page, offset: of the first
	SizeParam string `yaml:"size_param"` //
	Size      int    `yaml:"size"`       // page, offset: a shorter page is the last
	Next      string `yaml:"next"`       // cursor, url: where the next one is
}

// Observe is how an account is looked at.
type Observe struct {
	Looks    []Look                  `yaml:"looks"` // the first is the account itself
	Same     string                  `yaml:"same"`  // where the first look repeats the account's id
	Facts    map[string]Ref          `yaml:"facts"`
	Snapshot map[string]SnapshotList `yaml:"snapshot"`
}

// Look is one request that changes nothing.
type Look struct {
	Name   string            `yaml:"name"`
	Path   string            `yaml:"path"`
	Query  map[string]string `yaml:"query"`
	Accept []int             `yaml:"accept"` // answers beside 2xx, such as a 404 that says "not a member"
	List   *string           `yaml:"list"`   // the look is this list, of all pages
	Only   []Condition       `yaml:"only"`   // of its items, those of which all this holds
	Paging *Paging           `yaml:"paging"`
}

// SnapshotList is what an action will take away: one value of each item of a list, or the one value
// that stands there.
type SnapshotList struct {
	At    Ref    `yaml:"at"`
	Value string `yaml:"value"`
}

// Action is one thing that can be done, and what is promised about it.
type Action struct {
	Action      exeunt.Action `yaml:"action"`
	Title       string        `yaml:"title"`
	Order       *int          `yaml:"order"`
	Proof       exeunt.Proof  `yaml:"proof"`
	Repeatable  *bool         `yaml:"repeatable"`
	Destructive bool          `yaml:"destructive"`
	Settles     string        `yaml:"settles"`
	Scopes      []string      `yaml:"scopes"`
	Caveat      string        `yaml:"caveat"`
	ByHand      string        `yaml:"by_hand"` // people do it, for each item of this snapshot list; nothing is sent
	Exchange    `yaml:",inline"`
	Holds       []Condition `yaml:"holds"`
	Pending     []Condition `yaml:"pending"`
	Undo        *Undo       `yaml:"undo"` // absent: we cannot put it back

	settles time.Duration
}

// Exchange is a request, and what its answers mean.
type Exchange struct {
	Each    string      `yaml:"each"` // repeat the request for every item of this snapshot list
	Request Request     `yaml:"request"`
	Success []int       `yaml:"success"` // empty: any 2xx
	Already []int       `yaml:"already"` // refusals that mean that it is so already
	Expect  []Condition `yaml:"expect"`  // of the answer, where a 2xx may still be a no
}

// Undo is how an action is put back from what the look before it recorded.
type Undo struct {
	Takes    []string `yaml:"takes"` // keys of the snapshot that the action takes away and that must be there again
	Exchange `yaml:",inline"`
	Names    string `yaml:"names"` // with each: the snapshot list that names the items for people, in the same order
}

// takes are the keys of the snapshot that an undo puts back. Every one of them has the action's own,
// which records no more than that it was not done.
func (a *Action) takes() []string {
	if a.Undo == nil {
		return nil
	}
	return append([]string{string(a.Action)}, a.Undo.Takes...)
}

// Request is what is sent.
type Request struct {
	Method  string            `yaml:"method"`
	Path    string            `yaml:"path"`
	Query   map[string]string `yaml:"query"`
	Headers map[string]string `yaml:"headers"`
	Form    bool              `yaml:"form"` // the body is sent as a form, not as JSON
	Body    any               `yaml:"body"`
}

// Condition is one comparison. Exactly one of its operators is set.
type Condition struct {
	At     Ref       `yaml:"at"`
	Equals yaml.Node `yaml:"equals"`
	In     []any     `yaml:"in"`
	Absent *bool     `yaml:"absent"`
	Empty  *bool     `yaml:"empty"`
	Was    []int     `yaml:"was"` // the look's status is one of these

	equals any
}

// ActionSpecs is what the description promises, in the order of the system.
func (s *Spec) ActionSpecs() []exeunt.ActionSpec {
	specs := make([]exeunt.ActionSpec, 0, len(s.Actions))
	for _, a := range s.Actions {
		specs = append(specs, exeunt.ActionSpec{
			Action: a.Action, Title: a.Title, Order: *a.Order, Proof: a.Proof,
			Repeatable: *a.Repeatable, Reversible: a.Undo != nil, Takes: a.takes(), Destructive: a.Destructive,
			Scopes: a.Scopes, Settles: a.settles, Caveat: a.Caveat, ByHand: a.ByHand != "",
		})
	}
	return specs
}

func (s *Spec) action(name exeunt.Action) (*Action, bool) {
	for i := range s.Actions {
		if s.Actions[i].Action == name {
			return &s.Actions[i], true
		}
	}
	return nil, false
}
