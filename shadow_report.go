package exeunt

import (
	"strings"
	"time"
)

// ShadowVerdict is how what a person did compares with what the connector would have done.
type ShadowVerdict string

// The verdicts.
const (
	ShadowWaiting   ShadowVerdict = "waiting"    // the person, or a look, is still to come
	ShadowAgreed    ShadowVerdict = "agreed"     // all that the connector would have done is so
	ShadowDidMore   ShadowVerdict = "did_more"   // and the person took away more than it would have
	ShadowStillOpen ShadowVerdict = "still_open" // the task is ticked, and it is not so
	ShadowNotFound  ShadowVerdict = "not_found"  // the connector did not find the account, or not for sure
	ShadowWouldFail ShadowVerdict = "would_fail" // the connector would have given up
	ShadowUnseen    ShadowVerdict = "unseen"     // the system does not show it, or did not answer afterwards
	ShadowOff       ShadowVerdict = "off"        // the task was withdrawn
)

// Words is the verdict as a person reads it.
func (v ShadowVerdict) Words() string {
	switch v {
	case ShadowAgreed:
		return "they agree"
	case ShadowDidMore:
		return "the person did more"
	case ShadowStillOpen:
		return "ticked, and still open"
	case ShadowNotFound:
		return "account not found by the connector"
	case ShadowWouldFail:
		return "the connector would have failed"
	case ShadowUnseen:
		return "cannot be compared"
	case ShadowOff:
		return "not needed any more"
	default:
		return "not compared yet"
	}
}

// Verdict compares, as far as that is known. That the connector would have failed at its time counts, whatever became
// of it later.
func (r ShadowRun) Verdict() ShadowVerdict {
	first := r.Before
	if first == nil {
		first = r.After
	}
	switch {
	case r.Off:
		return ShadowOff
	case first != nil && (first.FailedAs == NotFound || first.FailedAs == Ambiguous):
		return ShadowNotFound
	case first != nil && first.FailedAs != "":
		return ShadowWouldFail
	case r.After == nil:
		return ShadowWaiting
	case len(r.After.Open) > 0:
		return ShadowStillOpen
	case len(r.After.More) > 0:
		return ShadowDidMore
	case r.After.FailedAs != "" || r.unseen():
		return ShadowUnseen
	default:
		return ShadowAgreed
	}
}

// unseen says whether the system shows nothing of what was to be done.
func (r ShadowRun) unseen() bool {
	for _, a := range r.Would {
		if s := r.After.Standing[a]; s != Unknown && s != "" {
			return false
		}
	}
	return true
}

// Why says what a person has to know of the verdict; "" when there is nothing to add.
func (r ShadowRun) Why() string {
	switch v := r.Verdict(); {
	case v == ShadowStillOpen:
		return "not so: " + actionWords(r.After.Open)
	case v == ShadowDidMore:
		return strings.Join(r.After.More, "; ")
	case r.Before != nil && r.Before.Why != "":
		return r.Before.Why
	case r.After != nil && r.After.Why != "":
		return r.After.Why
	case v == ShadowUnseen:
		return "the system does not show whether it is so"
	default:
		return ""
	}
}

// ShadowLine is one line of a report.
type ShadowLine struct {
	ShadowRun
	Name    string        `json:"name"` // of who leaves
	Title   string        `json:"title"`
	Owner   Person        `json:"owner"`
	DoneBy  string        `json:"done_by,omitempty"`
	Note    string        `json:"note,omitempty"` // what that person wrote
	Verdict ShadowVerdict `json:"verdict"`
	Why     string        `json:"why,omitempty"`
}

// ShadowTally counts verdicts.
type ShadowTally struct {
	Compared  int       `json:"compared"` // agreed, did more and still open together
	Agreed    int       `json:"agreed"`
	DidMore   int       `json:"did_more"`
	StillOpen int       `json:"still_open"`
	NotFound  int       `json:"not_found"`
	WouldFail int       `json:"would_fail"`
	Unseen    int       `json:"unseen"`
	Waiting   int       `json:"waiting"`
	Since     time.Time `json:"since,omitzero"` // the oldest look that counts
}

// ShadowWindow is how many of the newest runs a report is about.
const ShadowWindow = 50

// enoughCompared is how many departures have to be compared before a report speaks for a connector.
const enoughCompared = 3

// TallyShadow counts runs.
func TallyShadow(runs []ShadowRun) ShadowTally {
	var t ShadowTally
	for _, r := range runs {
		v := r.Verdict()
		if n := t.count(v); n != nil {
			*n++
		}
		if v == ShadowAgreed || v == ShadowDidMore || v == ShadowStillOpen {
			t.Compared++
		}
		for _, look := range []*ShadowLook{r.Before, r.After} {
			if look != nil && v != ShadowOff && (t.Since.IsZero() || look.At.Before(t.Since)) {
				t.Since = look.At
			}
		}
	}
	return t
}

func (t *ShadowTally) count(v ShadowVerdict) *int {
	switch v {
	case ShadowAgreed:
		return &t.Agreed
	case ShadowDidMore:
		return &t.DidMore
	case ShadowStillOpen:
		return &t.StillOpen
	case ShadowNotFound:
		return &t.NotFound
	case ShadowWouldFail:
		return &t.WouldFail
	case ShadowUnseen:
		return &t.Unseen
	case ShadowWaiting:
		return &t.Waiting
	default:
		return nil
	}
}

// Against is what of a report speaks against letting the connector act; "" when it speaks for it. That people ticked what
// was not so does not: the connector would have done it.
func (t ShadowTally) Against() string {
	switch {
	case t.NotFound > 0:
		return plural(t.NotFound, "account was", "accounts were") + " not found by the connector"
	case t.WouldFail > 0:
		return "the connector would have failed in " + plural(t.WouldFail, "departure", "departures")
	case t.DidMore > 0:
		return "people did more than the connector would have in " + plural(t.DidMore, "departure", "departures")
	case t.Compared < enoughCompared:
		return plural(t.Compared, "departure was", "departures were") + " compared, and " + itoa(enoughCompared) + " are the least to go by"
	default:
		return ""
	}
}

// ShadowReport compares what people did in a system with what its connector would have done.
type ShadowReport struct {
	System  string       `json:"system"`
	Title   string       `json:"title"`
	Tier    int          `json:"tier"`
	Stage   Stage        `json:"stage"`
	Asks    Stage        `json:"asks,omitempty"` // what its file asks for, where that waits for a person's decision
	Tally   ShadowTally  `json:"tally"`
	Against string       `json:"against,omitempty"` // what speaks against going live
	Trust   *Trust       `json:"trust,omitempty"`   // who decided that the connector acts, or asks for it
	Lines   []ShadowLine `json:"lines"`             // the newest first
}

// ReportShadow is the report of a system's newest runs.
func ReportShadow(s System, trust *Trust, lines []ShadowLine) ShadowReport {
	r := ShadowReport{System: s.Name, Title: titleOf(s), Tier: s.Tier, Stage: s.Stage, Asks: s.Asks, Trust: trust, Lines: []ShadowLine{}}
	var runs []ShadowRun
	for _, l := range lines {
		l.Verdict, l.Why = l.ShadowRun.Verdict(), l.ShadowRun.Why()
		if l.Verdict != ShadowOff {
			r.Lines, runs = append(r.Lines, l), append(runs, l.ShadowRun)
		}
	}
	r.Tally = TallyShadow(runs)
	r.Against = r.Tally.Against()
	return r
}
