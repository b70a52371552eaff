package verify

import (
	"archive/zip"
	"encoding/binary"
	"io"
)

// The parts of a zip archive (APPNOTE.TXT 4.3.7, 4.3.9, 4.3.12, 4.3.16).
const (
	localHeader    = 0x04034b50
	dataDescriptor = 0x08074b50
	centralEnd     = 0x06054b50

	localSize, descriptorSize, centralSize, endSize = 30, 16, 46, 22

	sizesFollow, namesAreUTF8 = 1 << 3, 1 << 11 // flags
)

// oneReading refuses an archive that two programs could unpack differently: one that has bytes which belong to
// no file, or whose list of files at the end differs from what stands before each file. A program that reads
// from the front would show an auditor other files than those that were verified here.
func oneReading(r io.ReaderAt, size int64, z *zip.Reader) error {
	at, list := int64(0), int64(0)
	for _, f := range z.File {
		end, err := oneFile(r, f, at)
		if err != nil {
			return err
		}
		at, list = end, list+centralSize+int64(len(f.Name)+len(f.Extra)+len(f.Comment))
	}
	if at+list+endSize != size || !endsWell(r, size, at, len(z.File)) {
		return fault("packet", "the archive has bytes that belong to none of its files: it was put together from several, or edited")
	}
	return nil
}

// oneFile compares what stands at a place of the archive with what its list says, and says where the file ends.
func oneFile(r io.ReaderAt, f *zip.File, at int64) (end int64, err error) {
	differs := fault(f.Name, "the archive's list of files and what stands at the file differ: other programs would unpack something else")
	head := make([]byte, localSize+len(f.Name))
	if _, err := r.ReadAt(head, at); err != nil {
		return 0, differs
	}
	data, err := f.DataOffset()
	switch {
	case f.Flags&^(sizesFollow|namesAreUTF8) != 0, len(f.Extra)+len(f.Comment) > 0:
		return 0, fault(f.Name, "the archive says more of the file than its name and size, which other programs may heed")
	case err != nil,
		binary.LittleEndian.Uint32(head) != localHeader,
		binary.LittleEndian.Uint16(head[6:]) != f.Flags,
		binary.LittleEndian.Uint16(head[8:]) != f.Method,
		string(head[localSize:]) != f.Name,
		data != at+int64(len(head)):
		return 0, differs
	}
	end, sizes := data+int64(f.CompressedSize64), head[14:26]
	if f.Flags&sizesFollow != 0 {
		sizes = make([]byte, descriptorSize)
		if _, err := r.ReadAt(sizes, end); err != nil || binary.LittleEndian.Uint32(sizes) != dataDescriptor {
			return 0, differs
		}
		end, sizes = end+descriptorSize, sizes[4:]
	}
	if binary.LittleEndian.Uint32(sizes) != f.CRC32 || uint64(binary.LittleEndian.Uint32(sizes[4:])) != f.CompressedSize64 ||
		uint64(binary.LittleEndian.Uint32(sizes[8:])) != f.UncompressedSize64 {
		return 0, differs
	}
	return end, nil
}

// endsWell says whether the archive ends with its list of files, which begins at a place, and nothing else.
func endsWell(r io.ReaderAt, size, at int64, files int) bool {
	end := make([]byte, endSize)
	if _, err := r.ReadAt(end, size-endSize); err != nil {
		return false
	}
	return binary.LittleEndian.Uint32(end) == centralEnd &&
		binary.LittleEndian.Uint32(end[4:]) == 0 && // one disk
		int(binary.LittleEndian.Uint16(end[8:])) == files && int(binary.LittleEndian.Uint16(end[10:])) == files &&
		int64(binary.LittleEndian.Uint32(end[12:])) == size-endSize-at &&
		int64(binary.LittleEndian.Uint32(end[16:])) == at &&
		binary.LittleEndian.Uint16(end[20:]) == 0 // no comment
}
