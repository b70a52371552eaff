package ledger

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// immutable is FS_IMMUTABLE_FL of linux/fs.h.
const immutable = 0x10

// setImmutable sets or clears the flag of a file, and says whether it was set: FS_IOC_SETFLAGS(2const).
func setImmutable(root *os.Root, name string, on bool) (was bool, err error) {
	if info, err := root.Lstat(name); err != nil {
		return false, err
	} else if !info.Mode().IsRegular() {
		return false, errShared
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe in its place shall not hold us up
	if err != nil {
		return false, err
	}
	defer f.Close()
	var stat unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &stat); err != nil {
		return false, err
	}
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return false, err
	}
	if was = flags&immutable != 0; was == on {
		return was, nil
	}
	if on && (stat.Nlink != 1 || stat.Mode&unix.S_IFMT != unix.S_IFREG) {
		return was, errShared
	}
	return was, unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(flags^immutable))
}
