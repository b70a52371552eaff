package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
)

// sqlQuerier runs every statement prepared: to parse the SQL anew each time costs more than to run it.
type sqlQuerier struct{ *statements }

func (q sqlQuerier) exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := q.take(ctx, query)
	if err != nil {
		return 0, err
	}
	defer q.give(s)
	r, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (q sqlQuerier) query(ctx context.Context, query string, args ...any) (rows, error) {
	s, err := q.take(ctx, query)
	if err != nil {
		return nil, err
	}
	defer q.give(s)                        // open rows keep it alive themselves
	r, err := s.QueryContext(ctx, args...) //nolint:rowserrcheck // eachRow closes and checks
	if err != nil {
		return nil, err
	}
	return sqlRows{r}, nil
}

func (q sqlQuerier) queryRow(ctx context.Context, query string, args ...any) row {
	s, err := q.take(ctx, query)
	if err != nil {
		return failedRow{err}
	}
	defer q.give(s)
	return s.QueryRowContext(ctx, args...)
}

// failedRow is the answer to what could not even be asked.
type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// statements keeps what was prepared on a connection or a pool, by its text.
type statements struct {
	on interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}
	mu   sync.Mutex
	kept map[string]*prepared
	uses uint64
}

// prepared is one that is kept.
type prepared struct {
	*sql.Stmt
	users int    // who are about to run it: it is not closed under their hands
	used  uint64 // the last use
}

// mostStatements bounds the memory of statements; our texts are fewer, as long as nobody writes values into them.
const mostStatements = 500

func newStatements(on interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}) *statements {
	return &statements{on: on, kept: map[string]*prepared{}}
}

// unnamed writes ? for $1, $2… where they stand in that order and once each. SQLite takes a numbered parameter for a named
// one, and the driver asks for each name, which SQLite looks for among all the others: for a table of 640 values that is a
// good part of the statement's time. (https://www.sqlite.org/lang_expr.html#parameters; modernc.org/sqlite, conn.bind)
func unnamed(query string) string {
	var b strings.Builder
	quoted, next := false, 1
	for i := 0; i < len(query); i++ {
		c := query[i]
		if c == '\'' {
			quoted = !quoted
		}
		end := i + 1
		for c == '$' && !quoted && end < len(query) && query[end] >= '0' && query[end] <= '9' {
			end++
		}
		if end == i+1 {
			b.WriteByte(c)
			continue
		}
		if query[i+1:end] != strconv.Itoa(next) {
			return query
		}
		b.WriteByte('?')
		next++
		i = end - 1
	}
	return b.String()
}

// take returns the statement of a text, which whoever takes it gives back when it runs.
func (s *statements) take(ctx context.Context, query string) (*prepared, error) {
	s.mu.Lock()
	if k := s.kept[query]; k != nil {
		defer s.mu.Unlock()
		return s.use(k), nil
	}
	s.mu.Unlock()
	fresh, err := s.on.PrepareContext(ctx, unnamed(query))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.kept[query]; k != nil { // somebody was faster
		_ = fresh.Close() //nolint:sqlclosecheck // only this one: the other is kept
		return s.use(k), nil
	}
	s.makeRoom()
	k := &prepared{Stmt: fresh}
	s.kept[query] = k
	return s.use(k), nil
}

func (s *statements) use(k *prepared) *prepared {
	s.uses++
	k.users++
	k.used = s.uses
	return k
}

func (s *statements) give(k *prepared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.users--
}

// makeRoom closes the one that has not been used for longest, when there are as many as there may be.
func (s *statements) makeRoom() {
	if len(s.kept) < mostStatements {
		return
	}
	var oldest string
	for query, k := range s.kept {
		if k.users == 0 && (oldest == "" || k.used < s.kept[oldest].used) {
			oldest = query
		}
	}
	if k := s.kept[oldest]; k != nil {
		_ = k.Close()
		delete(s.kept, oldest)
	}
}

// close finalizes what was prepared on a connection of our own, which package sql leaves to us: SQLite keeps
// a connection with open statements, and its files, for ever.
func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		_ = k.Close()
	}
	clear(s.kept)
}
