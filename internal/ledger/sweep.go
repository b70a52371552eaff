package ledger

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var (
	digits    = regexp.MustCompile(`^[0-9]+$`)
	rootTemp  = regexp.MustCompile(`^checkpoint[0-9]+$`)
	stateTemp = regexp.MustCompile(`^(treeState|gcState|version)[0-9]+$`)
)

// sweep removes the temporary files that a killed writer, or a full disk, left in the log. Tessera
// v1.0.4 names them after the file that they were to become, with random digits behind
// (storage/posix/file_ops.go, createTemp), and never looks at them again. It must run before the
// log is opened, under the folder's lock.
func sweep(log string) (removed int, err error) {
	err = filepath.WalkDir(log, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreMissing(err)
		}
		rel, err := filepath.Rel(log, path)
		if err != nil || !leftover(filepath.ToSlash(rel)) {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if err != nil {
		return removed, diskError("the ledger's folder cannot be cleared of temporary files", err)
	}
	return removed, nil
}

func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// leftover says whether a path in the log, with slashes, is a temporary file.
func leftover(path string) bool {
	dir, name := "", path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir, name = path[:i], path[i+1:]
	}
	switch {
	case dir == "":
		return rootTemp.MatchString(name)
	case dir == ".state":
		return stateTemp.MatchString(name)
	case !strings.HasPrefix(dir, "tile/") || !digits.MatchString(name):
		return false
	case strings.HasSuffix(dir, ".p"): // partial tiles are named by their width, 1 to 255
		width, err := strconv.Atoi(name)
		return err != nil || width < 1 || width > 255 || name != strconv.Itoa(width)
	default: // full tiles have three digits
		return len(name) != 3
	}
}
