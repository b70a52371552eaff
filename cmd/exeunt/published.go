package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

const publishedHelp = "a checkpoint that was published before, or a folder of them: the log has to go on from each"

// published reads checkpoints that somebody kept: files, or folders with files that end with .checkpoint. Each has to be
// signed by a key that is trusted: another one proves nothing.
func (t trust) published(given []string) ([]verify.Checkpoint, error) {
	var out []verify.Checkpoint
	for _, name := range given {
		files, err := checkpointFiles(name)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "--published %s cannot be read", name).Because(err)
		}
		if len(files) == 0 {
			return nil, exeunt.Errorf(exeunt.Invalid, "--published %s has no file that ends with .checkpoint", name)
		}
		for _, file := range files {
			signed, err := os.ReadFile(file)
			if err != nil {
				return nil, exeunt.Errorf(exeunt.Invalid, "--published %s cannot be read", file).Because(err)
			}
			cp, err := verify.OpenCheckpoint(signed, t.keys)
			if err != nil {
				return nil, exeunt.Errorf(exeunt.Invalid, "--published %s: %s. It needs --key with the key that the log had then", file, exeunt.MessageOf(err)).Because(err)
			}
			out = append(out, cp)
		}
	}
	slices.SortFunc(out, func(a, b verify.Checkpoint) int { return int(a.Size - b.Size) })
	return out, nil
}

// checkpointFiles is a file, or the checkpoints below a folder.
func checkpointFiles(name string) (files []string, err error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	err = filepath.WalkDir(name, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, ".checkpoint") {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

// sameTree holds a packet's checkpoint against those that were published of the same size. One of another size says nothing
// without the log between the two.
func sameTree(cp verify.Checkpoint, published []verify.Checkpoint) error {
	for _, p := range published {
		switch {
		case p.Origin != cp.Origin:
			return exeunt.Errorf(exeunt.Invalid, "the packet is from the log %q, what was published is of %q", cp.Origin, p.Origin)
		case p.Size != cp.Size:
			return exeunt.Errorf(exeunt.Unsupported, "the packet was made with a checkpoint over %d entries, and the published one is over %d: whether one goes on from the other is seen with a copy of the log; give it with --log", cp.Size, p.Size)
		case p.Root != cp.Root:
			return exeunt.Errorf(exeunt.Invalid, "the packet was made with another tree of %d entries than the one that was published: the log was rewritten, or two ledgers write under one name", cp.Size)
		}
	}
	return nil
}

func printPublished(w io.Writer, published []verify.Checkpoint) {
	if len(published) == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "  It goes on from what was published: %d checkpoints, the newest over %d entries.\n", len(published), published[len(published)-1].Size)
}
