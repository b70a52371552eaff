// Package yamlfile reads YAML strictly into Go types and keeps the place of every key, so that all
// faults of a file are reported at once, each with its line, column and remedy.
//
// A type says what it needs by its tags: `json:"name"` is the key, `jsonschema:"required,enum=…"`
// are the rules (the same that make the JSON Schema for editors), `remedy:"…"` is what to do when
// the key is missing.
package yamlfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is one parsed YAML document.
type File struct {
	Name   string // as faults name it
	root   *yaml.Node
	nodes  map[string]*yaml.Node // path → value
	keys   map[string]*yaml.Node // path → key of a mapping
	faults Faults
}

// Parse reads one document. A syntax error is a fault of the file, not an error.
func Parse(name string, source []byte) *File {
	f := &File{Name: name, nodes: map[string]*yaml.Node{}, keys: map[string]*yaml.Node{}}
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	var document, more yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		f.faults = append(f.faults, Fault{File: name, What: "the file is empty", Remedy: "fill it in or remove it"})
		return f
	case err != nil:
		f.syntax(source, err)
		return f
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		f.faults = append(f.faults, Fault{File: name, Line: max(more.Line, 1), Column: 1, What: "a second document begins here", Remedy: "put each document into a file of its own"})
	}
	if len(document.Content) == 1 {
		f.root = document.Content[0]
		f.index("", f.root, 0)
	}
	return f
}

var syntaxLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)

// tabbed is the first line that a tab indents; 0 when there is none.
func tabbed(source []byte) int {
	for i, line := range bytes.Split(source, []byte("\n")) {
		if indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]; bytes.ContainsRune(indent, '\t') {
			return i + 1
		}
	}
	return 0
}

func (f *File) syntax(source []byte, err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	fault := Fault{File: f.Name, Line: 1, Column: 1, What: "this is not YAML: " + text, Remedy: "check the indentation and the quotes near it"}
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		fault.Line, _ = strconv.Atoi(m[1])
		fault.What = "this is not YAML: " + m[2]
	}
	if line := tabbed(source); line > 0 && strings.Contains(text, "cannot start any token") {
		fault.Line, fault.What, fault.Remedy = line, "a tab indents this line, which YAML does not allow", "use spaces"
	}
	f.faults = append(f.faults, fault)
}

// maxDepth bounds how deep a file may nest, since an alias may name what holds it.
const maxDepth = 64

func (f *File) index(path string, n *yaml.Node, depth int) {
	n = resolve(n)
	f.nodes[path] = n
	if depth > maxDepth {
		f.at(n, Problem{Path: path, What: "nested too deeply", Remedy: "an alias may name what holds it"})
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			at := join(path, key.Value)
			if _, twice := f.nodes[at]; twice {
				f.at(key, Problem{Path: at, What: "this key stands here twice", Remedy: "keep one of them"})
				continue
			}
			f.keys[at] = key
			f.index(at, n.Content[i+1], depth+1)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			f.index(fmt.Sprintf("%s[%d]", path, i), item, depth+1)
		}
	default: // holds nothing
	}
}

// resolve follows an alias once; index bounds the rest.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Report adds problems at the places of their keys.
func (f *File) Report(problems ...Problem) {
	for _, p := range problems {
		f.at(f.place(p.Path), p)
	}
}

// place is the node of a path, or of the nearest one above it that exists.
func (f *File) place(path string) *yaml.Node {
	for {
		if n, ok := f.nodes[path]; ok {
			return n
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return f.root
		}
		path = path[:cut]
	}
}

func (f *File) at(n *yaml.Node, p Problem) { f.faults = append(f.faults, f.located(n, p)) }

// Fault is a problem at its place, not added to the file's own.
func (f *File) Fault(p Problem) Fault { return f.located(f.place(p.Path), p) }

func (f *File) located(n *yaml.Node, p Problem) Fault {
	fault := Fault{File: f.Name, Path: p.Path, What: p.What, Remedy: p.Remedy, Warning: p.Warning, AtServe: p.AtServe}
	if n != nil {
		fault.Line, fault.Column = inside(n, p)
	}
	return fault
}

// inside turns a place in a text into a place in the file: a block scalar begins on the line after
// its marker, a quoted one after its quote. Folded and wrapped texts give the line they begin on.
func inside(n *yaml.Node, p Problem) (line, column int) {
	if p.Line == 0 || n.Kind != yaml.ScalarNode {
		return n.Line, n.Column
	}
	switch n.Style {
	case yaml.LiteralStyle:
		return n.Line + p.Line, p.Column
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		return n.Line, n.Column + p.Column
	case yaml.FoldedStyle:
		return n.Line + 1, n.Column
	default:
		return n.Line, n.Column + p.Column - 1
	}
}

// Has says whether the file has a key at the path.
func (f *File) Has(path string) bool { _, ok := f.nodes[path]; return ok }

// Faulty says whether something is wrong with the value at a path already, so that one mistake is said once.
func (f *File) Faulty(path string) bool { return f.reported(path) }

// Readable says whether there is a document at all.
func (f *File) Readable() bool { return f.root != nil }

// Failed says whether anything that forbids using the file was found so far.
func (f *File) Failed() bool { return len(f.faults.Errors()) > 0 }

// Faults are what was found so far.
func (f *File) Faults() Faults { return f.faults }

// JSON is the value at a path, for a decoder that reads JSON; "{}" where there is none.
func (f *File) JSON(path string) []byte {
	n, ok := f.nodes[path]
	if !ok {
		return []byte("{}")
	}
	b, err := json.Marshal(plain(n, 0))
	if err != nil { // only a NaN or an infinite number, which Decode reports at its place
		return []byte("{}")
	}
	return b
}

// plain is a node as encoding/json knows it.
func plain(n *yaml.Node, depth int) any {
	n = resolve(n)
	if depth > maxDepth {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(n.Content[i+1], depth+1)
		}
		return out
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, plain(item, depth+1))
		}
		return out
	default:
		return scalar(n)
	}
}

func scalar(n *yaml.Node) any {
	var v any
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		if err := n.Decode(&v); err == nil {
			if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
				return n.Value
			}
			return v
		}
	}
	return n.Value // dates stay the text that was written
}
