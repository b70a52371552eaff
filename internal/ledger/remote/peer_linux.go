package remote

import (
	"errors"
	"net"
	"syscall"
)

// peerOf asks the kernel under which user the process ran that connected: SO_PEERCRED, unix(7). It
// cannot be forged, and it does not change when the socket is handed on.
func peerOf(c *net.UnixConn) (uid uint32, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var who *syscall.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) {
		who, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return who.Uid, nil
}
