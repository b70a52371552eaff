package inventory

import (
	"cmp"
	"slices"
	"strings"
)

// Source is who shows an application.
type Source string

// The sources.
const (
	Finance Source = "finance" // what is paid for
	SignOn  Source = "sso"     // what the single sign-on lets people into
	Survey  Source = "survey"  // what departments say that they use
)

// Sources lists them in the order in which they are believed.
var Sources = []Source{SignOn, Finance, Survey}

// Words say what a source is for people.
func (s Source) Words() string {
	switch s {
	case Finance:
		return "the spend export"
	case SignOn:
		return "the single sign-on"
	case Survey:
		return "the department survey"
	}
	return string(s)
}

// Found is one application as a source shows it, all rows of the same name together.
type Found struct {
	ID          string   `json:"id,omitempty"`          // that the single sign-on gives it
	Name        string   `json:"name"`                  // as it is written most often
	Also        []string `json:"also,omitempty"`        // other ways in which it is written
	Lines       []int    `json:"lines,omitempty"`       // of the export, counted from 1
	Spend       float64  `json:"spend,omitempty"`       // sum over the rows
	Currency    string   `json:"currency,omitempty"`    // ISO 4217, where the export says it
	People      int      `json:"people,omitempty"`      // users or seats, the most that a row says
	Owner       string   `json:"owner,omitempty"`       // who answers for it, as the source says
	Departments []string `json:"departments,omitempty"` //
	SignsIn     string   `json:"signs_in,omitempty"`    // by what it knows people: the user name format of the sign-on
	Mode        string   `json:"mode,omitempty"`        // SAML_2_0, OIDC, password…
	Inactive    bool     `json:"inactive,omitempty"`    // the source says that it is switched off
	Holds       []string `json:"holds,omitempty"`       // what data lies there
}

// key tells applications of one source apart.
func (f Found) key() string { return keyOf(f.Name) }

// merge puts the rows of one application together, in the order of their first lines.
func merge(rows []Found) []Found {
	var out []Found
	at := map[string]int{}
	spellings := map[string]map[string]int{}
	for _, row := range rows {
		key := row.key()
		i, known := at[key]
		if !known {
			i = len(out)
			at[key], spellings[key] = i, map[string]int{}
			out = append(out, Found{Inactive: true})
		}
		spellings[key][row.Name]++
		out[i].add(row)
	}
	for key, i := range at {
		out[i].Name, out[i].Also = usual(spellings[key])
	}
	return out
}

// Listed are applications that a single sign-on told of itself, all of one name together as in an export.
func Listed(applications []Found) []Found { return merge(applications) }

func (f *Found) add(row Found) {
	f.Lines = append(f.Lines, row.Lines...)
	f.Spend += row.Spend
	f.People = max(f.People, row.People)
	f.ID = cmp.Or(f.ID, row.ID)
	f.Currency = cmp.Or(f.Currency, row.Currency)
	f.Owner = cmp.Or(f.Owner, row.Owner)
	f.SignsIn = cmp.Or(f.SignsIn, row.SignsIn)
	f.Mode = cmp.Or(f.Mode, row.Mode)
	f.Inactive = f.Inactive && row.Inactive
	f.Departments = union(f.Departments, row.Departments)
	f.Holds = union(f.Holds, row.Holds)
}

func union(have, more []string) []string {
	for _, one := range more {
		if one != "" && !slices.ContainsFunc(have, func(other string) bool { return strings.EqualFold(one, other) }) {
			have = append(have, one)
		}
	}
	return have
}

// usual is the spelling that is used most, and the others.
func usual(spellings map[string]int) (name string, also []string) {
	for spelling := range spellings {
		also = append(also, spelling)
	}
	slices.SortFunc(also, func(a, b string) int { return cmp.Or(cmp.Compare(spellings[b], spellings[a]), cmp.Compare(a, b)) })
	return also[0], slices.Clip(also[1:])
}
