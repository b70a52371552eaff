package activedirectory

import (
	"math"
	"time"

	"github.com/exeunt/exeunt"
)

// never says whether an accountExpires means that an account does not expire (MS-ADA1, accountExpires).
func never(expires int64) bool { return expires == 0 || expires == math.MaxInt64 }

// expired says whether an account is past its expiry.
func (u user) expired(now time.Time) bool { return !never(u.expires) && u.expires <= filetime(now) }

// expiry is accountExpires as people read it.
func (u user) expiry() string {
	if never(u.expires) {
		return "never"
	}
	return fromFiletime(u.expires).Format(time.RFC3339)
}

// expiryAfterUndo is the accountExpires that an undo leaves: what was recorded, unless the account does not expire by us any
// more, since somebody gave it another expiry.
func (u user) expiryAfterUndo(recorded int64, now time.Time) (int64, error) {
	switch {
	case u.expires == recorded, never(u.expires) && never(recorded):
		return u.expires, nil
	case u.expired(now):
		return recorded, nil
	}
	return u.expires, exeunt.Errorf(exeunt.Conflict, "the account was to expire %s and expires %s by now: somebody changed it, so it was left as it is",
		user{expires: recorded}.expiry(), u.expiry())
}
