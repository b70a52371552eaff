package exeunt

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Mapping is an account that a person confirmed to be somebody's, or nobody's: a service, a shared mailbox.
type Mapping struct {
	System  string   `json:"system"`
	Account Account  `json:"account"`
	Leaver  string   `json:"leaver,omitempty"` // key; "" for nobody's
	Name    string   `json:"name,omitempty"`   // of the leaver
	Made    Decision `json:"made"`
	Salt    string   `json:"salt,omitempty"`    // of its digest in the ledger
	Besides []string `json:"besides,omitempty"` // ids of the accounts that stood beside it, and were not chosen

	Instead *Mapping `json:"-"` // what was confirmed of the account before, which this one takes the place of
}

// Another is why the account is not simply taken for the leaver's: the rules find one besides that nobody knew of when it was
// confirmed, as somebody has who came back. Ending the one that is known would leave that one open.
func (m Mapping) Another(match Match) *Error {
	var names []string
	for _, f := range m.unknown(match) {
		names = append(names, f.Login)
	}
	if len(names) == 0 {
		return nil
	}
	return Errorf(Ambiguous, "%s, and the leaver's identifiers match %s as well: confirm whose it is, or end by hand what is theirs", m.told(), listedNames(names))
}

// unknown are the open accounts of a match that nobody knew of when the mapping was made.
func (m Mapping) unknown(match Match) []Found {
	return slices.DeleteFunc(slices.Clone(match.Accounts), func(f Found) bool {
		return f.ID == m.Account.ID || f.Closed || slices.Contains(m.Besides, f.ID)
	})
}

// Found says whether the rules find the account, too.
func (m Mapping) Found(match Match) bool {
	return slices.ContainsFunc(match.Accounts, func(f Found) bool { return f.ID == m.Account.ID })
}

// Gone is why an account that is no more is nothing to end.
func (m Mapping) Gone() *Error {
	return Errorf(Ambiguous, "%s, and is no longer there: find out whether the leaver has another account", m.told())
}

// ClosedBefore is why an account that was found closed proves nothing: it may be the one that they had before.
func (m Mapping) ClosedBefore() *Error {
	return Errorf(Ambiguous, "%s, and somebody else has closed it: find out whether the leaver has another account", m.told())
}

// chosen is the account that a person means; the zero one when nobody can tell.
func (f Finding) chosen(account, leaver string) Account {
	for _, a := range f.Accounts {
		if a.ID == account || account == "" && len(f.Accounts) == 1 {
			return a
		}
	}
	if f.Kind == FoundMissing && account != "" && leaver != "" {
		return Account{ID: account, Login: account} // known to the person alone, by the vendor's own id
	}
	return Account{}
}

// besides are the accounts of a finding that were not chosen.
func (f Finding) besides(chosen Account) []string {
	var ids []string
	for _, a := range f.Accounts {
		if a.ID != chosen.ID {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

func (m Mapping) told() string {
	return fmt.Sprintf("%s was confirmed to be theirs on %s", m.Account.Login, m.Made.At.Format(time.DateOnly))
}

// whose is the key of whose the account is, or says that it is nobody's.
func (m Mapping) whose() string { return cmp.Or(m.Leaver, "nobody") }
