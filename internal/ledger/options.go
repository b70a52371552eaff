package ledger

import (
	"cmp"
	"log/slog"
	"time"
)

// Options are the settings of a log. The zero value is what production uses.
type Options struct {
	// BatchAge is how long the first entry of a batch waits for others. It is most of what an append
	// of few entries takes. 50 ms when zero.
	BatchAge time.Duration
	// CheckpointInterval is how often a grown log is signed. One second when zero.
	CheckpointInterval time.Duration
	// MinFree is how many bytes have to be free on the disk before anything is appended; 32 MiB when
	// zero, nothing is checked when negative.
	MinFree int64
	// Keys are what signs. The files in the ledger's folder when nil.
	Keys Keys
	// Witnesses is the policy of who shall cosign checkpoints, see [verify.Policy]; none when empty.
	Witnesses string
	// Logger gets what Tessera reports, such as a checkpoint that could not be written. Tessera logs
	// through klog, which has one logger per process: that of the first
	// Open counts. slog.Default() when nil.
	Logger *slog.Logger
}

const (
	batchSize          = 1024             // entries that Tessera integrates in one go, and the most we add in one
	garbageInterval    = time.Minute      // how often partial tiles that a full one replaced are removed
	shutdownTimeout    = 10 * time.Second // for the last checkpoint
	checkpointPatience = 10 * time.Second // for a checkpoint that covers what is already integrated
	checkpointPoll     = 10 * time.Millisecond
)

func (o Options) withDefaults(dir string) Options {
	if o.Keys == nil {
		o.Keys = FileKeys{dir}
	}
	if o.BatchAge == 0 {
		o.BatchAge = 50 * time.Millisecond
	}
	if o.CheckpointInterval == 0 {
		o.CheckpointInterval = time.Second
	}
	if o.MinFree == 0 {
		o.MinFree = 32 << 20
	}
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}
