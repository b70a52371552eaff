package ledger

import (
	"context"

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
}

// PacketEntry is one entry of a case. Salt and Body are nil when it was erased.
type PacketEntry struct {
	Leaf  []byte
	Salt  []byte
	Body  []byte
	Proof verify.Proof
}

// Packet gathers a case. It waits for a checkpoint over the case's newest entry, which takes about a
// second after that was appended. It does not judge what it gathers: whoever verifies does.
func (l *Log) Packet(ctx context.Context, handle string) (Packet, error) {
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
	p := Packet{Origin: l.origin, Key: l.verifier, Case: handle}
	for _, row := range rows {
		leaf, err := l.leafOf(row, size)
		if err != nil {
			return Packet{}, err
		}
		if leaf == nil {
			continue
		}
		salt, body, err := row.open(keys)
		if err != nil {
			return Packet{}, err
		}
		p.Entries = append(p.Entries, PacketEntry{Leaf: leaf, Salt: salt, Body: body, Proof: verify.Proof{Index: row.n}})
	}
	if len(p.Entries) == 0 {
		return Packet{}, exeunt.Errorf(exeunt.NotFound, "the ledger has nothing of this case yet")
	}
	return p, l.prove(ctx, &p)
}

// leafOf reads the leaf that a body belongs to; nil when it is not in the log, because a kill came
// between the two.
func (l *Log) leafOf(row stored, size int64) ([]byte, error) {
	if row.n >= size {
		return nil, nil
	}
	bundle, err := l.bundleOf(row.n, size)
	if err != nil {
		return nil, err
	}
	leaf := bundle[row.n%bundleWidth]
	if exeunt.LeafHash(leaf) != row.leafHash {
		return nil, exeunt.Errorf(exeunt.Conflict, "entry %d of the log is not the one whose body the ledger keeps: verify the log, and restore what was changed from the backup", row.n)
	}
	return leaf, nil
}

func (l *Log) prove(ctx context.Context, p *Packet) error {
	last := p.Entries[len(p.Entries)-1].Proof.Index
	signed, cp, err := l.headOver(ctx, last+1)
	if err != nil {
		return err
	}
	p.Checkpoint = signed
	for i := range p.Entries {
		proof, err := l.inclusion(p.Entries[i].Proof.Index, signed, cp)
		if err != nil {
			return err
		}
		p.Entries[i].Proof = proof
	}
	return nil
}
