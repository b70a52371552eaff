package exeunt

import "strings"

// Override is a deviation that a named person decided, with the reason.
type Override struct {
	By      string `json:"by"`
	Account string `json:"account,omitempty"` // the address under which they signed in, where they did
	Reason  string `json:"reason"`
}

// leastReason is how long a reason has to be: whoever reads the record later was not there.
const leastReason = 10

// Check refuses an override without a name or a reason worth reading.
func (o Override) Check() error {
	if strings.TrimSpace(o.By) == "" {
		return Errorf(Invalid, "an override needs the name of who decided it").In("by")
	}
	if len(strings.TrimSpace(o.Reason)) < leastReason {
		return Errorf(Invalid, "an override needs a reason of at least %d characters, for whoever reads the record later", leastReason).In("reason")
	}
	return nil
}

// SamePerson says whether two decisions may be one person's. Names are not unique and an account may be
// unknown, so either of them being the same is enough: a second person is somebody who surely is another.
func (o Override) SamePerson(other Override) bool {
	same := func(a, b string) bool {
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		return a != "" && strings.EqualFold(a, b)
	}
	return same(o.By, other.By) || same(o.Account, other.Account)
}

// detail is how an entry tells of a decision.
func (o Override) detail() map[string]string {
	detail := map[string]string{"by": o.By, "reason": o.Reason}
	if o.Account != "" {
		detail["account"] = o.Account
	}
	return detail
}
