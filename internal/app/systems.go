package app

import (
	"net/http"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/wrap"
)

// systems opens the connectors of a configuration, each once, with its lane around it.
type systems struct {
	config *config.Config
	kinds  map[string]connector.Kind
	meter  wrap.Meter

	mu   sync.Mutex
	open map[string]*connected
}

// connected is a connector that is in use.
type connected struct {
	connector.Connector
	identity string     // what it was opened from
	lane     *wrap.Lane // the turns of its callers
	rate     exeunt.Rate
}

func openSystems(c *config.Config, kinds []connector.Kind, meter wrap.Meter) *systems {
	s := &systems{config: c, kinds: map[string]connector.Kind{}, meter: meter, open: map[string]*connected{}}
	for _, k := range kinds {
		s.kinds[k.Name] = k
	}
	return s
}

// inherit takes over what an earlier configuration opened: whole where the system is the same, and else its turns where
// its rate is, so that a change of settings does not double what a system is asked.
func (s *systems) inherit(before *systems) {
	before.mu.Lock()
	defer before.mu.Unlock()
	for name, o := range before.open {
		if system, err := s.config.System(name); err == nil && system.Rate == o.rate {
			kept := *o
			if system.Identity() != o.identity {
				kept.Connector = nil
			}
			s.open[name] = &kept
		}
	}
}

// System returns a configured system.
func (s *systems) System(name string) (exeunt.System, error) {
	found, err := s.config.System(name)
	return found.System, err
}

// Names lists every configured system.
func (s *systems) Names() []string { return s.config.Names() }

// Connector returns a system's connector, opened at its first use.
func (s *systems) Connector(name string) (connector.Connector, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.open[name]
	if before != nil && before.Connector != nil {
		return before.Connector, nil
	}
	system, err := s.config.System(name)
	if err != nil {
		return nil, err
	}
	kind, ok := s.kinds[system.Kind]
	if !ok {
		return nil, exeunt.Errorf(exeunt.Unsupported, "there is no connector of kind %q", system.Kind)
	}
	lane := wrap.NewLane(name, system.Rate)
	if before != nil {
		lane = before.lane
	}
	c, err := kind.Open(system.Settings, lane.Transport(wrap.HTTP(http.DefaultTransport)))
	if err != nil {
		return nil, err
	}
	c = wrap.Stack(c, wrap.Options{System: name, Lane: lane, Secrets: wrap.SecretsIn(system.Settings), Meter: s.meter})
	s.open[name] = &connected{c, system.Identity(), lane, system.Rate}
	return c, nil
}
