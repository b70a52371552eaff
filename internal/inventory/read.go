package inventory

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"github.com/exeunt/exeunt"
)

// Read reads an export of a source. columns names columns by their heads, where they are called otherwise than usual.
// What it cannot use, such as a row without a name, is counted.
func Read(source Source, text []byte, columns map[Column]string) (found []Found, unread int, err error) {
	t, err := readTable(text)
	if err != nil {
		return nil, 0, err
	}
	where, err := t.layout(columns)
	if err != nil {
		return nil, 0, err
	}
	amounts := amountsOf(t, where)
	var rows []Found
	for i, row := range t.rows {
		names := namesIn(source, where, row)
		if len(names) == 0 {
			unread++
		}
		for _, name := range names {
			rows = append(rows, Found{
				Name: name, Lines: []int{t.lines[i]}, Spend: amounts.of(where.cell(row, Spend)), Currency: currency(where, row),
				People: number(where.cell(row, People)), Owner: where.cell(row, Owner), Departments: parts(where.cell(row, Department)),
				SignsIn: where.cell(row, SignsIn), Mode: where.cell(row, Mode), Inactive: off(where.cell(row, State)), Holds: parts(where.cell(row, Data)),
			})
		}
	}
	if len(rows) == 0 {
		return nil, unread, exeunt.Errorf(exeunt.Invalid, "no row of the file names an application in the column %q", t.head[where[Name]])
	}
	return merge(rows), unread, nil
}

// namesIn are the applications of a row: a department may list several in one cell. A payment service alone says
// nothing; then the description does.
func namesIn(source Source, where layout, row []string) []string {
	cell := where.cell(row, Name)
	if source == Survey {
		return parts(cell)
	}
	if cell != "" && only(cell, payers) {
		cell = cmp.Or(where.cell(row, Description), cell)
	}
	cell = strings.Join(strings.Fields(cell), " ")
	if cell == "" || !strings.ContainsFunc(cell, letter) || total(cell) {
		return nil
	}
	return []string{cell}
}

func only(cell string, words []string) bool {
	for _, w := range words {
		if strings.Trim(plain(cell), " *.") == w {
			return true
		}
	}
	return false
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127 }

// total recognises the last line of many an export.
func total(cell string) bool {
	switch simple(cell) {
	case "total", "totals", "grandtotal", "subtotal", "sum", "summe", "gesamt", "gesamtsumme":
		return true
	}
	return false
}

var between = regexp.MustCompile(`\s*[,;/\n|•]\s*|\s+(?:and|und|et)\s+`)

// parts cuts a list that somebody typed.
func parts(cell string) []string {
	var out []string
	for _, p := range between.Split(cell, -1) {
		p = strings.Trim(strings.Join(strings.Fields(p), " "), " .-–*")
		if p != "" && !nothing[strings.ToLower(p)] {
			out = append(out, p)
		}
	}
	return out
}

var nothing = words(`none n/a na - no nil keine aucun nothing unknown tbd ?`)

// off says whether a source calls an application switched off.
func off(state string) bool {
	switch plain(state) {
	case "inactive", "disabled", "false", "no", "0", "deactivated", "deleted", "suspended", "off":
		return true
	}
	return false
}

var digits = regexp.MustCompile(`\d+`)

// number is the first whole number of a cell: "about 40 people".
func number(cell string) int {
	n, err := strconv.Atoi(digits.FindString(strings.NewReplacer(",", "", ".", "", "'", "", "\u00a0", "").Replace(cell)))
	if err != nil {
		return 0
	}
	return n
}

var symbols = map[string]string{"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "CHF": "CHF", "EUR": "EUR", "USD": "USD", "GBP": "GBP"}

func currency(where layout, row []string) string {
	if said := strings.ToUpper(where.cell(row, Currency)); len(said) == 3 {
		return said
	}
	for symbol, code := range symbols {
		if strings.Contains(where.cell(row, Spend), symbol) {
			return code
		}
	}
	return ""
}

// amounts reads money as the whole column writes it: 1,234.56 or 1.234,56.
type amounts struct{ comma bool }

// amountsOf finds out by the amounts that can be read in one way only.
func amountsOf(t table, where layout) amounts {
	commas, points := 0, 0
	for _, row := range t.rows {
		switch cell := strings.Trim(where.cell(row, Spend), "€$£ \u00a0)CHFEURSDGBP-"); {
		case cents(cell, ','):
			commas++
		case cents(cell, '.'):
			points++
		}
	}
	return amounts{commas > points}
}

// cents says whether a cell ends with a separator and one or two digits.
func cents(cell string, separator byte) bool {
	at := strings.LastIndexByte(cell, separator)
	return at > 0 && (len(cell)-at == 3 || len(cell)-at == 2)
}

// of is the amount in a cell; what is in brackets or has a minus was paid back. Nothing readable is nothing.
func (a amounts) of(cell string) float64 {
	negative := strings.HasPrefix(cell, "(") || strings.Contains(cell, "-") || strings.Contains(cell, "−")
	keep := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case r == '.' && !a.comma, r == ',' && a.comma:
			return '.'
		}
		return -1
	}, cell)
	value, err := strconv.ParseFloat(keep, 64)
	if err != nil {
		return 0
	}
	if negative {
		return -value
	}
	return value
}
