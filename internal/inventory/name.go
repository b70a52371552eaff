package inventory

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// The same application is "Slack", "SLACK TECHNOLOGIES LIMITED", "PAYPAL *SLACK T02AB9 DUBLIN" and "slack.com annual
// plan". What names have beside the name is dropped, word by word.

// payers are payment services that write themselves before the merchant.
var payers = []string{"paypal", "pp", "sq", "square", "stripe", "fs", "fastspring", "paddle", "paddle.net", "2co", "2checkout", "dri", "cleverbridge", "gumroad", "wise", "revolut", "amex", "visa", "mastercard"}

// forms are legal forms and what companies call themselves beside their name.
var forms = words(`inc incorporated llc llp lp pllc ltd limited unlimited dac ulc corp corporation co company gmbh ggmbh ag eg ek ev kg kgaa mbh ohg gbr ug se sa sas sarl sl slu srl spa sro doo
	bv nv ab as asa aps oy oyj ou oue plc pbc pty pte sp zoo kk ltda cv holding holdings group international intl global worldwide emea apac dach eu europe ireland germany france netherlands nederland
	spain italy switzerland austria sweden canada australia india singapore japan brazil usa us uk deutschland technologies technology labs software solutions systems services interactive the & und and et`)

// terms are what an invoice says of a purchase.
var terms = words(`subscription subscriptions annual annually yearly monthly month year quarterly plan plans licence licences license licenses seat seats user users
	invoice renewal renew payment purchase charge fee fees order ref billing bill trial addon upgrade prepaid refund credit debit card saas
	enterprise business premium professional pro standard basic starter team teams plus essentials edition tier online
	january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
	app application sso saml oidc scim production prod new old e1 e3 e5 f1 f3 p1 p2`)

// towns are where vendors are seated, word by word, and what card statements write after them. They count at the end only.
var towns = words(`san francisco los angeles palo alto mountain view redwood menlo park jose mateo ramon bruno diego santa clara monica barbara sunnyvale cupertino oakland berkeley foster city belmont walnut irvine
	seattle bellevue redmond kirkland portland denver boulder salt lake provo draper lehi south jordan phoenix tempe scottsdale austin dallas houston chicago minneapolis detroit york brooklyn boston cambridge waltham
	burlington philadelphia pittsburgh washington reston atlanta miami tampa clearwater orlando raleigh durham charlotte nashville columbus bozeman vegas toronto vancouver montreal ottawa waterloo
	dublin cork london manchester edinburgh bristol milton keynes reading paris lyon roubaix amsterdam rotterdam utrecht eindhoven brussels antwerp berlin munich munchen muenchen hamburg koln koeln cologne frankfurt main
	stuttgart dusseldorf duesseldorf nurnberg nuernberg freiburg walldorf goppingen goeppingen gunzenhausen karlsruhe hannover leipzig dresden bonn wien vienna linz zurich zuerich geneva genf basel bern luxembourg madrid barcelona
	lisbon lisboa porto milan milano rome roma turin praha prague brno bratislava warsaw warszawa krakow wroclaw budapest bucharest bucuresti sofia athens tallinn riga vilnius helsinki espoo stockholm gothenburg malmo oslo bergen
	copenhagen kobenhavn aarhus reykjavik tel aviv istanbul dubai bangalore bengaluru mumbai pune hyderabad chennai delhi singapore hong kong tokyo seoul sydney melbourne brisbane auckland sao paulo st julians julian s
	al ak az ar ca co ct dc de fl ga hi id il in ia ks ky la ma md me mi mn mo mt nc nd ne nh nj nm nv ny oh ok on or pa qc ri sc sd tn tx ut va vt wa wi wv wy bc ie nl gb fr ch at es it se dk fi au nz`)

// endings are the ends of internet names.
var endings = words(`com io net org us co ai app dev eu de uk so im me cloud tv ly`)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

// plain is a name in small letters without accents.
func plain(name string) string {
	out, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn))), name)
	if err != nil {
		out = name
	}
	return strings.ToLower(out)
}

// name is a name as it is compared.
type name struct {
	words  []string // its core
	joined string   // all of its words, without spaces
}

func cut(text string) name { return name{coreOf(text), joinedOf(text)} }

// coreOf are the words of a name that tell it from others; all of them when nothing would be left.
func coreOf(name string) []string {
	all := split(withoutPayer(plain(name)))
	core := slices.DeleteFunc(slices.Clone(all), func(w string) bool { return forms[w] || terms[w] || reference(w) })
	for len(core) > 1 && (towns[core[len(core)-1]] || cutOff(core[len(core)-1])) {
		core = core[:len(core)-1]
	}
	if len(core) == 0 {
		core = slices.DeleteFunc(slices.Clone(all), func(w string) bool { return forms[w] || reference(w) })
	}
	if len(core) == 0 {
		return all
	}
	return unique(core)
}

// joinedOf are all words of a name but numbers, without spaces between them: payment services write it so.
func joinedOf(name string) string {
	return strings.Join(slices.DeleteFunc(split(withoutPayer(plain(name))), reference), "")
}

// generic says whether a name has nothing that tells it from others.
func generic(name string) bool {
	return !slices.ContainsFunc(split(plain(name)), func(w string) bool { return !forms[w] && !terms[w] && !reference(w) })
}

// long are the forms that are long enough to be cut off at the end of a field: accounting systems give a name 35 characters.
var long = slices.DeleteFunc(slices.Sorted(maps.Keys(forms)), func(w string) bool { return len(w) < 7 })

// cutOff says whether a word is the beginning of such a form.
func cutOff(word string) bool {
	return len(word) >= 3 && slices.ContainsFunc(long, func(form string) bool { return strings.HasPrefix(form, word) })
}

func unique(list []string) []string {
	var out []string
	for _, w := range list {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func keyOf(name string) string { return strings.Join(coreOf(name), " ") }

// withoutPayer cuts "PAYPAL *" and its like.
func withoutPayer(name string) string {
	before, after, starred := strings.Cut(name, "*")
	if starred && slices.Contains(payers, strings.TrimSpace(before)) && strings.TrimSpace(after) != "" {
		return after
	}
	return name
}

// split cuts a name into words at everything that is neither letter nor digit, and the ends of internet names off.
func split(name string) []string {
	var out []string
	for _, field := range strings.FieldsFunc(strings.ReplaceAll(name, "a/s", "as"), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("*_/|,;:()[]\"'", r) }) {
		parts := strings.FieldsFunc(field, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' && r != '&' })
		if len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool { return len(p) > 1 }) { // B.V., s.r.o.
			parts = []string{strings.Join(parts, "")}
		}
		if strings.Contains(field, ".") {
			if len(parts) > 1 && parts[0] == "www" {
				parts = parts[1:]
			}
			for len(parts) > 1 && endings[parts[len(parts)-1]] {
				parts = parts[:len(parts)-1]
			}
		}
		for _, p := range parts {
			out = append(out, withoutApp(p))
		}
	}
	return out
}

// withoutApp cuts what many put behind a name to have an internet name: frontapp, invisionapp.
func withoutApp(word string) string {
	if short, cut := strings.CutSuffix(word, "app"); cut && len(short) >= 5 {
		return short
	}
	return word
}

// products are numbers that belong to names.
var products = words(`365 360`)

// reference recognises numbers of invoices and customers, years, telephone numbers: words that are mostly digits.
func reference(word string) bool {
	if products[word] {
		return false
	}
	digits, letters := 0, 0
	for _, r := range word {
		switch {
		case unicode.IsDigit(r):
			digits++
		case unicode.IsLetter(r):
			letters++
		}
	}
	return digits >= 3 && digits*2 >= letters || digits > 0 && letters == 0 || digits >= 2 && letters > 0 && letters <= 2
}
