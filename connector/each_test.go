package connector_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func TestWhatIsRefusedDoesNotKeepTheRest(t *testing.T) {
	denied, gone := exeunt.Errorf(exeunt.Denied, "not allowed").Instead("by hand"), exeunt.Errorf(exeunt.NotFound, "gone")
	for name, c := range map[string]struct {
		answers []error
		done    int // calls that were made
		kind    exeunt.ErrorKind
		says    []string
	}{
		"all are done":        {[]error{nil, nil}, 2, "", nil},
		"one is refused":      {[]error{denied, nil, nil}, 3, exeunt.Denied, []string{"left as it is: a (not allowed)", "the other 2 are done"}},
		"the only one":        {[]error{denied}, 1, exeunt.Denied, []string{"not allowed"}},
		"all are refused":     {[]error{denied, denied}, 2, exeunt.Denied, []string{"a, b", "nothing else"}},
		"a refusal says more": {[]error{gone, denied, nil}, 3, exeunt.Denied, []string{"a, b (not allowed)"}},
		"it may pass":         {[]error{denied, exeunt.Errorf(exeunt.Throttled, "slow down"), nil}, 2, exeunt.Throttled, []string{"slow down"}},
		"a fault":             {[]error{errors.New("secret"), nil}, 1, exeunt.Internal, nil},
	} {
		calls := 0
		err := connector.Each([]string{"a", "b", "c"}[:len(c.answers)], strings.ToLower, func(item string) error {
			calls++
			return c.answers[slices.Index([]string{"a", "b", "c"}, item)]
		})
		if exeunt.KindOf(err) != c.kind || calls != c.done {
			t.Errorf("%s: %v (%s) after %d calls, want %s after %d", name, err, exeunt.KindOf(err), calls, c.kind, c.done)
			continue
		}
		for _, said := range c.says {
			if !strings.Contains(err.Error(), said) {
				t.Errorf("%s: %v, want %q in it", name, err, said)
			}
		}
		if e, ok := errors.AsType[*exeunt.Error](err); ok && c.kind == exeunt.Denied && !slices.Equal(e.ByHand, []string{"by hand"}) {
			t.Errorf("%s: what a person does in its place is lost: %v", name, e.ByHand)
		}
	}
}
