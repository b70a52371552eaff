package ledger

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/transparency-dev/tessera"
)

// CosignedFile is where a log's public files have the newest checkpoint that the quorum of witnesses has cosigned. It
// is no part of the specification of tiles: the checkpoint itself is published without waiting for anybody.
const CosignedFile = "cosigned"

const (
	cosignEvery   = time.Second     // how often it is looked whether there is something to cosign
	cosignTime    = 5 * time.Second // for all witnesses together
	cosignAtMost  = time.Minute     // between two attempts, after failures
	cosignedSoon  = 4 * time.Second // how long a packet waits for the witnesses
	witnessAnswer = 1 << 16         // bytes of an answer
)

// keepCosigning asks the witnesses for each checkpoint that is new, until the log is closed. Nothing waits for them: one
// that is away is asked again.
func (l *Log) keepCosigning(policy string) error {
	if policy == "" {
		return nil
	}
	parsed, err := verify.ParsePolicy(policy)
	if err != nil || !parsed.Witnessed() {
		return err
	}
	group, err := tessera.NewWitnessGroupFromPolicy([]byte(policy))
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the witness policy cannot be used: each witness needs an address behind its key").Because(err)
	}
	l.policy = parsed
	cosign := tessera.NewAppendOptions().
		WithCheckpointSigner(l.signing.Signers[0], l.signing.Signers[1:]...).
		WithWitnesses(group, &tessera.WitnessOptions{Timeout: cosignTime}).
		CheckpointPublisher(cosignedReader{l.reader, l}, &http.Client{Transport: witnesses{http.DefaultTransport, &l.refusals}, Timeout: cosignTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }})
	l.background.Go(func() { l.cosignLoop(cosign) })
	return nil
}

func (l *Log) cosignLoop(cosign func(context.Context, uint64, []byte) ([]byte, error)) {
	wait := cosignEvery
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-l.done.Done():
			return
		case <-timer.C:
		}
		wait = min(2*wait, cosignAtMost)
		if err := l.cosignOnce(cosign); err == nil {
			wait = cosignEvery
		} else if l.done.Err() == nil {
			l.opts.Logger.Warn("the newest checkpoint is not cosigned yet; the witnesses are asked again", "cause", err, "in", wait)
		}
		timer.Reset(wait)
	}
}

// cosignOnce has the newest checkpoint cosigned, unless it is already.
func (l *Log) cosignOnce(cosign func(context.Context, uint64, []byte) ([]byte, error)) error {
	_, newest, err := l.Head(l.done)
	if errors.Is(err, fs.ErrNotExist) || err == nil && newest.Size == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, cp, err := l.Cosigned(l.done); err == nil && cp.Size >= newest.Size {
		return nil
	}
	l.refusals.ask(newest.Size)
	signed, err := cosign(l.done, uint64(newest.Size), newest.Root[:])
	if err != nil {
		return errors.Join(err, l.refusals.fault())
	}
	if _, err := l.policy.Check(signed); err != nil {
		return err
	}
	return writeFile(filepath.Join(l.dir, "log"), CosignedFile, string(signed), 0o644)
}

// Cosigned is the newest checkpoint that the quorum of witnesses has cosigned; NotFound when there is none.
func (l *Log) Cosigned(context.Context) (signed []byte, cp verify.Checkpoint, err error) {
	signed, err = fs.ReadFile(l.tiles.Files, CosignedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cp, exeunt.Errorf(exeunt.NotFound, "no checkpoint is cosigned by witnesses yet")
	}
	if err != nil {
		return nil, cp, diskError("the cosigned checkpoint cannot be read", err)
	}
	cp, err = verify.OpenCheckpoint(signed, l.signing.Verifiers)
	if err == nil {
		_, err = l.policy.Check(signed)
	}
	return signed, cp, err
}

// cosignedReader gives what was cosigned last as the older checkpoint, since that is what the witnesses know.
type cosignedReader struct {
	tessera.LogReader
	log *Log
}

func (r cosignedReader) ReadCheckpoint(ctx context.Context) ([]byte, error) {
	signed, _, err := r.log.Cosigned(ctx)
	return signed, err
}
