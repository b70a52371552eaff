package exeunt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// ReconcileState says how far the reconciliation of one system is.
type ReconcileState string

// The states.
const (
	ReconcileWaiting ReconcileState = "waiting" // nothing was listed yet
	ReconcileListing ReconcileState = "listing" // its accounts are being listed
	ReconcileDone    ReconcileState = "done"
	ReconcileFailed  ReconcileState = "failed" // its accounts cannot be listed; Why says why
)

// Reconciliation compares everybody with the accounts of every system, before anything happens.
type Reconciliation struct {
	ID      int64              `json:"id"`
	Begun   Decision           `json:"begun"`
	People  int                `json:"people"` // who work here
	Left    int                `json:"left"`   // on the list, and left
	EndedAt time.Time          `json:"ended_at,omitzero"`
	Systems []SystemReconciled `json:"systems"`
}

// SystemReconciled is one system of a reconciliation.
type SystemReconciled struct {
	System  string         `json:"system"`
	Title   string         `json:"title"`
	State   ReconcileState `json:"state"`
	Listed  int            `json:"listed"` // accounts so far
	Tally   Tally          `json:"tally"`
	Why     string         `json:"why,omitempty"` // it failed
	BegunAt time.Time      `json:"begun_at,omitzero"`
	EndedAt time.Time      `json:"ended_at,omitzero"`
}

// Open says whether accounts are still to be listed.
func (s SystemReconciled) Open() bool {
	return s.State == ReconcileWaiting || s.State == ReconcileListing
}

// BeginReconciliation decides to compare people with systems. The change tells the ledger who began it.
func BeginReconciliation(people []Worker, inventory []System, by Override, now time.Time) (Reconciliation, Change, error) {
	r := Reconciliation{Begun: Decision{by, now.UTC()}}
	for _, w := range people {
		if w.LeftOn == "" {
			r.People++
		} else {
			r.Left++
		}
	}
	for _, s := range inventory {
		if s.Stage != Manual && len(s.Actions) > 0 {
			r.Systems = append(r.Systems, SystemReconciled{System: s.Name, Title: cmp.Or(s.Title, s.Name), State: ReconcileWaiting})
		}
	}
	if len(r.Systems) == 0 {
		return r, Change{}, Errorf(Invalid, "no system has a connector that is set up, so that there is nothing to compare with: set one to stage shadow or live")
	}
	var change Change
	change.Record(EntryReconcileBegun, nil, now, fmt.Sprintf("%s, compared with %s", r.Whom(), plural(len(r.Systems), "system", "systems")),
		map[string]string{"by": by.By, "people": fmt.Sprint(r.People), "left": fmt.Sprint(r.Left), "systems": fmt.Sprint(len(r.Systems))})
	return r, change, nil
}

// Whom says how many people are compared: those who work here, and those on the list who left.
func (r Reconciliation) Whom() string {
	here := plural(r.People, "person works here", "people work here")
	if r.Left == 0 {
		return here
	}
	return here + " and " + plural(r.Left, "has left", "have left")
}

// End is the system as it was compared.
func (s SystemReconciled) End(t Tally, now time.Time) (SystemReconciled, Change) {
	s.State, s.Tally, s.EndedAt = ReconcileDone, t, now.UTC()
	return s, s.record(fmt.Sprintf("compared with everybody: %d matched, %d missing, %d ambiguous, %d mismatched, %d orphaned", t.Matched, t.Missing, t.Ambiguous, t.Mismatched, t.Orphaned), now)
}

// Fail is the system of which nothing can be said, and why.
func (s SystemReconciled) Fail(err error, now time.Time) (SystemReconciled, Change) {
	s.State, s.Why, s.EndedAt = ReconcileFailed, MessageOf(err), now.UTC()
	return s, s.record("not compared: "+s.Why, now)
}

func (s SystemReconciled) record(what string, now time.Time) Change {
	var change Change
	change.Record(EntryReconciled, nil, now, what, map[string]string{"accounts": fmt.Sprint(s.Listed)})
	change.Entries[0].System = s.System
	return change
}

// Confirmation is what a person says of an account of a finding.
type Confirmation struct {
	Account string // id; may be empty where the finding has one
	Leaver  string // key of whose it is; nobody's when empty
	Unknown bool   // nobody has that key
	Instead bool   // in the place of what was confirmed of the account before
	Salt    string // random, for the digest in the ledger
}

// Confirm makes of a finding a mapping that a person stands for: that the account is somebody's, by the key, or nobody's when
// there is none. Later visits take it before any rule: they end the account for that person, and for no other. What was
// confirmed of the accounts before goes on to count, unless it is said that this is to take its place.
func (f Finding) Confirm(what Confirmation, before []Mapping, by Override, now time.Time) (Finding, Mapping, Change, error) {
	if err := by.Check(); err != nil {
		return f, Mapping{}, Change{}, err
	}
	account, leaver := what.Account, what.Leaver
	if leaver != "" && !strings.Contains(leaver, "/") {
		return f, Mapping{}, Change{}, Errorf(Invalid, "%q names nobody: write the entity and the HR number, such as main/4711", leaver).In("leaver")
	}
	if what.Unknown && leaver != f.Leaver {
		return f, Mapping{}, Change{}, Errorf(Invalid, "nobody has the key %q: neither the list of people that was compared last nor a case names them. Write the entity and the HR number as the list has them, or compare again with a list that names them", leaver).In("leaver")
	}
	m := Mapping{System: f.System, Leaver: leaver, Made: Decision{by, now.UTC()}, Salt: what.Salt}
	if m.Account = f.chosen(account, leaver); m.Account.ID == "" {
		return f, Mapping{}, Change{}, Errorf(Invalid, "say which account: its id is one of those of the finding").In("account")
	}
	for _, b := range before {
		if b.Account.ID != m.Account.ID || b.Leaver == leaver {
			continue
		}
		if !what.Instead {
			return f, Mapping{}, Change{}, Errorf(Conflict, "%s is confirmed to be %s's already, by %s on %s: say that this is to take its place, or choose another account",
				m.Account.Login, b.whose(), b.Made.By, b.Made.At.Format(time.DateOnly))
		}
		m.Instead = &b
	}
	if leaver == f.Leaver {
		m.Name, m.Besides = f.Name, f.besides(m.Account)
	}
	f.Decided = &m.Made
	change := m.record(f, by, now)
	return f, m, change, nil
}

// record tells the ledger of a mapping. The entry belongs to no case, and is not erased with one: of a person it has neither
// key nor account nor the reason, which is somebody's free text, but a digest of them with a salt that only the mapping has.
// So the mapping proves the entry, and once it is erased the entry tells nothing.
func (m Mapping) record(f Finding, by Override, now time.Time) Change {
	said := map[string]string{"by": by.By, "reason": by.Reason, "account": m.Account.ID}
	what := "an account is confirmed to be nobody's"
	if m.Leaver != "" {
		said = map[string]string{"by": by.By, "digest": m.Digest()}
		what = "an account is confirmed to be a person's"
	}
	if m.Instead != nil {
		what += ", in the place of what was confirmed before"
	}
	var change Change
	change.Record(EntryMapped, f.Case, now, what, said)
	change.Entries[0].System = f.System
	return change
}

// Digest stands for the mapping where its words may not stand.
func (m Mapping) Digest() string {
	parts, _ := json.Marshal([]string{m.Salt, m.System, m.Account.ID, m.Leaver, m.Made.Reason}) // strings can always be written
	sum := sha256.Sum256(parts)
	return hex.EncodeToString(sum[:])
}
