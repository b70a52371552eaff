package config

import (
	"sync"

	"github.com/exeunt/exeunt"
)

// planned are the systems as plans are made over them, and what conditions made of those: see exeunt.Facts. Both hold until
// people decide on the stage of a system, which conditions look at.
type planned struct {
	mu      sync.Mutex
	systems []exeunt.System
	lasting *sync.Map
}

// over returns them as they are now. No plan changes them.
func (p *planned) over(c *Config) ([]exeunt.System, *sync.Map) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lasting == nil || !p.still(c) {
		p.systems, p.lasting = c.Inventory(), &sync.Map{}
	}
	return p.systems, p.lasting
}

// still says whether each system has the stage that it had.
func (p *planned) still(c *Config) bool {
	if c.Counts == nil {
		return true // a configuration never changes
	}
	for i := range p.systems {
		if s := c.Counts(c.Systems[i].System); s.Stage != p.systems[i].Stage || s.Asks != p.systems[i].Asks {
			return false
		}
	}
	return true
}
