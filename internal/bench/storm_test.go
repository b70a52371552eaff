package bench

import (
	"testing"
)

func TestStormSmall(t *testing.T) {
	s, err := RunStorm(t.Context(), Options{Dir: t.TempDir(), Cases: 1000, Note: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", *s)
}
