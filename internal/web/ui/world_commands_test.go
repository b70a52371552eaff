package ui

import (
	"context"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// change applies what a decision of the domain altered, raises versions and tells who watches.
func (w *world) change(id exeunt.CaseID, c exeunt.Change, err error) error {
	if err != nil {
		return err
	}
	f := w.files[id]
	for _, t := range c.Tasks {
		i := slices.IndexFunc(f.Tasks, func(other exeunt.Task) bool { return other.Key == t.Key })
		t.Version++
		f.Tasks = slices.Clone(f.Tasks)
		if i < 0 {
			t.ID = exeunt.TaskID(900 + len(f.Tasks))
			f.Tasks = append(f.Tasks, t)
			continue
		}
		f.Tasks[i] = t
	}
	for _, s := range c.Steps {
		i := slices.IndexFunc(f.Steps, func(other exeunt.Step) bool { return other.Key == s.Key })
		s.Version++
		f.Steps = slices.Clone(f.Steps)
		f.Steps[i] = s
	}
	for _, e := range c.Entries {
		e.Case = id
		f.Entries = slices.Insert(slices.Clone(f.Entries), 0, store.EntryRow{Entry: e, Number: f.Entries[0].Number + 1, N: -1, Seq: -1, Index: -1})
		f.Logged++
		w.did = append(w.did, e.What)
	}
	w.files[id] = f
	for _, tick := range w.ticks[id] {
		select {
		case tick <- struct{}{}:
		default:
		}
	}
	return nil
}

func (w *world) onTask(id exeunt.TaskID, decide func(exeunt.Task, store.CaseFile) (exeunt.Change, error)) error {
	row, err := w.Task(context.Background(), id)
	if err != nil {
		return err
	}
	w.Lock()
	defer w.Unlock()
	c, err := decide(row.Task, w.files[row.Case])
	return w.change(row.Case, c, err)
}

func (w *world) SaveTask(_ context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return w.onTask(id, func(t exeunt.Task, _ store.CaseFile) (exeunt.Change, error) {
		return t.Save(ticked, note, by, time.Now())
	})
}

func (w *world) CompleteTask(_ context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return w.onTask(id, func(t exeunt.Task, f store.CaseFile) (exeunt.Change, error) {
		return t.Complete(f.Steps, ticked, note, by, time.Now())
	})
}

func (w *world) ReassignTask(_ context.Context, id exeunt.TaskID, to exeunt.Person, by exeunt.Override) error {
	return w.onTask(id, func(t exeunt.Task, _ store.CaseFile) (exeunt.Change, error) {
		return t.Reassign(to, by, time.Now())
	})
}

func (w *world) RemindTask(_ context.Context, id exeunt.TaskID, by string) error {
	return w.onTask(id, func(t exeunt.Task, f store.CaseFile) (exeunt.Change, error) {
		c, _ := t.Remind(f.Case.Owner, time.Now())
		return c, nil
	})
}

func (w *world) onStep(id exeunt.CaseID, key string, decide func(exeunt.Step, *exeunt.Task) (exeunt.Change, error)) error {
	w.Lock()
	defer w.Unlock()
	f := w.files[id]
	i := slices.IndexFunc(f.Steps, func(s exeunt.Step) bool { return s.Key == key })
	if i < 0 {
		return missing(key)
	}
	var task *exeunt.Task
	for _, t := range f.Tasks {
		if slices.Contains(t.Steps, key) {
			task = &t
		}
	}
	c, err := decide(f.Steps[i], task)
	return w.change(id, c, err)
}

func (w *world) RetryStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	return w.onStep(id, key, func(s exeunt.Step, t *exeunt.Task) (exeunt.Change, error) {
		return exeunt.Retry([]exeunt.Step{s}, t, by, time.Now())
	})
}

func (w *world) ReleaseCase(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	w.Lock()
	defer w.Unlock()
	f := w.files[id]
	c, err := f.Case.Release(f.Steps, f.Tasks, by, time.Now())
	if err == nil {
		f.Case = *c.Case
		w.files[id] = f
	}
	return w.change(id, c, err)
}

func (w *world) StartCase(_ context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error) {
	w.Lock()
	defer w.Unlock()
	w.started = append(w.started, d)
	return 2041, nil
}

func (w *world) RevealCase(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	w.Lock()
	defer w.Unlock()
	f := w.files[id]
	c, err := f.Case.Reveal(f.Steps, f.Tasks, &by, time.Now())
	if err == nil {
		f.Case = *c.Case
		w.files[id] = f
	}
	return w.change(id, c, err)
}

func (w *world) ExtendEmbargo(_ context.Context, id exeunt.CaseID, terms exeunt.EmbargoTerms, by exeunt.Override) error {
	w.Lock()
	defer w.Unlock()
	f := w.files[id]
	c, err := f.Case.ExtendEmbargo(terms, f.Steps, f.Tasks, by, time.Now())
	if err == nil {
		f.Case = *c.Case
		w.files[id] = f
	}
	return w.change(id, c, err)
}
