package evidence

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// record is what the entries of a case tell, for people: the page and the PDF both show it, and nothing else.
type record struct {
	Facts       verify.CaseFacts
	Zone        *time.Location // of the place of work
	Fingerprint string
	Lines       []line
	Grades      []grade // how many entries of each
	Missing     int     // entries whose body was erased
}

// line is one entry.
type line struct {
	Seq, Index int64
	Leaf       string // hex leaf hash
	Erased     bool   // nothing but the above is known
	Entry      exeunt.Entry
	Proof      exeunt.Proof // "" where the entry is about no proof
	Detail     []string     // "name: value", by name
}

// grade counts the entries that prove something in one way.
type grade struct {
	Proof exeunt.Proof
	Count int
}

// proofWords say how well something is known.
var proofWords = map[exeunt.Proof]string{
	exeunt.Observed:     "Observed: read back from the system",
	exeunt.Acknowledged: "Acknowledged: the system's word, which could not be read back",
	exeunt.Attested:     "Attested: a person's word",
	exeunt.Waived:       "Waived: a named person decided against it",
}

// proofsBy is how well an entry of a kind says that something is known; the others are about no proof.
var proofsBy = map[exeunt.EntryKind]exeunt.Proof{
	exeunt.EntryConfirmed: exeunt.Observed, exeunt.EntryAcknowledged: exeunt.Acknowledged,
	exeunt.EntryAttested: exeunt.Attested, exeunt.EntryWaived: exeunt.Waived,
}

var proofs = []exeunt.Proof{exeunt.Observed, exeunt.Acknowledged, exeunt.Attested, exeunt.Waived}

// proved and notProved are what every record says of itself. docs/proof.md has the long form.
var (
	proved = []string{
		"Each entry below was in the log when its checkpoint was signed, exactly as it is shown, at the index that is shown.",
		"The entries are those of one case from its opening, in order, and none in between is missing.",
		"When the last line says that the case was closed, none was left out before that: the closing entry carries their number.",
	}
	notProved = []string{
		"By this sheet alone, nothing: print and PDF can be made by anybody. The evidence packet proves the entries, and that this sheet is the one that was made of them.",
		"That what an entry tells is true. How well it is known is its proof: read back from the system, the system's word, a person's word, or a decision against it.",
		"That a time is right: it is what the server's clock said. The order of the entries is proved.",
		"That a case exists for everybody who left: compare with the list of departures from HR.",
		"That nothing came after the last entry, where the case is not closed.",
		"Name, dates and owner at the top of this sheet: they are what the database said.",
	}
)

// recordOf reads a case's entries. It shows nothing that changes while the entries stay the same, such as the
// size of the log, so that a record that is made again is the same one.
func recordOf(c exeunt.Case, p ledger.Packet) (record, error) {
	r := record{Facts: factsOf(c, p), Zone: c.Zone(), Fingerprint: verify.Fingerprint(p.Key)}
	counts := map[exeunt.Proof]int{}
	for _, e := range p.Entries {
		l, err := lineOf(e)
		if err != nil {
			return record{}, exeunt.Errorf(exeunt.Conflict, "the record of case %s cannot be written: %s", c.ID, err)
		}
		if l.Erased {
			r.Missing++
		}
		counts[l.Proof]++
		r.Lines = append(r.Lines, l)
	}
	for _, p := range proofs {
		r.Grades = append(r.Grades, grade{p, counts[p]})
	}
	return r, nil
}

func lineOf(e ledger.PacketEntry) (line, error) {
	leaf, err := verify.DecodeLeaf(e.Leaf)
	if err != nil {
		return line{}, err
	}
	l := line{Seq: leaf.Seq, Index: e.Proof.Index, Leaf: exeunt.LeafHash(e.Leaf), Erased: e.Body == nil}
	if l.Erased {
		return l, nil
	}
	if err := json.Unmarshal(e.Body, &l.Entry); err != nil {
		return line{}, fmt.Errorf("entry %d is not readable", l.Index)
	}
	l.Proof = proofsBy[l.Entry.Kind]
	for _, name := range slices.Sorted(maps.Keys(l.Entry.Detail)) {
		l.Detail = append(l.Detail, name+": "+l.Entry.Detail[name])
	}
	return l, nil
}

// At is when it happened, as the server's clock said.
func (l line) At() string { return moment(l.Entry.At) }

// What is what happened, or that it is no longer known.
func (l line) What() string {
	if l.Erased {
		return "Erased: what this entry said was destroyed after retention; its place in the log is still proved"
	}
	return l.Entry.What
}

// Where is the system, and the step or task.
func (l line) Where() string {
	var parts []string
	for _, p := range []string{l.Entry.System, l.Entry.Step, l.Entry.Task} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " · ")
}

// ProofWords is how well it is known.
func (l line) ProofWords() string { return proofWords[l.Proof] }

// Words is how many entries are known so well.
func (g grade) Words() string { return fmt.Sprintf("%s (%d)", proofWords[g.Proof], g.Count) }

// State says whether the entries are all there will be.
func (r record) State() string {
	if r.Facts.Closed {
		return "closed: the entries are complete"
	}
	return "not closed: later entries may exist"
}

// fact is one line of the sheet's head.
type fact struct{ Name, Value string }

// Head are the facts at the top. They come from the database.
func (r record) Head() []fact {
	f := r.Facts
	cutOff := moment(f.CutOff)
	if !f.CutOff.IsZero() {
		cutOff += f.CutOff.In(r.Zone).Format(" (15:04 MST at the place of work)")
	}
	all := []fact{
		{"Name", f.Name}, {"Employee", f.EmployeeID}, {"Departure", f.Type}, {"Last day", f.LastDay},
		{"Access ends", cutOff}, {"Opened", moment(f.OpenedAt)}, {"Closed", moment(f.ClosedAt)}, {"Owner", f.Owner},
	}
	return slices.DeleteFunc(all, func(f fact) bool { return f.Value == "" })
}

// Identity is by what the sheet is found in the log again.
func (r record) Identity() []fact {
	return []fact{
		{"Log", r.Facts.Log}, {"Key (SHA-256)", r.Fingerprint}, {"Case in the log", r.Facts.Handle},
		{"Entries", fmt.Sprint(len(r.Lines))}, {"State", r.State()}, {"Last entry", r.Lines[len(r.Lines)-1].Leaf},
	}
}

// Proved is what a packet with this record proves.
func (record) Proved() []string { return proved }

// NotProved is what it does not.
func (record) NotProved() []string { return notProved }

// Title names the sheet.
func (r record) Title() string { return "Record of case " + r.Facts.Case.String() }

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
