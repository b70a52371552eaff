package store

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Seam is where a test stands between the store and its database. It may hold a write back, let it fail
// before anything was written, or let the caller hear of a failure that was none. Only storetest names it.
type Seam struct {
	// Write is around one caller's write, its wait for a turn included. What tells the write from others.
	Write func(ctx context.Context, what string, write func() error) error
	// Transaction is around one transaction, which may hold several callers' writes.
	Transaction func(transaction func() error) error
	// Nodes makes this store one of several on its database, as with PostgreSQL; nil for one alone. Whoever sets it
	// sees to it that no two transactions meet.
	Nodes *Nodes
}

// Nodes carries wake-ups between the stores of one database that are seamed together.
type Nodes struct {
	mu   sync.Mutex
	hear map[*seamed]func(lane string)
}

// NewNodes makes the company of stores.
func NewNodes() *Nodes { return &Nodes{hear: map[*seamed]func(string){}} }

func (n *Nodes) tell(lanes []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, hear := range n.hear {
		for _, lane := range lanes {
			hear(lane)
		}
	}
}

func (n *Nodes) listen(ctx context.Context, d *seamed, hear func(lane string)) error {
	n.mu.Lock()
	n.hear[d] = hear
	n.mu.Unlock()
	<-ctx.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.hear, d)
	return ctx.Err()
}

// Between puts a seam into the store. Call it before the first use.
func (s *Store) Between(seam Seam) {
	seamed := &seamed{dialect: s.dialect, seam: seam}
	if d, ok := s.dialect.(interface {
		between(func(func() error) error)
	}); ok {
		d.between(seamed.transaction)
	}
	if d, ok := s.dialect.(*sqliteDialect); ok { // each connection of a short life reads the schema and prepares everything anew
		d.read.SetMaxOpenConns(1)
	}
	s.dialect = seamed
}

// between lets every transaction of the groups run inside around.
func (g *groups) between(around func(func() error) error) {
	inner := g.transaction
	g.transaction = func(ctx context.Context, do func(querier) error) error {
		return around(func() error { return inner(ctx, do) })
	}
}

type seamed struct {
	dialect
	seam  Seam
	woken []string // lanes, by the transaction that runs
}

func (d *seamed) shared() bool { return d.seam.Nodes != nil || d.dialect.shared() }

// notify is heard when the transaction has been committed, and not when a write is only told.
func (d *seamed) notify(ctx context.Context, tx Tx, lane string) error {
	if _, only := tx.querier.(*listener); d.seam.Nodes == nil || only {
		return d.dialect.notify(ctx, tx, lane)
	}
	d.woken = append(d.woken, lane)
	return nil
}

func (d *seamed) listen(ctx context.Context, hear func(lane string)) error {
	if d.seam.Nodes == nil {
		return d.dialect.listen(ctx, hear)
	}
	return d.seam.Nodes.listen(ctx, d, hear)
}

func (d *seamed) transaction(transaction func() error) error {
	return d.seam.Transaction(func() error {
		d.woken = nil
		err := transaction()
		if err == nil && d.seam.Nodes != nil {
			d.seam.Nodes.tell(d.woken)
		}
		return err
	})
}

// About says of the writes of a context what they are about, for a seam that cannot tell it by their statements:
// who asks for the next number says nothing of whom it is for.
func About(ctx context.Context, what string) context.Context {
	return context.WithValue(ctx, aboutKey{}, what)
}

type aboutKey struct{}

func (d *seamed) write(ctx context.Context, t turn, do func(Tx) error) error {
	what, _ := ctx.Value(aboutKey{}).(string)
	return d.seam.Write(ctx, strings.TrimSpace(what+" "+statementsOf(do)), func() error { return d.dialect.write(ctx, t, do) })
}

// statementsOf runs a write against no database and returns the statements that it would make, with their short
// values and keys: what else is long is a document, a salt or a random name. That is harmless, since every write may run
// several times.
func statementsOf(do func(Tx) error) string {
	var l listener
	_ = do(Tx{&l}) // an answer that is missing may end it early
	return strings.Join(l.heard, "; ")
}

// longKey is the key of a task or step that is as long as a random name, such as directory-remove-groups-again-3-exception.
var longKey = regexp.MustCompile(`^[a-z]+(-([a-z]+|[0-9]+))+$`)

type listener struct{ heard []string }

func (l *listener) hear(query string, args []any) {
	verb, rest, _ := strings.Cut(strings.TrimSpace(query), " ")
	words := []string{verb}
	for _, w := range strings.Fields(rest) {
		if w = strings.Trim(w, "("); w != "INTO" && w != "FROM" {
			words = append(words, w)
			break
		}
	}
	for _, a := range args {
		if p, ok := a.(*int64); ok && p != nil {
			a = *p
		}
		if s := fmt.Sprint(a); len(s) < 32 || longKey.MatchString(s) {
			words = append(words, s)
		}
	}
	l.heard = append(l.heard, strings.Join(words, " "))
}

func (l *listener) exec(_ context.Context, query string, args ...any) (int64, error) {
	l.hear(query, args)
	return 1, nil
}

func (l *listener) query(_ context.Context, query string, args ...any) (rows, error) {
	l.hear(query, args)
	return noRows{}, nil
}

func (l *listener) queryRow(_ context.Context, query string, args ...any) row {
	l.hear(query, args)
	return noRows{}
}

// noRows ends at once. Asked for a row all the same, it counts one of everything, so that nobody divides by zero.
type noRows struct{}

func (noRows) Next() bool { return false }
func (noRows) Err() error { return nil }
func (noRows) Close()     {}

func (noRows) Scan(into ...any) error {
	for _, v := range into {
		switch p := v.(type) {
		case *int64:
			*p = 1
		case *int:
			*p = 1
		}
	}
	return nil
}

// Plans says how the database would go about what read asks of a view, a text for each query. Only tests name it.
// PostgreSQL is told to read no table whole unless it must: of a few rows it would always do.
func (s *Store) Plans(ctx context.Context, read func(View) error) (plans []string, err error) {
	err = s.write(ctx, func(ctx context.Context, tx Tx) error {
		e := &explainer{querier: tx, verb: "EXPLAIN QUERY PLAN "}
		if s.Shared() {
			e.verb = "EXPLAIN "
			if _, err := tx.exec(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
				return err
			}
		}
		err := read(View{visible{reader: func() querier { return e }}})
		plans = e.plans
		return err
	})
	return plans, err
}

// explainer asks for the plan of each query before it runs.
type explainer struct {
	querier
	verb  string
	plans []string
}

func (e *explainer) explain(ctx context.Context, query string, args []any) error {
	var lines []string
	err := eachRow(ctx, e.querier, func(r row) error {
		var id, parent, unused int
		var line string
		into := []any{&line}
		if strings.Contains(e.verb, "QUERY PLAN") {
			into = []any{&id, &parent, &unused, &line}
		}
		err := r.Scan(into...)
		lines = append(lines, line)
		return err
	}, e.verb+query, args...)
	e.plans = append(e.plans, strings.Join(lines, "\n"))
	return err
}

func (e *explainer) query(ctx context.Context, query string, args ...any) (rows, error) {
	if err := e.explain(ctx, query, args); err != nil {
		return nil, err
	}
	return e.querier.query(ctx, query, args...)
}

func (e *explainer) queryRow(ctx context.Context, query string, args ...any) row {
	if err := e.explain(ctx, query, args); err != nil {
		return failedRow{err}
	}
	return e.querier.queryRow(ctx, query, args...)
}
