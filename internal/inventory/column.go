package inventory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/exeunt/exeunt"
)

// Column is what a column of an export says.
type Column string

// The columns.
const (
	Name        Column = "name"
	Spend       Column = "spend"
	Currency    Column = "currency"
	People      Column = "people"
	Owner       Column = "owner"
	Department  Column = "department"
	SignsIn     Column = "signs_in"
	Mode        Column = "mode"
	State       Column = "state"
	Data        Column = "data"
	Description Column = "description"
)

// Columns lists them.
var Columns = []Column{Name, Spend, Currency, People, Owner, Department, SignsIn, Mode, State, Data, Description}

// heads are what exports call a column, the surest first. Those of the single sign-on are Okta's, Entra's, Google's
// and Keycloak's words.
var heads = map[Column][]string{
	Name: {"application", "applications", "app", "apps", "applicationname", "appname", "applabel", "label", "displayname", "tool", "tools", "toolsused", "applicationsused", "system", "systems", "software",
		"merchant", "merchantname", "vendor", "vendorname", "supplier", "suppliername", "payee", "creditor", "kreditor", "lieferant", "fournisseur", "anwendung", "clientid", "service", "servicename", "product", "name"},
	Spend: {"spend", "annualspend", "totalspend", "amount", "netamount", "total", "totalamount", "cost", "annualcost", "yearlycost", "amounteur", "amountusd", "amountgbp", "betrag", "montant", "price", "value",
		"spendytd", "spendlast12months", "debit"},
	Currency:    {"currency", "currencycode", "ccy", "wahrung", "devise"},
	People:      {"users", "activeusers", "assignedusers", "usersassigned", "numberofusers", "usercount", "seats", "licences", "licenses", "people", "assignments", "headcount"},
	Owner:       {"owner", "owneremail", "businessowner", "applicationowner", "appowner", "budgetowner", "contact", "responsible", "admin", "administrator", "requester", "cardholder", "verantwortlich"},
	Department:  {"department", "dept", "team", "costcenter", "costcentre", "costcentername", "kostenstelle", "abteilung", "businessunit", "group"},
	SignsIn:     {"usernameformat", "usernametemplate", "applicationusername", "nameidformat", "loginwith", "signinwith", "identifier", "username", "login"},
	Mode:        {"signonmode", "signonmethod", "ssotype", "ssomode", "preferredsinglesignonmode", "protocol", "authentication", "type"},
	State:       {"status", "state", "accountenabled", "enabled", "active"},
	Data:        {"data", "dataheld", "datastored", "dataclassification", "holds", "whatdata", "datacategories"},
	Description: {"description", "memo", "purpose", "details", "reference", "notes", "lineitem"},
}

// layout is which column of a table says what.
type layout map[Column]int

// head finds the row that names the columns, among the first of the table: exports begin with titles and dates.
// said are the columns that a person named, by their heads.
func (t *table) layout(said map[Column]string) (layout, error) {
	const titles = 15
	best, at := layout(nil), 0
	for i, row := range t.rows[:min(titles, len(t.rows))] {
		found := layoutOf(row, said)
		if _, named := found[Name]; named && len(found) > len(best) {
			best, at = found, i
		}
	}
	if best == nil {
		return nil, t.unnamed(said)
	}
	t.head, t.rows, t.lines = t.rows[at], t.rows[at+1:], t.lines[at+1:]
	return best, nil
}

func (t *table) unnamed(said map[Column]string) error {
	for _, column := range Columns {
		if head := said[column]; head != "" && !slices.ContainsFunc(t.rows[0], func(cell string) bool { return simple(cell) == simple(head) }) {
			return exeunt.Errorf(exeunt.Invalid, "no column is called %q: the first row has %s", head, list(t.rows[0]))
		}
	}
	return exeunt.Errorf(exeunt.Invalid, "no column says which application a row is about: the first row has %s. Say which it is: --column name=…", list(t.rows[0]))
}

func list(cells []string) string {
	var out []string
	for _, c := range cells[:min(len(cells), 20)] {
		out = append(out, fmt.Sprintf("%q", strings.TrimSpace(c)))
	}
	return strings.Join(out, ", ")
}

func layoutOf(row []string, said map[Column]string) layout {
	found, taken := layout{}, map[int]bool{}
	put := func(c Column, head string, is func(cell, head string) bool) {
		if _, has := found[c]; has {
			return
		}
		for i, cell := range row {
			if !taken[i] && is(simple(cell), head) {
				found[c], taken[i] = i, true
				return
			}
		}
	}
	for _, c := range Columns {
		if head := said[c]; head != "" {
			put(c, simple(head), exactly)
		}
	}
	for _, is := range []func(cell, head string) bool{exactly, within} {
		for _, c := range Columns {
			if said[c] != "" {
				continue
			}
			for _, head := range heads[c] {
				put(c, head, is)
			}
		}
	}
	return found
}

func exactly(cell, head string) bool { return cell == head }

// within is how a survey asks: "How many people use it?"
func within(cell, head string) bool {
	return len(head) >= 5 && len(cell) <= 40 && strings.Contains(cell, head)
}

// simple is a head without what is written differently everywhere: case, spaces, accents, units in brackets.
func simple(head string) string {
	head, _, _ = strings.Cut(plain(head), "(")
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, head)
}

func (l layout) cell(row []string, c Column) string {
	if i, ok := l[c]; ok && i < len(row) {
		return strings.TrimSpace(row[i])
	}
	return ""
}
