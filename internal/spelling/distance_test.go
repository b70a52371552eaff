package spelling_test

import (
	"testing"

	"github.com/exeunt/exeunt/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"github", "github", 0}, {"githbu", "github", 1}, {"gitub", "github", 1}, {"büro", "buro", 1}, {"slack", "salesforce", 7}} {
		if got, back := spelling.Distance(c.a, c.b), spelling.Distance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q and %q are %d and %d apart, want %d", c.a, c.b, got, back, c.want)
		}
	}
}
