package evidence

import (
	_ "embed"
	"strings"
	"unicode"
)

// The fonts cover Latin, Greek and Cyrillic; see font/OFL.txt.
var (
	//go:embed font/NotoSans-Regular.ttf
	regularFont []byte
	//go:embed font/NotoSans-Bold.ttf
	boldFont []byte
)

// covered is what both fonts have a glyph for. A test holds it to the fonts.
var covered = &unicode.RangeTable{LatinOffset: 1, R16: []unicode.Range16{
	{0x0020, 0x007e, 1}, {0x00a0, 0x024f, 1}, {0x0259, 0x0259, 1}, {0x02b0, 0x0377, 1}, {0x037a, 0x037f, 1},
	{0x0384, 0x038a, 1}, {0x038c, 0x038c, 1}, {0x038e, 0x03a1, 1}, {0x03a3, 0x03e1, 1}, {0x03f0, 0x052f, 1},
	{0x1e00, 0x1f15, 1}, {0x1f18, 0x1f1d, 1}, {0x1f20, 0x1f45, 1}, {0x1f48, 0x1f4d, 1}, {0x1f50, 0x1f57, 1},
	{0x1f59, 0x1f59, 1}, {0x1f5b, 0x1f5b, 1}, {0x1f5d, 0x1f5d, 1}, {0x1f5f, 0x1f7d, 1}, {0x1f80, 0x1fb4, 1},
	{0x1fb6, 0x1fc4, 1}, {0x1fc6, 0x1fd3, 1}, {0x1fd6, 0x1fdb, 1}, {0x1fdd, 0x1fef, 1}, {0x1ff2, 0x1ff4, 1},
	{0x1ff6, 0x1ffe, 1}, {0x2010, 0x2027, 1}, {0x2030, 0x203a, 1}, {0x20ac, 0x20ac, 1}, {0x2116, 0x2116, 1},
	{0x2122, 0x2122, 1}, {0x25cc, 0x25cc, 1}, {0xfffd, 0xfffd, 1},
}}

// shown replaces what the fonts do not have by a box, and says whether there was any.
func shown(text string) (out string, foreign bool) {
	out = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case unicode.Is(covered, c):
			return c
		}
		foreign = true
		return '□'
	}, text)
	return out, foreign
}
