package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/exeunt/exeunt"
)

// documents checks the record that is in the packet for people against the entry of the ledger that has its
// digests: a document that was exchanged or edited, or that tells of other entries than these, is refused.
func (a *archive) documents(report Report) (*exeunt.Entry, error) {
	leaf, err := a.included(DocumentsEntry, report)
	if err != nil {
		return nil, err
	}
	switch {
	case leaf.Version != 1 || leaf.Source != report.Origin || leaf.N != leaf.index:
		return nil, fault(DocumentsEntry, "its leaf is not one of this log at the place where it stands")
	case leaf.Case != "" || leaf.Kind != exeunt.LeafEvent || leaf.Count != 0:
		return nil, fault(DocumentsEntry, "its leaf is none of the installation: documents are made outside the record of the case")
	case leaf.index <= report.Entries[len(report.Entries)-1].Index:
		return nil, fault(DocumentsEntry, "it stands in the log before the entries that the documents tell of")
	}
	entry, err := checkBody(leaf.Leaf, a.files[DocumentsEntry+SaltSuffix], a.files[DocumentsEntry+BodySuffix], 0)
	if err != nil {
		return nil, fault(DocumentsEntry, "%v", err)
	}
	made, ok := exeunt.DocumentsOf(*entry)
	switch {
	case !ok || entry.About != report.Case.Case:
		return nil, fault(DocumentsEntry, "it does not tell that documents of case %s were made", report.Case.Case)
	case made.Entries != int64(len(report.Entries)) || made.Last != report.Last:
		return nil, fault(DocumentsEntry, "the documents tell of %d entries up to %.16s…, the packet has %d up to %.16s…: entries or documents are of another time", made.Entries, made.Last, len(report.Entries), report.Last)
	case len(made.Digests) != len(documentFiles):
		return nil, fault(DocumentsEntry, "it names the documents %v, a packet has %v", slices.Sorted(maps.Keys(made.Digests)), documentFiles)
	}
	for _, name := range documentFiles {
		sum := sha256.Sum256(a.files[name])
		if made.Digests[name] != hex.EncodeToString(sum[:]) {
			return nil, fault(name, "it is not the document whose digest the ledger has: it was exchanged or edited")
		}
	}
	return entry, nil
}
