package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
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
type Matcher struct{ names []called }

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
	for _, s := range systems {
		m.learn(called{system: s.Name, as: s.Title})
		m.learn(called{system: s.Name, as: strings.ReplaceAll(s.Name, "-", " ")})
		m.learn(called{system: s.Name, as: s.Vendor, vendor: true})
		for _, k := range knownAs(s) {
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

// clearest says whether the likeliest match is to be taken: sure, and no other is about as likely.
func clearest(matches []Match) bool {
	return len(matches) > 0 && matches[0].Confidence >= Sure && (len(matches) == 1 || matches[0].Confidence-matches[1].Confidence >= 0.03)
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
	switch n := spelling.Distance(a, b); {
	case n > most || a[0] != b[0]:
		return 0
	case n == 1:
		return 0.88
	default:
		return 0.78
	}
}
