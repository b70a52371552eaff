package ledger

import (
	"slices"
	"testing"
)

func TestWhichTilesAreFull(t *testing.T) {
	for size, want := range map[int64]struct {
		files int
		last  string
	}{
		0: {0, ""}, 255: {0, ""}, 256: {2, "tile/0/000"}, 511: {2, "tile/0/000"}, 512: {4, "tile/0/001"},
		65_535: {510, "tile/0/254"}, 65_536: {513, "tile/1/000"}, 1_000_000: {3906 + 3906 + 15, "tile/1/014"},
	} {
		all := slices.Collect(fullTiles(size))
		if len(all) != want.files || len(all) > 0 && all[len(all)-1] != want.last {
			t.Errorf("of %d entries %d files, the last %v", size, len(all), all[max(0, len(all)-1):])
		}
	}
}
