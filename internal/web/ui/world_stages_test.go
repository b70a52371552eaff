package ui

import (
	"context"
	"slices"

	"github.com/exeunt/exeunt"
)

func (w *world) ShadowLines(_ context.Context, system string, limit int) ([]exeunt.ShadowLine, error) {
	w.Lock()
	defer w.Unlock()
	var out []exeunt.ShadowLine
	for _, l := range w.shadows {
		if l.System == system {
			out = append(out, l)
		}
	}
	return out[:min(len(out), limit)], w.broken
}

func (w *world) Trusts(context.Context) (map[string]exeunt.Trust, error) {
	w.Lock()
	defer w.Unlock()
	return w.trusts, nil
}

// stage says what a system asks for and how it counts.
func (w *world) stage(name string, change func(*exeunt.System)) {
	i := slices.IndexFunc(w.systems, func(s exeunt.System) bool { return s.Name == name })
	change(&w.systems[i])
}

func (w *world) GoLive(ctx context.Context, name string, by exeunt.Override) (exeunt.Trust, error) {
	lines, err := w.ShadowLines(ctx, name, exeunt.ShadowWindow)
	if err != nil {
		return exeunt.Trust{}, err
	}
	w.Lock()
	defer w.Unlock()
	i := slices.IndexFunc(w.systems, func(s exeunt.System) bool { return s.Name == name })
	var before *exeunt.Trust
	if t, ok := w.trusts[name]; ok {
		before = &t
	}
	trust, _, err := exeunt.GoLive(before, w.systems[i], exeunt.ReportShadow(w.systems[i], nil, lines).Tally, by, exeunt.Person{}, w.now)
	if err != nil {
		return trust, err
	}
	if trust.By != nil {
		w.systems[i].Stage, w.systems[i].Asks = exeunt.Live, ""
	}
	w.trusts = map[string]exeunt.Trust{name: trust}
	return trust, nil
}

func (w *world) StepBack(_ context.Context, name string, by exeunt.Override) error {
	w.Lock()
	defer w.Unlock()
	t, ok := w.trusts[name]
	if !ok {
		return exeunt.Errorf(exeunt.Conflict, "there is nothing to take back")
	}
	i := slices.IndexFunc(w.systems, func(s exeunt.System) bool { return s.Name == name })
	_, err := t.StepBack(w.systems[i], by, w.now)
	w.systems[i].Stage, w.systems[i].Asks, w.trusts = exeunt.Shadow, exeunt.Live, nil
	return err
}
