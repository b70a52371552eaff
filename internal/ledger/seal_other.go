//go:build !linux

package ledger

import (
	"errors"
	"os"
)

// setImmutable is known on Linux only.
func setImmutable(*os.Root, string, bool) (bool, error) { return false, errors.ErrUnsupported }
