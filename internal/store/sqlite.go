package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/remains"
)

type sqliteDialect struct {
	writing *sql.DB
	writer  *sql.Conn // the one of them that is used
	writes  *statements
	read    *sql.DB
	reads   *statements
	groups
}

// openSQLite opens DIR/exeunt.db: one writing connection, since SQLite has one writer anyway and a
// queue in front of it is fairer than its busy loop; readers on their own, who never wait in WAL.
// synchronous=FULL: a commit that was answered survives a power cut.
func openSQLite(dir string) (*sqliteDialect, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	pragmas := "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=secure_delete(1)&_pragma=cache_size(-16000)"
	name := "file:" + (&url.URL{Path: filepath.Join(dir, "exeunt.db")}).EscapedPath()
	write, err := sql.Open("sqlite", name+"?"+pragmas)
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", name+"?_pragma=query_only(1)&"+pragmas)
	if err != nil {
		return nil, err
	}
	read.SetMaxOpenConns(4)
	read.SetMaxIdleConns(4)
	conn, err := write.Conn(context.Background())
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Temporary, "the database in the data directory cannot be opened: check that the disk has space and that its files are ours").Because(err)
	}
	d := &sqliteDialect{writing: write, writer: conn, writes: newStatements(conn), read: read, reads: newStatements(read)}
	d.groups = groups{leaders: 1, transaction: oneWriter(d.writes)}
	return d, nil
}

// oneWriter runs transactions on a connection of its own. Immediate, so that it is the writer from the
// start and never has to give up half way.
func oneWriter(prepared *statements) func(context.Context, func(querier) error) error {
	q := sqlQuerier{prepared}
	return func(ctx context.Context, do func(querier) error) error {
		if _, err := q.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		err := do(q)
		if err == nil {
			if _, err = q.exec(ctx, "COMMIT"); err == nil {
				return nil
			}
		}
		_, _ = q.exec(ctx, "ROLLBACK") // it fails when SQLite has rolled back already, as on a full disk
		return err
	}
}

func (d *sqliteDialect) reader() querier  { return sqlQuerier{d.reads} }
func (d *sqliteDialect) sharing() string  { return "" } // nobody else writes
func (d *sqliteDialect) identity() string { return "INTEGER PRIMARY KEY AUTOINCREMENT" }

// An immediate transaction already excludes every other writer.
func (d *sqliteDialect) lockSequencer(context.Context, Tx) (bool, error) { return true, nil }
func (d *sqliteDialect) lockSchema(context.Context, Tx) error            { return nil }
func (d *sqliteDialect) lockFuse(context.Context, Tx) error              { return nil }

// One process has the file: the data directory's lock, which the app takes, is the database's too.
func (d *sqliteDialect) shared() bool                                { return false }
func (d *sqliteDialect) notify(context.Context, Tx, string) error    { return nil }
func (d *sqliteDialect) listen(context.Context, func(string)) error  { return nil }
func (d *sqliteDialect) now(context.Context, querier) (int64, error) { return micros(time.Now()), nil }

// remains reads the whole file, beside everybody else.
func (d *sqliteDialect) remains(ctx context.Context) (pages []int64, err error) {
	var count, vacuum int64
	for pragma, into := range map[string]*int64{"page_count": &count, "auto_vacuum": &vacuum} {
		if err := d.reader().queryRow(ctx, "PRAGMA "+pragma).Scan(into); err != nil {
			return nil, err
		}
	}
	if err := remains.Understood(count, vacuum); err != nil {
		return nil, exeunt.Errorf(exeunt.Internal, "what was deleted cannot be overwritten on disk: %w", err)
	}
	var number int64
	var page sql.RawBytes
	err = eachRow(ctx, d.reader(), func(r row) error {
		err := r.Scan(&number, &page)
		if err == nil && remains.Dirty(number, page) {
			pages = append(pages, number)
		}
		return err
	}, "SELECT pgno, data FROM sqlite_dbpage")
	return pages, err
}

// scrub empties the write-ahead log, on a connection of its own: the writer's may be in a transaction.
func (d *sqliteDialect) scrub(ctx context.Context) error {
	var busy, frames, moved int
	if err := d.writing.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return exeunt.Errorf(exeunt.Temporary, "what was deleted is not yet overwritten on disk, since the database is being read: it is tried again")
	}
	return nil
}

func (d *sqliteDialect) close() {
	_ = d.read.Close()
	d.writes.close()
	_ = d.writer.Close()
	_ = d.writing.Close()
}

type sqlRows struct{ *sql.Rows }

func (r sqlRows) Close() { _ = r.Rows.Close() } // Err has told whatever matters
