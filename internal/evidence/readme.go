package evidence

import (
	"bytes"
	_ "embed"
	"text/template"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

const caseNote = "For people. Nothing here is proven by itself: handle, case, entries and closed are checked " +
	"against the entries; name, dates and the rest are what the database said when the packet was made."

//go:embed readme.txt
var readmeText string

var readmeTemplate = template.Must(template.New("readme").Parse(readmeText))

// readme tells somebody who was only handed the file what it is and how to check it.
func readme(c exeunt.Case, p ledger.Packet) []byte {
	var b bytes.Buffer
	err := readmeTemplate.Execute(&b, map[string]any{
		"Case": c.ID.String(), "Entries": len(p.Entries), "Log": p.Origin,
		"File": FileName(c), "Fingerprint": verify.Fingerprint(p.Key),
	})
	if err != nil {
		panic("evidence: the readme's template does not fit its data: " + err.Error())
	}
	return b.Bytes()
}
