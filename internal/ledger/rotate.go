package ledger

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"golang.org/x/mod/sumdb/note"
)

// RotateKey gives the ledger in a folder a new signing key, which must not be open meanwhile, and returns its verifier
// key. From then on both keys sign every checkpoint under the one name, so that whoever knows either of them can verify,
// until [RetireKey] ends that. What the old key signed it proves for ever.
//
// That the new key follows the old one is stated in the log's public folder, signed by both. A run that was cut off is
// finished by the next one.
func RotateKey(ctx context.Context, dir, origin string) (verifier string, err error) {
	lock, err := lockDir(dir)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if _, err := os.Stat(filepath.Join(dir, nextKey)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, previousKey)); err == nil {
			return "", exeunt.Errorf(exeunt.Conflict, "the key before this one signs still: give auditors the present one, then run exeunt ledger retire-key, and rotate after that")
		}
		if _, _, err := readKey(dir, currentKey, origin); err != nil {
			return "", err
		}
		if _, _, err := makeKey(dir, nextKey, origin); err != nil {
			return "", err
		}
	}
	return finishRotation(ctx, dir, origin)
}

// finishRotation puts key.next in the place of key. Each of its steps may have been done by a run before.
func finishRotation(_ context.Context, dir, origin string) (string, error) {
	next, verifier, err := readKey(dir, nextKey, origin)
	if err != nil {
		return "", err
	}
	if present, err := os.ReadFile(filepath.Join(dir, previousKey)); err != nil || len(present) == 0 {
		for _, suffix := range []string{".pub", ""} {
			raw, err := os.ReadFile(filepath.Join(dir, currentKey+suffix))
			if err != nil {
				return "", diskError("the ledger's signing key cannot be read", err)
			}
			if err := writeFile(dir, previousKey+suffix, string(raw), modeOf(suffix)); err != nil {
				return "", err
			}
		}
	}
	previous, old, err := readKey(dir, previousKey, origin)
	if err != nil {
		return "", err
	}
	if err := stateRotation(dir, origin, old, verifier, previous, next); err != nil {
		return "", err
	}
	if err := signAgain(dir, []string{old, verifier}, next, previous); err != nil {
		return "", err
	}
	for _, suffix := range []string{".pub", ""} {
		raw, err := os.ReadFile(filepath.Join(dir, nextKey+suffix))
		if err != nil {
			return "", diskError("the ledger's signing key cannot be read", err)
		}
		if err := writeFile(dir, currentKey+suffix, string(raw), modeOf(suffix)); err != nil {
			return "", err
		}
	}
	return verifier, dropNext(dir)
}

// dropNext ends a rotation. What key.next has is in key now, so that nothing needs to be overwritten: a kill in between
// would leave zeros that no later run could finish with.
func dropNext(dir string) error {
	path := filepath.Join(dir, nextKey)
	if err := errors.Join(os.Remove(path), os.Remove(path+".pub"), syncDir(dir)); err != nil {
		return diskError("the file "+nextKey+" of the ledger cannot be removed", err)
	}
	return nil
}

func modeOf(suffix string) os.FileMode {
	if suffix == ".pub" {
		return 0o644
	}
	return 0o600
}

// stateRotation says in public that one key follows another.
func stateRotation(dir, origin, old, verifier string, signers ...note.Signer) error {
	folder := filepath.Join(dir, "log", verify.RotationFolder)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return diskError("the change of keys cannot be stated", err)
	}
	signed, err := note.Sign(&note.Note{Text: verify.RotationText(origin, old, verifier, time.Now())}, signers...)
	if err != nil {
		return exeunt.Errorf(exeunt.Internal, "the change of keys could not be signed").Because(err)
	}
	return writeFile(folder, verify.Fingerprint(verifier), string(signed), 0o644)
}

// signAgain lets both keys sign the newest checkpoint, since a log that does not grow gets no other one.
func signAgain(dir string, verifiers []string, signers ...note.Signer) error {
	folder := filepath.Join(dir, "log")
	signed, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return diskError("the checkpoint cannot be read", err)
	}
	if _, err := verify.OpenCheckpoint(signed, verifiers); err != nil {
		return err
	}
	text, _, _ := strings.Cut(string(signed), "\n\n")
	again, err := note.Sign(&note.Note{Text: text + "\n"}, signers...)
	if err != nil {
		return exeunt.Errorf(exeunt.Internal, "the checkpoint could not be signed").Because(err)
	}
	return writeFile(folder, "checkpoint", string(again), 0o644)
}

// RetireKey ends the time in which two keys sign: the older one is destroyed. Its verifier key stays in the statement of
// the change.
func RetireKey(dir string) error {
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(filepath.Join(dir, previousKey)); errors.Is(err, fs.ErrNotExist) {
		return exeunt.Errorf(exeunt.Conflict, "one key signs in %s: there is none to retire", dir)
	}
	return removePrevious(dir)
}

// removePrevious overwrites the older signing key before it is removed. What a file system or a disk keeps of it is not
// in our reach. A run that was cut off is finished by the next one.
func removePrevious(dir string) error {
	path := filepath.Join(dir, previousKey)
	err := func() error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if _, err := f.Write(make([]byte, info.Size())); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		return errors.Join(os.Remove(path), os.Remove(path+".pub"), syncDir(dir))
	}()
	if err != nil {
		return diskError("the signing key "+previousKey+" cannot be removed", err)
	}
	return nil
}
