package yamlfile

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
	"go.yaml.in/yaml/v3"
)

// Decode reads the whole document into a struct; what does not fit becomes faults.
func (f *File) Decode(into any) { f.DecodeAt("", reflect.ValueOf(into).Elem()) }

// DecodeAt reads the value at a path. A path that is not there leaves the value, but reports the
// keys that its type requires.
func (f *File) DecodeAt(path string, into reflect.Value) {
	n, ok := f.nodes[path]
	if !ok {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if at := f.place(path); at != nil {
			n.Line, n.Column = at.Line, at.Column
		}
	}
	if f.root != nil {
		f.decode(path, n, into)
	}
}

var (
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonType = reflect.TypeFor[json.Unmarshaler]()
)

func (f *File) decode(path string, n *yaml.Node, into reflect.Value) {
	n = resolve(n)
	if n.Tag == "!!null" {
		return
	}
	if into.Kind() == reflect.Pointer {
		if into.IsNil() {
			into.Set(reflect.New(into.Type().Elem()))
		}
		f.decode(path, n, into.Elem())
		return
	}
	switch own := reflect.PointerTo(into.Type()); {
	case own.Implements(jsonType):
		f.refuse(path, n, json.Unmarshal(f.JSON(path), into.Addr().Interface()))
		return
	case own.Implements(textType):
		f.decodeText(path, n, into)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		f.decodeStruct(path, n, into)
	case reflect.Slice:
		f.decodeSlice(path, n, into)
	case reflect.Map:
		f.decodeMap(path, n, into)
	case reflect.Interface:
		into.Set(reflect.ValueOf(plain(n, 0)))
	default:
		f.decodeScalar(path, n, into)
	}
}

func (f *File) refuse(path string, n *yaml.Node, err error) {
	if err == nil {
		return
	}
	what := err.Error()
	if e, ok := errors.AsType[*exeunt.Error](err); ok {
		what = e.Message
	}
	what, remedy, found := strings.Cut(what, ": write ")
	if found {
		remedy = "write " + remedy
	}
	f.at(n, Problem{Path: path, What: what, Remedy: remedy})
}

func (f *File) decodeText(path string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		f.mismatch(path, n, "a text")
		return
	}
	f.refuse(path, n, into.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value)))
}

func (f *File) decodeStruct(path string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.MappingNode {
		f.mismatch(path, n, "keys with values")
		return
	}
	fields, meant := fieldsOf(into), map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := join(path, key.Value)
		field, ok := fields[key.Value]
		if !ok {
			likely := closest(key.Value, fields)
			meant[likely] = true
			f.at(key, Problem{Path: at, What: "there is no such key here", Remedy: suggest(likely, fields)})
			continue
		}
		f.decode(at, n.Content[i+1], field.value)
		f.enum(at, n.Content[i+1], field)
	}
	for _, name := range names(fields) {
		field := fields[name]
		if field.required && field.value.IsZero() && !meant[name] && !f.reported(join(path, name)) {
			at, remedy := n, field.remedy
			if key := f.keys[join(path, name)]; key != nil {
				at = key
			}
			f.at(at, Problem{Path: join(path, name), What: "missing", Remedy: remedy})
		}
	}
}

// reported says whether the value at a path already has a fault, so that one mistake is said once.
func (f *File) reported(path string) bool {
	return slices.ContainsFunc(f.faults, func(fault Fault) bool {
		return fault.Path == path || strings.HasPrefix(fault.Path, path+".") || strings.HasPrefix(fault.Path, path+"[")
	})
}

func (f *File) enum(path string, n *yaml.Node, field field) {
	if len(field.enum) == 0 || n.Kind != yaml.ScalarNode || n.Tag == "!!null" || slices.Contains(field.enum, n.Value) || f.reported(path) {
		return
	}
	f.at(n, Problem{Path: path, What: fmt.Sprintf("%q is not possible here", n.Value), Remedy: "use one of " + strings.Join(field.enum, ", ")})
}

func (f *File) decodeSlice(path string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		f.mismatch(path, n, "a list")
		return
	}
	list := reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		f.decode(fmt.Sprintf("%s[%d]", path, i), item, list.Index(i))
	}
	into.Set(list)
}

func (f *File) decodeMap(path string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.MappingNode || into.Type().Key().Kind() != reflect.String {
		f.mismatch(path, n, "keys with values")
		return
	}
	m := reflect.MakeMap(into.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := reflect.New(into.Type().Elem()).Elem()
		f.decode(join(path, n.Content[i].Value), n.Content[i+1], value)
		m.SetMapIndex(reflect.ValueOf(n.Content[i].Value).Convert(into.Type().Key()), value)
	}
	into.Set(m)
}

func (f *File) decodeScalar(path string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		f.mismatch(path, n, wanted(into.Kind()))
		return
	}
	if into.Kind() == reflect.String {
		into.SetString(n.Value) // 007 and 2026-01-31 stay what was written
		return
	}
	if err := json.Unmarshal(f.scalarJSON(n), into.Addr().Interface()); err != nil {
		f.mismatch(path, n, wanted(into.Kind()))
	}
}

func (f *File) scalarJSON(n *yaml.Node) []byte {
	b, err := json.Marshal(scalar(n))
	if err != nil {
		return []byte("null")
	}
	return b
}

func (f *File) mismatch(path string, n *yaml.Node, want string) {
	f.at(n, Problem{Path: path, What: "this shall be " + want + ", not " + found(n), Remedy: howTo[want]})
}

// howTo says how what is wanted is written.
var howTo = map[string]string{
	"a text": "write it on one line behind the key, in quotes where it holds a colon or a hash", "keys with values": "write each key on a line of its own below, indented",
	"a list": "write it in brackets, [one, two], or each on a line of its own after a hyphen", "true or false": "write true or false, without quotes",
	"a number": "write digits, with a point where there is a fraction", "a whole number": "write digits only, such as 443",
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.String:
		return "a text"
	default:
		return "a whole number"
	}
}

// found describes what stands there without repeating it, since it may be a secret.
func found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!bool":
		return "true or false"
	case n.Tag == "!!int", n.Tag == "!!float":
		return "this number"
	default:
		return "a text"
	}
}

// field is one key that a struct knows.
type field struct {
	value    reflect.Value
	required bool
	enum     []string
	remedy   string
}

// fieldsOf lists the keys of a struct, those of embedded structs among them.
func fieldsOf(v reflect.Value) map[string]field {
	out := map[string]field{}
	for i := range v.NumField() {
		t := v.Type().Field(i)
		name, _, _ := strings.Cut(t.Tag.Get("json"), ",")
		if t.Anonymous && name == "" && t.Type.Kind() == reflect.Struct {
			for k, inner := range fieldsOf(v.Field(i)) {
				out[k] = inner
			}
			continue
		}
		if !t.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = t.Name
		}
		out[name] = fieldOf(t, v.Field(i))
	}
	return out
}

func fieldOf(t reflect.StructField, v reflect.Value) field {
	out := field{value: v, remedy: t.Tag.Get("remedy")}
	for _, rule := range strings.Split(t.Tag.Get("jsonschema"), ",") {
		if rule == "required" {
			out.required = true
		} else if value, ok := strings.CutPrefix(rule, "enum="); ok {
			out.enum = append(out.enum, value)
		}
	}
	return out
}

func names(fields map[string]field) []string {
	out := make([]string, 0, len(fields))
	for name := range fields {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// closest is the key that was probably meant, or "".
func closest(wrong string, fields map[string]field) string {
	if len(wrong) > 64 {
		wrong = wrong[:64] // a longer one is no slip of the finger
	}
	best, distance := "", len(wrong)/3+2
	for _, name := range names(fields) {
		if d := spelling.Distance(strings.ToLower(wrong), name); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// suggest names the key that was probably meant, or all that there are.
func suggest(likely string, fields map[string]field) string {
	if likely != "" {
		return fmt.Sprintf("did you mean %s?", likely)
	}
	return "the keys are " + strings.Join(names(fields), ", ")
}
