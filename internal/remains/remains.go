// Package remains knows what SQLite leaves of deleted content inside the pages of its file.
//
// PRAGMA secure_delete zeroes a row where it lies when it is deleted, and pages that become free. A row that had lain in
// another page before stays readable there: when SQLite spreads rows over pages anew (rebuildPage in btree.c), it writes
// those that remain, and leaves the space between as it was. An update that makes a row longer does that. VACUUM would
// write the whole file anew, and keep everybody waiting.
//
// Whoever has a database reads its pages by the table sqlite_dbpage, and writes those that [Clear] changed the same way,
// in a transaction: https://www.sqlite.org/dbpage.html, https://www.sqlite.org/fileformat2.html.
package remains

import (
	"encoding/binary"
	"fmt"
)

// Understood refuses a file in which a page that is not part of a tree could be taken for one: one with pointer maps
// (auto_vacuum), or with so many pages that the number at the head of a chain begins like a tree's page.
func Understood(pages, autoVacuum int64) error {
	if autoVacuum != 0 || pages >= indexInterior<<24 {
		return fmt.Errorf("a file of %d pages with auto_vacuum %d is not understood", pages, autoVacuum)
	}
	return nil
}

// Dirty says whether something is left in a page of a number.
func Dirty(number int64, page []byte) bool {
	for _, gap := range gaps(number, page) {
		if !zero(gap) {
			return true
		}
	}
	return false
}

// Clear writes zeros over what is left in a page.
func Clear(number int64, page []byte) {
	for _, gap := range gaps(number, page) {
		clear(gap)
	}
}

// The kinds of page that are part of a tree, by their first byte.
const (
	indexInterior = 2
	tableInterior = 5
	indexLeaf     = 10
	tableLeaf     = 13
)

// gaps are the parts of a tree's page in which nothing lies: between the list of its cells and the first of them, and
// the free blocks between them but for their own heads. A page that contradicts itself has none: nothing is made worse.
func gaps(number int64, page []byte) (list [][]byte) {
	head := headOf(number)
	if len(page) < head+12 {
		return nil
	}
	u16 := func(at int) int { return int(binary.BigEndian.Uint16(page[at:])) }
	first := head + 8
	switch page[head] {
	case indexInterior, tableInterior:
		first = head + 12
	case indexLeaf, tableLeaf:
	default:
		return nil
	}
	first += 2 * u16(head+3)
	content := u16(head + 5)
	if content == 0 {
		content = 1 << 16
	}
	if first > content || content > len(page) {
		return nil
	}
	list = append(list, page[first:content])
	for at := u16(head + 1); at != 0; {
		if at < content || at+4 > len(page) {
			return nil
		}
		end, next := at+u16(at+2), u16(at)
		if end < at+4 || end > len(page) || next != 0 && next < end {
			return nil
		}
		list = append(list, page[at+4:end])
		at = next
	}
	return list
}

// headOf is where the head of a page begins: that of the first follows the file's.
func headOf(number int64) int {
	if number == 1 {
		return 100
	}
	return 0
}

func zero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
