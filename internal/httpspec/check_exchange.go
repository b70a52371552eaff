package httpspec

import (
	"net/http"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// exchange checks a request and what its answers mean.
func (c *checker) exchange(at []any, x *Exchange, allowed []string) {
	methods := []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	ra := under(at, "request")
	if !slices.Contains(methods, x.Request.Method) {
		c.fault(under(ra, "method"), "an action is sent with one of %s", strings.Join(methods, ", "))
	}
	c.require(ra, "path", x.Request.Path != "", "where to send it")
	if x.Each == "" {
		allowed = slices.DeleteFunc(slices.Clone(allowed), func(p string) bool { return p == "item" })
	} else if _, ok := c.spec.Observe.Snapshot[x.Each]; !ok {
		c.fault(under(at, "each"), "there is no snapshot list called %q", x.Each)
	}
	c.path(under(ra, "path"), x.Request.Path, allowed)
	c.templates(under(ra, "query"), x.Request.Query, allowed)
	c.templates(under(ra, "headers"), x.Request.Headers, allowed)
	c.body(under(ra, "body"), x.Request.Body, allowed)
	c.form(ra, x.Request.Form, x.Request.Body)
	c.statuses(under(at, "success"), x.Success)
	c.statuses(under(at, "already"), x.Already)
	for _, s := range x.Success {
		if s < 200 || s > 299 {
			c.fault(under(at, "success"), "%d is no success: what means that it was so already stands under already", s)
		}
	}
	for i := range x.Expect {
		c.condition(under(at, "expect", i), &x.Expect[i], false)
	}
}

// byHand checks what is left to people: what there is to do can be seen, and nothing is sent.
func (c *checker) byHand(at []any, a *Action) {
	c.named(at, a)
	if list, ok := c.spec.Observe.Snapshot[a.ByHand]; !ok || a.ByHand == string(a.Action) {
		c.fault(under(at, "by_hand"), "by_hand is a list of observe.snapshot, and %q is none", a.ByHand)
	} else if list.Value == "" {
		c.fault(under(at, "by_hand"), "%q is one value: say by value what people read of each item", a.ByHand)
	}
	for field, said := range map[string]bool{
		"request": a.Request.Method != "" || a.Request.Path != "", "each": a.Each != "", "success": len(a.Success) > 0, "already": len(a.Already) > 0, "expect": len(a.Expect) > 0,
		"holds": len(a.Holds) > 0, "pending": len(a.Pending) > 0, "settles": a.Settles != "", "undo": a.Undo != nil, "destructive": a.Destructive,
		"proof": a.Proof != "" && a.Proof != exeunt.Observed,
	} {
		if said {
			c.fault(under(at, field), "people do it (by_hand), and it is done when nothing is left: leave %s out", field)
		}
	}
	a.Proof, a.Repeatable = exeunt.Observed, new(true)
}

// undo refuses a way back that nobody could walk, or that nobody could see walked.
func (c *checker) undo(at []any, a *Action) {
	u := a.Undo
	if u == nil {
		return
	}
	at = under(at, "undo")
	switch {
	case a.Destructive:
		c.fault(at, "what loses data cannot be put back")
	case a.Proof == exeunt.Acknowledged:
		c.fault(at, "what cannot be read back cannot be seen to be put back: leave undo out, and a person does it")
	}
	for i, key := range u.Takes {
		if _, ok := c.spec.Observe.Snapshot[key]; !ok {
			c.fault(under(at, "takes", i), "there is nothing called %q in observe.snapshot, so that it is not known before it is taken", key)
		}
		if other, too := c.taken[key]; too {
			c.fault(under(at, "takes", i), "%s takes %q already: the way back of one would wait for the other", other, key)
		}
		c.taken[key] = a.Action
	}
	if _, ok := c.spec.Observe.Snapshot[string(a.Action)]; ok {
		c.fault(at, "the snapshot has something called %s, by which it records that the action was not done: call it otherwise", a.Action)
	}
	if u.Each != "" && !slices.Contains(u.Takes, u.Each) {
		c.fault(under(at, "each"), "an undo repeats its request for what the action takes: name %q under takes", u.Each)
	}
	if _, ok := c.spec.Observe.Snapshot[u.Names]; u.Names != "" && (!ok || u.Each == "") {
		c.fault(under(at, "names"), "names is the snapshot list that goes with each, and needs both")
	}
	allowed := slices.Clone(inAction)
	for _, key := range u.Takes {
		allowed = append(allowed, "snapshot."+key)
	}
	c.exchange(at, &u.Exchange, allowed)
}
