package httpspec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/exeunt/exeunt"
)

// maxSource is the largest description that is read: ten times the largest of ours.
const maxSource = 256 << 10

// Fault is one thing wrong with a description.
type Fault struct {
	Line    int // 0 when it belongs to no line
	Message string
}

// Faults is everything wrong with a description, in the order of its lines. It is the cause of the
// error that Parse returns.
type Faults []Fault

func (f Faults) Error() string {
	var lines []string
	for _, fault := range f {
		lines = append(lines, fmt.Sprintf("line %d: %s", fault.Line, fault.Message))
	}
	return strings.Join(lines, "\n")
}

// Parse reads a description strictly: what it does not know, and what it cannot do, is refused. The
// error names every fault at once, with its line; its cause is Faults.
func Parse(name string, source []byte) (*Spec, error) {
	spec, faults := parse(source)
	if len(faults) == 0 {
		return spec, nil
	}
	slices.SortFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Message, b.Message))
	})
	return nil, exeunt.Errorf(exeunt.Invalid, "the description %s has %d %s:\n%s", name, len(faults), plural(len(faults), "fault"), faults.in(name)).Because(faults)
}

// in writes the faults of a file as editors jump to them.
func (f Faults) in(name string) string {
	if !strings.HasSuffix(name, ".yaml") {
		return f.Error()
	}
	var lines []string
	for _, fault := range f {
		lines = append(lines, fmt.Sprintf("%s:%d: %s", name, max(fault.Line, 1), fault.Message))
	}
	return strings.Join(lines, "\n")
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func parse(source []byte) (*Spec, Faults) {
	if len(source) > maxSource {
		return nil, Faults{{0, fmt.Sprintf("it is longer than %d bytes", maxSource)}}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(source, &root); err != nil {
		return nil, yamlFaults(err)
	}
	var spec Spec
	d := yaml.NewDecoder(bytes.NewReader(source))
	d.KnownFields(true)
	var faults Faults
	if err := d.Decode(&spec); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, Faults{{0, "it is empty"}}
		}
		faults = yamlFaults(err)
	}
	var next yaml.Node
	if err := d.Decode(&next); !errors.Is(err, io.EOF) {
		faults = append(faults, Fault{next.Line, "one file holds one description: remove what follows ---"})
	}
	c := newChecker(&spec, &root, faults)
	c.check()
	return &spec, c.faults
}

var (
	atLine       = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknownField = regexp.MustCompile(`^field (\S+) not found in type .*$`)
	wrongType    = regexp.MustCompile("^cannot unmarshal !!(\\S+) (?:`.*` )?into (\\S+)$")
)

// yamlFaults translates the parser's errors into words for whoever wrote the file.
func yamlFaults(err error) Faults {
	lines := []string{err.Error()}
	if typed, ok := errors.AsType[*yaml.TypeError](err); ok {
		lines = typed.Errors
	}
	var faults Faults
	for _, line := range lines {
		f := Fault{Message: strings.TrimPrefix(line, "yaml: ")}
		if m := atLine.FindStringSubmatch(line); m != nil {
			f.Line, _ = strconv.Atoi(m[1])
			f.Message = m[2]
		}
		if m := unknownField.FindStringSubmatch(f.Message); m != nil {
			f.Message = fmt.Sprintf("there is no field %q here: docs/write-a-connector.md has those that there are; what they cannot say takes a connector in Go", m[1])
		} else if m := wrongType.FindStringSubmatch(f.Message); m != nil {
			f.Message = fmt.Sprintf("this is a %s where %s is wanted", yamlWord(m[1]), goWord(m[2]))
		}
		faults = append(faults, f)
	}
	return faults
}

func yamlWord(tag string) string {
	words := map[string]string{"str": "text", "seq": "list", "map": "mapping", "int": "number", "float": "number", "bool": "true or false", "null": "nothing"}
	if w, ok := words[tag]; ok {
		return w
	}
	return tag
}

func goWord(kind string) string {
	switch {
	case strings.HasPrefix(kind, "[]"):
		return "a list"
	case strings.HasPrefix(kind, "map"), strings.HasPrefix(kind, "httpspec.") && kind != "httpspec.Ref":
		return "a mapping"
	case kind == "int":
		return "a whole number"
	case kind == "bool":
		return "true or false"
	default:
		return "text"
	}
}

// line finds where a part of the document stands, or the nearest part around it that exists.
func line(root *yaml.Node, path ...any) int {
	node := root
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	found := node.Line
	for _, step := range path {
		next := child(node, step)
		if next == nil {
			return found
		}
		node, found = next, next.Line
	}
	return found
}

func child(node *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case string:
		for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == s {
				return node.Content[i+1]
			}
		}
	case int:
		if node.Kind == yaml.SequenceNode && s < len(node.Content) {
			return node.Content[s]
		}
	}
	return nil
}
