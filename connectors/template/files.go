package template

import (
	_ "embed"
	"regexp"
	"strings"

	"github.com/exeunt/exeunt"
)

var (
	//go:embed template.go
	code string
	//go:embed template_test.go
	test string
	//go:embed door-locks.yaml
	description string
)

var (
	packageName     = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	descriptionName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
)

// Go is a connector in Go to begin with, by file name: it passes the conformance suite as it is.
func Go(name string) (map[string]string, error) {
	if !packageName.MatchString(name) {
		return nil, exeunt.Errorf(exeunt.Invalid, "%q is not the name of a package: use small letters and digits", name)
	}
	named := strings.NewReplacer(
		"// Package template is a connector to copy: `exeunt connector new --go NAME` does it. It speaks", "// Package "+name+" is a connector that begins as a copy of connectors/template. It speaks",
		"package template", "package "+name, `"template"`, `"`+name+`"`, "TEMPLATE_", strings.ToUpper(name)+"_", "the template service", name, "Template service", name,
	)
	return map[string]string{name + ".go": named.Replace(code), name + "_test.go": named.Replace(test)}, nil
}

// YAML is a description to begin with.
func YAML(name string) (string, error) {
	if !descriptionName.MatchString(name) {
		return "", exeunt.Errorf(exeunt.Invalid, "%q is not the name of a description: use small letters, digits, - and _", name)
	}
	return strings.NewReplacer("name: door-locks", "name: "+name).Replace(description), nil
}
