package exeunt_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/exeunt/exeunt"

// place is what one package may import: of this module, folder by folder ("." is the domain, "*" is
// all), and of other modules, by the beginning of their paths.
type place struct{ ours, others string }

// places is the architecture. Imports run downward only, and a package that is not here fails the
// test: whoever adds one says where it stands. What tests import is their own affair.
var places = map[string]place{
	".": {}, // the domain: see pure

	"connector":                           {ours: "."},
	"connector/connectortest":             {ours: ". connector"},
	"connector/connectortest/description": {ours: "connector/connectortest", others: "github.com/getkin/kin-openapi/"},
	"connector/signin":                    {ours: ". connector connector/vendorapi", others: "github.com/go-jose/"},
	"connector/vendorapi":                 {ours: ". connector"},
	"connectors/activedirectory":          {ours: ". connector internal/directory", others: "github.com/go-ldap/"},
	"connectors/entra":                    {ours: ". connector connector/signin connector/vendorapi"},
	"connectors/google":                   {ours: ". connector connector/signin connector/vendorapi"},
	"connectors/keycloak":                 {ours: ". connector connector/signin connector/vendorapi"},
	"connectors/ldap":                     {ours: ". connector internal/directory", others: "github.com/go-ldap/"},
	"connectors/manual":                   {ours: ". connector"},
	"connectors/okta":                     {ours: ". connector connector/signin connector/vendorapi"},
	"connectors/postgresql":               {ours: ". connector", others: "github.com/jackc/pgx/"},
	"connectors/scim":                     {ours: ". connector connector/signin connector/vendorapi"},
	"connectors/signals":                  {ours: ". connector", others: "github.com/go-jose/"},
	"connectors/template":                 {ours: ". connector connector/signin connector/vendorapi"}, // to copy; no kind of system
	"connectors/yaml":                     {},                                                         // descriptions, embedded; internal/httpspec makes connectors of them
	"connectors":                          {ours: ". connector internal/httpspec connectors/activedirectory connectors/entra connectors/google connectors/keycloak connectors/ldap connectors/manual connectors/okta connectors/postgresql connectors/scim connectors/signals connectors/yaml"},
	"internal/directory":                  {ours: ". connector", others: "github.com/go-ldap/"},
	"internal/httpspec":                   {ours: ". connector connector/signin connector/vendorapi", others: "go.yaml.in/yaml/"},
	"internal/wrap":                       {ours: ". connector", others: "golang.org/x/time/"},

	"internal/spelling":        {},
	"internal/config/yamlfile": {ours: ". internal/spelling", others: "go.yaml.in/yaml/"},
	"internal/calendar":        {ours: ". internal/config/yamlfile", others: "github.com/rickar/cal/"},
	"internal/policy":          {ours: ". internal/calendar internal/config/yamlfile", others: "cel.dev/ golang.org/x/tools/txtar"},
	"internal/intake":          {ours: ". connector internal/config/yamlfile", others: "cel.dev/"},
	"internal/inventory":       {ours: ". internal/spelling", others: "go.yaml.in/yaml/ golang.org/x/text/"},
	"internal/config":          {ours: ". connector internal/config/yamlfile internal/intake internal/ledger/verify internal/inventory internal/calendar internal/policy", others: "github.com/invopop/jsonschema golang.org/x/tools/txtar"},

	"internal/remains":         {},
	"internal/seal":            {ours: "."},
	"internal/store":           {ours: ". internal/remains internal/spelling", others: "github.com/jackc/pgx/ golang.org/x/crypto/bcrypt modernc.org/sqlite"},
	"internal/store/storetest": {ours: ". internal/seal internal/store internal/testserver", others: "github.com/jackc/pgx/"},
	"internal/engine":          {ours: ". connector internal/store"},
	"internal/notify":          {ours: ".", others: "github.com/wneessen/go-mail"},

	"internal/ledger/verify":     {ours: ".", others: "golang.org/x/mod/"}, // auditors read it: keep it so
	"internal/ledger/ledgertest": {ours: "."},
	"internal/ledger":            {ours: ". internal/ledger/verify", others: "github.com/transparency-dev/tessera golang.org/x/mod/ golang.org/x/sys/unix k8s.io/klog/ modernc.org/sqlite"},
	"internal/ledger/remote":     {ours: ". internal/ledger"},
	"internal/ledger/publish":    {ours: ". internal/ledger internal/ledger/verify internal/notify", others: "github.com/aws/aws-sdk-go-v2/aws"},
	"internal/evidence":          {ours: ". internal/ledger internal/ledger/verify", others: "codeberg.org/go-pdf/"},

	"internal/stamp":   {ours: ".", others: "github.com/digitorus/"},
	"internal/web":     {ours: "."},
	"internal/web/api": {ours: ". connector internal/inventory internal/store internal/web", others: "github.com/danielgtaylor/huma/"},
	"internal/web/ssf": {ours: ". connectors/signals internal/web", others: "golang.org/x/time/"},
	"internal/web/ui":  {ours: ". connector internal/inventory internal/spelling internal/store internal/web", others: "github.com/a-h/templ"},

	"internal/bench":      {ours: ". connector internal/engine internal/ledger internal/store internal/wrap", others: "github.com/jackc/pgx/ modernc.org/sqlite"},
	"internal/app":        {ours: "*", others: "github.com/prometheus/client_golang/ golang.org/x/time/"},
	"internal/sim":        {ours: "."},
	"internal/demo":       {ours: ". connectors/yaml internal/app internal/evidence internal/sim internal/store"},
	"internal/testserver": {others: "github.com/aws/aws-sdk-go-v2/aws github.com/jackc/pgx/ golang.org/x/crypto/ssh modernc.org/sqlite"},
	"cmd/exeunt":          {ours: "*", others: "github.com/spf13/cobra go.yaml.in/yaml/"},
	"docs":                {}, // tests only
	"examples/acme":       {}, // likewise
	"test/e2e":            {}, // likewise
	"test/simulation":     {}, // likewise
}

// pure is all that the domain imports: nothing that could read a file, a socket or the environment.
// Package time is there for its values; the test below sees that nobody asks it for the present.
var pure = strings.Fields("cmp crypto/sha256 encoding encoding/csv encoding/hex encoding/json errors fmt maps math slices strconv strings sync time unicode unicode/utf8")

// fault says what is wrong with one package importing another, or "".
func (p place) fault(pkg, imported string) string {
	switch ours, isOurs := strings.CutPrefix(imported, module); {
	case isOurs:
		ours = path.Clean("." + ours)
		if p.ours == "*" || slices.Contains(strings.Fields(p.ours), ours) {
			return ""
		}
		return fmt.Sprintf("%s imports %s, which its place does not allow: imports run downward only", pkg, ours)
	case pkg == ".":
		if slices.Contains(pure, imported) {
			return ""
		}
		return fmt.Sprintf("the domain imports %s: it does no I/O and needs the standard library only", imported)
	case !strings.Contains(strings.Split(imported, "/")[0], "."): // the standard library
		return ""
	}
	for _, prefix := range strings.Fields(p.others) {
		if strings.HasPrefix(imported, prefix) {
			return ""
		}
	}
	return fmt.Sprintf("%s imports %s, which its place does not allow: is it worth a dependency here?", pkg, imported)
}

func TestEveryPackageStandsInItsPlace(t *testing.T) {
	found := packages(t, isCode)
	for pkg, files := range found {
		where, listed := places[pkg]
		if !listed {
			t.Errorf("package %s has no place: add it to the table in arch_test.go", pkg)
			continue
		}
		for _, f := range files {
			for _, spec := range f.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if fault := where.fault(pkg, imported); fault != "" {
					t.Error(fault)
				}
			}
		}
	}
	for pkg := range places {
		if _, ok := found[pkg]; !ok {
			t.Errorf("package %s has a place and does not exist: take it out of the table in arch_test.go", pkg)
		}
	}
}

func TestTheDomainReadsNoClock(t *testing.T) {
	for _, f := range packages(t, isCode)["."] {
		ast.Inspect(f, func(n ast.Node) bool {
			for _, name := range []string{"Now", "Since", "Until", "After", "Sleep", "NewTimer", "NewTicker"} {
				if e, ok := n.(ast.Expr); ok && is(e, "time", name) {
					t.Errorf("the domain calls time.%s: decisions take the moment as a value", name)
				}
			}
			return true
		})
	}
}

// TestPagesReachTheStoreThroughAViewOnly holds that whatever answers people is given views: the store itself, and
// the view that hides nothing, are beyond its reach.
func TestPagesReachTheStoreThroughAViewOnly(t *testing.T) {
	found := packages(t, isCode)
	for _, pkg := range []string{"internal/web", "internal/web/api", "internal/web/ui"} {
		for _, f := range found[pkg] {
			ast.Inspect(f, func(n ast.Node) bool {
				e, ok := n.(ast.Expr)
				if ok && (is(e, "store", "Store") || is(e, "store", "Open")) {
					t.Errorf("%s names the store: it is to be given a view of it, which leaves out what is under embargo", pkg)
				}
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Everything" {
					t.Errorf("%s asks for a view of everything", pkg)
				}
				return true
			})
		}
	}
}

// TestOnlyTestsReachIntoTheStore holds that what lets a write fail on purpose is named by tests alone.
func TestOnlyTestsReachIntoTheStore(t *testing.T) {
	for pkg, files := range packages(t, isCode) {
		if pkg == "internal/store" || pkg == "internal/store/storetest" {
			continue
		}
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && (s.Sel.Name == "Between" || is(s, "store", "Seam")) {
					t.Errorf("%s names the store's seam, which is for tests", pkg)
				}
				return true
			})
		}
	}
}

func TestThePlacesForbidWhatTheyShould(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		allowed       bool
	}{
		{".", "time", true},
		{".", "net/http", false},
		{".", module + "/connector", false},
		{"connector", module, true},
		{"connectors/ldap", module + "/internal/directory", true},
		{"connectors/ldap", module + "/connectors/scim", false},
		{"connectors/activedirectory", module + "/connectors/ldap", false},
		{"internal/ledger/verify", "golang.org/x/mod/sumdb/note", true},
		{"internal/ledger/verify", module + "/internal/ledger", false},
		{"internal/ledger/verify", "github.com/transparency-dev/tessera", false},
		{"internal/engine", module + "/internal/web", false},
		{"internal/web/ui", module + "/internal/engine", false},
		{"internal/store", module + "/internal/engine", false},
		{"internal/app", module + "/internal/web/ui", true},
	} {
		if fault := places[c.pkg].fault(c.pkg, c.imported); (fault == "") != c.allowed {
			t.Errorf("%s importing %s: allowed should be %t, got %q", c.pkg, c.imported, c.allowed, fault)
		}
	}
}

func TestNoTestSleepsOutsideABubble(t *testing.T) {
	for pkg, files := range packages(t, isTest) {
		bubbles := map[string]bool{} // helpers that run what they are given in a bubble
		for _, f := range files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && calls(fn, "synctest", "Test") {
					bubbles[fn.Name.Name] = true
				}
			}
		}
		for _, f := range files {
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if is(call.Fun, "time", "Sleep") {
					t.Errorf("a test in %s sleeps in real time: wait for what should happen, or use testing/synctest", pkg)
				}
				name, plain := call.Fun.(*ast.Ident)
				return !is(call.Fun, "synctest", "Test") && (!plain || !bubbles[name.Name])
			})
		}
	}
}

// is says whether an expression is pkg.name.
func is(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func calls(in ast.Node, pkg, name string) bool {
	var found bool
	ast.Inspect(in, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		found = found || ok && is(e, pkg, name)
		return !found
	})
	return found
}

// isModule says whether a folder is a module of its own, which imports what it likes.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func isTest(file string) bool { return strings.HasSuffix(file, "_test.go") }
func isCode(file string) bool { return !isTest(file) }

// packages parses the Go files of the module that are wanted, by folder.
func packages(t *testing.T, wanted func(file string) bool) map[string][]*ast.File {
	t.Helper()
	found := map[string][]*ast.File{}
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || isModule(file)) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(file))
		if found[pkg] == nil {
			found[pkg] = []*ast.File{} // so that a folder of tests only is known too
		}
		if !wanted(file) {
			return nil
		}
		parsed, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
		found[pkg] = append(found[pkg], parsed)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
