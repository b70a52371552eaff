package ledger

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/exeunt/exeunt"
	"golang.org/x/mod/sumdb/note"
)

// Signing is what signs the log's checkpoints, and what they are checked with. There are two of each while one key
// follows another.
type Signing struct {
	Signers   []note.Signer // the newest first; all of them sign under the one name
	Verifiers []string      // likewise
}

// Keys keep what signs. Those of the package are files; another implementation may ask a device that never gives its
// key away.
type Keys interface {
	// Open returns what signs for a log. A log that is fresh has no checkpoint yet, so that a key may be made for it.
	Open(origin string, fresh bool) (Signing, error)
}

// FileKeys are the files key and key.pub in a folder, and key.previous with key.previous.pub while both sign.
type FileKeys struct{ Dir string }

// Open is that of [Keys].
func (f FileKeys) Open(origin string, fresh bool) (Signing, error) {
	if _, err := os.Stat(filepath.Join(f.Dir, nextKey)); err == nil {
		return Signing{}, exeunt.Errorf(exeunt.Conflict, "a change of the signing key in %s was cut off: run exeunt ledger rotate-key again, which finishes it", f.Dir)
	}
	signer, verifier, err := openKey(f.Dir, origin, fresh)
	if err != nil {
		return Signing{}, err
	}
	out := Signing{[]note.Signer{signer}, []string{verifier}}
	if raw, err := os.ReadFile(filepath.Join(f.Dir, previousKey)); !errors.Is(err, fs.ErrNotExist) {
		if len(bytes.Trim(raw, "\x00")) == 0 && err == nil {
			return Signing{}, exeunt.Errorf(exeunt.Conflict, "the retirement of the older signing key in %s was cut off: run exeunt ledger retire-key again, which finishes it", f.Dir)
		}
		signer, verifier, err := readKey(f.Dir, previousKey, origin)
		if err != nil {
			return Signing{}, err
		}
		out.Signers, out.Verifiers = append(out.Signers, signer), append(out.Verifiers, verifier)
	}
	return out, nil
}

// The files of signing keys. Each has its verifier key beside it, with .pub.
const (
	currentKey  = "key"
	previousKey = "key.previous" // signs too, until it is retired
	nextKey     = "key.next"     // only while keys are changed
)

// openKey reads the signing key, or makes one for a log that has no entries yet.
func openKey(dir, origin string, fresh bool) (signer note.Signer, verifier string, err error) {
	if _, err := os.Stat(filepath.Join(dir, currentKey)); errors.Is(err, fs.ErrNotExist) {
		if fresh {
			return makeKey(dir, currentKey, origin)
		}
		return nil, "", exeunt.Errorf(exeunt.Conflict, "the ledger in %s has entries but its signing key is missing: restore the file key from the backup; a new key would break every proof", dir)
	}
	return readKey(dir, currentKey, origin)
}

func readKey(dir, name, origin string) (signer note.Signer, verifier string, err error) {
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, "", diskError("the ledger's signing key cannot be read", err)
	}
	if err := checkPrivate(path); err != nil {
		return nil, "", err
	}
	signer, err = note.NewSigner(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, "", exeunt.Errorf(exeunt.Invalid, "%s is not a signing key: restore it from the backup", path).Because(err)
	}
	if signer.Name() != origin {
		return nil, "", exeunt.Errorf(exeunt.Conflict, "the signing key in %s is of the log %q, the configuration names the log %q: they have to be the same", dir, signer.Name(), origin)
	}
	pub, err := os.ReadFile(path + ".pub")
	if err != nil {
		return nil, "", exeunt.Errorf(exeunt.Conflict, "the file %s.pub beside the signing key in %s cannot be read: restore it from the backup", name, dir).Because(err)
	}
	verifier = strings.TrimSpace(string(pub))
	if err := checkPair(signer, verifier); err != nil {
		return nil, "", err
	}
	return signer, verifier, nil
}

func makeKey(dir, name, origin string) (note.Signer, string, error) {
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, "", exeunt.Errorf(exeunt.Internal, "no signing key could be made").Because(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, "", exeunt.Errorf(exeunt.Invalid, "%q cannot name a log: it may have no spaces and no plus sign", origin).Because(err)
	}
	// The public half first: a crash in between leaves no key, and the next start makes both anew.
	if err := writeFile(dir, name+".pub", public+"\n", 0o644); err != nil {
		return nil, "", err
	}
	if err := writeFile(dir, name, private+"\n", 0o600); err != nil {
		return nil, "", err
	}
	return signer, public, nil
}

// checkPrivate refuses a key that others on the machine can read.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return diskError("the ledger's signing key cannot be looked at", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return exeunt.Errorf(exeunt.Denied, "%s can be read by others (mode %04o): run chmod 600 on it, and think about who may have copied it", path, info.Mode().Perm())
	}
	return nil
}

// checkPair makes sure that what auditors are given verifies what the signer signs.
func checkPair(signer note.Signer, verifier string) error {
	v, err := note.NewVerifier(verifier)
	if err == nil {
		var msg, sig []byte
		msg = []byte("exeunt key check\n")
		if sig, err = signer.Sign(msg); err == nil && v.KeyHash() == signer.KeyHash() && v.Verify(msg, sig) {
			return nil
		}
	}
	return exeunt.Errorf(exeunt.Conflict, "the files key and key.pub of the ledger do not belong together: restore both from the same backup").Because(err)
}

// writeFile writes a file whole or not at all.
func writeFile(dir, name, content string, mode os.FileMode) error {
	err := func() error {
		tmp := filepath.Join(dir, name+".new")
		f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteString(content); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
			return err
		}
		return syncDir(dir)
	}()
	if err != nil {
		return diskError("the ledger's file "+name+" cannot be written", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
