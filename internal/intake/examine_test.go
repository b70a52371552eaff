package intake_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// lacks are the names of the rights that lack.
func lacks(rights []connector.Right) []string {
	var out []string
	for _, r := range rights {
		if r.State == connector.Lacking {
			out = append(out, r.Name)
		}
	}
	return out
}

func TestASourceTellsWhetherItsSecretsAreGood(t *testing.T) {
	const employee = "/api/v1/employees/0"
	for name, c := range map[string]struct {
		api   hris
		lacks []string
		kind  exeunt.ErrorKind
	}{
		"good":                  {hris{answers: map[string]string{employee: `{"id":"7"}`}}, nil, ""},
		"a key of no employee":  {hris{}, nil, ""},
		"a key without a right": {hris{status: 403}, []string{"read employees by the API key"}, ""},
		"a key that ended":      {hris{status: 401}, nil, exeunt.Unauthorised},
		"nobody answers":        {hris{fails: errors.New("no route")}, nil, exeunt.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			c.api.t = t
			rights, err := bamboo(t, bambooSettings, &c.api).Examine(t.Context())
			if !slices.Equal(lacks(rights), c.lacks) || exeunt.KindOf(err) != c.kind {
				t.Errorf("lacks %v, %v (%s)", lacks(rights), err, exeunt.KindOf(err))
			}
			if len(c.api.asked) != 1 || c.api.asked[0].Method != "GET" {
				t.Errorf("asked %d times", len(c.api.asked))
			}
		})
	}
	api := &hris{t: t}
	source := bamboo(t, bambooSettings, api)
	for _, name := range []string{"BAMBOO_API", "BAMBOO_KEY"} {
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	if rights, err := source.Examine(t.Context()); err != nil || len(lacks(rights)) != 2 || len(api.asked) != 0 {
		t.Errorf("without secrets: %+v, %v, asked %d times", rights, err, len(api.asked))
	}
}
