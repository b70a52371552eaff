// Package verify checks what the ledger proves, offline and without trust in whoever runs it.
//
// It is meant to be read by an auditor before it is relied on. It imports the standard library,
// golang.org/x/mod/sumdb (the checksum database's notes and Merkle proofs, as the go command uses
// them) and the domain, which says what an entry and a leaf are. It opens no connection and no
// database.
//
//   - [Packet] proves one case from one file.
//   - [Log] proves a whole log from its files, in the layout of https://c2sp.org/tlog-tiles.
//   - [LogReport.Covers] says whether a packet has everything that a log holds of its case.
//
// Where to look: checkpoint.go for signatures, chain.go for what makes leaves a history, packet.go
// and log.go for what is read in which order, tiles.go and proof.go for the formats.
package verify

import "github.com/exeunt/exeunt"

// fault is a finding: where names the file or entry at fault, the message says what is wrong there.
func fault(where, format string, args ...any) *exeunt.Error {
	return exeunt.Errorf(exeunt.Invalid, where+": "+format, args...).In(where)
}
