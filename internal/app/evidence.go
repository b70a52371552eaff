package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
)

// Evidence writes the packet of a case and records who took it.
func (p *Proofs) Evidence(ctx context.Context, w io.Writer, id exeunt.CaseID, by exeunt.Viewer) error {
	found, err := p.documented(ctx, id, by)
	if err != nil {
		return err
	}
	if err := p.exported(ctx, id, by, "evidence of case %s taken out"); err != nil {
		return err
	}
	return evidence.Write(w, found.of, found.packet, found.documents)
}

// Record writes the record of a case for people, as a page or as a PDF, and records who took it.
func (p *Proofs) Record(ctx context.Context, w io.Writer, id exeunt.CaseID, asPDF bool, by exeunt.Viewer) error {
	found, err := p.documented(ctx, id, by)
	if err != nil {
		return err
	}
	if err := p.exported(ctx, id, by, "record of case %s taken out"); err != nil {
		return err
	}
	document := found.documents.Page
	if asPDF {
		document = found.documents.PDF
	}
	if _, err := w.Write(document); err != nil {
		return exeunt.Errorf(exeunt.Temporary, "the record of case %s could not be written", id).Because(err)
	}
	return nil
}

// exported records who took what. It is an entry of the installation, not of the case: a packet cannot hold its
// own making.
func (p *Proofs) exported(ctx context.Context, id exeunt.CaseID, by exeunt.Viewer, what string) error {
	return p.accesses.record(ctx, exeunt.Access{Kind: exeunt.EntryExported, Who: by.Signs(), Case: id, What: fmt.Sprintf(what, id)})
}

// proof is a case with what proves it and what was written of it.
type proof struct {
	of        exeunt.Case
	packet    ledger.Packet
	documents evidence.Documents
}

// documented gathers a case with its documents and the entry that tells of them. Documents are written anew each
// time: the same entries give the same bytes, and only when they are others than those that the ledger knows, it
// is told of them, which takes until the log is signed again.
func (p *Proofs) documented(ctx context.Context, id exeunt.CaseID, by exeunt.Viewer) (out proof, err error) {
	if out.of, err = p.store.For(by).Case(ctx, id); err != nil {
		return out, err
	}
	if err := p.settled(ctx, by, id); err != nil {
		return out, err
	}
	told, known, err := p.store.For(by).Documents(ctx, id)
	if err != nil {
		return out, err
	}
	var about []string
	if known {
		about = append(about, told.ID)
	}
	if out.packet, err = p.packet(ctx, out.of.Handle, about...); err != nil {
		return out, err
	}
	if out.documents, err = evidence.Document(out.of, out.packet); err != nil {
		return out, err
	}
	if made, ok := exeunt.DocumentsOf(told); ok && made.Same(out.documents.Made) {
		return out, nil
	}
	return out, p.tell(ctx, &out)
}

// tell records the documents, and gathers the case again together with the entry that says so.
func (p *Proofs) tell(ctx context.Context, out *proof) error {
	change := out.documents.Made.Made(out.of.ID, time.Now())
	id := store.Random(16)
	change.Entries[0].ID = id
	if err := p.store.Commit(ctx, &change); err != nil {
		return err
	}
	packet, err := p.packet(ctx, out.of.Handle, id)
	if err != nil {
		return err
	}
	packet.Entries = packet.Entries[:len(out.packet.Entries)] // of what came meanwhile the documents do not tell
	out.packet = packet
	return nil
}

// packet gathers a case from the ledger, and waits until that has the entries that were asked for.
func (p *Proofs) packet(ctx context.Context, handle string, about ...string) (packet ledger.Packet, err error) {
	err = p.wait(ctx, func(ctx context.Context) (bool, error) {
		packet, err = p.log.Packet(ctx, handle, about...)
		if exeunt.KindOf(err) == exeunt.NotFound {
			return false, exeunt.Errorf(exeunt.Temporary, "the ledger does not have every entry of the evidence yet: see /readyz, and try again").Because(err)
		}
		return true, err
	})
	return packet, err
}

// patience is how long an export waits for the ledger to take the case's newest entries.
const patience = 10 * time.Second

// settled waits until the ledger has every entry of a case that the database has now.
func (p *Proofs) settled(ctx context.Context, by exeunt.Viewer, id exeunt.CaseID) error {
	return p.wait(ctx, func(ctx context.Context) (bool, error) {
		f, err := p.store.For(by).CaseFile(ctx, id)
		if err != nil {
			return false, err
		}
		if f.Sealed >= f.Logged {
			return true, nil
		}
		return false, exeunt.Errorf(exeunt.Temporary, "the ledger has %d of the %d entries of case %s: see /readyz, and try again", f.Sealed, f.Logged, id)
	})
}

// wait asks until there is an answer, and has what is committed shipped meanwhile. When it takes too long, the last
// error says what is awaited.
func (p *Proofs) wait(ctx context.Context, ask func(context.Context) (done bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		done, err := ask(ctx)
		if done {
			return err
		}
		p.shipper.Wake()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
