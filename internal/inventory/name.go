package inventory

import (
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
var forms = words(`inc incorporated llc llp ltd limited corp corporation co company gmbh ag kg kgaa mbh ug se sa sas sarl srl spa bv nv ab as asa aps oy oyj
	plc pbc pty pte sp zoo sro kk holding holdings group international intl global worldwide emea apac europe ireland germany france netherlands spain italy switzerland austria sweden canada australia india singapore japan brazil usa us uk deutschland
	technologies technology labs software solutions systems interactive the`)

// terms are what an invoice says of a purchase.
var terms = words(`subscription subscriptions annual annually yearly monthly month year quarterly plan plans licence licences license licenses seat seats user users
	invoice renewal renew payment purchase charge fee fees order ref billing bill trial addon upgrade prepaid refund credit debit card saas
	enterprise business premium professional pro standard basic starter team teams plus essentials edition tier online
	january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
	app application sso saml oidc scim production prod new old e1 e3 e5 f1 f3 p1 p2`)

// towns are where the vendors that everybody has are seated: card statements end with them.
var towns = words(`dublin amsterdam london berlin munich paris stockholm toronto vancouver sydney seattle austin denver boston chicago
	luxembourg zurich helsinki copenhagen oslo madrid lisbon francisco ca wa ny tx ma co il de ie nl gb`)

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

// coreOf are the words of a name that tell it from others; all of them when nothing would be left.
func coreOf(name string) []string {
	all := split(withoutPayer(plain(name)))
	core := slices.DeleteFunc(slices.Clone(all), func(w string) bool { return forms[w] || terms[w] || reference(w) })
	for len(core) > 1 && towns[core[len(core)-1]] {
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
	for _, field := range strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("*_/|,;:()[]\"'", r) }) {
		parts := strings.FieldsFunc(field, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' && r != '&' })
		if strings.Contains(field, ".") {
			if len(parts) > 1 && parts[0] == "www" {
				parts = parts[1:]
			}
			for len(parts) > 1 && endings[parts[len(parts)-1]] {
				parts = parts[:len(parts)-1]
			}
		}
		out = append(out, parts...)
	}
	return out
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
