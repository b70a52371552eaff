package store

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Sealer seals secrets before they are written, and opens them: see package seal.
type Sealer interface {
	ID() string
	Seal(plain, of string) string
	Open(sealed, of string) (string, error)
}

// What a secret is of, before whose it is.
const (
	streamSecret = "stream "
	keySecret    = "signal key "
)

// sealedWith is the setting that names the key by which secrets are sealed.
const sealedWith = "sealed_with"

// SealedWith names the key by which the secrets in this database are sealed: the one that is given, where there was none.
func (s *Store) SealedWith(ctx context.Context, id string) (string, error) {
	return s.Setting(ctx, sealedWith, func() string { return id })
}

// SealBy sets what seals secrets and opens them. Without it none is kept, and none is read.
func (s *Store) SealBy(k Sealer) { s.sealer.Store(&k) }

// Seals says whether secrets can be kept.
func (s *Store) Seals() bool { return s.sealer.Load() != nil }

var errNoSealer = exeunt.Errorf(exeunt.Internal, "secrets in the database are sealed, and only a server that tells receivers of signals has the key")

func (s *Store) sealed(plain, of string) (string, error) {
	k := s.sealer.Load()
	switch {
	case plain == "":
		return "", nil
	case k == nil:
		return "", errNoSealer
	}
	return (*k).Seal(plain, of), nil
}

func (s *Store) opened(sealed, of string) (string, error) {
	k := s.sealer.Load()
	switch {
	case sealed == "":
		return "", nil
	case k == nil:
		return "", errNoSealer
	}
	return (*k).Open(sealed, of)
}

// ForgetSealed takes away every secret that was sealed, where the key is lost.
func (s *Store) ForgetSealed(ctx context.Context, change *exeunt.Change) error {
	return s.CommitWith(ctx, change, func(ctx context.Context, tx Tx) error {
		for _, statement := range []string{"DELETE FROM signal_keys", "UPDATE signal_streams SET version = version + 1, authorization_header = ''", "DELETE FROM settings WHERE name = '" + sealedWith + "'"} {
			if _, err := tx.exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}
