package simulation_test

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/store"
)

// decision is a person's, with name and reason; seconded is another's.
var (
	decision = exeunt.Override{By: hr.Name, Account: hr.Email, Reason: "decided in the simulation"}
	seconded = exeunt.Override{By: second.Name, Account: second.Email, Reason: "seconded in the simulation"}
)

// files reads every case, in the order of their ids.
func (w *world) files() []store.CaseFile {
	view, ctx := w.store.Everything(), context.Background()
	page, err := view.Cases(ctx, store.CaseQuery{Size: 1000}, time.Now())
	if err != nil {
		w.fatal(err)
	}
	slices.SortFunc(page.Rows, func(a, b store.CaseRow) int { return cmp.Compare(a.ID, b.ID) })
	var out []store.CaseFile
	for _, row := range page.Rows {
		out = append(out, w.file(row.ID))
	}
	return out
}

// file reads one case, without its record.
func (w *world) file(id exeunt.CaseID) (f store.CaseFile) {
	view, ctx := w.store.Everything(), context.Background()
	var err error
	if f.Case, err = view.Case(ctx, id); err == nil {
		f.Steps, err = view.Steps(ctx, id)
	}
	if err == nil {
		f.Tasks, err = view.CaseTasks(ctx, id)
	}
	if err != nil {
		w.fatal(err)
	}
	return f
}

// highest is the id of the newest case.
func (w *world) highest() exeunt.CaseID {
	var highest exeunt.CaseID
	for _, p := range w.people {
		if c, err := w.store.NewestCaseOf(context.Background(), p.leaver.Key()); err == nil {
			highest = max(highest, c.ID)
		}
	}
	return highest
}

// underWay are the cases that are under way.
func (w *world) underWay() (ids []exeunt.CaseID) {
	for id, highest := exeunt.CaseID(1), w.highest(); id <= highest; id++ {
		if c, err := w.store.Case(context.Background(), id); err == nil && c.Open() {
			ids = append(ids, id)
		}
	}
	return ids
}

// open reads the cases that are under way, one after another.
func (w *world) open() iter.Seq[store.CaseFile] {
	return func(yield func(store.CaseFile) bool) {
		for _, id := range w.underWay() {
			if !yield(w.file(id)) {
				return
			}
		}
	}
}

// somebodyDecides lets a person do something that people do.
func (w *world) somebodyDecides() {
	if w.wave != nil && w.chance(0.3) && w.driveWave() {
		return
	}
	cases := w.underWay()
	if len(cases) == 0 {
		return
	}
	id := pick(w, cases)
	f := w.file(id)
	switch w.random.IntN(13) {
	case 10:
		w.act(fmt.Sprint("places a legal hold on ", id), func(ctx context.Context, c engine.Commands) error { return c.PlaceLegalHold(ctx, id, decision) })
	case 11:
		w.releaseLegal(id)
	case 12:
		w.handsOver(id)
	case 0:
		w.act(fmt.Sprint("holds ", id), func(ctx context.Context, c engine.Commands) error { return c.HoldCase(ctx, id, decision) })
	case 1, 2:
		if f.Case.Fuse != 0 && w.chance(0.7) {
			w.decideTrip(f.Case.Fuse)
			return
		}
		w.act(fmt.Sprint("releases ", id), func(ctx context.Context, c engine.Commands) error { return c.ReleaseCase(ctx, id, decision) })
	case 3, 4, 5:
		if len(f.Steps) > 0 {
			step := pick(w, f.Steps)
			if i := slices.IndexFunc(f.Steps, func(s exeunt.Step) bool { return s.State == exeunt.StepFailed }); i >= 0 {
				step = f.Steps[i]
			}
			w.onStep(id, step)
		}
	case 6:
		w.act(fmt.Sprint("holds without a name ", id), func(ctx context.Context, c engine.Commands) error {
			err := c.HoldCase(ctx, id, exeunt.Override{})
			if err == nil {
				w.breaks(11, "%s was held by nobody and for no reason", id)
			}
			return err
		})
	default:
		if len(f.Tasks) > 0 {
			w.onTask(pick(w, f.Tasks))
		}
	}
}

func (w *world) onStep(id exeunt.CaseID, step exeunt.Step) {
	switch w.random.IntN(4) {
	case 0:
		w.act(fmt.Sprint("waives ", id, " ", step.Key), func(ctx context.Context, c engine.Commands) error {
			_, err := c.WaiveStep(ctx, id, step.Key, decision, w.patient(id))
			return err
		})
	case 1:
		w.act(fmt.Sprint("waives for no reason ", id, " ", step.Key), func(ctx context.Context, c engine.Commands) error {
			_, err := c.WaiveStep(ctx, id, step.Key, exeunt.Override{By: "Priya Nair"}, 0)
			if err == nil {
				w.breaks(11, "%s %s was waived for no reason", id, step.Key)
			}
			return err
		})
	default:
		w.act(fmt.Sprint("tries again ", id, " ", step.Key), func(ctx context.Context, c engine.Commands) error { return c.RetryStep(ctx, id, step.Key, decision) })
	}
}

func (w *world) onTask(t exeunt.Task) {
	switch w.random.IntN(4) {
	case 0:
		w.act(fmt.Sprint("reassigns ", t.Case, " ", t.Key), func(ctx context.Context, c engine.Commands) error {
			return c.ReassignTask(ctx, t.ID, exeunt.Person{Name: "Dora Deputy", Email: "dora@sim.example"}, decision)
		})
	case 1:
		w.act(fmt.Sprint("reminds of ", t.Case, " ", t.Key), func(ctx context.Context, c engine.Commands) error { return c.RemindTask(ctx, t.ID, hr.Name) })
	default:
		w.complete(t)
	}
}

// complete lets somebody do what a task asks: work, or the decision of a second person.
func (w *world) complete(t exeunt.Task) {
	if t.Asks == "" {
		if t.System == "files" && w.chance(0.7) { // some tick what they have not done
			w.handsOver(t.Case)
		}
		w.act(fmt.Sprint("completes ", t.Case, " ", t.Key), func(ctx context.Context, c engine.Commands) error {
			return c.CompleteTask(ctx, t.ID, nil, "done", t.Owner.Name)
		})
		return
	}
	yes := w.chance(0.7)
	w.act(fmt.Sprint("decides ", t.Case, " ", t.Key, " ", yes), func(ctx context.Context, c engine.Commands) error {
		return c.DecideTask(ctx, t.ID, nil, yes, seconded)
	})
	if t.Asks == exeunt.AsksConfirmation { // all of them are asked by the same person here
		w.act(fmt.Sprint("wants to confirm what they asked for themselves: ", t.Case, " ", t.Key), func(ctx context.Context, c engine.Commands) error {
			err := c.DecideTask(ctx, t.ID, nil, true, decision)
			if err == nil {
				w.breaks(11, "%s %s was asked for and confirmed by one person", t.Case, t.Key)
			}
			return err
		})
	}
}

// handsOver lets somebody give away what the person of a case alone owns, without saying so.
func (w *world) handsOver(id exeunt.CaseID) {
	if who := w.file(id).Case.Leaver().ID; w.vendors["files"].handOver(who) {
		w.note("somebody hands over what %s owns", who)
	}
}

func (w *world) releaseLegal(id exeunt.CaseID) {
	w.act(fmt.Sprint("asks to release the legal hold of ", id), func(ctx context.Context, c engine.Commands) error {
		_, err := c.AskLegalRelease(ctx, id, decision, w.patient(id))
		return err
	})
}

// finishSomething lets people do one thing that waits for them, and says whether there was any.
func (w *world) finishSomething() bool {
	if w.wave != nil && w.driveWave() {
		return true
	}
	for f := range w.open() {
		if f.Case.Fuse != 0 && f.Case.State == exeunt.CaseHeld {
			if w.decideTrip(f.Case.Fuse) {
				return true
			}
			continue
		}
		if f.Case.State == exeunt.CaseHeld {
			id := f.Case.ID
			w.act(fmt.Sprint("releases ", id), func(ctx context.Context, c engine.Commands) error { return c.ReleaseCase(ctx, id, decision) })
			return true
		}
		for _, t := range f.Tasks {
			if t.State == exeunt.TaskOpen {
				w.complete(t)
				return true
			}
		}
		if f.Case.LegalHold != nil && slices.ContainsFunc(f.Steps, func(s exeunt.Step) bool { return s.HeldFor(exeunt.HoldLegal) != nil }) {
			w.releaseLegal(f.Case.ID)
			return true
		}
	}
	return false
}

// unrest says what is still to happen.
func (w *world) unrest() string {
	var left []string
	ctx := context.Background()
	for f := range w.open() {
		left = append(left, fmt.Sprintf("case %s is %s", f.Case.ID, f.Case.State))
		for _, s := range f.Steps {
			if !s.State.Settled() {
				left = append(left, fmt.Sprintf("%s is %s (%s)", s.Key, s.State, s.Reason))
			}
		}
		for _, t := range f.Tasks {
			if t.Open() {
				left = append(left, fmt.Sprintf("task %s is %s", t.Key, t.State))
			}
		}
	}
	for _, v := range w.waves() {
		if v.Releasing() || v.State == exeunt.WaveHeld || v.Checking() {
			left = append(left, fmt.Sprintf("wave %s is %s", v.ID, v.State))
		}
	}
	ever := time.Now().AddDate(10, 0, 0)
	if due, _, err := w.store.Unsent(ctx, ever, 10); err != nil || len(due) > 0 {
		left = append(left, fmt.Sprintf("messages %v %v", due, err))
	}
	if due, _, err := w.store.DueEvents(ctx, ever, 10); err != nil || len(due) > 0 {
		left = append(left, fmt.Sprintf("%d events %v", len(due), err))
	}
	return strings.Join(left, ", ")
}
