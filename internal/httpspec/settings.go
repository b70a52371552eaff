package httpspec

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/signin"
)

// Settings are what one system says in its YAML file.
type Settings struct {
	Spec       string                `json:"spec" jsonschema:"required" jsonschema_description:"The description: a shipped one (github, glewlwyd, identity, payroll, benefits, workspace) or a file beside the configuration, such as specs/door-locks.yaml."`
	BaseURL    string                `json:"base_url" jsonschema:"required" jsonschema_description:"Where the API is. Only https, except on this machine."`
	Identifier exeunt.IdentifierKind `json:"identifier,omitempty" jsonschema_description:"Which of the leaver's identifiers the search takes, when not the one that the description names."`
	Values     map[string]string     `json:"values,omitempty" jsonschema_description:"What the description asks for by name, such as the organisation."`

	signin.ByToken
	signin.ByPassword
	signin.ByClient
	signin.BySecret
	TokenURL string `json:"token_url,omitempty" jsonschema_description:"Where tokens are had, when not under the base URL."`
}

// Check says what is missing, whatever the description.
func (s Settings) Check() error {
	if s.Spec == "" {
		return exeunt.Errorf(exeunt.Invalid, "spec is missing: name the description, such as github").In("spec")
	}
	if err := connector.CheckAddress("base_url", s.BaseURL); err != nil {
		return err
	}
	if s.TokenURL != "" {
		return connector.CheckAddress("token_url", s.TokenURL)
	}
	return nil
}

// checkFor says what is missing for one description.
func (s Settings) checkFor(spec *Spec) error {
	missing := func(field, what string) error {
		return exeunt.Errorf(exeunt.Invalid, "%s is missing: %s signs in with %s", field, spec.Title, what).In(field)
	}
	switch spec.Auth.Kind {
	case "bearer", "header", "basic-token":
		if s.Token.IsZero() {
			return missing("token", "a token")
		}
	case "basic", "session":
		if s.Username == "" || s.Password.IsZero() {
			return missing("password", "username and password")
		}
	case "oauth2":
		if s.ClientID == "" || s.ClientSecret.IsZero() {
			return missing("client_secret", "client_id and client_secret")
		}
		if spec.Auth.TokenPath == "" && s.TokenURL == "" {
			return exeunt.Errorf(exeunt.Invalid, "token_url is missing: where does %s give tokens?", spec.Title).In("token_url")
		}
	}
	for name, meaning := range spec.Values {
		if strings.TrimSpace(s.Values[name]) == "" {
			return exeunt.Errorf(exeunt.Invalid, "values.%s is missing: %s", name, meaning).In("values." + name)
		}
	}
	for name := range s.Values {
		if _, ok := spec.Values[name]; !ok {
			return exeunt.Errorf(exeunt.Invalid, "values.%s is nothing that %s knows", name, spec.Name).In("values." + name)
		}
	}
	return nil
}

// Kind is the kind "http": every system whose API a description tells. lookup finds a description by
// the name that settings give; what it returns is read once per name.
func Kind(lookup func(name string) ([]byte, error)) connector.Kind {
	shelf := &shelf{lookup: lookup, specs: map[string]*Spec{}}
	return connector.Kind{
		Name: "http", Title: "HTTP API by description", Settings: reflect.TypeFor[Settings](),
		Specs: func(raw []byte) ([]exeunt.ActionSpec, error) {
			_, spec, err := shelf.resolve(raw)
			if err != nil {
				return nil, err
			}
			specs := spec.ActionSpecs()
			slices.SortStableFunc(specs, func(a, b exeunt.ActionSpec) int { return a.Order - b.Order })
			return specs, nil
		},
		Knows: func(raw []byte) (connector.Knows, error) {
			settings, spec, err := shelf.resolve(raw)
			if err != nil {
				return connector.Knows{}, err
			}
			return connector.Knows{Attributes: []connector.Attribute{{
				Name: spec.attribute(), Exact: !spec.Find.FoldCase, Identifier: cmp.Or(settings.Identifier, spec.Find.Identifier),
			}}}, nil
		},
		Open: func(raw []byte, rt http.RoundTripper) (connector.Connector, error) {
			settings, spec, err := shelf.resolve(raw)
			if err != nil {
				return nil, err
			}
			return Open(spec, settings, rt)
		},
	}
}

// shelf keeps the descriptions that were parsed.
type shelf struct {
	lookup func(string) ([]byte, error)
	mu     sync.Mutex
	specs  map[string]*Spec
}

func (s *shelf) resolve(raw []byte) (Settings, *Spec, error) {
	var settings Settings
	if err := connector.DecodeSettings(raw, &settings); err != nil {
		return settings, nil, exeunt.Errorf(exeunt.Invalid, "settings of an http system: %v", err)
	}
	spec, err := s.spec(settings.Spec)
	if err == nil {
		err = settings.checkFor(spec)
	}
	return settings, spec, err
}

func (s *shelf) spec(name string) (*Spec, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if spec, ok := s.specs[name]; ok {
		return spec, nil
	}
	source, err := s.lookup(name)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "there is no description %q: name a shipped one, or a file beside the configuration", name).In("spec").Because(err)
	}
	spec, err := Parse(name, source)
	if err != nil {
		return nil, err
	}
	s.specs[name] = spec
	return spec, nil
}

// Open makes the connector of one system.
func Open(spec *Spec, settings Settings, rt http.RoundTripper) (connector.Connector, error) {
	if err := settings.Check(); err != nil {
		return nil, err
	}
	if err := settings.checkFor(spec); err != nil {
		return nil, err
	}
	if rt == nil {
		return nil, exeunt.Errorf(exeunt.Internal, "an http system needs a transport")
	}
	base, err := url.Parse(strings.TrimRight(settings.BaseURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("base_url: %w", err)
	}
	return &system{spec: spec, values: settings.Values, client: newClient(spec, settings, base, rt)}, nil
}
