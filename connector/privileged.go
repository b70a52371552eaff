package connector

import (
	"slices"

	"github.com/exeunt/exeunt"
)

// Privileged is the setting of what happens to an account with an administrator's rights of which HR does not know. Who
// approves the steps of privileged people was not asked then: docs/adr/0066.
type Privileged string

// The answers; what is left out is AskFirst.
const (
	AskFirst Privileged = "ask" // every step is left to a person
	ActAsAny Privileged = "act" // it is ended like any other
)

// Check says what is wrong with the setting.
func (p Privileged) Check() error {
	if !slices.Contains([]Privileged{"", AskFirst, ActAsAny}, p) {
		return exeunt.Errorf(exeunt.Invalid, "privileged is %q: write ask or act", string(p)).In("privileged")
	}
	return nil
}

// Lets says whether an account with such rights may be ended without asking about them: HR flagged the person, or the
// configuration wants no question.
func (p Privileged) Lets(leaver exeunt.Leaver) bool {
	return p == ActAsAny || leaver.Has(exeunt.Privileged) || leaver.Has(exeunt.Protected)
}

// Refuse is the error of an account that is left to a person; found is what it has, as in "the account has an admin role".
func (p Privileged) Refuse(found string) error {
	return exeunt.Errorf(exeunt.Denied, "%s, and HR does not say that this person is privileged: nothing was done. Have HR flag the person as privileged, which asks for the approval that the configuration wants, or end the account by hand", found)
}
