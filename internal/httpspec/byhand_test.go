package httpspec_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func TestWhatPeopleDoIsListedAndNothingIsSent(t *testing.T) {
	v := &vendor{answers: map[string]func(http.ResponseWriter, *http.Request){
		"GET /users/1": says(200, `{"id":1}`),
		"GET /folders": says(200, `{"items":[{"name":"Sales","owners":1},{"name":"Everybody's","owners":3}]}`),
	}}
	server := httptest.NewServer(v)
	defer server.Close()
	kind := kind(source(t, "testdata/owners.yaml"))
	settings := []byte(`{"spec":"suite","base_url":"` + server.URL + `"}`)
	c, err := kind.Open(settings, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	specs, err := kind.Specs(settings)
	if err != nil || len(specs) != 1 || !specs[0].ByHand || specs[0].Proof != exeunt.Observed {
		t.Fatalf("%+v, %v", specs, err)
	}
	aim := connector.Aim{Account: exeunt.Account{ID: "1"}, Spec: specs[0]}
	out, err := connector.Converge(t.Context(), c, aim, func(exeunt.Observation) error { return nil })
	if err != nil || out.Kind != exeunt.ForPeople || !slices.Equal(out.Snapshot["hand_over"], []string{"Sales"}) {
		t.Errorf("%+v, %v", out, err)
	}
	if err := c.Apply(t.Context(), aim.Account, exeunt.HandOver, connector.Parameters{}); exeunt.KindOf(err) != exeunt.Unsupported {
		t.Errorf("it is applied: %v", err)
	}
	v.answers["GET /folders"] = says(200, `{"items":[{"name":"Everybody's","owners":3}]}`)
	if out, err := connector.Converge(t.Context(), c, aim, nil); err != nil || out.Kind != exeunt.Done || out.Changed {
		t.Errorf("%+v, %v", out, err)
	}
	for _, asked := range v.asked {
		if asked[:3] != "GET" {
			t.Errorf("it asked %s", asked)
		}
	}
}
