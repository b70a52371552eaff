package ledger

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"golang.org/x/mod/sumdb/tlog"
)

// Publication is what is known of one place that checkpoints are published in.
type Publication struct {
	Target string    `json:"target"` // its name
	Kind   string    `json:"kind"`   // file, mail or s3
	Where  string    `json:"where"`  // for people; without secrets
	Size   int64     `json:"size"`   // entries under the checkpoint that was published last; 0 when none was
	Root   tlog.Hash `json:"root"`   // and its root
	At     time.Time `json:"at"`     // when that was

	Fault    string    `json:"fault,omitempty"`    // why a newer one could not be published; "" when it could
	Since    time.Time `json:"since"`              // since when
	Conflict bool      `json:"conflict,omitempty"` // what is published contradicts the log, which repeating cannot mend
}

// Checkpoint is what was published last, unsigned.
func (p Publication) Checkpoint(origin string) verify.Checkpoint {
	return verify.Checkpoint{Origin: origin, Size: p.Size, Root: p.Root}
}

// same says whether two are of the same place.
func (p Publication) same(as Publication) bool {
	return p.Target == as.Target && p.Kind == as.Kind && p.Where == as.Where
}

// publishedFile has the list of publications. It is none of the log's public files: it names places and people.
const publishedFile = "published"

// Publications is what is known of each place that checkpoints are published in.
func (l *Log) Publications(context.Context) ([]Publication, error) {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	return l.publications()
}

func (l *Log) publications() (list []Publication, err error) {
	raw, err := os.ReadFile(filepath.Join(l.dir, publishedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diskError("what was published cannot be read", err)
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, exeunt.Errorf(exeunt.Conflict, "the ledger's file %s, which remembers what was published, is damaged: restore it from the backup, or remove it; published checkpoints are then looked up where they are", publishedFile).Because(err)
	}
	return list, nil
}

// Publish says where checkpoints are published from now on: what is known of those places is kept, the rest forgotten.
func (l *Log) Publish(_ context.Context, places []Publication) ([]Publication, error) {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	known, err := l.publications()
	if err != nil || len(known) == 0 && len(places) == 0 {
		return nil, err
	}
	places = slices.Clone(places)
	for i, p := range places {
		if k := slices.IndexFunc(known, p.same); k >= 0 {
			places[i] = known[k]
		}
	}
	return places, l.savePublications(places)
}

// Published notes how the publication in one of the places went.
func (l *Log) Published(_ context.Context, p Publication) error {
	l.publishing.Lock()
	defer l.publishing.Unlock()
	list, err := l.publications()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, p.same)
	if i < 0 {
		return exeunt.Errorf(exeunt.Internal, "checkpoints are not published in %q", p.Target)
	}
	list[i] = p
	return l.savePublications(list)
}

func (l *Log) savePublications(list []Publication) error {
	raw, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return exeunt.Errorf(exeunt.Internal, "what was published cannot be written down").Because(err)
	}
	return writeFile(l.dir, publishedFile, string(raw), 0o600)
}

// ToPublish is the checkpoint to be published next: the newest, or, where witnesses are asked for, the newest that their
// quorum has cosigned. NotFound when there is none yet.
func (l *Log) ToPublish(ctx context.Context) (verify.Checkpoint, error) {
	if l.policy.Witnessed() {
		_, cp, err := l.Cosigned(ctx)
		return cp, err
	}
	_, cp, err := l.Head(ctx)
	if errors.Is(err, fs.ErrNotExist) || err == nil && cp.Size == 0 {
		return cp, exeunt.Errorf(exeunt.NotFound, "nothing is signed yet")
	}
	return cp, err
}

// OpenPublished reads a checkpoint that was found where this log publishes, signed by a key that it has or had. Conflict
// when it is none of this log.
func (l *Log) OpenPublished(signed []byte) (verify.Checkpoint, error) {
	keys, err := verify.Precede(l.tiles.Files, l.signing.Verifiers)
	if err != nil {
		return verify.Checkpoint{}, err
	}
	cp, err := verify.OpenCheckpoint(signed, keys)
	if err != nil || cp.Origin != l.origin {
		return cp, exeunt.Errorf(exeunt.Conflict, "what lies there is no checkpoint that a key of this ledger has signed: find out who put it there, and move it away").Because(err)
	}
	return cp, nil
}

// GoesOnFrom sees that the log begins with the entries of a checkpoint that was published. Conflict when it does not.
func (l *Log) GoesOnFrom(ctx context.Context, published verify.Checkpoint) error {
	_, head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	if published.Size > head.Size {
		return exeunt.Errorf(exeunt.Conflict, "a checkpoint over %d entries is published, but the log has only %d: the ledger was put back to an older state. Stop it, bring back its newest copy, and run exeunt ledger verify --published with that checkpoint", published.Size, head.Size)
	}
	root, err := tlog.TreeHash(published.Size, tlog.TileHashReader(head.Tree(), l.tiles))
	if err != nil {
		return damaged(err)
	}
	if root != published.Root {
		return exeunt.Errorf(exeunt.Conflict, "the checkpoint over %d entries that is published has the root %s, but the log's first %[1]d entries have another: the log was rewritten after that was published, or two ledgers write under one name. Stop it, keep both, and find out which is right", published.Size, hex.EncodeToString(published.Root[:]))
	}
	return nil
}
