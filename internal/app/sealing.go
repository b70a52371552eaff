package app

import (
	"context"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/seal"
)

// sealSecrets opens the key by which secrets in the database are sealed, or makes it for a database that has none yet. Who has
// no receivers of signals has no such secrets, and needs no key.
func (a *App) sealSecrets(ctx context.Context, c *config.Config) error {
	if a.Store.Seals() || len(receivers(c)) == 0 {
		return nil
	}
	key, err := seal.Open(a.options.DataDir)
	made := exeunt.KindOf(err) == exeunt.NotFound
	if made {
		key, err = seal.Make(a.options.DataDir)
	}
	if err != nil {
		return err
	}
	with, err := a.Store.SealedWith(ctx, key.ID())
	if err == nil && with != key.ID() {
		err = exeunt.Errorf(exeunt.Conflict, "secrets in this database are sealed with the key %s, and the one in %s is another or missing: copy %s there from the data directory of another server of this database, or from the backup. If it is lost for good: exeunt signals forget-keys --help", with, a.options.DataDir, seal.File)
	}
	if err != nil {
		if made { // so that it is not taken for the one that is wanted
			_ = seal.Remove(a.options.DataDir)
		}
		return err
	}
	a.Store.SealBy(key)
	return nil
}
