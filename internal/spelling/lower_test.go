package spelling

import "testing"

func TestLower(t *testing.T) {
	for text, want := range map[string]string{"": "", "A": "a", "Disable the account": "disable the account", "HR system": "HR system", "Éva leaves": "éva leaves", "iPhone": "iPhone"} {
		if got := Lower(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
