package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

func asError(err error) (*exeunt.Error, bool) { return errors.AsType[*exeunt.Error](err) }

// environment is the language of mappings: body is the JSON as it came, headers are those that the
// configuration keeps, in small letters.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(ext.Strings(), cel.OptionalTypes(),
		cel.Variable("body", cel.DynType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.StringType)))
})

// expression is one compiled mapping.
type expression struct {
	text    string
	program cel.Program
}

// costLimit bounds what one mapping may cost over a body of at most MaxBody.
const costLimit = 1_000_000

func compile(path, text string, want ...*cel.Type) (*expression, []yamlfile.Problem) {
	env, err := environment()
	if err != nil {
		return nil, []yamlfile.Problem{{Path: path, What: "the expression language does not start: " + err.Error()}}
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		var out []yamlfile.Problem
		for _, e := range issues.Errors() {
			out = append(out, yamlfile.Problem{Path: path, Line: e.Location.Line(), Column: e.Location.Column() + 1, What: e.Message, Remedy: "an expression knows body and headers: body.employee.id"})
		}
		return nil, out
	}
	if !fits(ast.OutputType(), want) {
		return nil, []yamlfile.Problem{{Path: path, Line: 1, Column: 1, What: "this gives " + ast.OutputType().String() + ", which does not fit here", Remedy: "compare or convert it, as in body.type == \"left\" or string(body.id)"}}
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit))
	if err != nil {
		return nil, []yamlfile.Problem{{Path: path, What: "the expression does not compile: " + err.Error()}}
	}
	return &expression{text, program}, nil
}

func fits(got *cel.Type, want []*cel.Type) bool {
	if len(want) == 0 || got.IsExactType(cel.DynType) {
		return true
	}
	for _, w := range want {
		if got.IsExactType(w) {
			return true
		}
	}
	return false
}

// delivery is what expressions look at.
type delivery struct {
	body    any
	headers map[string]string
}

func (e *expression) eval(d delivery) (ref.Val, error) {
	out, _, err := e.program.Eval(map[string]any{"body": d.body, "headers": d.headers})
	return out, err
}

// value is the text of the result, "" for what is absent or null. An expression that fails on this
// body, most often since a key is absent, gives "": what is required is then missed by name.
func (e *expression) value(d delivery) string {
	out, err := e.eval(d)
	if err != nil {
		return ""
	}
	return text(out)
}

func text(v ref.Val) string {
	switch x := v.(type) {
	case types.String:
		return string(x)
	case types.Int:
		return strconv.FormatInt(int64(x), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(x), 10)
	case types.Bool:
		return strconv.FormatBool(bool(x))
	case types.Double:
		return strconv.FormatFloat(float64(x), 'f', -1, 64)
	case types.Timestamp:
		return x.Format(time.RFC3339)
	case *types.Optional:
		if x.HasValue() {
			return text(x.GetValue())
		}
	case traits.Lister:
		var parts []string
		for it := x.Iterator(); it.HasNext() == types.True; {
			parts = append(parts, text(it.Next()))
		}
		return strings.Join(parts, ",")
	}
	return ""
}

// truth is the result of a condition.
func (e *expression) truth(d delivery) (bool, *exeunt.Error) {
	out, err := e.eval(d)
	if err != nil {
		return false, exeunt.Errorf(exeunt.Invalid, "%s cannot be decided on this delivery: a field that it needs is missing", e.text).Because(err).In(e.text)
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, exeunt.Errorf(exeunt.Invalid, "%s gave no truth value on this delivery", e.text).In(e.text)
	}
	return bool(b), nil
}

var plainPath = regexp.MustCompile(`^(?:body|headers)(?:\.\??\w+|\[\??(?:"[^"]*"|'[^']*'|\d+)\])+$`)

// path is how the HR system calls what the expression reads, where it reads just one thing.
func (e *expression) path() (string, bool) {
	if !plainPath.MatchString(e.text) {
		return "", false
	}
	return strings.ReplaceAll(e.text, "?", ""), true
}

// parseJSON reads one JSON value. Whole numbers stay exact, since they may be ids.
func parseJSON(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the JSON value")
	}
	if holdsNUL(v) {
		return nil, fmt.Errorf("a text holds the character NUL")
	}
	return exact(v), nil
}

// holdsNUL finds what an escape such as \u0000 hides from a look at the bytes.
func holdsNUL(v any) bool {
	switch x := v.(type) {
	case string:
		return strings.ContainsRune(x, 0)
	case map[string]any:
		for k, item := range x {
			if strings.ContainsRune(k, 0) || holdsNUL(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(x, holdsNUL)
	}
	return false
}

func exact(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, item := range x {
			x[k] = exact(item)
		}
	case []any:
		for i, item := range x {
			x[i] = exact(item)
		}
	case json.Number:
		if n, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return n
		}
		if f, err := x.Float64(); err == nil && math.Abs(f) < 1<<53 {
			return f
		}
		return x.String() // larger than either holds exactly
	}
	return v
}
