// Package yaml holds the descriptions of HTTP systems that are shipped; package internal/httpspec
// reads them and tells their format.
//
//	github     membership of a GitHub organisation (api.github.com)
//	glewlwyd   users and sessions of a Glewlwyd single sign-on (version 2.7)
//	payroll    a payroll behind our own small contract, testdata/payroll.openapi.yaml
//	benefits   a benefits administrator, testdata/benefits.openapi.yaml
//	identity   an identity provider: sign-in, sessions, factors, testdata/identity.openapi.yaml
//	workspace  an application with users and sessions, testdata/workspace.openapi.yaml
//
// The last four stand for in-house systems and gateways: whoever puts one of these contracts before
// a system of their own needs no further code. The simulators of internal/sim speak them too.
package yaml

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Read returns a shipped description by its name, such as "github". The error is fs.ErrNotExist.
func Read(name string) ([]byte, error) {
	if strings.ContainsAny(name, `/\`) {
		return nil, fs.ErrNotExist
	}
	return files.ReadFile(name + ".yaml")
}

// Names lists the descriptions that are shipped.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("yaml: the embedded folder cannot be read") // it is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}
