package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
)

// Sure and Maybe bound what a match is worth: from Sure on it is taken, below Maybe it is none, and between them a
// person decides.
const (
	Sure  = 0.9
	Maybe = 0.6
)

// Match is a system that an application may be.
type Match struct {
	System     string  `json:"system"`
	Confidence float64 `json:"confidence"` // 0 to 1
	Because    string  `json:"because"`
}

// Matcher tells which system of the inventory an application is.
type Matcher struct {
	names []called
	known []called // of applications that most companies have
}

// called is one name of a system.
type called struct {
	system string
	words  []string
	as     string // as it is written
	vendor bool   // the name of its maker, who may make others too
	brand  bool   // one that means nothing else: what stands beside it on an invoice says little
}

// NewMatcher learns the names of the systems.
func NewMatcher(systems []exeunt.System) *Matcher {
	m := &Matcher{}
	for _, k := range known() {
		for _, name := range k.names() {
			m.known = append(m.known, called{system: k.Name, words: coreOf(name), as: name, brand: true})
		}
	}
	for _, s := range systems {
		m.learn(called{system: s.Name, as: s.Title})
		m.learn(called{system: s.Name, as: strings.ReplaceAll(s.Name, "-", " ")})
		m.learn(called{system: s.Name, as: s.Vendor, vendor: true})
		for _, k := range m.knownAs(s) {
			for _, name := range k.names() {
				m.learn(called{system: s.Name, as: name, brand: true})
			}
		}
	}
	return m
}

func (m *Matcher) learn(c called) {
	if c.words = coreOf(c.as); len(c.words) > 0 {
		m.names = append(m.names, c)
	}
}

// knownAs are the applications that a system is by its name or title, so that its other names are its too.
func (m *Matcher) knownAs(s exeunt.System) []Known {
	var out []Known
	for _, k := range known() {
		for _, name := range k.names() {
			if key := keyOf(name); key == keyOf(s.Title) || key == keyOf(strings.ReplaceAll(s.Name, "-", " ")) {
				out = append(out, k)
				break
			}
		}
	}
	return out
}

// Matches are the systems that an application may be, the likeliest first, none below Maybe.
func (m *Matcher) Matches(name string) []Match {
	best := map[string]Match{}
	words := coreOf(name)
	for _, c := range m.names {
		score, because := c.alike(words)
		if score >= Maybe && score > best[c.system].Confidence {
			best[c.system] = Match{c.system, score, because}
		}
	}
	out := make([]Match, 0, len(best))
	for _, match := range best {
		out = append(out, match)
	}
	slices.SortFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.System, b.System))
	})
	return out
}

// clear says whether the likeliest match is to be taken: sure, and no other is about as likely.
func clearest(matches []Match) bool {
	return len(matches) > 0 && matches[0].Confidence >= Sure && (len(matches) == 1 || matches[0].Confidence-matches[1].Confidence >= 0.03)
}

// Known is the application that a name stands for, of those that most companies have.
func (m *Matcher) Known(name string) (Known, bool) {
	words := coreOf(name)
	best, at := 0.0, ""
	for _, c := range m.known {
		if score, _ := c.alike(words); score > best {
			best, at = score, c.system
		}
	}
	i := slices.IndexFunc(known(), func(k Known) bool { return k.Name == at })
	if best < Sure {
		return Known{}, false
	}
	return known()[i], true
}

// alike says how surely words name what a name stands for, and why.
func (c called) alike(words []string) (score float64, because string) {
	score, because = similarity(words, c.words, c.brand)
	if c.vendor { // "Microsoft" may be any of its products
		score *= 0.85
		because += ", which is its vendor"
	}
	if len(because) > 0 {
		because += " (" + c.as + ")"
	}
	return score, because
}

// similarity is of what an invoice says with a name.
func similarity(a, b []string, brand bool) (float64, string) {
	joinedA, joinedB := strings.Join(a, ""), strings.Join(b, "")
	switch {
	case len(a) == 0 || len(b) == 0:
		return 0, ""
	case slices.Equal(a, b):
		return 1, "the same name"
	case joinedA == joinedB:
		return 0.97, "the same name, written otherwise"
	}
	if score := contained(a, b, brand); score > 0 {
		return score, "one name is within the other"
	}
	if len(joinedA) >= 5 && len(joinedB) >= 5 {
		if score := typo(joinedA, joinedB); score > 0 {
			return score, "nearly the same letters"
		}
	}
	common := 0
	for _, w := range a {
		if slices.Contains(b, w) {
			common++
		}
	}
	return 0.75 * float64(2*common) / float64(len(a)+len(b)), "words in common"
}

// contained is how much it says that all words of the shorter name are in the longer one: less the more is left over,
// and more when the names begin alike.
func contained(a, b []string, brand bool) float64 {
	short, long, each := b, a, 0.06
	if len(short) > len(long) {
		short, long = long, short
	} else if brand && len(strings.Join(short, "")) >= 5 {
		each = 0.03
	}
	for _, w := range short {
		if !slices.Contains(long, w) {
			return 0
		}
	}
	if letters := len(strings.Join(short, "")); letters < 3 {
		return 0
	}
	score := 0.94 - each*float64(len(long)-len(short))
	if long[0] != short[0] {
		score -= 0.1
	}
	return max(score, Maybe)
}

// typo is how near two names are of which one is misspelt: one letter in eight, at most two.
func typo(a, b string) float64 {
	most := min(2, 1+(min(len(a), len(b))-5)/8)
	switch n := edits(a, b); {
	case n > most || a[0] != b[0]:
		return 0
	case n == 1:
		return 0.88
	default:
		return 0.78
	}
}

// edits counts the letters to change, add, drop or swap with the next (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j-1]+cost, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
