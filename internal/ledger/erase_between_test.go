package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// beforeBegin is a database that does something before each transaction begins.
type beforeBegin struct {
	driver.Conn
	do func()
}

func (b *beforeBegin) Connect(context.Context) (driver.Conn, error) { return b, nil }
func (b *beforeBegin) Driver() driver.Driver                        { return nil }

func (b *beforeBegin) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	b.do()
	return b.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (b *beforeBegin) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return b.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (b *beforeBegin) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return b.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

// An entry of the case that is written while its erasure waits for the database is no part of the erasure.
func TestAnEntryThatComesDuringAnErasureStaysReadable(t *testing.T) {
	dir, handle := t.TempDir(), ledgertest.Handle(1)
	o := ledgertest.New()
	o.Add(handle, ledgertest.Entries(1, 3, true)...)
	o.Add(handle, exeunt.Entry{Kind: exeunt.EntryErased, Case: 1, What: "erased"})
	o.Add(handle, exeunt.Entry{Kind: exeunt.EntryExported, Case: 1, What: "exported meanwhile"})
	if _, err := o.Sequence(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	records := o.Records()
	last := len(records) - 1
	var leaves []exeunt.Leaf
	for _, r := range records {
		leaf, err := verify.DecodeLeaf(r.Leaf)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	b, err := openBodies(t.Context(), dir)
	if err == nil {
		err = b.add(t.Context(), records[:last], leaves[:last])
	}
	if err != nil {
		t.Fatal(err)
	}
	defer b.db.Close()
	conn, err := b.db.Driver().Open(bodiesAddress(dir))
	if err != nil {
		t.Fatal(err)
	}
	slow := &bodies{sql.OpenDB(&beforeBegin{conn, func() {
		if err := b.add(t.Context(), records[last:], leaves[last:]); err != nil {
			t.Error(err)
		}
	}})}
	defer slow.db.Close()
	slow.db.SetMaxOpenConns(1)
	if err := slow.erase(t.Context(), handle, leaves[last-1].N); err != nil {
		t.Fatal(err)
	}
	rows, keys, err := b.ofCase(t.Context(), handle)
	if err != nil || len(rows) != len(records) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows {
		_, body, err := row.open(keys)
		if gone := i < last-1; err != nil || (body == nil) != gone {
			t.Errorf("entry %d of %d: %q, %v", i, len(rows), body, err)
		}
	}
}
