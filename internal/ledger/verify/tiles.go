package verify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight and tileWidth are fixed by https://c2sp.org/tlog-tiles: a full tile has 256 hashes, a
// full bundle 256 entries.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// Tiles reads the files of a log in the layout of https://c2sp.org/tlog-tiles. It is a
// [tlog.TileReader]; what it returns is not checked by itself, [tlog.TileHashReader] does that.
type Tiles struct{ Files fs.FS }

// Height is that of every tile.
func (t Tiles) Height() int { return tileHeight }

// SaveTiles does nothing: the files are the store.
func (t Tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles reads hash tiles, each cut to its width.
func (t Tiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		raw, name, err := t.read(strconv.Itoa(tile.L), tile.N, tile.W)
		if err != nil {
			return nil, err
		}
		if len(raw) < tile.W*tlog.HashSize {
			return nil, fault(name, "it is cut short: %d bytes where %d are due", len(raw), tile.W*tlog.HashSize)
		}
		data[i] = raw[:tile.W*tlog.HashSize]
	}
	return data, nil
}

// Bundle reads the first width entries of the nth bundle of up to 256 entries.
func (t Tiles) Bundle(n int64, width int) ([][]byte, error) {
	raw, name, err := t.read("entries", n, width)
	if err != nil {
		return nil, err
	}
	entries, _, err := splitBundle(name, raw, width)
	return entries, err
}

// read gets a tile or bundle of a width: its partial file, or the full one that replaced it.
func (t Tiles) read(level string, n int64, width int) (raw []byte, name string, err error) {
	name = TilePath(level, n)
	if width < tileWidth {
		partial := name + ".p/" + strconv.Itoa(width)
		raw, err = fs.ReadFile(t.Files, partial)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return raw, partial, unreadable(partial, err)
		}
	}
	raw, err = fs.ReadFile(t.Files, name)
	return raw, name, unreadable(name, err)
}

func unreadable(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fault(name, "the file is missing")
	default:
		return exeunt.Errorf(exeunt.Temporary, "%s: the file cannot be read", name).In(name).Because(err)
	}
}

// TilePath is the file of a tile of hashes, or of a bundle: the level "entries". It writes the number in groups of three
// digits, as the specification has it: 1234067 is x001/x234/067.
func TilePath(level string, n int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	return strings.Join([]string{"tile", level, path}, "/")
}

// splitBundle cuts a bundle into its first width entries, each behind its length in two bytes; end
// is where they end. A bundle of exactly that width has to end there.
func splitBundle(name string, raw []byte, width int) (entries [][]byte, end int, err error) {
	entries = make([][]byte, 0, width)
	for len(entries) < width {
		if len(raw)-end < 2 {
			return nil, end, fault(name, "it is cut short after %d of %d entries", len(entries), width)
		}
		size := int(binary.BigEndian.Uint16(raw[end:]))
		if end += 2; len(raw)-end < size {
			return nil, end, fault(name, "it is cut short in entry %d of %d", len(entries)+1, width)
		}
		entries = append(entries, raw[end:end+size:end+size])
		end += size
	}
	partial := strings.HasSuffix(name, ".p/"+strconv.Itoa(width))
	if (partial || width == tileWidth) && end != len(raw) {
		return nil, end, fault(name, "%d bytes follow its last entry", len(raw)-end)
	}
	return entries, end, nil
}
