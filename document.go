package exeunt

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// Documents are what was written of a case for people to read: its record, as a page and as a PDF. The ledger
// has their digests, so that a document which was exchanged afterwards is recognised.
type Documents struct {
	Digests map[string]string // hex SHA-256 by the name of the file
	Entries int64             // how many entries of the case they tell of, from the first on
	Last    string            // hex leaf hash of the last of these
}

// documentPrefix stands before the names of files in the detail of an entry.
const documentPrefix = "file."

// Made tells the ledger that the documents of a case were written. It is an entry of the installation: the
// record of a closed case is sealed, and documents cannot tell of their own making.
func (d Documents) Made(id CaseID, now time.Time) Change {
	detail := map[string]string{"entries": strconv.FormatInt(d.Entries, 10), "last": d.Last}
	for name, digest := range d.Digests {
		detail[documentPrefix+name] = digest
	}
	var change Change
	change.Record(EntryDocuments, id, now, "record of case "+id.String()+" written, over "+strconv.FormatInt(d.Entries, 10)+" entries", detail)
	return change
}

// DocumentsOf reads what an entry says of documents; false when it is no entry of the kind, or not as
// [Documents.Made] writes it.
func DocumentsOf(e Entry) (Documents, bool) {
	count, err := strconv.ParseInt(e.Detail["entries"], 10, 64)
	if e.Kind != EntryDocuments || e.About == 0 || err != nil {
		return Documents{}, false
	}
	d := Documents{Digests: map[string]string{}, Entries: count, Last: e.Detail["last"]}
	for name, digest := range e.Detail {
		if file, ok := strings.CutPrefix(name, documentPrefix); ok {
			d.Digests[file] = digest
		}
	}
	return d, true
}

// Same says whether both tell of the same documents.
func (d Documents) Same(o Documents) bool {
	return d.Entries == o.Entries && d.Last == o.Last && maps.Equal(d.Digests, o.Digests)
}
