package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/calendar"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/intake"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/policy"
	"github.com/invopop/jsonschema"
)

// Schemas are the JSON Schemas by which an editor completes and checks each sort of file, made
// from the types that Load reads them into: file name → schema.
func Schemas(kinds []connector.Kind) (map[string][]byte, error) {
	main := reflected(reflect.TypeFor[File](), "exeunt.yaml")
	sources, ok := main.Properties.Get("sources")
	if !ok {
		return nil, fmt.Errorf("config: the schema has no sources")
	}
	settings := map[string]*jsonschema.Schema{}
	for _, k := range intake.Kinds() {
		settings[k.Name] = reflected(k.Settings, k.Title)
	}
	byKind(sources.Items, settings)

	system := reflected(reflect.TypeFor[SystemFile](), "A system of the inventory")
	settings = map[string]*jsonschema.Schema{manualKind: {Type: "object", MaxProperties: new(uint64(0))}}
	for _, k := range kinds {
		if k.Settings != nil {
			settings[k.Name] = reflected(k.Settings, k.Title)
		} else {
			settings[k.Name] = &jsonschema.Schema{Type: "object"}
		}
	}
	byKind(system, settings)

	publication := reflected(reflect.TypeFor[PublicationFile](), "Where the ledger's checkpoints are published")
	targets, ok := publication.Properties.Get("targets")
	if !ok {
		return nil, fmt.Errorf("config: the schema has no targets")
	}
	byKind(targets.Items, map[string]*jsonschema.Schema{
		"file": reflected(reflect.TypeFor[FolderFile](), "A folder"), "mail": reflected(reflect.TypeFor[MailboxFile](), "A mailbox"), "s3": reflected(reflect.TypeFor[BucketFile](), "A bucket"),
	})

	fromEnvironment(main)
	fromEnvironment(publication)
	fromEnvironment(system)
	out := map[string][]byte{}
	for name, s := range map[string]*jsonschema.Schema{
		"exeunt.schema.json": main, "system.schema.json": system, "publication.schema.json": publication,
		"policy.schema.json":    reflected(reflect.TypeFor[policy.File](), "A policy"),
		"calendar.schema.json":  reflected(reflect.TypeFor[calendar.File](), "A calendar of business days"),
		"modifier.schema.json":  reflected(reflect.TypeFor[policy.ModifierFile](), "A modifier of policies"),
		"inventory.schema.json": reflected(reflect.TypeFor[inventory.Sheet](), "What a source showed of the applications that there are"),
	} {
		s.Version = jsonschema.Version
		b, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("config: schema %s: %w", name, err)
		}
		out[name] = append(b, '\n')
	}
	return out, nil
}

// byKind makes settings depend on kind: if kind is X then settings are X's.
func byKind(s *jsonschema.Schema, settings map[string]*jsonschema.Schema) {
	var names []any
	for _, name := range sortedKeys(settings) {
		names = append(names, name)
		when, then := jsonschema.NewProperties(), jsonschema.NewProperties()
		when.Set("kind", &jsonschema.Schema{Const: name})
		then.Set("settings", settings[name])
		rule := &jsonschema.Schema{If: &jsonschema.Schema{Properties: when, Required: []string{"kind"}}, Then: &jsonschema.Schema{Properties: then}}
		if len(settings[name].Required) > 0 {
			rule.Then.Required = []string{"settings"}
		}
		s.AllOf = append(s.AllOf, rule)
	}
	if kind, ok := s.Properties.Get("kind"); ok {
		kind.Enum = names
	}
}

// fromEnvironment lets ${NAME} stand where a number, a truth value or one of a few words does.
func fromEnvironment(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	for _, rule := range s.AllOf {
		fromEnvironment(rule.Then)
	}
	fromEnvironment(s.Items)
	if s.Properties == nil {
		return
	}
	for pair := s.Properties.Oldest(); pair != nil; pair = pair.Next() {
		p := pair.Value
		fromEnvironment(p)
		scalar := p.Type == "integer" || p.Type == "number" || p.Type == "boolean" || len(p.Enum) > 0 || p.Pattern != ""
		if !scalar || pair.Key == "kind" || pair.Key == "name" {
			continue
		}
		own := *p
		own.Description = ""
		pair.Value = &jsonschema.Schema{Description: p.Description, AnyOf: []*jsonschema.Schema{&own, {Type: "string", Pattern: `\$\{.+\}`}}}
	}
}

func reflected(t reflect.Type, title string) *jsonschema.Schema {
	r := jsonschema.Reflector{RequiredFromJSONSchemaTags: true, DoNotReference: true, ExpandedStruct: true, Anonymous: true, Mapper: texts}
	s := r.ReflectFromType(t)
	s.Title, s.Version = title, ""
	if s.Properties == nil { // settings that are a plain map
		s.Type = "object"
	}
	return s
}

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// texts says how the types that are written as one word look.
func texts(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[connector.Secret]():
		return &jsonschema.Schema{Type: "string", Pattern: "^(env|file):.+$", Examples: []any{"env:NAME", "file:/path"}}
	case reflect.TypeFor[exeunt.Moment]():
		return &jsonschema.Schema{Type: "string", Pattern: `^(trigger|cut-off|last-day|termination-date|start)( *[+-] *[0-9]+(bd|[smhdw]))?$`, Examples: []any{"cut-off + 30m"}}
	case reflect.TypeFor[yamlfile.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: "^[0-9]+[smhdw]$", Examples: []any{"4h"}}
	case reflect.TypeFor[exeunt.DepartureType]():
		var types []any
		for _, d := range exeunt.DepartureTypes {
			types = append(types, string(d))
		}
		return &jsonschema.Schema{Type: "string", Enum: types}
	}
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textType) {
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
