// Package connectors is the list of the kinds of system that Exeunt can end an account in.
package connectors

import (
	"io/fs"
	"path"
	"strings"

	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/activedirectory"
	"github.com/exeunt/exeunt/connectors/entra"
	"github.com/exeunt/exeunt/connectors/google"
	"github.com/exeunt/exeunt/connectors/keycloak"
	"github.com/exeunt/exeunt/connectors/ldap"
	"github.com/exeunt/exeunt/connectors/manual"
	"github.com/exeunt/exeunt/connectors/okta"
	"github.com/exeunt/exeunt/connectors/postgresql"
	"github.com/exeunt/exeunt/connectors/scim"
	"github.com/exeunt/exeunt/connectors/signals"
	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/httpspec"
)

// All lists every kind, and is the only list. The folders are where a system's settings may name a
// description of their own, such as specs/door-locks.yaml: usually the configuration's.
func All(folders ...fs.FS) []connector.Kind { return Over(nil, folders...) }

// Over lists the kinds as a running server has them, which keeps what receivers of signals are to be told.
func Over(house signals.House, folders ...fs.FS) []connector.Kind {
	return []connector.Kind{
		activedirectory.Kind(),
		entra.Kind(),
		google.Kind(),
		keycloak.Kind(),
		okta.Kind(),
		ldap.Kind(),
		postgresql.Kind(),
		scim.Kind(),
		httpspec.Kind(lookup(folders)),
		signals.Kind(house),
		manual.Kind(),
	}
}

// lookup finds a description: a plain word is a shipped one, a path ending in .yaml is a file.
func lookup(folders []fs.FS) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if !strings.HasSuffix(name, ".yaml") {
			return yaml.Read(name)
		}
		for _, folder := range folders {
			if source, err := fs.ReadFile(folder, path.Clean(name)); err == nil {
				return source, nil
			}
		}
		return nil, fs.ErrNotExist
	}
}
