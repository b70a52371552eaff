package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"k8s.io/klog/v2"
)

// Log is the ledger on disk:
//
//	DIR/lock       held while the log is open
//	DIR/key        signing key, mode 0600; key.previous signs too while keys are changed
//	DIR/key.pub    verifier key, for auditors
//	DIR/log/       the transparency log, https://c2sp.org/tlog-tiles
//	DIR/bodies.db  sealed bodies and the keys of cases
//	DIR/published  where checkpoints are published, and how that goes
//
// Its methods may be called from several goroutines.
type Log struct {
	dir      string
	origin   string
	signing  Signing
	opts     Options
	lock     *os.File
	bodies   *bodies
	tiles    verify.Tiles
	add      tessera.AddFn
	reader   tessera.LogReader
	shutdown func(context.Context) error
	stop     context.CancelFunc
	done     context.Context

	policy     verify.Policy  // whose cosignatures are asked for
	background sync.WaitGroup // what ends with done
	refusals   refusals       // of witnesses that know another history

	appending  sync.Mutex   // one group in flight
	sealed     sync.RWMutex // keeps a packet from being read while its case is erased
	publishing sync.Mutex   // the file of publications
}

// adoptKlog gives Tessera's log messages to ours once per process: klog has one logger, and setting it
// again would race with the goroutines of a log that is just closing.
var adoptKlog sync.Once

// Open opens the ledger in a folder, and makes one where there is none. The origin names the log in
// its checkpoints and in every leaf, such as exeunt.example.com/ledger; it can never change.
//
// It refuses a folder that another process has open, a key that others can read or that is missing,
// and a log whose files contradict its last checkpoint.
func Open(ctx context.Context, dir, origin string, o Options) (*Log, error) {
	if origin == "" || strings.ContainsAny(origin, "+ \t\r\n") {
		return nil, exeunt.Errorf(exeunt.Invalid, "%q cannot name a log: it has to be a text such as exeunt.example.com/ledger without spaces and plus signs", origin).In("origin")
	}
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o750); err != nil {
		return nil, diskError("the ledger's folder cannot be made", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, origin: origin, opts: o.withDefaults(dir), lock: lock}
	l.tiles = verify.Tiles{Files: os.DirFS(filepath.Join(dir, "log"))}
	if err := l.open(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Log) open(ctx context.Context) error {
	if _, err := sweep(filepath.Join(l.dir, "log")); err != nil {
		return err
	}
	_, err := os.Stat(filepath.Join(l.dir, "log", ".state", "treeState"))
	fresh := errors.Is(err, fs.ErrNotExist)
	if l.signing, err = l.opts.Keys.Open(l.origin, fresh); err != nil {
		return err
	}
	if !fresh {
		if err := l.checkState(); err != nil {
			return err
		}
	}
	if l.bodies, err = openBodies(ctx, l.dir); err != nil {
		return err
	}
	adoptKlog.Do(func() { klog.SetSlogLogger(l.opts.Logger) })
	driver, err := posix.New(ctx, posix.Config{Path: filepath.Join(l.dir, "log")})
	if err != nil {
		return diskError("the log cannot be opened", err)
	}
	l.done, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	appender, shutdown, reader, err := tessera.NewAppender(l.done, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(l.signing.Signers[0], l.signing.Signers[1:]...).
		WithBatching(batchSize, l.opts.BatchAge).
		WithCheckpointInterval(l.opts.CheckpointInterval).
		WithCheckpointRepublishInterval(0).
		WithGarbageCollectionInterval(garbageInterval).
		WithShutdownTimeout(shutdownTimeout))
	if err != nil {
		return diskError("the log cannot be opened", err)
	}
	l.add, l.shutdown, l.reader = appender.Add, shutdown, reader
	return l.keepCosigning(l.opts.Witnesses)
}

// Close signs what was appended since it was opened and gives the folder free. Nothing that Append reported is
// lost without it; what a killed process left unsigned is signed within a CheckpointInterval of the next Open.
func (l *Log) Close() error {
	l.appending.Lock()
	defer l.appending.Unlock()
	var err error
	if l.shutdown != nil {
		err = l.shutdown(l.done)
		l.shutdown = nil
	}
	if l.stop != nil {
		l.stop()
		l.background.Wait()
	}
	if l.bodies != nil {
		err = errors.Join(err, l.bodies.db.Close())
		l.bodies = nil
	}
	return errors.Join(err, l.lock.Close())
}

// Origin names the log.
func (l *Log) Origin() string { return l.origin }

// VerifierKey is what auditors check the log's signatures with.
func (l *Log) VerifierKey(context.Context) (string, error) { return l.signing.Verifiers[0], nil }

// Public says whether a path among the log's files is one that is shown: what whoever verifies reads, what of it witnesses
// have cosigned, and which key followed which, by which a server knows that its ledger is the one that it had.
func Public(path string) bool {
	switch path {
	case "checkpoint", CosignedFile, verify.RotationFolder:
		return true
	}
	return strings.HasPrefix(path, "tile/") || strings.HasPrefix(path, verify.RotationFolder+"/")
}

// Files are the log's public files, as https://c2sp.org/tlog-tiles lays them out, to be served or
// verified.
func (l *Log) Files(context.Context) fs.FS { return l.tiles.Files }
