package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Seal makes every full tile and bundle under the published checkpoint immutable, as chattr +i does: from then on nobody
// changes, renames or removes it, the ledger's own user included. It needs root, or that user with CAP_LINUX_IMMUTABLE, and may run beside
// the open ledger, which never writes such a file again: a tile that is full and signed stays as it is
// (https://c2sp.org/tlog-tiles). It says how many it sealed, and how many were sealed before.
//
// The folder belongs to another user, who may have been taken over: nothing outside of it is touched, wherever its links
// point.
func Seal(dir string) (sealed, before int, err error) {
	root, err := openPublic(dir)
	if err != nil {
		return 0, 0, err
	}
	defer root.Close()
	cp, err := publishedIn(dir, root)
	if err != nil {
		return 0, 0, err
	}
	for name := range fullTiles(cp.Size) {
		was, err := setImmutable(root, name, true)
		switch {
		case errors.Is(err, errShared): // by a writer that was killed; the next opening removes its temporary file
		case err != nil:
			return sealed, before, sealError(name, err)
		case was:
			before++
		default:
			sealed++
		}
	}
	return sealed, before, nil
}

// Unseal takes that back, so that the folder can be moved or replaced by its backup.
func Unseal(dir string) (unsealed int, err error) {
	root, err := openPublic(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), "tile", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreMissing(err)
		}
		was, err := setImmutable(root, name, false)
		if err != nil && !errors.Is(err, errShared) {
			return sealError(name, err)
		}
		if was {
			unsealed++
		}
		return nil
	})
	if err != nil && exeunt.KindOf(err) == exeunt.Internal {
		err = sealError("tile", err)
	}
	return unsealed, err
}

// errShared is a file that has another name too, of which an immutable one could not be removed, or what is no file.
var errShared = errors.New("not a file with one name")

func openPublic(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(filepath.Join(dir, "log"))
	if err != nil {
		return nil, diskError(fmt.Sprintf("the log in %s cannot be opened", dir), err)
	}
	return root, nil
}

// publishedIn is the checkpoint of a log, checked with the keys beside it.
func publishedIn(dir string, root *os.Root) (verify.Checkpoint, error) {
	var keys []string
	for _, name := range []string{currentKey, previousKey} {
		raw, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if err == nil {
			keys = append(keys, strings.TrimSpace(string(raw)))
		} else if !errors.Is(err, fs.ErrNotExist) {
			return verify.Checkpoint{}, diskError("the ledger's verifier key cannot be read", err)
		}
	}
	signed, err := root.ReadFile("checkpoint")
	if errors.Is(err, fs.ErrNotExist) {
		return verify.Checkpoint{}, nil // nothing was signed yet
	}
	if err != nil {
		return verify.Checkpoint{}, diskError("the checkpoint cannot be read", err)
	}
	return verify.OpenCheckpoint(signed, keys)
}

// fullTiles are the files of a log of a size that can never change: bundles of 256 entries, and at each level tiles of 256
// hashes.
func fullTiles(size int64) iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := range size / bundleWidth {
			if !yield(verify.TilePath("entries", n)) {
				return
			}
		}
		for level, covers := 0, int64(bundleWidth); covers <= size; level, covers = level+1, covers*bundleWidth {
			for n := range size / covers {
				if !yield(verify.TilePath(strconv.Itoa(level), n)) {
					return
				}
			}
		}
	}
}

func sealError(name string, err error) error {
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return exeunt.Errorf(exeunt.Denied, "%s cannot be made immutable: that is for root, or for the owner of the files with CAP_LINUX_IMMUTABLE", name).Because(err)
	}
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOTTY) {
		return exeunt.Errorf(exeunt.Unsupported, "%s cannot be made immutable: the file system does not know that (ext4, XFS and btrfs do)", name).Because(err)
	}
	return diskError(name+" cannot be made immutable", err)
}
