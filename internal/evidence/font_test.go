package evidence

import (
	"testing"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
)

// TestTheFontsHaveWhatTheyAreSaidToHave sees the glyphs' widths: what a font does not have is as wide as its box.
func TestTheFontsHaveWhatTheyAreSaidToHave(t *testing.T) {
	for _, font := range [][]byte{regularFont, boldFont} {
		f := fpdf.New("P", "mm", "A4", "")
		f.AddUTF8FontFromBytes("noto", "", font)
		f.SetFont("noto", "", 10)
		if err := f.Error(); err != nil {
			t.Fatal(err)
		}
		f.AddPage()
		missing := f.GetStringWidth("山")
		same := 0
		for _, r := range covered.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c++ {
				if f.GetStringWidth(string(c)) == missing && unicode.IsLetter(c) {
					same++
				}
			}
		}
		if same > 20 { // some are really as wide
			t.Errorf("%d letters are as wide as the box for what is missing", same)
		}
	}
}
