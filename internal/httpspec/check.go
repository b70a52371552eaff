package httpspec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/exeunt/exeunt"
)

// checker collects what is wrong with a description that decodes.
type checker struct {
	spec   *Spec
	root   *yaml.Node
	faults Faults
	broken map[int]bool // lines that did not decode: what they lack is not said twice
	looks  map[string]bool
	taken  map[string]exeunt.Action // by key of the snapshot: who takes it away
}

func newChecker(spec *Spec, root *yaml.Node, faults Faults) *checker {
	c := &checker{spec: spec, root: root, faults: faults, broken: map[int]bool{}, looks: map[string]bool{"": true}, taken: map[string]exeunt.Action{}}
	for _, f := range faults {
		c.broken[f.Line] = !strings.HasPrefix(f.Message, "there is no field")
	}
	return c
}

func (c *checker) fault(path []any, format string, args ...any) {
	at := line(c.root, path...)
	if c.broken[at] {
		return
	}
	c.faults = append(c.faults, Fault{at, fmt.Sprintf(format, args...)})
}

func path(steps ...any) []any { return steps }

func under(base []any, steps ...any) []any { return append(slices.Clone(base), steps...) }

// require says that a field is missing, unless it is there and wrong in another way.
func (c *checker) require(base []any, field string, given bool, why string) {
	if given {
		return
	}
	node := c.root.Content[0]
	for _, step := range under(base, field) {
		if node = child(node, step); node == nil {
			c.faults = append(c.faults, Fault{line(c.root, base...), fmt.Sprintf("%s is missing: %s", spoken(under(base, field)), why)})
			return
		}
	}
	c.fault(under(base, field), "%s is empty: %s", spoken(under(base, field)), why)
}

// spoken writes where something stands without the numbers, which the line gives better.
func spoken(path []any) string {
	var words []string
	for _, step := range path {
		if word, ok := step.(string); ok {
			words = append(words, word)
		}
	}
	return strings.Join(words, ".")
}

var named = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

func (c *checker) check() {
	s := c.spec
	if len(c.root.Content) == 0 || c.root.Content[0].Kind != yaml.MappingNode {
		c.faults = append(c.faults, Fault{1, "a description is a mapping that begins with name:"})
		return
	}
	c.require(nil, "name", s.Name != "", "the word by which settings choose this description")
	if s.Name != "" && !named.MatchString(s.Name) {
		c.fault(path("name"), "%q is not a name: use small letters, digits, - and _", s.Name)
	}
	c.require(nil, "title", s.Title != "", "what people call this kind of system")
	for name, value := range s.Headers {
		c.template(path("headers", name), value, []string{"values."})
	}
	for name, meaning := range s.Values {
		c.require(path("values"), name, meaning != "", "say what it is, for whoever configures a system")
	}
	c.auth()
	for i, rule := range s.Errors {
		c.errorRule(path("errors", i), rule)
	}
	c.probes()
	c.observe()
	c.find()
	c.everybody()
	c.applications()
	c.actions()
}

func (c *checker) auth() {
	a, at := c.spec.Auth, path("auth")
	c.require(at, "kind", a.Kind != "", "say bearer, basic, basic-token, header, oauth2, session or none")
	kinds := []string{"", "none", "bearer", "basic", "basic-token", "header", "oauth2", "session"}
	if !slices.Contains(kinds, a.Kind) {
		c.fault(under(at, "kind"), "%q is no way to sign in that a description knows: use %s, or write a connector in Go", a.Kind, strings.Join(kinds[1:], ", "))
	}
	switch a.Kind {
	case "header":
		c.require(at, "header", a.Header != "", "the header that carries the token")
	case "session":
		c.login()
	default:
		if a.Header != "" || a.Prefix != "" {
			c.fault(at, "header and prefix belong to kind header and to kind session")
		}
	}
	if a.Kind != "session" && a.Login != nil {
		c.fault(under(at, "login"), "login belongs to kind session")
	}
	if a.Kind != "oauth2" && (a.TokenPath != "" || len(a.Scopes) > 0) {
		c.fault(at, "token_path and scopes belong to kind oauth2")
	}
	if a.TokenPath != "" {
		c.path(under(at, "token_path"), a.TokenPath, nil)
	}
}

func (c *checker) errorRule(at []any, r ErrorRule) {
	kinds := []exeunt.ErrorKind{exeunt.Invalid, exeunt.NotFound, exeunt.Conflict, exeunt.Denied, exeunt.Unauthorised, exeunt.Throttled, exeunt.Temporary, exeunt.Unsupported}
	if !slices.Contains(kinds, r.Kind) {
		c.fault(under(at, "kind"), "%q is not a class of error: use one of %v", r.Kind, kinds)
	}
	c.require(at, "say", r.Say != "", "what failed and what to do, in words for people")
	if len(r.Was) > 0 {
		c.fault(under(at, "was"), "an error rule names statuses under status")
	}
	if r.At == "" && r.Equals.Kind == 0 && len(r.In) == 0 && r.Absent == nil && r.Empty == nil {
		c.require(at, "status", len(r.Status) > 0, "give a status, a condition, or both")
		return
	}
	c.condition(at, &c.spec.Errors[at[1].(int)].Condition, false)
}

func (c *checker) find() {
	f, at := c.spec.Find, path("find")
	c.require(at, "identifier", f.Identifier != "", "which of the leaver's identifiers it searches by, such as work_email")
	c.require(at, "path", f.Path != "", "where to search")
	c.path(under(at, "path"), f.Path, inFind)
	c.templates(under(at, "query"), f.Query, inFind)
	c.body(under(at, "body"), f.Body, inFind)
	if f.Body != nil && f.Paging != nil && f.Paging.Kind != "none" {
		c.fault(under(at, "paging"), "the pages of a search that is sent with POST are not followed: make it find one account, with kind none, or write a connector in Go")
	}
	c.require(at, "id", f.ID != "", "where a result has its immutable id")
	c.require(at, "match", f.Match != "", "which field must be the identifier: without it a fuzzy search returns strangers")
	for field, pointer := range map[string]string{"id": f.ID, "login": f.Login, "match": f.Match} {
		c.pointer(under(at, field), pointer)
	}
	c.statuses(under(at, "none"), f.None)
	if !mentions(f.Path, f.Query, "identifier") && !saysAll(f.Body, "identifier") {
		c.fault(at, "the search uses {identifier} nowhere, so it would read everybody")
	}
	c.list(at, f.List, f.Paging)
}

func (c *checker) everybody() {
	l, at := c.spec.List, path("list")
	if l == nil {
		return
	}
	c.require(at, "path", l.Path != "", "where everybody is listed")
	c.path(under(at, "path"), l.Path, []string{"values."})
	c.templates(under(at, "query"), l.Query, []string{"values."})
	if l.List == nil {
		c.require(at, "list", false, "where the accounts are in the answer")
	}
	c.list(at, l.List, l.Paging)
	for i := range l.Closed {
		c.condition(under(at, "closed", i), &l.Closed[i], false)
	}
}

func (c *checker) applications() {
	l, at := c.spec.Applications, path("applications")
	if l == nil {
		return
	}
	c.require(at, "path", l.Path != "", "where the applications are listed")
	c.path(under(at, "path"), l.Path, []string{"values."})
	c.templates(under(at, "query"), l.Query, []string{"values."})
	if l.List == nil {
		c.require(at, "list", false, "where the applications are in the answer")
	}
	c.list(at, l.List, l.Paging)
	c.require(at, "id", l.ID != "", "where an application has its immutable id")
	c.require(at, "name", l.Name != "", "where an application has the name that people read")
	for field, pointer := range map[string]string{"id": l.ID, "name": l.Name, "mode": l.Mode, "signs_in": l.SignsIn, "people": l.People} {
		c.pointer(under(at, field), pointer)
	}
	for i := range l.Inactive {
		c.condition(under(at, "inactive", i), &l.Inactive[i], false)
	}
}

// mentions says whether a placeholder occurs.
func mentions(p string, query map[string]string, name string) bool {
	found := false
	look := func(template string) {
		_ = scan(template, func(_, n string) error { found = found || n == name; return nil })
	}
	look(p)
	for _, value := range query {
		look(value)
	}
	return found
}

// list checks that whoever reads a list says how it goes on: a second page that nobody reads may
// hold the account.
func (c *checker) list(at []any, list *string, p *Paging) {
	if list == nil {
		if p != nil {
			c.fault(under(at, "paging"), "paging belongs to a list: say where the list is")
		}
		return
	}
	c.pointer(under(at, "list"), *list)
	c.require(at, "paging", p != nil, "say how the list goes on, or kind: none when the vendor returns it whole")
	if p == nil {
		return
	}
	c.paging(under(at, "paging"), p)
}

// paging checks that the fields are those of its kind.
func (c *checker) paging(at []any, p *Paging) {
	counts := p.Param != "" || p.SizeParam != "" || p.Size != 0 || p.Start != 0
	switch p.Kind {
	case "none", "link":
		if counts || p.Next != "" {
			c.fault(at, "paging of kind %s takes no further fields", p.Kind)
		}
	case "page", "offset":
		c.require(at, "param", p.Param != "", "the query parameter that turns the page")
		if p.Next != "" {
			c.fault(under(at, "next"), "next belongs to kind cursor")
		}
	case "url":
		c.require(at, "next", p.Next != "", "where the answer has the address of the next page")
		c.pointer(under(at, "next"), p.Next)
		if counts {
			c.fault(at, "paging of kind url takes next only")
		}
	case "cursor":
		c.require(at, "param", p.Param != "", "the query parameter that takes the cursor")
		c.require(at, "next", p.Next != "", "where the answer has the next cursor")
		c.pointer(under(at, "next"), p.Next)
	default:
		c.fault(under(at, "kind"), "%q is no way of paging that is known here: use none, page, offset, cursor, link or url, or write a connector in Go", p.Kind)
	}
	if p.Size < 0 || p.Size > 0 && p.SizeParam == "" {
		c.fault(at, "size needs size_param, and to be more than nothing")
	}
}

func (c *checker) observe() {
	o, at := c.spec.Observe, path("observe")
	c.require(at, "looks", len(o.Looks) > 0, "without a look nothing can be proven; the first look is the account itself")
	for i, l := range o.Looks {
		la := under(at, "looks", i)
		switch {
		case i == 0 && l.Name != "":
			c.fault(under(la, "name"), "the first look is the account and has no name")
		case i > 0 && !named.MatchString(l.Name):
			c.fault(la, "a further look needs a name, in small letters")
		case i > 0 && c.looks[l.Name]:
			c.fault(under(la, "name"), "there is already a look called %s", l.Name)
		}
		c.looks[l.Name] = true
		c.require(la, "path", l.Path != "", "where to look")
		c.path(under(la, "path"), l.Path, inLook)
		c.templates(under(la, "query"), l.Query, inLook)
		c.statuses(under(la, "accept"), l.Accept)
		c.list(la, l.List, l.Paging)
		if len(l.Only) > 0 && (l.List == nil || i == 0) {
			c.fault(under(la, "only"), "only chooses items of a list, of a further look")
		}
		for j := range l.Only {
			c.condition(under(la, "only", j), &c.spec.Observe.Looks[i].Only[j], false)
		}
	}
	c.require(at, "same", o.Same != "", "where the first look repeats the account's id: a login that was given to somebody else must not pass for the leaver's")
	c.pointer(under(at, "same"), o.Same)
	for name, ref := range o.Facts {
		c.ref(under(at, "facts", name), ref)
	}
	for name, list := range o.Snapshot {
		c.ref(under(at, "snapshot", name, "at"), list.At)
		c.pointer(under(at, "snapshot", name, "value"), list.Value)
	}
}

func (c *checker) actions() {
	c.require(nil, "actions", len(c.spec.Actions) > 0, "a description that can do nothing is a system of kind manual")
	seen, orders := map[exeunt.Action]bool{}, map[int]exeunt.Action{}
	for i := range c.spec.Actions {
		a, at := &c.spec.Actions[i], path("actions", i)
		switch {
		case a.Action == exeunt.CheckAccess:
			c.fault(under(at, "action"), "check_access is not described: every system has it from its disable")
		case seen[a.Action] && a.Action != "":
			c.fault(under(at, "action"), "%s is described twice", a.Action)
		case a.Action != "" && !named.MatchString(string(a.Action)):
			c.fault(under(at, "action"), "%q is not the name of an action: write small letters and _", a.Action)
		}
		seen[a.Action] = true
		if a.Order != nil {
			if other, taken := orders[*a.Order]; taken {
				c.fault(under(at, "order"), "%s has the order %d already", other, *a.Order)
			}
			orders[*a.Order] = a.Action
		}
		if a.ByHand != "" {
			c.byHand(at, a)
			continue
		}
		c.promises(at, a)
		c.exchange(at, &a.Exchange, inAction)
		c.undo(at, a)
	}
}

func (c *checker) named(at []any, a *Action) {
	c.require(at, "action", a.Action != "", "such as disable")
	c.require(at, "title", a.Title != "", "a verb and its object, such as Disable account")
	c.require(at, "order", a.Order != nil, "its place inside the system")
}

func (c *checker) promises(at []any, a *Action) {
	c.named(at, a)
	c.require(at, "repeatable", a.Repeatable != nil, "does doing it twice do no more than doing it once?")
	switch a.Proof {
	case exeunt.Observed:
		c.require(at, "holds", len(a.Holds) > 0, "proof observed needs a condition that reads it back; where there is none, say acknowledged")
	case exeunt.Acknowledged:
		if len(a.Holds) > 0 {
			c.fault(under(at, "proof"), "there is a condition that reads it back, so the proof is observed")
		}
	default:
		c.fault(under(at, "proof"), "the proof is observed or acknowledged")
	}
	if a.Each != "" && a.Proof == exeunt.Acknowledged && a.Repeatable != nil && !*a.Repeatable {
		c.fault(under(at, "each"), "a list that is sent by half can be neither seen nor sent again: make it observed or repeatable")
	}
	if len(a.Pending) > 0 && len(a.Holds) == 0 {
		c.fault(under(at, "pending"), "pending needs holds beside it")
	}
	if a.Settles != "" {
		var err error
		if a.settles, err = exeunt.ParseDuration(a.Settles); err != nil {
			c.fault(under(at, "settles"), "%v", err)
		}
		if a.settles > 24*time.Hour {
			c.fault(under(at, "settles"), "a system that takes more than a day to show it is beyond what a step can wait for")
		}
	}
	for field, list := range map[string][]Condition{"holds": a.Holds, "pending": a.Pending} {
		for i := range list {
			c.condition(under(at, field, i), &list[i], true)
		}
	}
}
