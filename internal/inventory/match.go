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
	name
	system string
	as     string // as it is written
	vendor bool   // the name of its maker, who may make others too
	brand  bool   // one that means nothing else: what stands beside it on an invoice says little
	part   bool   // one of several in a title, or a short name: it may be a common word
}

// NewMatcher learns the names of the systems.
func NewMatcher(systems []exeunt.System) *Matcher {
	m := &Matcher{}
	for _, s := range systems {
		m.names = append(m.names, ownNames(s)...)
	}
	own := slices.Clone(m.names)
	for _, s := range systems {
		m.learn(called{system: s.Name, as: s.Vendor, vendor: true})
		for _, k := range knownAs(s) {
			for _, name := range k.names() {
				if c := (called{system: s.Name, as: name, brand: true}); !c.anothers(own) {
					m.learn(c)
				}
			}
		}
	}
	return m
}

// ownNames are what a company calls a system itself.
func ownNames(s exeunt.System) []called {
	own := &Matcher{}
	own.learn(called{system: s.Name, as: s.Title})
	for _, part := range partsOf(s.Title) {
		own.learn(called{system: s.Name, as: part, part: true})
	}
	own.learn(called{system: s.Name, as: strings.ReplaceAll(s.Name, "-", " "), part: true})
	return own.names
}

// anothers says whether a name that others have for a system has the own name of another system in it: of two products of one
// vendor, each is told by its own.
func (c called) anothers(own []called) bool {
	words := coreOf(c.as)
	return slices.ContainsFunc(own, func(o called) bool {
		return o.system != c.system && !slices.ContainsFunc(o.words, func(w string) bool { return !slices.Contains(words, w) })
	})
}

// partsOf are the names in a title that says what a system is for beside what it is: "Design (Figma)", "Figma – design".
func partsOf(title string) []string {
	parts := strings.FieldsFunc(strings.NewReplacer(" - ", "|", " – ", "|", " — ", "|", ": ", "|").Replace(title), func(r rune) bool { return strings.ContainsRune("|()[]/,;", r) })
	parts = slices.DeleteFunc(parts, func(part string) bool { return generic(part) })
	if len(parts) < 2 {
		return nil
	}
	return parts
}

func (m *Matcher) learn(c called) {
	if c.name = cut(c.as); len(c.words) > 0 {
		m.names = append(m.names, c)
	}
}

// Matches are the systems that an application may be, the likeliest first, none below Maybe.
func (m *Matcher) Matches(name string) []Match {
	best := map[string]Match{}
	n := cut(name)
	for _, c := range m.names {
		score, because := c.alike(n)
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
func (c called) alike(n name) (score float64, because string) {
	score, because = c.similarity(n)
	if c.brand && score >= 0.97 { // what the company calls a system itself goes before what others call it
		score -= 0.04
	}
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
func (c called) similarity(n name) (float64, string) {
	core, own := strings.Join(n.words, ""), strings.Join(c.words, "")
	switch {
	case len(n.words) == 0 || len(c.words) == 0:
		return 0, ""
	case slices.Equal(n.words, c.words):
		return 1, "the same name"
	case core == own, core == c.joined, n.joined == own, n.joined == c.joined:
		return 0.97, "the same name, written otherwise"
	}
	if score := c.contained(n.words); score > 0 {
		return score, "one name is within the other"
	}
	if score := typo(core, own, len(n.words) == 1); score > 0 {
		return score, "nearly the same letters"
	}
	if len(n.words) == 1 && slices.ContainsFunc(c.words, func(w string) bool { return nearly(core, w) }) {
		return 0.65, "nearly a word of the name"
	}
	common := 0
	for _, w := range n.words {
		if slices.Contains(c.words, w) {
			common++
		}
	}
	return 0.75 * float64(2*common) / float64(len(n.words)+len(c.words)), "words in common"
}

// nearly says whether a name of one word is a word of another, misspelt or with something behind it.
func nearly(alone, word string) bool {
	return len(word) >= 6 && typo(alone, word, false) > 0 || len(word) >= 5 && strings.HasPrefix(alone, word)
}

// contained is how much it says that all words of the shorter name are in the longer one: less the more is left over,
// and more when the names begin alike.
func (c called) contained(words []string) float64 {
	short, long, each := c.words, words, 0.06
	if len(short) > len(long) {
		short, long = long, short
	} else if c.brand && len(strings.Join(short, "")) >= 5 {
		each = 0.03
	}
	if c.part && long[0] != short[0] { // "Park Tickets" is not the system of the tickets
		return 0
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

// typo is how near two names are of which one is misspelt: one letter in eight, at most two. Of a short name only a whole one
// is taken for misspelt.
func typo(a, b string, alone bool) float64 {
	short := min(len(a), len(b))
	if short < 4 || short == 4 && !alone || sound(a) != sound(b) {
		return 0
	}
	most := min(2, 1+max(0, short-5)/8)
	switch n := spelling.Distance(a, b); {
	case n > most:
		return 0
	case short == 4:
		return 0.65
	case n == 1:
		return 0.88
	default:
		return 0.78
	}
}

// sound is the first letter of a name, as it is heard.
func sound(name string) byte {
	switch name[0] {
	case 'k', 'q':
		return 'c'
	case 'w':
		return 'v'
	}
	return name[0]
}
