package policy

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/ext"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// costLimit bounds what one condition may cost, so that no policy can stall a plan. CEL has no
// unbounded loops; conditions of ordinary length cost under a hundred.
const costLimit = 100_000

// environments are the two languages of conditions: about whom and what (leaver, departure), and,
// for those that choose systems, about which (system). All are typed, so that a misspelt field is
// found when the configuration is checked and not when somebody leaves.
var environments = sync.OnceValues(func() (map[bool]*cel.Env, error) {
	base, err := cel.NewEnv(
		ext.NativeTypes(ext.ParseStructTags(true), reflect.TypeFor[LeaverFacts](), reflect.TypeFor[DepartureFacts](),
			reflect.TypeFor[SystemFacts](), reflect.TypeFor[PersonFacts]()),
		ext.Strings(),
		cel.Variable("leaver", cel.ObjectType("policy.LeaverFacts")),
		cel.Variable("departure", cel.ObjectType("policy.DepartureFacts")),
	)
	if err != nil {
		return nil, err
	}
	withSystem, err := base.Extend(cel.Variable("system", cel.ObjectType("policy.SystemFacts")))
	return map[bool]*cel.Env{false: base, true: withSystem}, err
})

// compile turns an expression into a condition. path names it in problems.
func compile(path, expression string, aboutSystem bool) (exeunt.Condition, []yamlfile.Problem) {
	if strings.TrimSpace(expression) == "" {
		return nil, nil
	}
	envs, err := environments()
	if err != nil {
		return nil, []yamlfile.Problem{{Path: path, What: "the expression language does not start: " + err.Error()}}
	}
	ast, issues := envs[aboutSystem].Compile(expression)
	if issues.Err() != nil {
		return nil, celProblems(path, issues, aboutSystem)
	}
	if ast.OutputType() != cel.BoolType {
		return nil, []yamlfile.Problem{{Path: path, Line: 1, Column: 1, What: "this gives " + ast.OutputType().String() + ", not true or false", Remedy: "compare it with something: departure.type == \"layoff\""}}
	}
	program, err := envs[aboutSystem].Program(ast, cel.CostLimit(costLimit))
	if err != nil {
		return nil, []yamlfile.Problem{{Path: path, What: "the expression does not compile: " + err.Error()}}
	}
	return evaluate(program, path, aboutSystem), nil
}

// systemsAlone says whether an expression chooses systems whoever leaves.
func systemsAlone(expression string) bool {
	envs, err := environments()
	if err != nil || strings.TrimSpace(expression) == "" {
		return false
	}
	ast, issues := envs[true].Compile(expression)
	return issues.Err() == nil && !mentions(ast, "leaver", "departure")
}

// mentions says whether an expression looks at some of the variables.
func mentions(ast *cel.Ast, variables ...string) bool {
	return len(celast.MatchDescendants(celast.NavigateAST(ast.NativeRep()), func(e celast.NavigableExpr) bool {
		return e.Kind() == celast.IdentKind && slices.Contains(variables, e.AsIdent())
	})) > 0
}

func evaluate(program cel.Program, path string, aboutSystem bool) exeunt.Condition {
	return func(f exeunt.Facts) (bool, error) {
		out, _, err := program.Eval(shown{f, aboutSystem})
		if err != nil {
			return false, exeunt.Errorf(exeunt.Invalid, "the condition %s cannot be decided: guard what may be absent, as in \"login\" in leaver.identifiers", path).Because(err)
		}
		ok, isBool := out.Value().(bool)
		if !isBool {
			return false, exeunt.Errorf(exeunt.Internal, "the condition %s gave no truth value", path).Because(errors.New(out.Type().TypeName()))
		}
		return ok, nil
	}
}

// shown is what a condition sees of facts, made when it looks and once for all conditions of a plan.
type shown struct {
	exeunt.Facts
	aboutSystem bool
}

var _ cel.Activation = shown{}

// ResolveName returns what is called leaver, departure or system.
func (s shown) ResolveName(name string) (any, bool) {
	switch {
	case name == "leaver":
		return s.once(name, func() any { return leaverFacts(s.Departure.Leaver) }), true
	case name == "departure":
		return s.once(name, func() any { return departureFacts(s.Departure) }), true
	case name == "system" && s.aboutSystem:
		return s.lasting(func() any { return systemFacts(s.System) }), true
	default:
		return nil, false
	}
}

// Parent says that nothing else is seen.
func (shown) Parent() cel.Activation { return nil }

func (s shown) once(name string, show func() any) any {
	if s.Made == nil {
		return show()
	}
	made, ok := s.Made[name]
	if !ok {
		made = show()
		s.Made[name] = made
	}
	return made
}

// systemName is under what a system's facts are kept.
type systemName string

func (s shown) lasting(show func() any) any {
	if s.Lasting == nil {
		return s.once("system "+s.System.Name, show)
	}
	made, ok := s.Lasting.Load(systemName(s.System.Name))
	if !ok {
		made, _ = s.Lasting.LoadOrStore(systemName(s.System.Name), show())
	}
	return made
}

func celProblems(path string, issues *cel.Issues, aboutSystem bool) []yamlfile.Problem {
	remedy := "a condition knows leaver and departure, and not system"
	if aboutSystem {
		remedy = "a condition on systems knows leaver, departure and system"
	}
	var out []yamlfile.Problem
	for _, e := range issues.Errors() {
		p := yamlfile.Problem{Path: path, Line: e.Location.Line(), Column: e.Location.Column() + 1, What: e.Message, Remedy: remedy}
		if strings.HasPrefix(e.Message, "Syntax error") {
			p.Remedy = "write it in CEL: departure.type in [\"voluntary\", \"retirement\"]"
		}
		out = append(out, p)
	}
	return out
}
