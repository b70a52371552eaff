package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/exeunt/exeunt"
	"modernc.org/sqlite"
)

// lockDir makes this process the only owner of the folder, until the file is closed or the process
// ends, however it ends. flock(2) also holds between two openings in one process; Tessera's own
// fcntl lock does not, and two writers there would fork the log. It does not hold on NFS.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, diskError("the ledger's lock file cannot be opened", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, exeunt.Errorf(exeunt.Conflict, "the ledger in %s is in use by another process: only one may write to it; stop that one first", dir).Because(err)
	}
	return nil, diskError("the ledger's folder cannot be locked", err)
}

// https://www.sqlite.org/rescode.html
const (
	sqliteCorrupt = 11
	sqliteFull    = 13
	sqliteNotADB  = 26
)

// diskError names the one cause that people can do something about.
func diskError(what string, err error) *exeunt.Error {
	fault, isSQLite := errors.AsType[*sqlite.Error](err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), isSQLite && fault.Code()&0xff == sqliteFull:
		return exeunt.Errorf(exeunt.Temporary, "%s: the disk is full; nothing is lost, it goes on when there is space", what).Because(err)
	case isSQLite && (fault.Code()&0xff == sqliteCorrupt || fault.Code()&0xff == sqliteNotADB):
		return exeunt.Errorf(exeunt.Conflict, "%s: its file is damaged; restore it from the backup", what).Because(err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return exeunt.Errorf(exeunt.Denied, "%s: the permissions do not allow it", what).Because(err)
	default:
		return exeunt.Errorf(exeunt.Temporary, "%s: the disk or file system refused it; see the server's log", what).Because(err)
	}
}

// checkFree refuses to write when the disk is nearly full, because an append that fails halfway has
// to be cleared up, and one that does not begin has not.
func checkFree(dir string, least int64) error {
	var fs syscall.Statfs_t
	if least < 0 || syscall.Statfs(dir, &fs) != nil {
		return nil
	}
	if free := int64(fs.Bavail) * int64(fs.Bsize); free < least {
		return exeunt.Errorf(exeunt.Temporary, "the ledger's disk has only %d MiB left, %d are wanted: make space; nothing is lost, it goes on by itself", free>>20, least>>20)
	}
	return nil
}
