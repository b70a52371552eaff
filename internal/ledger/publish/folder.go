package publish

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// Folder is a place in a file system, such as a mounted share that lets files be written once.
type Folder struct{ Path string }

// Where is that of [Place].
func (f Folder) Where() string { return f.Path }

// Put writes the checkpoint as a file of its own, whole or not at all, and never over another one. The folder itself has
// to be there: one that is not is a share that is not mounted.
func (f Folder) Put(_ context.Context, cp verify.Checkpoint) error {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	dir := folderOf(cp.Origin)
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return folderError("no folder for the log can be made there", err)
	}
	name := dir + "/" + fileName(cp.Size)
	if err := put(root, name, cp.Signed); err != nil && !errors.Is(err, fs.ErrExist) {
		return folderError("the checkpoint cannot be written there", err)
	}
	return nil
}

// put makes a file under another name and links it into place, which fails where there is one (link(2), EEXIST). Where a
// file system has no links, as many network shares, it is renamed: the ledger is the only one that writes there.
func put(root *os.Root, name string, content []byte) error {
	draft := name + ".new"
	file, err := root.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	switch err = root.Link(draft, name); {
	case errors.Is(err, fs.ErrExist):
		return errors.Join(err, root.Remove(draft))
	case err == nil:
		_ = root.Remove(draft) // a share that removes nothing keeps it, which does no harm
	case errors.Is(err, syscall.EPERM), errors.Is(err, errors.ErrUnsupported):
		err = root.Rename(draft, name)
	}
	if err != nil {
		return err
	}
	return syncDir(root, filepath.Dir(name))
}

func syncDir(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) { // shares that know no such thing
		return err
	}
	return nil
}

// AtLeast is that of [Readable].
func (f Folder) AtLeast(_ context.Context, origin string, size int64) ([]byte, error) {
	root, err := f.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	dir := folderOf(origin)
	list, err := fs.ReadDir(root.FS(), dir) // in the order of names
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, folderError("what lies there cannot be listed", err)
	}
	least := fileName(size)
	i := slices.IndexFunc(list, func(e fs.DirEntry) bool { return strings.HasSuffix(e.Name(), suffix) && e.Name() >= least })
	if i < 0 {
		return nil, nil
	}
	signed, err := root.ReadFile(dir + "/" + list[i].Name())
	if err != nil {
		return nil, folderError("a checkpoint that lies there cannot be read", err)
	}
	return signed, nil
}

// Kept is that of [Readable]. That a file cannot be removed is the share's affair.
func (Folder) Kept(context.Context, string, int64) error { return nil }

func (f Folder) open() (*os.Root, error) {
	root, err := os.OpenRoot(f.Path)
	if err != nil {
		return nil, folderError("the folder cannot be opened", err)
	}
	return root, nil
}

func folderError(what string, err error) *exeunt.Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return exeunt.Errorf(exeunt.Temporary, "%s: it does not exist; make it, or mount the share", what).Because(err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return exeunt.Errorf(exeunt.Denied, "%s: the permissions do not let the ledger's user do it", what).Because(err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return exeunt.Errorf(exeunt.Temporary, "%s: it is full", what).Because(err)
	default:
		return exeunt.Errorf(exeunt.Temporary, "%s: the file system refused it; see the log of the process", what).Because(err)
	}
}
