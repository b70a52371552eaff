// Package seal seals the secrets that a database keeps, so that a copy of the database alone signs nothing and opens nothing:
// the key is a file beside it, which only the server reads.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/exeunt/exeunt"
)

// File is the name of the key in the data directory: 32 random bytes in base64.
const File = "sealing.key"

// Key seals and opens.
type Key struct {
	aead cipher.AEAD
	id   string
}

const keySize = 32 // AES-256

func newKey(raw []byte) (Key, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	sum := sha256.Sum256(append([]byte("exeunt sealing key\n"), raw...))
	return Key{aead, hex.EncodeToString(sum[:8])}, err
}

// Open reads the key of a data directory; NotFound when it has none.
func Open(dir string) (Key, error) {
	path := filepath.Join(dir, File)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, exeunt.Errorf(exeunt.NotFound, "%s is missing", path)
	}
	info, stat := os.Stat(path)
	if err = errors.Join(err, stat); err != nil {
		return Key{}, exeunt.Errorf(exeunt.Internal, "the key %s, which secrets in the database are sealed with, cannot be read", path).Because(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Key{}, exeunt.Errorf(exeunt.Denied, "%s can be read by others (mode %04o): run chmod 600 on it, and think about who may have copied it", path, info.Mode().Perm())
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(raw) != keySize {
		return Key{}, exeunt.Errorf(exeunt.Invalid, "%s is no key: restore it from the backup, or from another server of the same database", path)
	}
	return newKey(raw)
}

// Make makes a key for a data directory that has none, durably.
func Make(dir string) (Key, error) {
	raw := make([]byte, keySize)
	rand.Read(raw) // never fails, see its documentation
	err := func() error {
		f, err := os.OpenFile(filepath.Join(dir, File), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		folder, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(folder.Sync(), folder.Close())
	}()
	if err != nil {
		return Key{}, exeunt.Errorf(exeunt.Internal, "the key %s cannot be written", filepath.Join(dir, File)).Because(err)
	}
	return newKey(raw)
}

// Remove takes the key of a data directory away.
func Remove(dir string) error { return os.Remove(filepath.Join(dir, File)) }

// ID names the key and says nothing of it.
func (k Key) ID() string { return k.id }

// Seal makes a secret unreadable. What it is of, it can be opened as only: nobody puts one secret in the place of another.
func (k Key) Seal(plain, of string) string {
	return base64.StdEncoding.EncodeToString(k.aead.Seal(nil, nil, []byte(plain), label(of))) //nolint:gosec // G407: this AEAD makes the nonce itself
}

// Open makes a secret readable again.
func (k Key) Open(sealed, of string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err == nil {
		raw, err = k.aead.Open(nil, nil, raw, label(of))
	}
	if err != nil {
		return "", exeunt.Errorf(exeunt.Internal, "a secret in the database cannot be opened: the database was changed by somebody else, or its %s is not the one of the data directory. Restore both from the same backup", File).Because(err)
	}
	return string(raw), nil
}

func label(of string) []byte { return []byte("exeunt sealed v1\n" + of) }
