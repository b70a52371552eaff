package stamp_test

import (
	"os"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/stamp"
	"github.com/exeunt/exeunt/internal/testserver"
)

func TestATimeStampOfARealAuthority(t *testing.T) {
	one, other := testserver.TimeStamps(t), testserver.TimeStamps(t)
	authority := func(of testserver.TimeStampAuthority) stamp.Authority {
		pem, err := os.ReadFile(of.Authority)
		if err != nil {
			t.Fatal(err)
		}
		roots, err := stamp.Roots(pem)
		if err != nil {
			t.Fatal(err)
		}
		return stamp.Authority{URL: of.URL, Roots: roots}
	}
	a, b := authority(one), authority(other)
	data := []byte("a leaf")
	token, s, err := a.Ask(t.Context(), data)
	if err != nil || s.Authority != "Test Time Stamps" || time.Since(s.At).Abs() > time.Hour {
		t.Fatalf("%+v, %v", s, err)
	}
	if again, err := stamp.Check(token, data, a.Roots); err != nil || again != s {
		t.Errorf("offline: %+v, %v", again, err)
	}
	refused := func(name string, err error) {
		t.Helper()
		if exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = stamp.Check(token, []byte("another leaf"), a.Roots)
	refused("of something else", err)
	_, err = stamp.Check(token, data, b.Roots)
	refused("of an authority that is not trusted", err)
	_, err = stamp.Check(token, data, nil)
	refused("with nobody trusted", err)
	for at := range len(token) / 7 { // whatever is changed is found, or does not change what it says
		changed := append([]byte(nil), token...)
		changed[at*7] ^= 0x41
		if got, err := stamp.Check(changed, data, a.Roots); err == nil && !got.At.Equal(s.At) {
			t.Errorf("byte %d can be changed: %+v", at*7, got)
		}
	}
	mixed := stamp.Authority{URL: one.URL, Roots: b.Roots}
	if _, _, err := mixed.Ask(t.Context(), data); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a stamp was taken that would not verify: %v", err)
	}
	one.Refuse.Store(true)
	if _, _, err := a.Ask(t.Context(), data); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("while it refuses: %v", err)
	}
}
