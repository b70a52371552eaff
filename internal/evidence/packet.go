// Package evidence writes and verifies the packet of one case: one file that proves, offline and to
// somebody who does not trust us, what was done and that nothing was left out.
//
// The format is told in docs/proof.md. What verifies it is internal/ledger/verify, which is meant to be
// read.
package evidence

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"hash/crc32"
	"io"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// FileName is what a packet is called when nobody says otherwise.
func FileName(c exeunt.Case) string { return c.ID.String() + ".evidence.zip" }

// Write writes the packet of a case with its documents. About has one entry in the ledger's packet: that which
// tells of these documents. The same case, ledger packet and documents give the same bytes.
//
// It does not write what would not verify: the finished packet is verified with the log's own key
// first, and what is wrong with it is the error. So a damaged ledger shows when evidence is made,
// not when it is needed.
func Write(w io.Writer, c exeunt.Case, p ledger.Packet, d Documents) error {
	var buf bytes.Buffer
	if err := write(&buf, c, p, d); err != nil {
		return err
	}
	if _, err := Verify(buf.Bytes(), []string{p.Key}); err != nil {
		return exeunt.Errorf(exeunt.Conflict, "the evidence of case %s does not verify, so it was not written: %s", c.ID, exeunt.MessageOf(err)).Because(err)
	}
	if _, err := w.Write(buf.Bytes()); err != nil {
		return exeunt.Errorf(exeunt.Temporary, "the evidence of case %s could not be written", c.ID).Because(err)
	}
	return nil
}

// Verify verifies a packet, see [verify.Packet]. Trusted are verifier keys that came from the log's
// owner and not with the packet. Without any, the report has Pinned false and the fingerprint of the
// key that the packet names: somebody has to compare it.
func Verify(packet []byte, trusted []string) (verify.Report, error) {
	return verify.Packet(bytes.NewReader(packet), int64(len(packet)), trusted)
}

// file is one file of a packet.
type file struct {
	name string
	data []byte
}

func write(w io.Writer, c exeunt.Case, p ledger.Packet, d Documents) error {
	if c.Handle != p.Case {
		return exeunt.Errorf(exeunt.Internal, "case %s was given the ledger's packet of another case", c.ID)
	}
	files, err := filesOf(c, p, d)
	if err != nil {
		return err
	}
	z := archive{Writer: zip.NewWriter(w)}
	if z.deflate, err = flate.NewWriter(&z.packed, flate.BestCompression); err != nil {
		return exeunt.Errorf(exeunt.Internal, "the evidence packet could not be written").Because(err)
	}
	for _, f := range files {
		if err := z.add(f); err != nil {
			return exeunt.Errorf(exeunt.Temporary, "%s of the evidence packet could not be written", f.name).Because(err)
		}
	}
	if err := z.Close(); err != nil {
		return exeunt.Errorf(exeunt.Temporary, "the evidence packet could not be written").Because(err)
	}
	return nil
}

// archive is a zip whose files have one compressor: to make one takes longer than to use it on what is so small.
type archive struct {
	*zip.Writer
	deflate *flate.Writer
	packed  bytes.Buffer
}

// add writes a file with its size and checksum before it, so that it reads the same from the front of the
// archive as from the list at its end.
func (z *archive) add(f file) error {
	z.packed.Reset()
	z.deflate.Reset(&z.packed)
	if _, err := z.deflate.Write(f.data); err != nil {
		return err
	}
	if err := z.deflate.Close(); err != nil {
		return err
	}
	header := &zip.FileHeader{
		Name: f.name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(f.data),
		CompressedSize64: uint64(z.packed.Len()), UncompressedSize64: uint64(len(f.data)),
		ModifiedDate: 1<<5 | 1, //nolint:staticcheck // 1 January 1980, so that equal content gives equal files; Modified would add a field
	}
	header.SetMode(0o644)
	out, err := z.CreateRaw(header)
	if err == nil {
		_, err = out.Write(z.packed.Bytes())
	}
	return err
}

func filesOf(c exeunt.Case, p ledger.Packet, d Documents) ([]file, error) {
	facts, err := json.MarshalIndent(factsOf(c, p), "", "  ")
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Internal, "the facts of case %s could not be written", c.ID).Because(err)
	}
	files := []file{
		{verify.ReadmeFile, readme(c, p)},
		{verify.RecordPDF, d.PDF},
		{verify.RecordPage, d.Page},
		{verify.CaseFile, append(facts, '\n')},
		{verify.KeyFile, []byte(p.Key + "\n")},
		{verify.CheckpointFile, p.Checkpoint},
	}
	for _, e := range p.About {
		files = append(files, entryFiles(verify.DocumentsEntry, e)...)
	}
	for seq, e := range p.Entries {
		files = append(files, entryFiles(verify.EntryName(seq), e)...)
	}
	return files, nil
}

func entryFiles(name string, e ledger.PacketEntry) []file {
	files := []file{{name + verify.LeafSuffix, e.Leaf}, {name + verify.ProofSuffix, e.Proof.Encode()}}
	if e.Body != nil {
		files = append(files, file{name + verify.BodySuffix, e.Body}, file{name + verify.SaltSuffix, e.Salt})
	}
	if e.Stamp != nil {
		files = append(files, file{name + verify.StampSuffix, e.Stamp})
	}
	return files
}

// factsOf is what case.json says. Whether the case is closed is read from the leaves, since a case is
// closed in the database a moment before the ledger has it.
func factsOf(c exeunt.Case, p ledger.Packet) verify.CaseFacts {
	facts := verify.CaseFacts{
		Format: verify.PacketFormat, Note: caseNote, Log: p.Origin,
		Handle: c.Handle, Case: c.ID, Entries: len(p.Entries),
		State: string(c.State), Name: c.Leaver().Name, EmployeeID: c.Leaver().Identifier(exeunt.EmployeeID),
		Type: string(c.Departure.Type), LastDay: string(c.Departure.LastDay), Owner: c.Owner.Name,
		OpenedAt: c.OpenedAt, CutOff: c.CutOff, ClosedAt: c.ClosedAt,
	}
	for _, e := range p.Entries {
		if leaf, err := verify.DecodeLeaf(e.Leaf); err == nil && leaf.Kind == exeunt.LeafClose {
			facts.Closed = true
		}
	}
	return facts
}
