package exeunt_test

import (
	"testing"

	"github.com/exeunt/exeunt"
)

func TestBytesThatDiffer(t *testing.T) {
	for _, c := range []struct{ got, want, say string }{
		{"abc", "abc", "no byte differs"},
		{"aXc", "abc", "byte 1 of 3 is not as it was"},
		{"aXYd", "abcd", "bytes 1 to 2 of 4 are not as they were"},
		{"ab", "abc", "it has 2 bytes where 3 are due, and differs from byte 2 on"},
		{"", "abc", "it has 0 bytes where 3 are due, and differs from byte 0 on"},
		{"aaa", "aa", "it has 3 bytes where 2 are due, and differs from byte 2 on"},
	} {
		if got := exeunt.BytesThatDiffer([]byte(c.got), []byte(c.want)); got != c.say {
			t.Errorf("%q for %q: %s", c.got, c.want, got)
		}
	}
}

func TestManyDifferencesAreCounted(t *testing.T) {
	var d exeunt.Differences
	for n := range int64(250) {
		d.Add(exeunt.Difference{Where: "the database", Entry: n, What: "it is missing"})
	}
	if len(d.Kept) != 100 || d.Count != 250 || d.Kept[99].Entry != 99 {
		t.Errorf("%d kept, %d counted", len(d.Kept), d.Count)
	}
	if got := d.Kept[7].String(); got != "the database, entry 7: it is missing" {
		t.Error(got)
	}
}
