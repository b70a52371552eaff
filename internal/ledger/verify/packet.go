package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/tlog"
)

// The names in a packet. Nothing else may be in one, so that nobody takes an unproven file for a
// proven one.
const (
	ReadmeFile     = "README.txt"
	CaseFile       = "case.json"
	KeyFile        = "key.pub"
	CheckpointFile = "checkpoint"
	RecordPage     = "record.html" // what the entries tell, for people
	RecordPDF      = "record.pdf"  // the same
	DocumentsEntry = "documents"   // the entry of the installation with the digests of the two, to which the suffixes are added
	LeafSuffix     = ".leaf.json"  // the leaf's bytes as they stand in the log
	BodySuffix     = ".body.json"  // what happened; missing once the case was erased
	SaltSuffix     = ".salt"       // 32 raw bytes; missing likewise
	StampSuffix    = ".tst"        // time stamp of the leaf's bytes (RFC 3161), of the leaf that closes a case; not checked here
	ProofSuffix    = ".tlog-proof" // https://c2sp.org/tlog-proof
)

var (
	documentFiles = []string{RecordPage, RecordPDF}
	entrySuffixes = []string{LeafSuffix, ProofSuffix, BodySuffix, SaltSuffix, StampSuffix}
	// fixedFiles are in every packet.
	fixedFiles = []string{
		ReadmeFile, CaseFile, KeyFile, CheckpointFile, RecordPage, RecordPDF,
		DocumentsEntry + LeafSuffix, DocumentsEntry + ProofSuffix, DocumentsEntry + BodySuffix, DocumentsEntry + SaltSuffix,
	}
)

// EntryName is the name of the entry with a seq, to which the suffixes are added.
func EntryName(seq int) string { return fmt.Sprintf("entries/%06d", seq) }

// CaseFacts is case.json: what the packet says of its case for people. Only what repeats the
// entries is proven; [Packet] checks that much and no more.
type CaseFacts struct {
	Format  string        `json:"format"`
	Note    string        `json:"note"`
	Log     string        `json:"log"`    // origin
	Handle  string        `json:"handle"` // the case's name in the log; checked
	Case    exeunt.CaseID `json:"case"`   // checked against the bodies
	Entries int           `json:"entries"`
	Closed  bool          `json:"closed"` // whether a close entry has to be there

	State      string    `json:"state,omitempty"`
	Name       string    `json:"name,omitempty"`
	EmployeeID string    `json:"employee_id,omitempty"`
	Type       string    `json:"type,omitempty"`
	LastDay    string    `json:"last_day,omitempty"`
	Owner      string    `json:"owner,omitempty"`
	OpenedAt   time.Time `json:"opened_at,omitzero"`
	CutOff     time.Time `json:"cut_off,omitzero"`
	ClosedAt   time.Time `json:"closed_at,omitzero"`
}

// PacketFormat names this version of the packet in case.json.
const PacketFormat = "exeunt evidence packet v1"

// Report is what a verified packet proves.
type Report struct {
	Checkpoint
	Pinned      bool          // the key was given by whoever verifies; otherwise it is only what the packet claims
	Fingerprint string        // of the key
	Case        CaseFacts     // as the packet has it; only handle, case, entries and closed were checked
	Entries     []Proven      // in order, from seq 0 without a gap
	Last        string        // hex leaf hash of the last entry
	Closed      bool          // a close entry is there, and its count matches
	Erased      bool          // an erase entry is there; bodies before it may be missing
	Missing     int           // how many bodies are
	Documents   *exeunt.Entry // which tells that the record in the packet was written
}

// Proven is one entry that held.
type Proven struct {
	Index int64
	Leaf  exeunt.Leaf
	Entry *exeunt.Entry // nil when the body was erased
	Body  []byte        // nil likewise
	Raw   []byte        // the leaf's bytes
	Stamp []byte        // a time stamp over them, which nobody has checked yet; nil when there is none
}

// Packet verifies the evidence packet of one case. Trusted are verifier keys that the reader got
// from the log's owner and not from the packet; with none, the key that the packet names is used and
// the report says that it is not Pinned.
//
// What held: the checkpoint's signature; each leaf's inclusion under it; that the leaves are one
// case, dense from its opening, each naming the one before, in the order of the log; that each
// body is the one its leaf commits to and says the same as the leaf; that the documents are those whose digests
// are in the log, and tell of these entries and no others. A packet of a case that is not
// closed cannot show that nothing came later: compare it with the log, see [LogReport.Covers].
func Packet(r io.ReaderAt, size int64, trusted []string) (Report, error) {
	a, err := openArchive(r, size)
	if err != nil {
		return Report{}, err
	}
	report, err := a.header(trusted)
	if err != nil {
		return Report{}, err
	}
	history := chain{source: report.Origin, cases: map[string]*Tail{}}
	for seq := range a.entries {
		proven, err := a.entry(seq, report, &history)
		if err != nil {
			return Report{}, err
		}
		report.Entries = append(report.Entries, proven)
	}
	if err := a.whole(&report, history); err != nil {
		return report, err
	}
	report.Documents, err = a.documents(report)
	return report, err
}

// header reads and checks everything but the entries.
func (a *archive) header(trusted []string) (Report, error) {
	var report Report
	keys := cleanKeys(trusted)
	if report.Pinned = len(keys) > 0; !report.Pinned {
		keys = []string{string(a.files[KeyFile])}
	}
	var err error
	if report.Checkpoint, err = OpenCheckpoint(a.files[CheckpointFile], keys); err != nil {
		return report, err
	}
	report.Fingerprint = Fingerprint(report.Key)
	if err := json.Unmarshal(a.files[CaseFile], &report.Case); err != nil {
		return report, fault(CaseFile, "it cannot be read as JSON").Because(err)
	}
	switch facts := report.Case; {
	case facts.Format != PacketFormat:
		return report, fault(CaseFile, "the format is %q; this program knows %q", facts.Format, PacketFormat)
	case facts.Log != report.Origin:
		return report, fault(CaseFile, "it names another log, %q, than the checkpoint, which is of %q", facts.Log, report.Origin)
	case facts.Handle == "":
		return report, fault(CaseFile, "it names no case")
	case facts.Entries != a.entries || a.entries == 0:
		return report, fault(CaseFile, "it speaks of %d entries, the packet has %d", facts.Entries, a.entries)
	}
	return report, nil
}

// placed is a leaf that the log has at an index.
type placed struct {
	exeunt.Leaf
	index int64
	hash  tlog.Hash
}

// included checks that the log has the leaf of a name.
func (a *archive) included(name string, report Report) (placed, error) {
	encoded := a.files[name+LeafSuffix]
	leaf, err := DecodeLeaf(encoded)
	if err != nil {
		return placed{}, fault(name+LeafSuffix, "%v", err)
	}
	proof, err := DecodeProof(a.files[name+ProofSuffix])
	if err != nil {
		return placed{}, fault(name+ProofSuffix, "%v", err)
	}
	if !bytes.Equal(proof.Checkpoint, a.files[CheckpointFile]) {
		return placed{}, fault(name+ProofSuffix, "it proves inclusion under another checkpoint than the packet's")
	}
	hash := tlog.RecordHash(encoded)
	if err := tlog.CheckRecord(proof.Hashes, report.Size, report.Root, proof.Index, hash); err != nil {
		return placed{}, fault(name, "the log does not have this leaf at index %d: the leaf or its proof was changed", proof.Index)
	}
	return placed{leaf, proof.Index, hash}, nil
}

// entry checks one entry: proof, history, body.
func (a *archive) entry(seq int, report Report, history *chain) (Proven, error) {
	name := EntryName(seq)
	leaf, err := a.included(name, report)
	if err != nil {
		return Proven{}, err
	}
	if leaf.Case != report.Case.Handle {
		return Proven{}, fault(name, "it belongs to case %q, the packet is of case %q", leaf.Case, report.Case.Handle)
	}
	if err := history.add(leaf.Leaf, leaf.hash, leaf.index); err != nil {
		return Proven{}, fault(name, "%v", err)
	}
	proven := Proven{Index: leaf.index, Leaf: leaf.Leaf, Raw: a.files[name+LeafSuffix], Stamp: a.files[name+StampSuffix]}
	body, hasBody := a.files[name+BodySuffix]
	salt, hasSalt := a.files[name+SaltSuffix]
	if !hasBody && !hasSalt {
		return proven, nil // allowed if an erase entry follows: whole checks that
	}
	proven.Entry, err = checkBody(leaf.Leaf, salt, body, report.Case.Case)
	proven.Body = body
	if err != nil {
		return Proven{}, fault(name, "%v", err)
	}
	return proven, nil
}

// checkBody checks that a body is what the leaf commits to, and that both say the same.
func checkBody(leaf exeunt.Leaf, salt, body []byte, id exeunt.CaseID) (*exeunt.Entry, error) {
	var e exeunt.Entry
	switch {
	case len(salt) != 32:
		return nil, finding("its salt has %d bytes instead of 32", len(salt))
	case exeunt.Commitment([32]byte(salt), body) != leaf.Commit:
		return nil, finding("its body and salt are not those that the leaf commits to: one of them was changed")
	case json.Unmarshal(body, &e) != nil:
		return nil, finding("its body is not an entry in JSON")
	case e.ID == "":
		return nil, finding("its body has no id")
	case exeunt.LeafKindOf(e.Kind) != leaf.Kind:
		return nil, finding("its body tells of %q, its leaf is of kind %s", e.Kind, leaf.Kind)
	case e.Case != id:
		return nil, finding("its body is about case %s where it has to be about %s", e.Case, id)
	}
	return &e, nil
}

// whole checks what only all entries together show.
func (a *archive) whole(report *Report, history chain) error {
	t := history.cases[report.Case.Handle]
	report.Last, report.Closed, report.Erased = t.Last, t.Closed, t.Erased
	if report.Closed != report.Case.Closed {
		if report.Case.Closed {
			return fault(CaseFile, "it says that the case is closed, but no entry closes it: the close entry is missing")
		}
		return fault(CaseFile, "it says that the case is not closed, but an entry closes it")
	}
	erasedLater := false
	ids := map[string]int{}
	for seq := len(report.Entries) - 1; seq >= 0; seq-- {
		e := report.Entries[seq]
		if e.Entry == nil {
			report.Missing++
			if !erasedLater {
				return fault(EntryName(seq), "its body is missing and no later entry says that the case was erased")
			}
			continue
		}
		if other, ok := ids[e.Entry.ID]; ok {
			return fault(EntryName(seq), "it tells the same event as %s", EntryName(other))
		}
		ids[e.Entry.ID] = seq
		erasedLater = erasedLater || e.Leaf.Kind == exeunt.LeafErase
	}
	return nil
}
