package app

import (
	"cmp"
	"context"
	"os"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/wrap"
)

// Part is one thing that an installation needs, as it was found.
type Part struct {
	Kind   string            `json:"kind"`            // database, data, ledger, source, mail, system, witness, timestamp, publication
	Name   string            `json:"name"`            //
	Tier   int               `json:"tier"`            // of a system; 0 of what everything needs
	Stage  exeunt.Stage      `json:"stage,omitempty"` // of a system
	Rights []connector.Right `json:"rights"`          // what it lets us do
	Fault  string            `json:"fault,omitempty"` // why it could not be examined
	Remedy string            `json:"remedy,omitempty"`
	Class  exeunt.ErrorKind  `json:"class,omitempty"` // of the fault
	Took   time.Duration     `json:"-"`
}

// Right says whether all that could be asked is right. What cannot be known is no fault.
func (p Part) Right() bool { return p.Fault == "" && p.lacking() == 0 }

func (p Part) lacking() (n int) {
	for _, r := range p.Rights {
		if r.State == connector.Lacking {
			n++
		}
	}
	return n
}

// Unreachable says whether nobody answered there.
func (p Part) Unreachable() bool { return p.Class == exeunt.Temporary || p.Class == exeunt.Throttled }

// Doctor tries every connection and permission of a configuration.
type Doctor struct {
	Config   *config.Config
	Dir      string        // of the configuration
	Data     string        // data directory, or "" when none is examined
	Database string        // postgres:// URL, or ""
	Limit    time.Duration // of each part
}

// examination is one part before it was examined. It never changes anything.
type examination struct {
	part Part
	ask  func(context.Context) ([]connector.Right, error)
}

// Examine asks all parts at once, each within the limit. What is wrong comes first, and of that the riskiest.
func (d Doctor) Examine(ctx context.Context) []Part {
	all := slices.Concat(d.house(), d.record(), d.sources(), d.systems())
	answers := make(chan Part, len(all))
	for _, e := range all {
		go func() { answers <- e.within(ctx, d.Limit) }()
	}
	parts := make([]Part, 0, len(all))
	for range all {
		parts = append(parts, <-answers)
	}
	slices.SortStableFunc(parts, func(a, b Part) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return parts
}

// rank puts what is wrong first, and what keeps no live system from its work behind what does.
func (p Part) rank() int {
	switch {
	case p.Right():
		return 2
	case p.Kind == "system" && p.Stage != exeunt.Live:
		return 1
	}
	return 0
}

// within asks one part, and does not wait for one that does not heed its context.
func (e examination) within(ctx context.Context, limit time.Duration) Part {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type answer struct {
		rights []connector.Right
		err    error
	}
	began, answered := time.Now(), make(chan answer, 1)
	go func() {
		rights, err := e.ask(ctx)
		answered <- answer{rights, err}
	}()
	var a answer
	select {
	case a = <-answered:
	case <-ctx.Done():
		a.err = connector.Network(e.part.Name, ctx.Err())
	}
	p := e.part
	p.Rights, p.Took = a.rights, time.Since(began)
	if a.err != nil {
		p.Fault, p.Class, p.Remedy = exeunt.MessageOf(a.err), exeunt.KindOf(a.err), remedyOf(a.err)
	}
	slices.SortStableFunc(p.Rights, func(a, b connector.Right) int { return cmp.Compare(weight[a.State], weight[b.State]) })
	return p
}

var weight = map[connector.RightState]int{connector.Lacking: 0, connector.Unknown: 1, connector.Granted: 2}

// remedyOf is what to do where the error does not say it.
func remedyOf(err error) string {
	switch exeunt.KindOf(err) {
	case exeunt.Temporary:
		return "see that it runs, that its address is right and that this machine may reach it"
	case exeunt.Throttled:
		return "try again later, or lower rate in its file"
	case exeunt.Unauthorised:
		return "renew the credentials, and see that they are those of this system"
	default:
		return ""
	}
}

// systems are those of which a connector knows the kind. Who does a manual one needs no permission of ours.
func (d Doctor) systems() []examination {
	open, trusted := openSystems(d.Config, connectors.All(os.DirFS(d.Dir)), nil), d.trusted()
	var all []examination
	for _, s := range d.Config.Systems {
		if s.Kind == "manual" {
			continue
		}
		e := examine(s, open)
		ask := e.ask
		e.ask = func(ctx context.Context) ([]connector.Right, error) {
			rights, err := ask(ctx)
			return append(rights, trusted(s.System)...), err
		}
		all = append(all, e)
	}
	return all
}

// opener opens the connector of a system by its name.
type opener interface {
	Connector(name string) (connector.Connector, error)
}

// examine asks one system what it lets us do.
func examine(s config.System, open opener) examination {
	return examination{Part{Kind: "system", Name: s.Name, Tier: s.Tier, Stage: s.Stage}, func(ctx context.Context) ([]connector.Right, error) {
		c, err := openWith(s, open)
		if err != nil {
			return nil, err
		}
		return connector.Examine(ctx, c)
	}}
}

// openWith opens a system's connector once its secrets are there, so that a system is not blamed for one that is not.
func openWith(s config.System, open opener) (connector.Connector, error) {
	for _, secret := range wrap.SecretsIn(s.Settings) {
		if _, err := secret.Reveal(); err != nil {
			return nil, err
		}
	}
	return open.Connector(s.Name)
}

// sources are the HR systems.
func (d Doctor) sources() []examination {
	var all []examination
	opened, err := openSources(d.Config)
	for _, s := range d.Config.Sources {
		all = append(all, examination{Part{Kind: "source", Name: s.Name}, func(ctx context.Context) ([]connector.Right, error) {
			if err != nil {
				return nil, err
			}
			return opened.byName[s.Name].Examine(ctx)
		}})
	}
	return all
}
