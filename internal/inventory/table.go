package inventory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/exeunt/exeunt"
)

// mostRows and mostBytes bound an export: a hundred thousand invoices are a large company's year.
const (
	mostRows  = 500_000
	mostBytes = 100 << 20
)

// table is an export: its head and its rows, with the line that each begins on.
type table struct {
	head  []string
	rows  [][]string
	lines []int
}

// readTable reads what spreadsheets and finance systems call CSV: with commas, semicolons or tabs, in UTF-8, UTF-16 or
// Windows-1252, with a few lines of title before the head.
func readTable(text []byte) (table, error) {
	if len(text) > mostBytes {
		return table{}, exeunt.Errorf(exeunt.Invalid, "the file has more than 100 MB: export fewer columns or a shorter time")
	}
	decoded := decode(text)
	r := csv.NewReader(strings.NewReader(decoded))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = delimiter(decoded), -1, true
	var t table
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t, exeunt.Errorf(exeunt.Invalid, "the file is not CSV: %v. Export it again, as CSV in UTF-8", err)
		}
		if blank(row) {
			continue
		}
		line, _ := r.FieldPos(0)
		if t.rows, t.lines = append(t.rows, row), append(t.lines, line); len(t.rows) > mostRows {
			return t, exeunt.Errorf(exeunt.Invalid, "the file has more than %d rows: export a shorter time", mostRows)
		}
	}
	if len(t.rows) == 0 {
		return t, exeunt.Errorf(exeunt.Invalid, "the file is empty: export it again")
	}
	return t, nil
}

func blank(row []string) bool {
	return !slices.ContainsFunc(row, func(cell string) bool { return strings.TrimSpace(cell) != "" })
}

// decode reads the text as UTF-16 where a mark says so, as UTF-8 where it is that, and else as Windows-1252, in which
// older spreadsheets export.
func decode(text []byte) string {
	switch {
	case bytes.HasPrefix(text, []byte{0xff, 0xfe}):
		return fromUTF16(text[2:], func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 })
	case bytes.HasPrefix(text, []byte{0xfe, 0xff}):
		return fromUTF16(text[2:], func(b []byte) uint16 { return uint16(b[1]) | uint16(b[0])<<8 })
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if utf8.Valid(text) {
		return string(text)
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(text)
	if err != nil {
		return string(text)
	}
	return string(out)
}

func fromUTF16(text []byte, unit func([]byte) uint16) string {
	units := make([]uint16, 0, len(text)/2)
	for ; len(text) >= 2; text = text[2:] {
		units = append(units, unit(text))
	}
	return string(utf16.Decode(units))
}

// delimiter is what stands most often, outside quotes, in the beginning.
func delimiter(text string) rune {
	counts, quoted := map[rune]int{}, false
	for _, r := range text[:min(len(text), 8<<10)] {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
		case r == ',' || r == ';' || r == '\t' || r == '|':
			counts[r]++
		}
	}
	best := ','
	for _, r := range []rune{';', '\t', '|'} {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}
