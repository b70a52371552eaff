package verify

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// archive is a packet's files, read whole.
type archive struct {
	files   map[string][]byte
	entries int
}

// Bounds that keep a hostile packet from filling memory. A case has some hundred entries.
const (
	maxEntries = 16_000 // so that their files are fewer than the 65,535 that the plain form of a zip can list
	maxFile    = 1 << 20
	maxRecord  = 64 << 20 // a document for people
	maxPacket  = 512 << 20
)

// openArchive reads the zip and checks its list of names.
func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fault("packet", "it is not a zip archive, or it is cut short").Because(err)
	}
	if most := len(entrySuffixes)*maxEntries + len(fixedFiles); len(z.File) > most {
		return nil, fault("packet", "it has %d files; a packet has at most %d", len(z.File), most)
	}
	a := &archive{files: make(map[string][]byte, len(z.File))}
	total := int64(0)
	for _, f := range z.File {
		data, err := readFile(f)
		if err != nil {
			return nil, err
		}
		if _, twice := a.files[f.Name]; twice {
			return nil, fault(f.Name, "the packet has this file twice")
		}
		if total += int64(len(data)); total > maxPacket {
			return nil, fault("packet", "it is larger than %d MB", maxPacket>>20)
		}
		a.files[f.Name] = data
	}
	if err := a.names(); err != nil {
		return nil, err
	}
	return a, oneReading(r, size, z)
}

// readFile unpacks a file. Package zip reads no further than a deflate stream goes, and takes a checksum of zero for none;
// other programs heed both, and a packet may not be read in two ways.
func readFile(f *zip.File) ([]byte, error) {
	in, err := f.OpenRaw()
	if err != nil {
		return nil, fault(f.Name, "it cannot be unpacked").Because(err)
	}
	packed, err := io.ReadAll(in) // no more than there is of the archive
	if err != nil {
		return nil, fault(f.Name, "it cannot be unpacked: it is damaged").Because(err)
	}
	most := int64(maxFile)
	if slices.Contains(documentFiles, f.Name) {
		most = maxRecord
	}
	data := packed
	switch f.Method {
	case zip.Store:
	case zip.Deflate:
		rest := bytes.NewReader(packed) // by the byte: flate takes none behind the end of its stream
		if data, err = io.ReadAll(io.LimitReader(flate.NewReader(rest), most+1)); err == nil && rest.Len() > 0 && int64(len(data)) <= most {
			return nil, fault(f.Name, "it is damaged: %d bytes follow what it unpacks to", rest.Len())
		}
	default:
		return nil, fault(f.Name, "it cannot be unpacked: it is packed in a way that packets are not")
	}
	switch {
	case err != nil:
		return nil, fault(f.Name, "it cannot be unpacked: it is damaged").Because(err)
	case int64(len(data)) > most:
		return nil, fault(f.Name, "it is larger than %d bytes", most)
	case uint64(len(data)) != f.UncompressedSize64, crc32.ChecksumIEEE(data) != f.CRC32:
		return nil, fault(f.Name, "it cannot be unpacked: it is damaged, its size or checksum is another one")
	}
	return data, nil
}

// names checks that every file is one that a packet has, and that none is missing.
func (a *archive) names() error {
	expected := len(fixedFiles)
	for _, name := range fixedFiles {
		if _, ok := a.files[name]; !ok {
			return fault(name, "the file is missing")
		}
	}
	for ; ; a.entries++ {
		found := 0
		for _, suffix := range entrySuffixes {
			if _, ok := a.files[EntryName(a.entries)+suffix]; ok {
				found++
			}
		}
		if found == 0 {
			break
		}
		expected += found
	}
	if expected == len(a.files) {
		return nil
	}
	for name := range a.files {
		if !a.known(name) {
			return fault(name, "it is no file of a packet, or entries before it are missing")
		}
	}
	return nil
}

// known says whether a name is one that names counted.
func (a *archive) known(name string) bool {
	if slices.Contains(fixedFiles, name) {
		return true
	}
	var seq int
	var suffix string
	n, _ := fmt.Sscanf(name, "entries/%d%s", &seq, &suffix)
	return n == 2 && seq < a.entries && name == EntryName(seq)+suffix && slices.Contains(entrySuffixes, suffix)
}
