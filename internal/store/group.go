package store

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/exeunt/exeunt"
)

// A durable commit costs a wait for the disk, whatever is in it. Those who come to write while another
// commit waits are therefore written together in the next one: a group. Nobody waits for company; a
// lone writer commits at once.
//
// Whoever finds nobody leading leads: it runs the others' work in its transaction, one after another,
// and tells each how it ended. So there is no goroutine to start or to stop.

// mostInGroup bounds a group, so that the first of it is not kept waiting by the last.
const mostInGroup = 256

// member is one caller's work. It may run several times: each time the transaction before was undone.
type member struct {
	do   func(Tx) error
	turn turn
	err  error
	done chan struct{} // closed when the work is durable or has failed
	lead chan struct{} // closed when the caller is to lead the next group
}

// turn orders the members of a group by the rows that they lock first: by the case, and who changes it before who
// only shares it. Groups written at the same time lock in the same order then, so that none waits for another that
// waits for it. The zero turn locks no case.
type turn struct {
	of     exeunt.CaseID
	shares bool
	alone  bool // in no group, where others may write at the same time: it must not wait for the locks of a group's other members
}

func (t turn) compare(other turn) int {
	if t.of != other.of || t.shares == other.shares {
		return cmp.Compare(t.of, other.of)
	}
	if t.shares {
		return 1
	}
	return -1
}

// groups puts what several callers write into as few transactions as there are waits for the disk.
type groups struct {
	leaders     int // how many groups may be written at once
	transaction func(context.Context, func(querier) error) error

	mu      sync.Mutex
	leading int
	waiting []*member
}

// write runs do in a transaction, perhaps with others, and returns when that is durable. The context bounds
// only the wait for a turn: work that has begun is brought to its end, since others share the transaction.
func (g *groups) write(ctx context.Context, t turn, do func(Tx) error) error {
	if t.alone && g.leaders > 1 {
		return g.transaction(ctx, func(q querier) error { return do(Tx{q}) })
	}
	m := &member{do: do, turn: t, done: make(chan struct{}), lead: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, m)
	if g.leading < g.leaders {
		g.leading++
		close(m.lead)
	}
	g.mu.Unlock()
	var withdrawn bool
	select {
	case <-m.done:
	case <-m.lead:
	case <-ctx.Done():
		if withdrawn = g.withdraw(m); !withdrawn { // it has begun
			<-m.done
		}
	}
	if closed(m.lead) { // final by now: only those who wait are made leaders
		for !withdrawn && !closed(m.done) {
			batch := g.next()
			if len(batch) == 0 { // another leader has taken our work into its group
				break
			}
			g.run(context.WithoutCancel(ctx), batch)
		}
		g.handOver()
		if !withdrawn {
			<-m.done
		}
	}
	if withdrawn {
		return ctx.Err()
	}
	return m.err
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// withdraw takes back work that nobody has begun.
func (g *groups) withdraw(m *member) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == m {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return true
		}
	}
	return false
}

func (g *groups) next() []*member {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), mostInGroup)
	batch := append([]*member(nil), g.waiting[:n]...)
	g.waiting = append(g.waiting[:0], g.waiting[n:]...)
	slices.SortStableFunc(batch, func(a, b *member) int { return a.turn.compare(b.turn) })
	return batch
}

// handOver lets whoever has waited longest lead next. It stays in the queue, so that its own group has it.
func (g *groups) handOver() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.waiting {
		if !closed(w.lead) { // else it leads already, in another group
			close(w.lead)
			return
		}
	}
	g.leading--
}

// run brings a group to its end. When a member's own work fails, the transaction is undone and all run again,
// each in a savepoint, so that only those who fail are left out; when the database itself fails, each is
// tried alone, so that nobody pays for another. Of one that does not answer, all are told at once: to wait for it
// once each would take hours.
func (g *groups) run(ctx context.Context, batch []*member) {
	if len(batch) == 0 {
		return
	}
	err := g.together(ctx, batch, plainly)
	if err != nil && len(batch) > 1 && itsOwn(err) {
		err = g.together(ctx, batch, carefully)
	}
	if err != nil && len(batch) > 1 && !silent(err) {
		for _, m := range batch {
			g.run(ctx, []*member{m})
		}
		return
	}
	for _, m := range batch {
		if err != nil {
			m.err = err
		}
		close(m.done)
	}
}

// together runs a group in one transaction, each member in a certain way.
func (g *groups) together(ctx context.Context, batch []*member, each func(context.Context, Tx, *member) error) error {
	return g.transaction(ctx, func(q querier) error {
		for _, m := range batch {
			if m.err = nil; ctx.Err() != nil {
				return ctx.Err()
			}
			if err := each(ctx, Tx{q}, m); err != nil {
				return err
			}
		}
		return nil
	})
}

func plainly(_ context.Context, tx Tx, m *member) error { return m.do(tx) }

// carefully undoes the work of a member that fails, and of no other.
func carefully(ctx context.Context, tx Tx, m *member) error {
	if _, err := tx.exec(ctx, "SAVEPOINT member"); err != nil {
		return err
	}
	m.err = m.do(tx)
	if m.err != nil {
		if !itsOwn(m.err) {
			return m.err
		}
		if _, err := tx.exec(ctx, "ROLLBACK TO SAVEPOINT member"); err != nil {
			return err
		}
	}
	_, err := tx.exec(ctx, "RELEASE SAVEPOINT member")
	return err
}

// itsOwn says whether an error is about what was to be written, not about the database.
func itsOwn(err error) bool { return exeunt.KindOf(translate(err)) != exeunt.Temporary }
