package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/ui"
)

// Evidence writes the packet of a case and records who took it.
func (p *Proofs) Evidence(ctx context.Context, w io.Writer, id exeunt.CaseID, by exeunt.Viewer) error {
	found, err := p.documented(ctx, id, p.store.For(by))
	if err != nil {
		return err
	}
	if err := p.exported(ctx, id, by, "evidence of case %s taken out"); err != nil {
		return err
	}
	return evidence.Write(w, found.of, found.packet, found.documents)
}

// Record is the record of a case for people, as a page or as a PDF; it is recorded who took it.
func (p *Proofs) Record(ctx context.Context, id exeunt.CaseID, asPDF bool, by exeunt.Viewer) (ui.Sheet, error) {
	found, err := p.documented(ctx, id, p.store.For(by))
	if err != nil {
		return ui.Sheet{}, err
	}
	if err := p.exported(ctx, id, by, "record of case %s taken out"); err != nil {
		return ui.Sheet{}, err
	}
	if asPDF {
		return ui.Sheet{Body: found.documents.PDF, Type: "application/pdf", Policy: "default-src 'none'"}, nil
	}
	return ui.Sheet{Body: found.documents.Page, Type: "text/html; charset=utf-8", Policy: evidence.PagePolicy}, nil
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
func (p *Proofs) documented(ctx context.Context, id exeunt.CaseID, view store.View) (out proof, err error) {
	if out.of, err = view.Case(ctx, id); err != nil {
		return out, err
	}
	if err := p.settled(ctx, view, id); err != nil {
		return out, err
	}
	told, known, err := view.Documents(ctx, id)
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
	if err == nil {
		err = p.stamps(ctx, &packet)
	}
	return packet, err
}

// patience is how long an export waits for the ledger to take the case's newest entries.
const patience = 10 * time.Second

// settled waits until the ledger has every entry of a case that the database has now.
func (p *Proofs) settled(ctx context.Context, view store.View, id exeunt.CaseID) error {
	return p.wait(ctx, func(ctx context.Context) (bool, error) {
		f, err := view.CaseFile(ctx, id)
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

// Records of closed cases are written soon after, a few at a time, so that evidence is at hand when it is asked
// for. Those that were closed while no server ran are written when somebody asks.
const (
	recordsEvery  = 2 * time.Second
	recordsAtOnce = 20
	recordsWithin = time.Hour
)

// KeepRecords writes the records of cases when they are closed, until the context ends.
func (p *Proofs) KeepRecords(ctx context.Context, log *slog.Logger) {
	every(ctx, recordsEvery, func(now time.Time) {
		if err := p.writeRecords(ctx, now); err != nil && ctx.Err() == nil {
			log.Warn("records of closed cases could not be written; it is tried again shortly", "error", err)
		}
	})
}

func (p *Proofs) writeRecords(ctx context.Context, now time.Time) error {
	view := p.store.Everything()
	due, err := view.Undocumented(ctx, now.Add(-recordsWithin), recordsAtOnce)
	if err != nil {
		return err
	}
	var faults []error
	for _, id := range due {
		_, err := p.documented(ctx, id, view)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
