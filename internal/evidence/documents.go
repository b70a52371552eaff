package evidence

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Documents are the record of a case, written for people: the same content as a page and as a PDF.
type Documents struct {
	Page []byte // HTML that needs nothing else: no script, no picture, no font
	PDF  []byte
	Made exeunt.Documents // what the ledger is told of them
}

// Document writes the record of a case from what the ledger has of it. The same entries give the same bytes.
func Document(c exeunt.Case, p ledger.Packet) (Documents, error) {
	if len(p.Entries) == 0 {
		return Documents{}, exeunt.Errorf(exeunt.NotFound, "the ledger has nothing of case %s yet", c.ID)
	}
	r, err := recordOf(c, p)
	if err != nil {
		return Documents{}, err
	}
	var d Documents
	if d.Page, err = r.page(); err == nil {
		d.PDF, err = r.pdf()
	}
	if err != nil {
		return Documents{}, exeunt.Errorf(exeunt.Internal, "the record of case %s could not be written", c.ID).Because(err)
	}
	d.Made = exeunt.Documents{
		Digests: map[string]string{verify.RecordPage: digest(d.Page), verify.RecordPDF: digest(d.PDF)},
		Entries: int64(len(r.Lines)), Last: r.Lines[len(r.Lines)-1].Leaf,
	}
	return d, nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
