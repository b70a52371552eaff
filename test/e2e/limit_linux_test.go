package e2e_test

import (
	"syscall"
	"testing"
	"unsafe"
)

// limitFiles bounds how large files may become that the server writes to (RLIMIT_FSIZE), from outside.
func limitFiles(t *testing.T, b *battlefield, most uint64) {
	t.Helper()
	const fileSize = 1 // RLIMIT_FSIZE
	limit := [2]uint64{most, ^uint64(0)}
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(b.process.Process.Pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); err != 0 {
		t.Fatal(err)
	}
}
