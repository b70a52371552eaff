package ledger

import (
	"context"
	"crypto/cipher"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Packet is everything that the ledger has of one case, with one checkpoint that covers it.
type Packet struct {
	Origin     string
	Key        string // verifier key
	Case       string // handle
	Checkpoint []byte
	Entries    []PacketEntry // in order
	About      []PacketEntry // entries of the installation that were asked for with it
}

// PacketEntry is one entry of a case. Salt and Body are nil when it was erased.
type PacketEntry struct {
	Leaf  []byte
	Salt  []byte
	Body  []byte
	Proof verify.Proof
	Stamp []byte // time stamp of the leaf (RFC 3161), where there is one; the ledger itself has none
}

// Packet gathers a case, and with it entries of the installation that tell of it, by their event ids. It waits
// for a checkpoint over the newest of them all, which takes about a second after that was appended. It does not
// judge what it gathers: whoever verifies does.
func (l *Log) Packet(ctx context.Context, handle string, about ...string) (Packet, error) {
	l.sealed.RLock()
	defer l.sealed.RUnlock()
	size, err := l.Size(ctx)
	if err != nil {
		return Packet{}, err
	}
	rows, keys, err := l.bodies.ofCase(ctx, handle)
	if err != nil {
		return Packet{}, err
	}
	p := Packet{Origin: l.origin, Key: l.signing.Verifiers[0], Case: handle}
	if p.Entries, err = l.gather(rows, keys, size); err != nil {
		return Packet{}, err
	}
	if len(p.Entries) == 0 {
		return Packet{}, exeunt.Errorf(exeunt.NotFound, "the ledger has nothing of this case yet")
	}
	rows, err = l.bodies.ofInstallation(ctx, about)
	if err != nil {
		return Packet{}, err
	}
	if p.About, err = l.gather(rows, keys, size); err != nil {
		return Packet{}, err
	}
	if len(p.About) < len(about) {
		return Packet{}, exeunt.Errorf(exeunt.NotFound, "the ledger does not have an entry yet that belongs to the packet")
	}
	return p, l.prove(ctx, &p)
}

// gather reads what is in the log of some rows.
func (l *Log) gather(rows []stored, keys map[string]cipher.AEAD, size int64) ([]PacketEntry, error) {
	var out []PacketEntry
	for _, row := range rows {
		leaf, err := l.leafOf(row, size)
		if err != nil {
			return nil, err
		}
		if leaf == nil {
			continue
		}
		salt, body, err := row.open(keys)
		if err != nil {
			return nil, err
		}
		out = append(out, PacketEntry{Leaf: leaf, Salt: salt, Body: body, Proof: verify.Proof{Index: row.n}})
	}
	return out, nil
}

// leafOf reads the leaf that a body belongs to; nil when it is not in the log, because a kill came
// between the two.
func (l *Log) leafOf(row stored, size int64) ([]byte, error) {
	if row.n < 0 {
		return nil, exeunt.Errorf(exeunt.Conflict, "a body of the ledger has the number %d, which none can have: bodies.db was changed; verify the log, and restore it from the backup", row.n)
	}
	if row.n >= size {
		return nil, nil
	}
	bundle, err := l.bundleOf(row.n, size)
	if err != nil {
		return nil, err
	}
	leaf := bundle[row.n%bundleWidth]
	if !row.is(leaf) {
		return nil, exeunt.Errorf(exeunt.Conflict, "entry %d of the log is not the one whose body the ledger keeps: verify the log, and restore what was changed from the backup", row.n)
	}
	return leaf, nil
}

func (l *Log) prove(ctx context.Context, p *Packet) error {
	all := [][]PacketEntry{p.Entries, p.About}
	newest := int64(0)
	for _, list := range all {
		for _, e := range list {
			newest = max(newest, e.Proof.Index)
		}
	}
	signed, cp, err := l.provable(ctx, newest+1)
	if err != nil {
		return err
	}
	p.Checkpoint = signed
	for _, list := range all {
		for i := range list {
			if list[i].Proof, err = l.inclusion(list[i].Proof.Index, signed, cp); err != nil {
				return err
			}
		}
	}
	return nil
}
