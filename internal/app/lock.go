package app

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/exeunt/exeunt"
)

// takeLock makes this process the only one that serves from the data directory. The kernel gives the
// lock back when the process ends, however it ends.
func (a *App) takeLock() error {
	if err := os.MkdirAll(a.options.DataDir, 0o700); err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the data directory %s cannot be made: choose another with --data", a.options.DataDir).Because(err)
	}
	f, err := os.OpenFile(filepath.Join(a.options.DataDir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return exeunt.Errorf(exeunt.Invalid, "the data directory %s cannot be written to", a.options.DataDir).Because(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return exeunt.Errorf(exeunt.Conflict, "another exeunt serves from %s already: stop it, or give this one its own --data", a.options.DataDir).Because(err)
	}
	a.lock = f
	return nil
}
