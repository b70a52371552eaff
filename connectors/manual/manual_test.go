package manual_test

import (
	"net/http"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/manual"
)

func TestNothingIsDoneByHandForUs(t *testing.T) {
	kind := manual.Kind()
	c, err := kind.Open(nil, http.DefaultTransport)
	if err != nil || len(kind.Actions) != 0 {
		t.Fatalf("open: %v, actions %v", err, kind.Actions)
	}
	_, findErr := c.Find(t.Context(), nil)
	_, observeErr := c.Observe(t.Context(), exeunt.Account{})
	applyErr := c.Apply(t.Context(), exeunt.Account{}, exeunt.Disable, connector.Parameters{})
	for verb, err := range map[string]error{"find": findErr, "observe": observeErr, "apply": applyErr} {
		if exeunt.KindOf(err) != exeunt.Unsupported {
			t.Errorf("%s: %v, want unsupported", verb, err)
		}
	}
	if _, err := kind.Open([]byte(`{"base_url":"https://x"}`), nil); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("settings for what has none: %v, want invalid", err)
	}
}
