package yamlfile

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var reference = regexp.MustCompile(`\$\$?\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}`)

// Expand puts values of the environment into texts: ${NAME}, or ${NAME:-otherwise}; $${NAME} stays
// ${NAME}. It is for what differs between installations, such as addresses and ports. Keys and
// secrets, which are references of their own, are left alone.
func (f *File) Expand(lookup func(name string) (string, bool)) {
	if f.root != nil {
		f.expand("", f.root, lookup, map[*yaml.Node]bool{})
	}
}

func (f *File) expand(path string, n *yaml.Node, lookup func(string) (string, bool), seen map[*yaml.Node]bool) {
	n = resolve(n)
	if seen[n] {
		return
	}
	seen[n] = true
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			f.expand(join(path, n.Content[i].Value), n.Content[i+1], lookup, seen)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			f.expand(fmt.Sprintf("%s[%d]", path, i), item, lookup, seen)
		}
	case yaml.ScalarNode:
		f.expandText(path, n, lookup)
	default: // nothing to expand
	}
}

func (f *File) expandText(path string, n *yaml.Node, lookup func(string) (string, bool)) {
	if !strings.Contains(n.Value, "${") {
		return
	}
	n.Value = reference.ReplaceAllStringFunc(n.Value, func(match string) string {
		if strings.HasPrefix(match, "$$") {
			return match[1:]
		}
		parts := reference.FindStringSubmatch(match)
		if v, ok := lookup(parts[1]); ok && v != "" {
			return v
		}
		if parts[2] == "" {
			f.at(n, Problem{Path: path, What: "the environment has no " + parts[1], Remedy: "set it, or give a value to use otherwise: ${" + parts[1] + ":-value}"})
		}
		return parts[3]
	})
	if n.Style == 0 { // a plain ${PORT} may now be a number
		n.Tag = ""
		n.Tag = n.ShortTag()
	}
}
