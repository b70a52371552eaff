package inventory

import (
	_ "embed"
	"slices"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/exeunt/exeunt"
)

//go:embed known.yaml
var knownText []byte

// Known is an application that most companies have.
type Known struct {
	Name   string   `yaml:"name"`
	Title  string   `yaml:"title"`
	Vendor string   `yaml:"vendor"`
	Tier   int      `yaml:"tier"`
	API    string   `yaml:"api"`
	Also   []string `yaml:"also"`
	Holds  []string `yaml:"holds"`
}

// known is read once: the text is ours, and a test reads it.
var known = sync.OnceValue(func() []Known {
	var all []Known
	if err := yaml.Unmarshal(knownText, &all); err != nil {
		panic(err)
	}
	return all
})

// brands are the names of all of them, cut to their cores once: there are some two hundred.
var brands = sync.OnceValue(func() []called {
	var all []called
	for _, k := range known() {
		for _, name := range k.names() {
			all = append(all, called{system: k.Name, name: cut(name), as: name, brand: true})
		}
	}
	return all
})

// KnownAs is the application that a name stands for, of those that most companies have.
func KnownAs(name string) (Known, bool) {
	n := cut(name)
	best, at := 0.0, ""
	for _, c := range brands() {
		if score, _ := c.alike(n); score > best {
			best, at = score, c.system
		}
	}
	if best < Sure {
		return Known{}, false
	}
	return known()[slices.IndexFunc(known(), func(k Known) bool { return k.Name == at })], true
}

// knownAs are the applications that a system is by its name or title, so that their other names are its too.
func knownAs(s exeunt.System) []Known {
	own := ownNames(s)
	is := map[string]bool{}
	for _, c := range brands() {
		is[c.system] = is[c.system] || slices.ContainsFunc(own, func(o called) bool { return slices.Equal(c.words, o.words) })
	}
	return slices.DeleteFunc(slices.Clone(known()), func(k Known) bool { return !is[k.Name] })
}

// applicationKey is the same for all names of an application that most companies have.
func applicationKey(name string) string {
	if k, ok := KnownAs(name); ok {
		return k.Name
	}
	return keyOf(name)
}

func (k Known) names() []string { return append([]string{k.Name, k.Title}, k.Also...) }
