package exeunt

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Retention says how long the record of a closed case is kept. The zero value keeps every one for good.
type Retention struct {
	Keep  time.Duration                   // for the types that are not named below; zero: for good
	Types map[DepartureType]time.Duration // zero: for good
}

// Of is how long a closed case of a type is kept, and the rule in words; zero: for good.
func (r Retention) Of(t DepartureType) (keep time.Duration, rule string) {
	keep, named := r.Types[t]
	if !named {
		keep = r.Keep
	}
	if keep == 0 {
		return 0, ""
	}
	rule = "retention.keep: " + lengthWords(keep)
	if named { // without the type: how somebody left is not to be read off what stays for ever
		rule = "retention.types: " + lengthWords(keep)
	}
	return keep, rule
}

// Erasure is that the record of a case is destroyed: by which rule, or by whom and why.
type Erasure struct {
	Rule      string    `json:"rule,omitempty"`   // of the configuration, where the retention was over
	By        *Override `json:"by,omitempty"`     // nil when the rule alone decided
	Second    *Override `json:"second,omitempty"` // who confirmed it, where the retention was not over
	DecidedAt time.Time `json:"decided_at"`
	DoneAt    time.Time `json:"done_at,omitzero"` // when nothing of it was left
}

// ErasedName stands where the name of the person was.
const ErasedName = "(erased)"

// EraseAt is when the retention of a closed case is over, by which rule; false when it is kept for good, or is open, or
// its erasure is decided.
func (c Case) EraseAt(r Retention) (at time.Time, rule string, ok bool) {
	keep, rule := r.Of(c.Departure.Type)
	if keep == 0 || c.Open() || c.Erasure != nil {
		return time.Time{}, "", false
	}
	return c.ClosedAt.Add(keep), rule, true
}

// mayErase refuses what must not be erased whoever asks.
func (c Case) mayErase() error {
	switch {
	case c.Erasure != nil:
		return Errorf(Conflict, "the erasure of case %s was decided on %s", c.ID, c.Erasure.DecidedAt.Format(time.DateOnly))
	case c.Open():
		return Errorf(Conflict, "case %s is open: only the record of a closed case can be erased", c.ID)
	case c.LegalHold != nil:
		return Errorf(Conflict, "case %s is under a legal hold, placed by %s: nothing of it may be erased until legal releases it", c.ID, c.LegalHold.By)
	}
	return nil
}

// EraseByRule decides that the record of a case whose retention is over is destroyed. It is carried out once the
// ledger has the decision for good.
func (c Case) EraseByRule(r Retention, now time.Time) (Change, error) {
	if err := c.mayErase(); err != nil {
		return Change{}, err
	}
	at, rule, ok := c.EraseAt(r)
	if !ok || at.After(now) {
		return Change{}, Errorf(Conflict, "the retention of case %s is not over", c.ID)
	}
	return c.erase(Erasure{Rule: rule}, now), nil
}

// EraseBy is a person's decision that the record is destroyed. Before the end of the retention, or where none is set,
// it has no effect until another person asks for the same while the request lasts: evidence that is gone cannot be
// brought back.
func (c Case) EraseBy(r Retention, by Override, lasts time.Duration, now time.Time) (Change, error) {
	if err := c.mayErase(); err != nil {
		return Change{}, err
	}
	if err := by.Check(); err != nil {
		return Change{}, err
	}
	if at, rule, ok := c.EraseAt(r); ok && !at.After(now) {
		return c.erase(Erasure{Rule: rule, By: &by}, now), nil
	}
	if c.EraseAsk.Waits(now) {
		if err := c.EraseAsk.confirmedBy(by, now); err != nil {
			return Change{}, err
		}
		first := c.EraseAsk.Override
		return c.erase(Erasure{By: &first, Second: &by}, now), nil
	}
	ask, err := Ask(by, lasts, now)
	if err != nil {
		return Change{}, err
	}
	c.EraseAsk = &ask
	change := Change{Case: &c}
	change.Record(EntryEraseAsked, c, now, by.By+" asks to erase the record before its retention is over", ask.detail(nil))
	return change, nil
}

func (c Case) erase(e Erasure, now time.Time) Change {
	e.DecidedAt = now.UTC()
	c.Erasure, c.EraseAsk = &e, nil
	change := Change{Case: &c}
	what := "the record is erased: its retention is over"
	detail := map[string]string{"closed_at": c.ClosedAt.UTC().Format(time.RFC3339)}
	switch {
	case e.Second != nil:
		what = fmt.Sprintf("the record is erased before its retention is over, as %s and %s decided", e.By.By, e.Second.By)
		detail["asked_by"], detail["asked_reason"] = e.By.By, e.By.Reason
		detail["by"], detail["reason"] = e.Second.By, e.Second.Reason
	case e.By != nil:
		what += ", and " + e.By.By + " asked for it"
		detail["by"], detail["reason"] = e.By.By, e.By.Reason
	}
	if e.Rule != "" {
		detail["rule"] = e.Rule
	}
	change.Record(EntryErased, c, now, what, detail)
	return change
}

// Erased is what stays of a case whose erasure was decided: that there was one, when, and by which rule it went. The
// store destroys everything else of it in the same transaction, and the entries of the installation with these numbers,
// which tell of the case: a leaf beside a case does not name it, so that without the list any such entry could be
// emptied later and pass for one of these.
func (c Case) Erased(beside []int64, now time.Time) (Change, error) {
	if c.Erasure == nil {
		return Change{}, Errorf(Internal, "nobody has decided to erase case %s", c.ID)
	}
	done := *c.Erasure
	done.DoneAt = now.UTC()
	rest := Case{
		ID: c.ID, Version: c.Version, Generation: c.Generation, Handle: c.Handle, State: c.State, OpenedAt: c.OpenedAt, ClosedAt: c.ClosedAt, Erasure: &done,
		Departure: Departure{Leaver: Leaver{Name: ErasedName, Zone: "UTC"}},
	}
	change := Change{Case: &rest}
	detail := map[string]string{"decided_at": done.DecidedAt.Format(time.RFC3339), "rule": cmp.Or(done.Rule, "two people's decision")}
	for part := range slices.Chunk(beside, besideInEntry) {
		if detail["beside"] != "" { // one entry does not hold them all
			change.Record(EntryErasureDone, rest, now, "what the database held of the case is erased, and of what stood beside it", maps.Clone(detail))
		}
		detail["beside"] = strings.Trim(fmt.Sprint(part), "[]")
	}
	change.Record(EntryErasureDone, rest, now, "what the database held of the case is erased", detail)
	return change, nil
}

// besideInEntry is how many numbers go into one entry, so that it stays below [MaxBody].
const besideInEntry = 10_000

// ErasedBeside lists the numbers of the entries of the installation that went with a case, where the entry says that its
// erasure is done.
func (e Entry) ErasedBeside() (numbers []int64, ok bool) {
	if e.Kind != EntryErasureDone {
		return nil, false
	}
	for word := range strings.FieldsSeq(e.Detail["beside"]) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, false
		}
		numbers = append(numbers, n)
	}
	return numbers, true
}

// releaseClosedHold is the release of a legal hold that outlived its case: while a case is open a task asks the second
// person, on a closed one that person asks for the same thing.
func (c Case) releaseClosedHold(by Override, lasts time.Duration, now time.Time) (Change, error) {
	held := *c.LegalHold
	if !held.Ask.Waits(now) {
		ask, err := Ask(by, lasts, now)
		if err != nil {
			return Change{}, err
		}
		held.Ask = &ask
		d := Deviation{Kind: DeviateLegalRelease, What: "release of the legal hold", State: DeviationAsked, Request: ask}
		c = c.deviate(d)
		c.LegalHold = &held
		change := Change{Case: &c, Notices: []Notice{{Kind: NoticeAlert, To: held.Owner, Case: c.ID, Dedup: "legal-release:" + now.UTC().Format(time.RFC3339),
			Text: fmt.Sprintf("%s asks for the release of the legal hold of case %s, which is closed. It has no effect until another person asks for the same.", by.By, c.ID)}}}
		change.Record(EntryAsked, c, now, by.By+" asks for an override: "+d.What, ask.detail(nil))
		return change, nil
	}
	if err := held.Ask.confirmedBy(by, now); err != nil {
		return Change{}, err
	}
	first := held.Ask.Override
	c.LegalHold = nil
	c.Overrides = slices.Clone(c.Overrides)
	for i := range c.Overrides {
		if d := &c.Overrides[i]; d.Kind == DeviateLegalRelease && d.State == DeviationAsked {
			d.State, d.Second, d.SecondAt = DeviationDone, &by, now.UTC()
		}
	}
	change := Change{Case: &c}
	change.Record(EntryLegalReleased, c, now, fmt.Sprintf("legal hold released by %s and %s", first.By, by.By), merge(by.detail(), "", map[string]string{"asked_by": first.By, "asked_reason": first.Reason}, nil))
	return change, nil
}
