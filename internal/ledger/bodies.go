package ledger

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/tlog"
)

// bodies keeps what the leaves commit to: body and salt of each entry, sealed under a key per case.
// The salt is sealed too, since with it a body could be guessed and compared with its leaf.
type bodies struct{ db *sql.DB }

// secure_delete overwrites what is deleted with zeros, and only a truncated write-ahead log has no
// old page images left: https://www.sqlite.org/pragma.html#pragma_secure_delete and #pragma_wal_checkpoint.
const bodiesSchema = `
CREATE TABLE IF NOT EXISTS keys (
	holder TEXT PRIMARY KEY,          -- case handle, '' for the installation
	key BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS bodies (
	n INTEGER PRIMARY KEY,            -- the order of the rows on disk, too: they are written and checked in it
	event TEXT NOT NULL UNIQUE,
	holder TEXT NOT NULL,             -- whose key seals it
	handle TEXT NOT NULL,             -- whose entry it is
	kind TEXT NOT NULL,
	leaf_hash BLOB NOT NULL,
	sealed BLOB                       -- NULL once erased
);
CREATE INDEX IF NOT EXISTS bodies_by_case ON bodies (handle);
CREATE INDEX IF NOT EXISTS bodies_beside ON bodies (holder) WHERE handle <> holder;`

// bodiesAddress is how the database of a ledger's folder is opened to write.
func bodiesAddress(dir string) string {
	q := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "foreign_keys(ON)",
	}, "_txlock": {"immediate"}}
	return "file:" + (&url.URL{Path: filepath.Join(dir, "bodies.db")}).EscapedPath() + "?" + q.Encode()
}

func openBodies(ctx context.Context, dir string) (*bodies, error) {
	db, err := sql.Open("sqlite", bodiesAddress(dir))
	if err != nil {
		return nil, diskError("the ledger's bodies cannot be opened", err)
	}
	db.SetMaxOpenConns(1) // so that the write-ahead log has no second reader and can be truncated
	if _, err := db.ExecContext(ctx, bodiesSchema); err != nil {
		db.Close()
		return nil, diskError("the ledger's bodies cannot be opened", err)
	}
	b := &bodies{db}
	if err := b.truncate(ctx); err != nil { // of an erasure that was cut off
		db.Close()
		return nil, err
	}
	return b, nil
}

// stored is a row of bodies.
type stored struct {
	event, holder, handle string
	n                     int64
	leafHash, sealed      []byte
}

// is says whether it is the row of a leaf, also where its body was erased.
func (s stored) is(leaf []byte) bool {
	hash := tlog.RecordHash(leaf)
	return bytes.Equal(s.leafHash, hash[:])
}

// add keeps the bodies of the records that come next in the log, durably, before their leaves go
// there. What stands at these numbers already is left from an attempt whose leaves never arrived.
func (b *bodies) add(ctx context.Context, records []exeunt.Record, leaves []exeunt.Leaf) error {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return diskError("the ledger's bodies cannot be written", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "DELETE FROM bodies WHERE n >= $1", records[0].N); err != nil {
		return diskError("the ledger's bodies cannot be written", err)
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO bodies (event, n, holder, handle, kind, leaf_hash, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event) DO NOTHING`) // once: to parse it costs as much as to run it
	if err != nil {
		return diskError("the ledger's bodies cannot be written", err)
	}
	defer insert.Close()
	keys := map[string]cipher.AEAD{}
	for i, r := range records {
		holder := holderOf(r, leaves[i])
		if keys[holder] == nil {
			if keys[holder], err = caseKey(ctx, tx, holder); err != nil {
				return err
			}
		}
		if err := addOne(ctx, insert, r, leaves[i], holder, keys[holder]); err != nil {
			return err
		}
	}
	if err := tx.Commit(); err != nil {
		return diskError("the ledger's bodies cannot be written", err)
	}
	return nil
}

// holderOf says whose key seals an entry. That a case was erased, by whom and why, has to outlive
// the case's key; what tells of a case beside its own entries has not.
func holderOf(r exeunt.Record, leaf exeunt.Leaf) string {
	switch {
	case leaf.Kind == exeunt.LeafErase:
		return ""
	case leaf.Case == "":
		return r.Holder
	default:
		return leaf.Case
	}
}

func addOne(ctx context.Context, insert *sql.Stmt, r exeunt.Record, leaf exeunt.Leaf, holder string, key cipher.AEAD) error {
	hash := tlog.RecordHash(r.Leaf)
	res, err := insert.ExecContext(ctx, r.EventID, r.N, holder, r.Case, string(leaf.Kind), hash[:], seal(key, r))
	if err != nil {
		return diskError("the ledger's bodies cannot be written", err)
	}
	if added, err := res.RowsAffected(); err == nil && added == 1 {
		return nil
	}
	return exeunt.Errorf(exeunt.Conflict, "entry n %d (event %s) is in the ledger already under another number: the database and the ledger are not from the same time", r.N, r.EventID)
}

func caseKey(ctx context.Context, tx *sql.Tx, holder string) (cipher.AEAD, error) {
	var key []byte
	err := tx.QueryRowContext(ctx, "SELECT key FROM keys WHERE holder = ?", holder).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		key = make([]byte, 32)
		rand.Read(key) // never fails, see its documentation
		_, err = tx.ExecContext(ctx, "INSERT INTO keys (holder, key) VALUES (?, ?)", holder, key)
	}
	if err != nil {
		return nil, diskError("the ledger's case keys cannot be used", err)
	}
	return aead(key)
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Internal, "a case key of the ledger is damaged").Because(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block) // the nonce goes before the ciphertext
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Internal, "a case key of the ledger cannot be used").Because(err)
	}
	return gcm, nil
}

// label binds a sealed body to its event and case, so that rows cannot be exchanged.
func label(event, handle string) []byte { return []byte("exeunt body v1\n" + event + "\n" + handle) }

func seal(key cipher.AEAD, r exeunt.Record) []byte {
	plain := append(append(make([]byte, 0, len(r.Salt)+len(r.Body)), r.Salt[:]...), r.Body...)
	return key.Seal(nil, nil, plain, label(r.EventID, r.Case))
}

// source is where rows are read from: the database, or a transaction that is going to change it.
type source interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// ofCase returns the rows of a case in order, and the keys to open them.
func (b *bodies) ofCase(ctx context.Context, handle string) ([]stored, map[string]cipher.AEAD, error) {
	return readWithKeys(ctx, b.db, handle, "handle = ?")
}

// readWithKeys reads rows of a case in order, and the keys to open them.
func readWithKeys(ctx context.Context, from source, handle, which string) ([]stored, map[string]cipher.AEAD, error) {
	rows, err := readRows(ctx, from, "WHERE "+which+" ORDER BY n", handle)
	if err != nil {
		return nil, nil, err
	}
	keys, err := readKeys(ctx, from, handle)
	return rows, keys, err
}

// readKeys reads what opens the entries of a case.
func readKeys(ctx context.Context, from source, handle string) (map[string]cipher.AEAD, error) {
	keys := map[string]cipher.AEAD{}
	for _, holder := range []string{handle, ""} {
		var key []byte
		err := from.QueryRowContext(ctx, "SELECT key FROM keys WHERE holder = ?", holder).Scan(&key)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, diskError("the ledger's case keys cannot be read", err)
		}
		if keys[holder], err = aead(key); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// ofInstallation returns the rows of these entries of the installation, as many as there are, in the order asked for.
func (b *bodies) ofInstallation(ctx context.Context, events []string) ([]stored, error) {
	var out []stored
	for _, event := range events {
		rows, err := readRows(ctx, b.db, "WHERE event = ? AND handle = ''", event)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

func readRows(ctx context.Context, from source, which string, args ...any) ([]stored, error) {
	rows, err := from.QueryContext(ctx, "SELECT event, n, holder, handle, leaf_hash, sealed FROM bodies "+which, args...)
	if err != nil {
		return nil, diskError("the ledger's bodies cannot be read", err)
	}
	defer rows.Close()
	var out []stored
	for rows.Next() {
		var s stored
		if err := rows.Scan(&s.event, &s.n, &s.holder, &s.handle, &s.leafHash, &s.sealed); err != nil {
			return nil, diskError("the ledger's bodies cannot be read", err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		return nil, diskError("the ledger's bodies cannot be read", err)
	}
	return out, nil
}

// open gives salt and body back; both are nil when the entry was erased.
func (s stored) open(keys map[string]cipher.AEAD) (salt, body []byte, err error) {
	if s.sealed == nil {
		return nil, nil, nil
	}
	plain, err := s.openInto(nil, keys[s.holder])
	if err != nil {
		return nil, nil, err
	}
	return plain[:32], plain[32:], nil
}

// openInto appends the salt and then the body to a slice.
func (s stored) openInto(to []byte, key cipher.AEAD) ([]byte, error) {
	if key == nil {
		return nil, exeunt.Errorf(exeunt.Conflict, "the key that seals entry n %d of the ledger is missing although the case was not erased: restore bodies.db from the backup", s.n)
	}
	plain, err := key.Open(to, nil, s.sealed, label(s.event, s.handle))
	if err != nil || len(plain) < 32 {
		return nil, exeunt.Errorf(exeunt.Conflict, "the sealed body of entry n %d of the ledger was changed or is damaged: restore bodies.db from the backup", s.n).Because(err)
	}
	return plain, nil
}
