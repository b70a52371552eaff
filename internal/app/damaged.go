package app

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"syscall"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
)

// damaged stands in for a ledger in the server's own folder that contradicts itself: a part is missing, was changed, or is
// of another time. People leave all the same. Entries wait in the database, the shipper stops at once and says why, and
// nothing is signed until a person has put the folder right.
type damaged struct{ why error }

// standIn is a ledger that refuses everything, for an error at opening that is no reason to keep people's departures from
// being worked on. Another process on the same folder is one: it may well be this server, started twice.
func standIn(err error) (Ledger, error) {
	if exeunt.KindOf(err) != exeunt.Conflict || errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, err
	}
	return damaged{exeunt.Errorf(exeunt.Conflict, "%s. Then start the server anew", exeunt.MessageOf(err)).Because(err)}, nil
}

func (d damaged) VerifierKey(context.Context) (string, error) { return "", d.why }

func (d damaged) Size(context.Context) (int64, error) { return 0, d.why }

func (d damaged) Files(context.Context) fs.FS { return d }

// Open is that of fs.FS: what the files say cannot be relied on.
func (d damaged) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: d.why}
}

func (d damaged) Entries(context.Context, int64) iter.Seq2[ledger.LogEntry, error] {
	return func(yield func(ledger.LogEntry, error) bool) { yield(ledger.LogEntry{}, d.why) }
}

func (d damaged) Append(context.Context, []exeunt.Record) error { return d.why }

func (d damaged) Packet(context.Context, string, ...string) (ledger.Packet, error) {
	return ledger.Packet{}, d.why
}

func (d damaged) Erase(context.Context, string, int64) error { return d.why }

func (d damaged) Check(context.Context, func(done, total int64)) (ledger.Checked, error) {
	return ledger.Checked{}, d.why
}

func (d damaged) Publications(context.Context) ([]ledger.Publication, error) { return nil, d.why }

func (d damaged) Close() error { return nil }
