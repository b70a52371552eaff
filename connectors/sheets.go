package connectors

import (
	"fmt"

	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/httpspec"
)

// Sheets says what every connector can do: the kinds, and after http each description that is shipped.
func Sheets() ([]connector.Sheet, error) {
	var all []connector.Sheet
	for _, k := range All() {
		all = append(all, k.Sheet())
		if k.Name != "http" {
			continue
		}
		for _, name := range yaml.Names() {
			s, err := shipped(name)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func shipped(name string) (connector.Sheet, error) {
	source, err := yaml.Read(name)
	if err != nil {
		return connector.Sheet{}, fmt.Errorf("connectors: %w", err)
	}
	spec, err := httpspec.Parse(name, source)
	if err != nil {
		return connector.Sheet{}, err
	}
	return spec.Sheet(), nil
}
