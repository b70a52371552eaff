package store

import (
	"context"
	"strconv"
	"time"

	"github.com/exeunt/exeunt"
)

// Manifest records how much there is, once an hour whichever server asks, when something was recorded since the
// last time. Whoever keeps a manifest can show that what came before it was cut off. It says no more than the
// log itself shows: how many entries, and how many cases.
func (o Outbox) Manifest(ctx context.Context, now time.Time) (recorded bool, err error) {
	var last, entries int64
	read := o.store.dialect.reader()
	if err := read.queryRow(ctx, "SELECT COALESCE(MAX(n), -1) FROM outbox WHERE kind = $1", string(exeunt.EntryManifest)).Scan(&last); err != nil {
		return false, translate(err)
	}
	if err := read.queryRow(ctx, "SELECT COALESCE(MAX(n) + 1, 0) FROM outbox").Scan(&entries); err != nil {
		return false, translate(err)
	}
	if entries == last+1 { // -1 + 1: nothing at all
		return false, nil
	}
	detail := map[string]string{"entries": strconv.FormatInt(entries, 10)}
	var cases, closed int64 // also what was taken back, and whose leaver came back, gets the entry that closes it
	if err := read.queryRow(ctx, "SELECT COUNT(*), COUNT(closed_at) FROM cases").Scan(&cases, &closed); err != nil {
		return false, translate(err)
	}
	detail["cases"], detail["closed"] = strconv.FormatInt(cases, 10), strconv.FormatInt(closed, 10)
	var change exeunt.Change
	change.Record(exeunt.EntryManifest, nil, now, "the log had "+detail["entries"]+" entries; there were "+detail["cases"]+" cases, "+detail["closed"]+" of them closed", detail)
	err = o.store.CommitWith(ctx, &change, func(ctx context.Context, tx Tx) error { return firstOfHour(ctx, tx, now) })
	if exeunt.KindOf(err) == exeunt.Conflict {
		return false, nil
	}
	return err == nil, err
}

// firstOfHour refuses with Conflict when this hour has its manifest.
func firstOfHour(ctx context.Context, tx Tx, now time.Time) error {
	n, err := tx.exec(ctx, `INSERT INTO settings (name, value) VALUES ('manifest', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value < excluded.value`, now.UTC().Format("2006-01-02T15"))
	if err == nil && n == 0 {
		return exeunt.Errorf(exeunt.Conflict, "this hour has its manifest")
	}
	return err
}
