package inventory

import (
	_ "embed"
	"sync"

	"go.yaml.in/yaml/v3"
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

func (k Known) names() []string { return append([]string{k.Name, k.Title}, k.Also...) }
