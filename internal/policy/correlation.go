package policy

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// correlating is the language of correlation rules: identifiers (by their kinds, "" where HR gave none) and leaver, and the
// ways in which systems write them otherwise than HR does.
var correlating = sync.OnceValues(func() (*cel.Env, error) {
	text, number := cel.StringType, cel.IntType
	return cel.NewEnv(
		ext.NativeTypes(ext.ParseStructTags(true), reflect.TypeFor[LeaverFacts](), reflect.TypeFor[PersonFacts]()),
		ext.Strings(),
		cel.Variable("leaver", cel.ObjectType("policy.LeaverFacts")),
		cel.Variable("identifiers", cel.MapType(text, text)),
		cel.Function("lower", cel.Overload("lower_text", []*cel.Type{text}, text, cel.UnaryBinding(onText(strings.ToLower)))),
		cel.Function("upper", cel.Overload("upper_text", []*cel.Type{text}, text, cel.UnaryBinding(onText(strings.ToUpper)))),
		cel.Function("local", cel.Overload("local_text", []*cel.Type{text}, text, cel.UnaryBinding(onText(localPart)))),
		cel.Function("unpad", cel.Overload("unpad_text", []*cel.Type{text}, text, cel.UnaryBinding(onText(unpadded)))),
		cel.Function("pad", cel.Overload("pad_text_int", []*cel.Type{text, number}, text, cel.BinaryBinding(func(value, width ref.Val) ref.Val {
			return types.String(padded(string(value.(types.String)), int(width.(types.Int))))
		}))),
		cel.Function("domain", cel.Overload("domain_text_text", []*cel.Type{text, text}, text, cel.BinaryBinding(func(address, domain ref.Val) ref.Val {
			return types.String(withDomain(string(address.(types.String)), string(domain.(types.String))))
		}))),
	)
})

func onText(change func(string) string) func(ref.Val) ref.Val {
	return func(v ref.Val) ref.Val { return types.String(change(string(v.(types.String)))) }
}

// localPart is what stands before the @.
func localPart(address string) string {
	local, _, _ := strings.Cut(address, "@")
	return local
}

// withDomain is the address in another domain; nothing when it is none.
func withDomain(address, domain string) string {
	local, _, ok := strings.Cut(address, "@")
	if !ok || local == "" {
		return ""
	}
	return local + "@" + domain
}

// maxWidth bounds a number that is filled up: no system numbers its people in more digits.
const maxWidth = 64

// padded fills a number up with zeros on its left.
func padded(value string, width int) string {
	if value == "" || len(value) >= width {
		return value
	}
	return strings.Repeat("0", min(width, maxWidth)-len(value)) + value
}

// unpadded takes the zeros on the left away.
func unpadded(value string) string {
	if bare := strings.TrimLeft(value, "0"); bare != "" || value == "" {
		return bare
	}
	return "0"
}

// Values compiles what an attribute holds for a leaver: an expression that gives a text or a list of texts. An identifier
// that HR did not give makes no value.
func Values(path, expression string) (func(exeunt.Leaver) ([]string, error), []yamlfile.Problem) {
	env, err := correlating()
	if err != nil {
		return nil, []yamlfile.Problem{{Path: path, What: "the expression language does not start: " + err.Error()}}
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		var out []yamlfile.Problem
		for _, e := range issues.Errors() {
			out = append(out, yamlfile.Problem{Path: path, Line: e.Location.Line(), Column: e.Location.Column() + 1, What: e.Message,
				Remedy: "a rule knows identifiers and leaver, and lower, upper, local, domain, pad and unpad: pad(identifiers.employee_id, 6)"})
		}
		return nil, out
	}
	if t := ast.OutputType(); !t.IsExactType(cel.StringType) && !t.IsExactType(cel.ListType(cel.StringType)) {
		return nil, []yamlfile.Problem{{Path: path, Line: 1, Column: 1, What: "this gives " + t.String() + ", not a text or a list of texts", Remedy: "write identifiers.work_email, or a list: [identifiers.work_email, identifiers.upn]"}}
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit))
	if err != nil {
		return nil, []yamlfile.Problem{{Path: path, What: "the expression does not compile: " + err.Error()}}
	}
	return func(l exeunt.Leaver) ([]string, error) { return valuesOf(program, path, l) }, nil
}

func valuesOf(program cel.Program, path string, l exeunt.Leaver) ([]string, error) {
	out, _, err := program.Eval(person(l))
	if err != nil && strings.HasPrefix(err.Error(), "no such key") { // an identifier of the company's own
		return nil, nil
	}
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "the correlation rule %s cannot be worked out for somebody: correct it", path).Because(err)
	}
	switch v := out.(type) {
	case types.String:
		return []string{string(v)}, nil
	case traits.Lister:
		var values []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			if s, ok := it.Next().(types.String); ok {
				values = append(values, string(s))
			}
		}
		return values, nil
	default:
		return nil, exeunt.Errorf(exeunt.Internal, "the correlation rule %s gave no text", path).Because(errors.New(out.Type().TypeName()))
	}
}

// person is what a rule sees of a leaver, made when it looks.
type person exeunt.Leaver

var _ cel.Activation = person{}

// ResolveName returns what is called leaver or identifiers.
func (p person) ResolveName(name string) (any, bool) {
	switch name {
	case "leaver":
		return leaverFacts(exeunt.Leaver(p)), true
	case "identifiers":
		all := maps.Clone(noIdentifiers)
		for kind := range p.Identifiers {
			all[string(kind)] = exeunt.Leaver(p).Identifier(kind)
		}
		all[string(exeunt.EmployeeID)] = exeunt.Leaver(p).Identifier(exeunt.EmployeeID)
		return all, true
	default:
		return nil, false
	}
}

// Parent says that nothing else is seen.
func (person) Parent() cel.Activation { return nil }

// noIdentifiers are the usual ones of somebody of whom HR gave none.
var noIdentifiers = map[string]string{
	string(exeunt.EmployeeID): "", string(exeunt.WorkEmail): "", string(exeunt.PersonalEmail): "",
	string(exeunt.PrincipalName): "", string(exeunt.Login): "", string(exeunt.UUID): "",
}
