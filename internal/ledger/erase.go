package ledger

import (
	"context"
	"crypto/cipher"
	"database/sql"

	"github.com/exeunt/exeunt"
)

// Erase destroys the key of a case and what it sealed, once an erase leaf of the case is in the log;
// without one it refuses with Conflict. Leaves stay, and every proof still verifies. It may be
// repeated, and has to be after an error.
//
// At is the number of that leaf, as a check has seen it; -1 when it is not known. Bodies that were put back do not know it,
// and without it the whole log would be read.
//
// The caller also removes what the operational database holds of the case, outbox rows included.
func (l *Log) Erase(ctx context.Context, handle string, at int64) error {
	if handle == "" {
		return exeunt.Errorf(exeunt.Invalid, "what concerns the installation cannot be erased, only a case can").In("case")
	}
	size, err := l.Size(ctx)
	if err != nil {
		return err
	}
	n, err := l.bodies.erasedAt(ctx, handle, size)
	if err == nil && n < 0 {
		n, err = l.eraseLeaf(ctx, handle, at)
	}
	if err != nil {
		return err
	}
	if n < 0 {
		return exeunt.Errorf(exeunt.Conflict, "the log has no erase entry of the case yet: record the erasure first, so that missing bodies are accounted for")
	}
	l.sealed.Lock() // not while leaves are looked for: packets wait for it
	defer l.sealed.Unlock()
	return l.bodies.erase(ctx, handle, n)
}

// erasedAt is the number of the newest erase leaf of a case in a log of a size, -1 when there is none.
func (b *bodies) erasedAt(ctx context.Context, handle string, size int64) (int64, error) {
	n := int64(-1)
	err := b.db.QueryRowContext(ctx, "SELECT COALESCE(MAX(n), -1) FROM bodies WHERE handle = ? AND kind = ? AND n < ?",
		handle, string(exeunt.LeafErase), size).Scan(&n)
	if err != nil {
		return -1, diskError("the ledger's bodies cannot be read", err)
	}
	return n, nil
}

// sealedBy are the bodies under the key of a case: its own, and the few beside it, each by an index.
const sealedBy = "(handle = $1 AND holder = $1 OR holder = $1 AND handle <> holder)"

// erase destroys the key of a case and every body up to number n that it sealed, also of what tells of the case beside its
// own entries. Entries that the case got since, and the erase entry itself, stay readable: they are sealed with another key.
func (b *bodies) erase(ctx context.Context, handle string, n int64) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return diskError("the case cannot be erased", err)
	}
	defer tx.Rollback()
	// Within the transaction: an entry of the case that came before it would be lost with the key that sealed it.
	rows, keys, err := readWithKeys(ctx, tx, handle, sealedBy)
	if err != nil {
		return err
	}
	// Zeros first: an overwritten cell is in the same page, whatever secure_delete does later.
	for _, step := range []struct {
		statement string
		args      []any
	}{
		{"UPDATE bodies SET sealed = zeroblob(length(sealed)) WHERE " + sealedBy + " AND n <= $2 AND sealed IS NOT NULL", []any{handle, n}},
		{"UPDATE bodies SET sealed = NULL WHERE " + sealedBy + " AND n <= $2", []any{handle, n}},
		{"UPDATE keys SET key = zeroblob(length(key)) WHERE holder = $1", []any{handle}},
		{"DELETE FROM keys WHERE holder = $1", []any{handle}},
	} {
		if _, err := tx.ExecContext(ctx, step.statement, step.args...); err != nil {
			return diskError("the case cannot be erased", err)
		}
	}
	for _, s := range rows {
		if s.n > n {
			if err := s.reseal(ctx, tx, keys); err != nil {
				return err
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return diskError("the case cannot be erased", err)
	}
	return b.truncate(ctx)
}

// reseal puts a body that is younger than the erasure under the case's new key.
func (s stored) reseal(ctx context.Context, tx *sql.Tx, old map[string]cipher.AEAD) error {
	salt, body, err := s.open(old)
	if err != nil || body == nil {
		return err
	}
	key, err := caseKey(ctx, tx, s.holder)
	if err != nil {
		return err
	}
	again := seal(key, exeunt.Record{EventID: s.event, Case: s.handle, Salt: [32]byte(salt), Body: body})
	if _, err := tx.ExecContext(ctx, "UPDATE bodies SET sealed = $1 WHERE event = $2", again, s.event); err != nil {
		return diskError("the case cannot be erased", err)
	}
	return nil
}

// truncate empties the write-ahead log, which still has the pages as they were.
func (b *bodies) truncate(ctx context.Context) error {
	var busy, frames, done int
	err := b.db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &done)
	if err != nil {
		return diskError("the case's key is deleted, but its traces are not yet overwritten", err)
	}
	if busy != 0 {
		return exeunt.Errorf(exeunt.Temporary, "the case's key is deleted, but its traces are not yet overwritten because the file is being read: erase it again")
	}
	return nil
}
