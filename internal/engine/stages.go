package engine

import (
	"cmp"
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// GoLive is a person's decision that the connector of a system acts from now on, with what the comparison with people's work
// says at this moment. It may be a first person's, which has no effect until another one decides the same.
func (e Commands) GoLive(ctx context.Context, name string, by exeunt.Override) (exeunt.Trust, error) {
	system, before, err := e.engine.trusted(ctx, name)
	if err != nil {
		return exeunt.Trust{}, err
	}
	lines, err := e.engine.store.Everything().ShadowLines(ctx, name, exeunt.ShadowWindow)
	if err != nil {
		return exeunt.Trust{}, err
	}
	by.Account = cmp.Or(by.Account, e.who.Email)
	trust, change, err := exeunt.GoLive(before, system, exeunt.ReportShadow(system, nil, lines).Tally, by, e.engine.planner.Operator(), time.Now().UTC())
	if err != nil {
		return trust, err
	}
	return trust, e.engine.store.SaveTrust(ctx, trust, &change)
}

// StepBack takes the connector of a system back to stage shadow at once.
func (e Commands) StepBack(ctx context.Context, name string, by exeunt.Override) error {
	system, trust, err := e.engine.trusted(ctx, name)
	if err != nil {
		return err
	}
	if trust == nil {
		return exeunt.Errorf(exeunt.Conflict, "nobody has decided that the connector of %s acts: there is nothing to take back", name)
	}
	by.Account = cmp.Or(by.Account, e.who.Email)
	change, err := trust.StepBack(system, by, time.Now().UTC())
	if err != nil {
		return err
	}
	return e.engine.store.DropTrust(ctx, *trust, &change)
}

// trusted is a system with a person for its owner, and what was decided about it; nil when nothing was.
func (e *Engine) trusted(ctx context.Context, name string) (exeunt.System, *exeunt.Trust, error) {
	system, err := e.systems.System(name)
	if err != nil {
		return system, nil, err
	}
	if line := e.planner.Line(system.Owner.Role, exeunt.Leaver{}); !system.Owner.Named() && len(line) > 0 {
		system.Owner = line[0]
	}
	all, err := e.store.Everything().Trusts(ctx)
	if t, ok := all[name]; ok {
		return system, &t, err
	}
	return system, nil, err
}
