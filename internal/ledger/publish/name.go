package publish

import (
	"fmt"
	"strings"
)

// suffix ends the names of published checkpoints, see https://c2sp.org/tlog-checkpoint.
const suffix = ".checkpoint"

// fileName is what the checkpoint over so many entries is called. The names stand in the order of the sizes.
func fileName(size int64) string { return fmt.Sprintf("%012d%s", size, suffix) }

// folderOf is the folder of a log, made of its origin. What could mean something else in a path or an address becomes _.
func folderOf(origin string) string {
	parts := strings.Split(origin, "/")
	for i, part := range parts {
		part = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
				return r
			}
			return '_'
		}, part)
		if strings.Trim(part, ".") == "" {
			part = "_" + part
		}
		parts[i] = part
	}
	return strings.Join(parts, "/")
}
