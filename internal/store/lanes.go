package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Several nodes share the work of one PostgreSQL database by lanes: each lane is drained by one node at a
// time, for as long as that renews its lease. So a system's rate budget is kept by one node, exactly; and
// when a node is killed, paused or cut off, its leases end and the others take its lanes.

// Beat is what a node learns each time it says that it lives.
type Beat struct {
	Lanes   []string                 // that are this node's until the lease ends
	Surplus []string                 // those of them that it should let go, so that other nodes have their share
	Nodes   int                      // that live
	Pauses  map[string]time.Duration // how long systems asked to be left alone yet
	Ahead   time.Duration            // how far this node's clock is ahead of the database's, when that is too far either way
}

// Node is who beats.
type Node struct {
	Name  string
	Knows []string // the lanes of its configuration
	Lease time.Duration
	Clock func() time.Time // its own; time.Now when nil

	Configuration string // the version of what it serves
}

// clockTolerance is how far a node's clock may be off the database's. Servers that are kept in time differ
// by milliseconds; what is started at a cut-off may be some seconds late, and must not be early by minutes.
const clockTolerance = 10 * time.Second

// forgetAfter is how long the row of a node is kept that has died without a word.
const forgetAfter = 10 * time.Minute

// Beat renews a node and its lanes for the length of a lease, and takes free lanes up to its fair share of
// those that it knows. Leases are counted by the database's clock, whatever the nodes' clocks say. A node whose
// clock is wrong gets lanes only that nobody else can have: it would start work at the wrong time.
func (s *Store) Beat(ctx context.Context, n Node) (Beat, error) {
	var b Beat
	clock := n.Clock
	if clock == nil {
		clock = time.Now
	}
	err := s.writeIn(ctx, turn{alone: true}, func(ctx context.Context, tx Tx) error {
		asked := clock()
		now, err := s.dialect.now(ctx, tx)
		if err != nil {
			return err
		}
		k := beater{Tx: tx, node: n, now: now, until: now + n.Lease.Microseconds(), ahead: ahead(asked, clock(), now)}
		b, err = k.beat(ctx)
		return err
	})
	if err == nil {
		s.crowded.Store(b.Nodes > 1)
	}
	return b, err
}

// ahead is by how much a clock is off that was read before and after the database's: zero within the tolerance,
// and within what the journey took.
func ahead(before, after time.Time, database int64) time.Duration {
	journey := after.Sub(before)
	off := before.Add(journey / 2).Sub(fromMicros(database))
	if off.Abs()-journey/2 <= clockTolerance {
		return 0
	}
	return off
}

// WrongClock is a server that lives and whose clock is too far off the database's.
type WrongClock struct {
	Node  string
	Ahead time.Duration // negative when it is behind
	Alone bool          // no other server lives that could do its work
}

// String says what is wrong, what follows from it and what to do.
func (w WrongClock) String() string {
	off, then := "ahead of", "The other servers do its work as long as that lasts."
	if w.Ahead < 0 {
		off = "behind"
	}
	if w.Alone {
		then = "No other server is there, so that it goes on: what is due begins at the wrong time."
	}
	return fmt.Sprintf("The clock of server %s is %s %s the database's. %s Set the wrong one of the two right, as chrony or systemd-timesyncd do; nothing has to be restarted.",
		w.Node, w.Ahead.Abs().Round(time.Second), off, then)
}

// WrongClocks are the servers whose clocks are off, as they said at their last beat. Who has been silent for longer than
// all others is not there: servers beat every few seconds, and the clock of who asks here may be the wrong one.
func (v View) WrongClocks(ctx context.Context) ([]WrongClock, error) {
	var wrong []WrongClock
	living := 0
	err := eachRow(ctx, v.read, func(r row) error {
		var w WrongClock
		var ahead int64
		err := r.Scan(&w.Node, &ahead)
		if w.Ahead = time.Duration(ahead) * time.Microsecond; ahead != 0 {
			wrong = append(wrong, w)
		}
		living++
		return err
	}, "SELECT name, ahead FROM visible_nodes WHERE until >= (SELECT MAX(until) FROM visible_nodes) - $1 ORDER BY name", clockTolerance.Microseconds())
	for i := range wrong {
		wrong[i].Alone = living == 1
	}
	return wrong, err
}

// Configurations are the versions of the configurations that living servers serve, and how many serve each.
func (v View) Configurations(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := eachRow(ctx, v.read, func(r row) error {
		var version string
		err := r.Scan(&version)
		out[version]++
		return err
	}, "SELECT configuration FROM visible_nodes WHERE until >= (SELECT MAX(until) FROM visible_nodes) - $1", clockTolerance.Microseconds())
	return out, err
}

type beater struct {
	Tx
	node       Node
	now, until int64
	ahead      time.Duration
}

func (k beater) beat(ctx context.Context) (Beat, error) {
	b := Beat{Ahead: k.ahead}
	if _, err := k.exec(ctx, `INSERT INTO nodes (name, until, knows, ahead, configuration) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (name) DO UPDATE SET until = excluded.until, knows = excluded.knows, ahead = excluded.ahead, configuration = excluded.configuration`,
		k.node.Name, k.until, document(k.node.Knows), k.ahead.Microseconds(), k.node.Configuration); err != nil {
		return b, err
	}
	all, err := k.living(ctx)
	if err != nil {
		return b, err
	}
	b.Nodes = len(all)
	// Who finds its name still on a lane has lost it to nobody, however late it is.
	if _, err := k.exec(ctx, "UPDATE lanes SET until = $1 WHERE node = $2", k.until, k.node.Name); err != nil {
		return b, err
	}
	taken, counts := map[string]bool{}, map[string]int{}
	err = eachRow(ctx, k, func(r row) error {
		var name, node string
		if err := r.Scan(&name, &node); err != nil {
			return err
		}
		taken[name] = true
		counts[node]++
		if node == k.node.Name {
			b.Lanes = append(b.Lanes, name)
		}
		return nil
	}, "SELECT name, node FROM lanes WHERE until >= $1 ORDER BY name", k.now)
	if err != nil {
		return b, err
	}
	wanted := share(k.node.Name, all)
	for _, name := range wanted.lanes {
		if taken[name] || !wanted.room(b.Lanes, name) {
			continue
		}
		n, err := k.exec(ctx, `INSERT INTO lanes (name, node, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until WHERE lanes.until < $4`, name, k.node.Name, k.until, k.now)
		if err != nil {
			return b, err
		}
		if n > 0 {
			b.Lanes = append(b.Lanes, name)
		}
	}
	if b.Surplus = wanted.surplus(b.Lanes); len(b.Surplus) == 0 {
		b.Surplus = relief(k.node.Name, b.Lanes, counts, all)
	}
	b.Pauses, err = k.pauses(ctx)
	return b, err
}

// sharer is a living node as its share is reckoned.
type sharer struct {
	name  string
	knows []string
	off   bool // its clock is
}

// living reads the nodes that live, this one among them, and forgets those that died long ago.
func (k beater) living(ctx context.Context) ([]sharer, error) {
	all := []sharer{{k.node.Name, k.node.Knows, k.ahead != 0}}
	dead := false
	err := eachRow(ctx, k, func(r row) error {
		var n sharer
		var until, ahead int64
		var knows string
		if err := r.Scan(&n.name, &until, &knows, &ahead); err != nil {
			return err
		}
		switch {
		case until < k.now:
			dead = dead || until < k.now-forgetAfter.Microseconds()
		case n.name != k.node.Name:
			n.off = ahead != 0
			all = append(all, n)
			return fromDocument(knows, &all[len(all)-1].knows)
		}
		return nil
	}, "SELECT name, until, knows, ahead FROM nodes ORDER BY name")
	if err != nil || !dead {
		return all, err
	}
	for _, query := range []string{"DELETE FROM nodes WHERE until < $1", "DELETE FROM lanes WHERE until < $1"} {
		if _, err := k.exec(ctx, query, k.now-forgetAfter.Microseconds()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// part is what a node may have of the lanes: those first that the fewest can have.
type part struct {
	lanes  []string
	rivals map[string]int // how many can have it
	most   int            // lanes
}

// share reckons a node's part. A lane that one node alone knows is its, so that a server with another
// configuration neither lacks what only it can do, nor is given what it cannot.
func share(me string, all []sharer) part {
	fit, known := map[string][]string{}, map[string][]string{}
	for _, n := range all {
		for _, lane := range n.knows {
			known[lane] = append(known[lane], n.name)
			if !n.off {
				fit[lane] = append(fit[lane], n.name)
			}
		}
	}
	p, sum := part{rivals: map[string]int{}}, 0.0
	for lane, who := range known {
		if len(fit[lane]) > 0 {
			who = fit[lane]
		}
		if slices.Contains(who, me) {
			p.lanes = append(p.lanes, lane)
			p.rivals[lane] = len(who)
			sum += 1 / float64(len(who))
		}
	}
	slices.SortFunc(p.lanes, func(a, b string) int { return cmp.Or(cmp.Compare(p.rivals[a], p.rivals[b]), cmp.Compare(a, b)) })
	p.most = int(math.Ceil(sum - 1e-9)) // three thirds are not quite one
	return p
}

// room says whether a node that has some lanes may take one more. One that fewer can have than one of those
// is taken beyond its part: the other is surplus then.
func (p part) room(has []string, lane string) bool {
	return len(has) < p.most || slices.ContainsFunc(has, func(other string) bool { return p.rivals[other] > p.rivals[lane] })
}

// surplus are the lanes that a node has and should not have, and those beyond its part that most others can
// have.
func (p part) surplus(has []string) []string {
	var give []string
	kept := 0
	for _, lane := range p.lanes {
		if slices.Contains(has, lane) {
			if kept++; kept > p.most {
				give = append(give, lane)
			}
		}
	}
	for _, lane := range has {
		if p.rivals[lane] == 0 {
			give = append(give, lane)
		}
	}
	slices.Sort(give)
	return give
}

// relief is a lane that a node should let go although it has no more than its part: another one that would take it has
// two fewer. Where lanes do not divide evenly, one node may else be left with next to nothing.
func relief(me string, has []string, counts map[string]int, all []sharer) []string {
	poorest, lane := len(has)-1, ""
	for _, n := range all {
		if n.name == me || counts[n.name] >= poorest {
			continue
		}
		theirs := share(n.name, all)
		if counts[n.name] >= theirs.most { // it would not take one more
			continue
		}
		for _, one := range has {
			if slices.Contains(theirs.lanes, one) {
				poorest, lane = counts[n.name], one
			}
		}
	}
	if lane == "" {
		return nil
	}
	return []string{lane}
}

// LetGo gives lanes of a node back, for others to take at once; all of them, and the node itself, when none
// is named.
func (s *Store) LetGo(ctx context.Context, node string, lanes ...string) error {
	return s.writeIn(ctx, turn{alone: true}, func(ctx context.Context, tx Tx) error {
		for _, lane := range lanes {
			if _, err := tx.exec(ctx, "DELETE FROM lanes WHERE name = $1 AND node = $2", lane, node); err != nil {
				return err
			}
		}
		if len(lanes) > 0 {
			return nil
		}
		if _, err := tx.exec(ctx, "DELETE FROM lanes WHERE node = $1", node); err != nil {
			return err
		}
		_, err := tx.exec(ctx, "DELETE FROM nodes WHERE name = $1", node)
		return err
	})
}

// ForgetNodes drops every node and lease, and what was claimed by them: for a process that knows that it is
// the only one on the database, so that it need not wait for the leases of the one before it. It says whether
// there may be others, in which case nothing was done.
func (s *Store) ForgetNodes(ctx context.Context, now time.Time) (shared bool, err error) {
	if s.dialect.shared() {
		return true, nil
	}
	return false, s.write(ctx, func(ctx context.Context, tx Tx) error {
		for _, query := range []string{"DELETE FROM lanes", "DELETE FROM nodes"} {
			if _, err := tx.exec(ctx, query); err != nil {
				return err
			}
		}
		_, err := tx.exec(ctx, "UPDATE notices SET due_at = $1 WHERE sent_at IS NULL AND attempts > 0", micros(now))
		return err
	})
}

// inLines are the systems in which something is in line. It hops from one to the next in the index instead of reading
// every place in it, of which there may be hundreds of thousands. Source of the form: PostgreSQL wiki, "Loose indexscan".
const inLines = `WITH RECURSIVE inline (system) AS (SELECT MIN(system) FROM steps WHERE place IS NOT NULL
	UNION ALL SELECT (SELECT MIN(s.system) FROM steps s WHERE s.place IS NOT NULL AND s.system > inline.system) FROM inline WHERE inline.system IS NOT NULL) `

const strays = inLines + `SELECT system FROM inline WHERE system IS NOT NULL AND system NOT IN (SELECT name FROM lanes)
	UNION SELECT system FROM reconciled_systems WHERE open_at IS NOT NULL AND system NOT IN (SELECT name FROM lanes)`

// Strays are the systems in which something is in line, or whose accounts are to be listed, and for which no node has a lane.
func (s *Store) Strays(ctx context.Context) ([]string, error) {
	var out []string
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var name string
		err := r.Scan(&name)
		out = append(out, name)
		return err
	}, strays)
	return out, err
}
