package inventory

import (
	"cmp"
	"embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/encoding/charmap"

	"github.com/exeunt/exeunt"
)

//go:embed testdata/*.txt
var lists embed.FS

// vendor is somebody who sells an application, in the words of testdata/vendors.txt.
type vendor struct{ product, purpose, seller, card, seat, misspelt string }

func linesOf(file string) []string {
	text, err := lists.ReadFile("testdata/" + file)
	if err != nil {
		panic(err)
	}
	return slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool { return l == "" || l[0] == '#' })
}

func vendors() []vendor {
	var out []vendor
	for _, l := range linesOf("vendors.txt") {
		f := strings.Split(l, "|")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		out = append(out, vendor{f[0], f[1], f[2], f[3], f[4], f[5]})
	}
	return out
}

// market is a company's inventory and what its sources would show of it, the same for the same seed.
type market struct {
	random  *rand.Rand
	systems []exeunt.System
	vendors []vendor
	is      map[string]exeunt.System // by product, of those in the inventory
}

// inventoried is how many systems the inventory has.
const inventoried = 120

// newMarket writes an inventory down in three styles: as vendors call things, as the company does, and in codes.
func newMarket(seed uint64) *market {
	m := &market{random: rand.New(rand.NewPCG(seed, 7)), vendors: vendors(), is: map[string]exeunt.System{}}
	m.random.Shuffle(len(m.vendors), func(i, j int) { m.vendors[i], m.vendors[j] = m.vendors[j], m.vendors[i] })
	for i, v := range m.vendors[:inventoried] {
		var s exeunt.System
		switch i % 3 {
		case 0:
			s = exeunt.System{Name: dashed(v.product), Title: v.product, Vendor: v.seller}
		case 1:
			s = exeunt.System{Name: dashed(v.purpose) + fmt.Sprint("-", i), Title: m.one(v.purpose+" ("+v.product+")", v.product+" – "+v.purpose, v.purpose+": "+v.product), Vendor: m.one("", v.seller)}
		default:
			s = exeunt.System{Name: fmt.Sprintf("app%04d", 1000+i), Title: m.one(strings.ToUpper(v.product)+" PROD", v.product+" EU", "APP-"+fmt.Sprint(1000+i)+" "+v.product)}
		}
		m.systems, m.is[v.product] = append(m.systems, s), s
	}
	return m
}

func (m *market) one(of ...string) string { return of[m.random.IntN(len(of))] }

func dashed(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(plain(text)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "-")
}

// shown is one row of an export, with what it truly is.
type shown struct {
	name   string
	truth  string // system; "" for what is not in the inventory
	can    bool   // the inventory has a word by which somebody could tell
	amount float64
}

// styles are how finance systems write a row's name.
var styles = map[string]func(m *market, v vendor) (name string, bySeller bool){
	"european": func(m *market, v vendor) (string, bool) {
		return m.one(v.seller, v.seller+", "+v.seat, strings.ReplaceAll(v.seller, ",", "")+" "+v.seat), true
	},
	"card": func(m *market, v vendor) (string, bool) {
		joined := strings.ToUpper(strings.ReplaceAll(v.product, " ", ""))
		return m.one(v.card, v.card, v.card+" "+v.seat, strings.ToUpper(v.card+" "+v.seat), "PAYPAL *"+joined, "PAYPAL *"+joined+" 4029357733", "PADDLE.NET* "+joined, "FS *"+joined, joined+" SUBSCRIPTION "+fmt.Sprint(10000+m.random.IntN(9000))), false
	},
	"codes": func(m *market, v vendor) (string, bool) {
		name := strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ö", "Oe", "Ü", "Ue").Replace(v.seller)
		name = fmt.Sprint(4_000_000+m.random.IntN(900_000)) + " " + strings.ToUpper(name)
		return name[:min(len(name), 35)], true
	},
}

// export is what a source shows: every application once to four times, and what is none.
func (m *market) export(style string) []shown {
	var out []shown
	for _, v := range m.vendors {
		s, listed := m.is[v.product]
		for range 1 + m.random.IntN(4) {
			name, bySeller := styles[style](m, v)
			can := listed && (!bySeller || s.Vendor != "" || told(v.seller, v.product))
			out = append(out, shown{name, s.Name, can, float64(m.random.IntN(900_000)-20_000) / 100})
		}
	}
	for _, name := range linesOf("others.txt") {
		out = append(out, shown{name: name, amount: float64(m.random.IntN(90_000)) / 100})
	}
	m.random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// told says whether who sells something is called as it is.
func told(seller, product string) bool {
	first, _, _ := strings.Cut(plain(product), " ")
	return strings.Contains(strings.ReplaceAll(plain(seller), " ", ""), strings.Trim(first, ",."))
}

// file writes an export as such systems do.
func file(style string, rows []shown) []byte {
	var b strings.Builder
	switch style {
	case "european":
		b.WriteString("Kreditorenauswertung 2026;;;\r\n\r\nBuchungsdatum;Kreditor;Betrag;Währung;Kostenstelle\r\n")
		for i, r := range rows {
			fmt.Fprintf(&b, "%02d.01.2026;%s;%s;EUR;%d\r\n", 1+i%28, quoted(r.name), continental(r.amount), 4000+i%9)
		}
		b.WriteString("Summe;;1.234.567,89;EUR;\r\n")
		if len(rows)%2 == 0 {
			return append([]byte("\xef\xbb\xbf"), b.String()...)
		}
		out, err := charmap.Windows1252.NewEncoder().String(strings.ReplaceAll(b.String(), "Ō", "O"))
		if err != nil {
			panic(err)
		}
		return []byte(out)
	case "card":
		b.WriteString("Transaction Date,Merchant Name,Amount (USD),Cardholder\n")
		for i, r := range rows {
			fmt.Fprintf(&b, "01/%02d/2026,%s,%s,Ida Berg\n", 1+i%28, quoted(r.name), american(r.amount))
		}
	default:
		b.WriteString("Buchungskreis\tName 1 Lieferant\tBetrag in Hauswährung\tWährg\n")
		for _, r := range rows {
			amount := continental(max(r.amount, -r.amount))
			if r.amount < 0 {
				amount += "-"
			}
			fmt.Fprintf(&b, "1000\t%s\t%s\tEUR\n", r.name, amount)
		}
	}
	return []byte(b.String())
}

func quoted(name string) string {
	if strings.ContainsAny(name, ",;\"") {
		return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	return name
}

func american(amount float64) string {
	text := grouped(fmt.Sprintf("%.2f", max(amount, -amount)), ",")
	if text = "$" + text; strings.Contains(text, ",") {
		text = `"` + text + `"`
	}
	if amount < 0 {
		return strings.Replace("("+text+")", `("`, `"(`, 1)[:len(text)+2]
	}
	return text
}

func continental(amount float64) string {
	text := fmt.Sprintf("%.2f", amount)
	return grouped(strings.Replace(text, ".", ",", 1), ".")
}

// grouped puts a separator between thousands.
func grouped(text, by string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, rest := text[:len(text)-3], text[len(text)-3:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + by + whole[i:]
	}
	return sign + whole + rest
}

// labels is what a single sign-on or a department calls an application.
func (m *market) labels(spelt func(m *market, v vendor) string) []shown {
	var out []shown
	for _, v := range m.vendors {
		s, listed := m.is[v.product]
		out = append(out, shown{name: spelt(m, v), truth: s.Name, can: listed})
	}
	return out
}

// score is how a matcher did.
type score struct {
	right, wrong, asked, astray, missed, unlisted, pestered int
	notes                                                   []string
}

// judge matches every row by itself.
func (m *market) judge(rows []shown) score {
	var s score
	sheet := Import(Sheet{Source: Finance}, Listed(asFound(rows)), m.systems, nil)
	lines := map[string]Line{}
	for _, l := range sheet.Found {
		lines[keyOf(l.Name)] = l
	}
	for _, r := range rows {
		l := lines[keyOf(r.name)]
		switch note := fmt.Sprintf("%q is %s (%s): is %q maybe %v, %.2f %s", r.name, r.truth, m.title(r.truth), l.Is, l.Maybe, l.Confidence, l.Because); {
		case l.Is != "" && l.Is == r.truth:
			s.right++
		case l.Is != "":
			s.wrong, s.notes = s.wrong+1, append(s.notes, "wrong: "+note)
		case len(l.Maybe) > 0 && slices.Contains(l.Maybe, r.truth):
			s.asked, s.notes = s.asked+1, append(s.notes, "asked: "+note)
		case r.truth == "" && len(l.Maybe) > 0:
			s.pestered, s.notes = s.pestered+1, append(s.notes, "pestered: "+note)
		case r.truth == "" || !r.can:
			s.unlisted++
		case len(l.Maybe) > 0:
			s.astray, s.notes = s.astray+1, append(s.notes, "astray: "+note)
		default:
			s.missed, s.notes = s.missed+1, append(s.notes, "missed: "+note)
		}
	}
	slices.Sort(s.notes)
	return s
}

func (m *market) title(name string) string {
	for _, s := range m.systems {
		if s.Name == name {
			return cmp.Or(s.Title, name) + " by " + s.Vendor
		}
	}
	return ""
}

func asFound(rows []shown) []Found {
	var out []Found
	for _, r := range rows {
		out = append(out, Found{Name: r.name, Spend: r.amount})
	}
	return out
}

func (s *score) add(o score) {
	s.right, s.wrong, s.asked, s.astray, s.missed = s.right+o.right, s.wrong+o.wrong, s.asked+o.asked, s.astray+o.astray, s.missed+o.missed
	s.unlisted, s.pestered, s.notes = s.unlisted+o.unlisted, s.pestered+o.pestered, append(s.notes, o.notes...)
}

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

// taken is the share of what is taken by itself that is right; found of what is in the inventory that is taken or asked
// about; spared of what is not in the inventory that nobody is asked about.
func (s score) precision() float64 { return share(s.right, s.right+s.wrong) }
func (s score) recall() float64 {
	return share(s.right+s.asked, s.right+s.asked+s.astray+s.missed)
}
func (s score) spared() float64 { return share(s.unlisted, s.unlisted+s.pestered) }

func (s score) String() string {
	return fmt.Sprintf("%d right, %d wrong, %d asked, %d asked about others, %d missed; of what is not in the inventory %d left alone, %d asked about: precision %.4f, recall %.4f, spared %.4f",
		s.right, s.wrong, s.asked, s.astray, s.missed, s.unlisted, s.pestered, s.precision(), s.recall(), s.spared())
}
