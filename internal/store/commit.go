package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// Commit writes a change, unblocks what waited for it, and puts into line what is due, in one
// transaction. It is refused with Conflict when a case, step or task was changed since the decision
// was taken, or when it is to happen once and did, and with Internal when it carries no entries: nothing happens unrecorded, except to wait longer.
//
// On success the change carries the new versions, and what it unblocked.
func (s *Store) Commit(ctx context.Context, change *exeunt.Change) error {
	return s.CommitWith(ctx, change, nil)
}

// CommitWith commits a change together with what also has to be written in the same transaction:
// the event that it answers, the lease that it ends.
func (s *Store) CommitWith(ctx context.Context, change *exeunt.Change, also func(context.Context, Tx) error) error {
	return s.commitIn(ctx, turnOf(change), change, also)
}

// commitAlone is for what takes long or waits for others who do the same: nobody's intent waits with it.
func (s *Store) commitAlone(ctx context.Context, change *exeunt.Change, also func(context.Context, Tx) error) error {
	return s.commitIn(ctx, turn{alone: true}, change, also)
}

func (s *Store) commitIn(ctx context.Context, t turn, change *exeunt.Change, also func(context.Context, Tx) error) error {
	if len(change.Entries) == 0 && !change.Waits() {
		return exeunt.Errorf(exeunt.Internal, "a change without entries was refused: nothing may happen unrecorded")
	}
	var done Committed
	draft := *change
	err := s.writeIn(ctx, t, func(ctx context.Context, tx Tx) error {
		draft = copyOf(*change)
		c := s.committer(tx, &draft)
		if err := c.run(ctx); err != nil {
			return err
		}
		done = c.tells()
		if err := s.wake(ctx, tx, done.Lanes...); err != nil {
			return err
		}
		if also != nil {
			return also(ctx, tx)
		}
		return nil
	})
	if err == nil {
		*change = draft
	}
	s.tell(done, err)
	return err
}

// Also is the write by which a commit carries changes of other cases: all or none. What they would tell is
// told by the commit that carries them.
func (s *Store) Also(changes ...exeunt.Change) func(context.Context, Tx) error {
	return func(ctx context.Context, tx Tx) error {
		for _, change := range changes {
			draft := copyOf(change)
			c := s.committer(tx, &draft)
			if err := c.run(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *Store) committer(tx Tx, change *exeunt.Change) committer {
	c := committer{Tx: tx, change: change, sharing: s.dialect.sharing()}
	if len(change.Entries) > 0 { // else nothing is dated: see exeunt.Change.Waits
		c.now = change.Entries[0].At
	}
	return c
}

func turnOf(change *exeunt.Change) turn {
	if change.Case != nil {
		return turn{of: change.Case.ID}
	}
	return turn{of: caseOf(change), shares: true}
}

// copyOf keeps a failed or repeated transaction from leaving traces in the caller's change.
func copyOf(c exeunt.Change) exeunt.Change {
	if c.Case != nil {
		kept := *c.Case
		c.Case = &kept
	}
	if c.Trip != nil {
		kept := *c.Trip
		c.Trip = &kept
	}
	c.Steps = append([]exeunt.Step(nil), c.Steps...)
	c.Tasks = append([]exeunt.Task(nil), c.Tasks...)
	c.Notices = append([]exeunt.Notice(nil), c.Notices...)
	c.Entries = append([]exeunt.Entry(nil), c.Entries...)
	c.Shadows = append([]exeunt.ShadowRun(nil), c.Shadows...)
	if c.Wave != nil {
		kept := *c.Wave
		c.Wave = &kept
	}
	c.Members = append([]exeunt.Member(nil), c.Members...)
	return c
}

type committer struct {
	Tx
	change *exeunt.Change
	of     subject // the case that the change is about; zero for what concerns the installation
	now    time.Time
	lanes  []string // that have something to do
	told   int      // notices that nobody had before

	sharing string // see dialect
}

// subject is what a commit needs to know of the case that it is about.
type subject struct {
	id     exeunt.CaseID
	handle string
	state  exeunt.CaseState
	open   bool
	secret bool // under embargo
}

// quiet says whether nothing of the case is due.
func (s subject) quiet() bool { return s.state == exeunt.CaseHeld || s.secret }

func (c *committer) tells() Committed {
	slices.Sort(c.lanes)
	return Committed{
		Case: c.of.id, Lanes: slices.Compact(c.lanes),
		// Work may have been settled while the case was held, so whatever changes a case looks again.
		Settled: c.of.open && (len(c.change.Settled()) > 0 || c.change.Case != nil),
	}
}

func (c *committer) run(ctx context.Context) error {
	fresh := c.change.Case != nil && c.change.Case.Version == 0
	for _, save := range []func(context.Context) error{c.saveCase, c.saveTrip, c.saveSteps, c.saveTasks, c.saveShadows, c.saveWave} {
		if err := save(ctx); err != nil {
			return err
		}
	}
	if fresh || c.change.Replanned {
		if err := c.saveDependencies(ctx, fresh); err != nil {
			return err
		}
	}
	if err := c.unblock(ctx); err != nil {
		return err
	}
	if err := c.stillComplete(ctx); err != nil {
		return err
	}
	if err := c.saveNotices(ctx); err != nil {
		return err
	}
	return c.saveEntries(ctx)
}

// stillComplete refuses to close a case to which work was added since it was found complete: that raises no
// version of the case. Whoever adds some from now on waits for us, and then finds it closed.
func (c *committer) stillComplete(ctx context.Context) error {
	if c.change.Case == nil || c.of.open {
		return nil
	}
	var left int
	err := c.queryRow(ctx, "SELECT COUNT(*) FROM cases c WHERE c.id = $1 AND NOT ("+settled+")", int64(c.of.id)).Scan(&left)
	if err == nil && left > 0 {
		err = exeunt.Errorf(exeunt.Conflict, "case %s has something left to do: it cannot be closed yet", c.of.id)
	}
	return err
}

func (c *committer) saveCase(ctx context.Context) error {
	if c.change.Case == nil {
		return c.loadCase(ctx)
	}
	k := c.change.Case
	old := k.Version
	k.Version++
	l := k.Departure.Leaver
	var n int64
	var err error
	if old == 0 {
		n, err = c.exec(ctx, `INSERT INTO cases (id, version, generation, handle, state, leaver_key, search, name, type, department, place, last_day, opened_at, closed_at, document, embargoed_at, reveal_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			int64(k.ID), k.Version, k.Generation, k.Handle, string(k.State), l.Key(), searchable(*k), l.Name, string(k.Departure.Type),
			l.Department, l.Place, string(k.Departure.LastDay), micros(k.OpenedAt), instant(k.ClosedAt), document(k), embargoedAt(*k), revealAt(*k))
	} else {
		n, err = c.exec(ctx, `UPDATE cases SET version = $1, generation = $2, state = $3, search = $4, name = $5, type = $6, department = $7, place = $8,
			last_day = $9, closed_at = $10, document = $11, embargoed_at = $12, reveal_at = $13 WHERE id = $14 AND version = $15`,
			k.Version, k.Generation, string(k.State), searchable(*k), l.Name, string(k.Departure.Type), l.Department, l.Place,
			string(k.Departure.LastDay), instant(k.ClosedAt), document(k), embargoedAt(*k), revealAt(*k), int64(k.ID), old)
	}
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "case %s was changed by somebody else meanwhile: look again and decide anew", k.ID)
	}
	c.of = subject{k.ID, k.Handle, k.State, k.Open(), k.Embargoed()}
	if err == nil && c.of.quiet() && old != 0 {
		err = c.stopClocks(ctx)
	}
	if err == nil && c.of.state.Over() { // what is open again is right: nobody looks for drift
		_, err = c.exec(ctx, "UPDATE steps SET runs_at = NULL, place = NULL WHERE case_id = $1 AND state = 'confirmed' AND runs_at IS NOT NULL", int64(k.ID))
	}
	if err == nil {
		err = c.saveErasure(ctx, *k)
	}
	if err == nil && k.Embargoed() {
		c.lanes = append(c.lanes, DutyReveals)
		err = c.saveViewers(ctx, *k.Embargo)
	}
	return err
}

// stopClocks takes whatever a case has out of the lines of which nothing is due: held until it is released,
// or under embargo until that ends. Either saves its open steps and tasks again.
func (c *committer) stopClocks(ctx context.Context) error {
	if _, err := c.exec(ctx, "UPDATE steps SET runs_at = NULL, place = NULL WHERE case_id = $1 AND runs_at IS NOT NULL", int64(c.of.id)); err != nil {
		return err
	}
	_, err := c.exec(ctx, "UPDATE tasks SET remind_at = NULL WHERE case_id = $1 AND remind_at IS NOT NULL", int64(c.of.id))
	return err
}

// loadCase finds the case that the steps, tasks or entries belong to, and marks a scheduled one as
// running once a step of it has begun. It refuses an intent where nothing may happen, and new work of a closed
// case: who decided it has read the case before somebody held or closed it. Nobody does that before the
// transaction ends, so that what is saved here is in line, or not, as the case says.
func (c *committer) loadCase(ctx context.Context) error {
	id := caseOf(c.change)
	if id == 0 {
		return nil
	}
	c.of.id = id
	begun := slices.ContainsFunc(c.change.Steps, func(s exeunt.Step) bool { return !s.BegunAt.IsZero() })
	if begun { // before the row is shared: two who share it cannot both go on to change it
		if _, err := c.exec(ctx, "UPDATE cases SET state = 'running' WHERE id = $1 AND state = 'scheduled'", int64(id)); err != nil {
			return err
		}
	}
	var closedAt, embargoedAt *int64
	if err := c.queryRow(ctx, "SELECT handle, state, closed_at, embargoed_at FROM cases WHERE id = $1"+c.sharing, int64(id)).Scan(&c.of.handle, (*string)(&c.of.state), &closedAt, &embargoedAt); err != nil {
		return err
	}
	c.of.open, c.of.secret = closedAt == nil, embargoedAt != nil
	acts := slices.ContainsFunc(c.change.Steps, func(s exeunt.Step) bool { return s.State == exeunt.StepRunning })
	if acts && (c.of.quiet() || !c.of.open) || !c.of.open && c.addsWork() {
		return exeunt.Errorf(exeunt.Conflict, "case %s is %s: nothing may be done for it now", id, c.of.state)
	}
	return nil
}

// addsWork says whether a change adds something to be done.
func (c *committer) addsWork() bool {
	return slices.ContainsFunc(c.change.Steps, func(s exeunt.Step) bool { return s.Version == 0 && !s.State.Settled() }) ||
		slices.ContainsFunc(c.change.Tasks, func(t exeunt.Task) bool { return t.Version == 0 && t.Open() })
}

func caseOf(change *exeunt.Change) exeunt.CaseID {
	switch {
	case len(change.Steps) > 0:
		return change.Steps[0].Case
	case len(change.Tasks) > 0:
		return change.Tasks[0].Case
	case len(change.Shadows) > 0:
		return change.Shadows[0].Case
	case len(change.Entries) > 0:
		return change.Entries[0].Case
	default:
		return 0 // which is refused, unless it waits
	}
}

// position orders what is added to a case after what it has.
func (c *committer) position(i int) int {
	if c.change.Case != nil {
		return i + int(c.change.Case.Generation-1)*1000
	}
	return i
}

func (c *committer) saveSteps(ctx context.Context) error {
	for i := range c.change.Steps {
		if err := c.saveStep(ctx, &c.change.Steps[i], c.position(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *committer) saveStep(ctx context.Context, s *exeunt.Step, position int) error {
	old := s.Version
	s.Version++
	runsAt, place := c.inLine(*s)
	var n int64
	var err error
	if old == 0 {
		n, err = c.exec(ctx, `INSERT INTO steps (case_id, key, version, position, blockers, state, system, action, branch, runs_at, place, deadline, settled_at, document)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			int64(s.Case), s.Key, s.Version, position, len(s.After), string(s.State), s.System, does(*s), s.Branch, runsAt, place, micros(s.Deadline), instant(s.SettledAt), document(s))
	} else {
		n, err = c.exec(ctx, `UPDATE steps SET version = $1, state = $2, runs_at = $3, place = $4, deadline = $5, settled_at = $6, document = $7
			WHERE case_id = $8 AND system = $9 AND key = $10 AND version = $11`+c.unlessOver(*s),
			s.Version, string(s.State), runsAt, place, micros(s.Deadline), instant(s.SettledAt), document(s), int64(s.Case), s.System, s.Key, old)
	}
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "step %s of case %s was changed meanwhile: look again and decide anew", s.Key, s.Case)
	}
	return err
}

// does is the action of a step, "" where it puts back what another did.
func does(s exeunt.Step) string {
	if s.Undoes != "" {
		return ""
	}
	return string(s.Action)
}

// unlessOver keeps what was settled from being begun anew in a case that is over, since the departure was taken back or the
// leaver works here again: who found that access had come back has read the case before, and a settled step is not
// changed by its end.
func (c *committer) unlessOver(s exeunt.Step) string {
	if c.change.Case != nil || !c.of.state.Over() || s.State.Settled() || s.Undoes != "" {
		return ""
	}
	return " AND " + unsettled
}

// inLine is when a visit is due for a step, and its place in the system's line; nil when none is.
func (c *committer) inLine(s exeunt.Step) (runsAt, place *int64) {
	due, ok := s.DueAt()
	if !ok || c.of.quiet() || s.State == exeunt.StepConfirmed && c.of.state.Over() {
		return nil, nil
	}
	c.lanes = append(c.lanes, s.System)
	return new(micros(due)), new(micros(s.Place(due)))
}

func (c *committer) saveTasks(ctx context.Context) error {
	for i := range c.change.Tasks {
		if err := c.saveTask(ctx, &c.change.Tasks[i], c.position(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *committer) saveTask(ctx context.Context, t *exeunt.Task, position int) error {
	if t.Version == 0 {
		if err := c.openTask(ctx, t, position); err != nil {
			return err
		}
		return c.followTask(ctx, *t)
	}
	old := t.Version
	t.Version++
	n, err := c.exec(ctx, `UPDATE tasks SET version = $1, state = $2, owner = $3, deadline = $4, remind_at = $5, closed_at = $6, document = $7 WHERE case_id = $8 AND key = $9 AND version = $10`,
		t.Version, string(t.State), t.Owner.Email, micros(t.Deadline), c.remindAt(*t), instant(t.ClosedAt), document(t), int64(t.Case), t.Key, old)
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "task %s was changed by somebody else meanwhile: look again and decide anew", t.ID)
	}
	if err == nil {
		err = c.followTask(ctx, *t)
	}
	return err
}

// openTask inserts a task, or opens the one of the same key anew: a step can fail twice.
func (c *committer) openTask(ctx context.Context, t *exeunt.Task, position int) error {
	t.Version = 1
	return c.queryRow(ctx, `INSERT INTO tasks (case_id, key, version, position, blockers, state, system, branch, owner, deadline, remind_at, closed_at, document, asks)
		VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (case_id, key) DO UPDATE SET version = tasks.version + 1, state = excluded.state, owner = excluded.owner,
			deadline = excluded.deadline, remind_at = excluded.remind_at, closed_at = NULL, document = excluded.document, asks = excluded.asks
		RETURNING id, version`,
		int64(t.Case), t.Key, position, len(t.After), string(t.State), t.System, t.Branch, t.Owner.Email, micros(t.Deadline), c.remindAt(*t), instant(t.ClosedAt), document(t), string(t.Asks)).
		Scan((*int64)(&t.ID), &t.Version)
}

// remindAt is when the owner is reminded next; nil when that is not due any more.
func (c *committer) remindAt(t exeunt.Task) *int64 {
	at, ok := t.ReminderAt()
	if !ok || c.of.quiet() {
		return nil
	}
	c.lanes = append(c.lanes, DutyReminders)
	return instant(at)
}

// saveNotices keeps each notice once; they are delivered when that is durable.
func (c *committer) saveNotices(ctx context.Context) error {
	for _, n := range c.change.Notices {
		if may, err := c.mayHear(ctx, n); err != nil {
			return err
		} else if !may {
			continue
		}
		fresh, err := c.exec(ctx, `INSERT INTO notices (kind, recipient, case_id, task, dedup, made_at, due_at, attempts, document) VALUES ($1, $2, $3, $4, $5, $6, $6, 0, $7)
			ON CONFLICT (case_id, task, dedup, recipient) DO NOTHING`,
			string(n.Kind), n.To.Email, int64(n.Case), n.Task, n.Dedup, micros(c.now), document(n))
		if err != nil {
			return err
		}
		if fresh > 0 {
			c.told++
			c.lanes = append(c.lanes, DutyMessages)
		}
	}
	if c.change.Once && c.told == 0 {
		return exeunt.Errorf(exeunt.Conflict, "they were told before")
	}
	return nil
}

func (c *committer) saveEntries(ctx context.Context) error {
	for i := range c.change.Entries {
		e := &c.change.Entries[i]
		if e.Case != 0 && c.change.Case == nil && !c.of.open { // it was closed since this was decided
			return exeunt.Errorf(exeunt.Conflict, "case %s is closed and its record is sealed: look again and decide anew", e.Case)
		}
		if e.ID == "" {
			e.ID = Random(16)
		}
		handle := "" // of what concerns the installation
		if e.Case != 0 {
			handle = c.of.handle
		}
		body := e.Body()
		if len(body) > exeunt.MaxBody { // its row could never change, and nothing behind it would ever reach the ledger
			return exeunt.Errorf(exeunt.Invalid, "the record of this would have %d KB, and an entry has at most %d: write a shorter text, keep the long one elsewhere and say where", len(body)>>10, exeunt.MaxBody>>10)
		}
		_, err := c.exec(ctx, `INSERT INTO outbox (event_id, case_id, about, handle, kind, at, actor, system, what, salt, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			e.ID, int64(e.Case), about(*e), handle, string(e.Kind), micros(e.At), e.Actor, e.System, strings.ToLower(e.What), Random(32), string(body))
		if err != nil {
			return err
		}
	}
	return nil
}

const caseColumns = "version, generation, state, document"

func scanCase(r row) (exeunt.Case, error) {
	var c exeunt.Case
	var version, generation int64
	var state, doc string
	if err := r.Scan(&version, &generation, &state, &doc); err != nil {
		return c, translate(err)
	}
	if err := fromDocument(doc, &c); err != nil {
		return c, err
	}
	c.Version, c.Generation, c.State = version, generation, exeunt.CaseState(state)
	return c, nil
}
