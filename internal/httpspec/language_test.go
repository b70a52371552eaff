package httpspec_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// desk opens testdata/desk.yaml over a vendor.
func desk(t *testing.T, answers map[string]func(http.ResponseWriter, *http.Request)) (connector.Connector, *vendor, *httptest.Server) {
	t.Helper()
	v := &vendor{answers: answers}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	t.Setenv("DESK_PASSWORD", "a&b=c-0123456789")
	c, err := kind(source(t, "testdata/desk.yaml")).Open([]byte(`{"spec":"suite","base_url":"`+server.URL+`","username":"exeunt","password":"env:DESK_PASSWORD","values":{"site":"7"}}`), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return c, v, server
}

// wants is the body of the newest request for a place.
func (v *vendor) wants(t *testing.T, asked, body string) http.Header {
	t.Helper()
	for i := len(v.asked) - 1; i >= 0; i-- {
		if v.asked[i] == asked {
			if v.bodies[i] != body {
				t.Errorf("%s had %q, want %q", asked, v.bodies[i], body)
			}
			return v.headers[i]
		}
	}
	t.Errorf("%s was not asked: %q", asked, v.asked)
	return http.Header{}
}

func TestASessionAFormASearchByPostAndPagesByAddress(t *testing.T) {
	ended := 0
	c, v, server := desk(t, map[string]func(http.ResponseWriter, *http.Request){
		"POST /login":        says(200, `{"data":{"token":"s-1"}}`),
		"POST /search":       says(200, `{"items":[{"id":1,"mail":"a@b.c"},{"id":2,"mail":"x@b.c"}]}`),
		"GET /users/1":       says(200, `{"id":1}`),
		"POST /badges/4/end": func(w http.ResponseWriter, _ *http.Request) { ended++; w.WriteHeader(204) },
	})
	v.answers["GET /users/1/badges"] = func(w http.ResponseWriter, r *http.Request) {
		page := `{"items":[{"id":3,"live":false}],"links":{"next":"` + server.URL + `/users/1/badges?page=2"}}`
		if r.URL.Query().Get("page") == "2" {
			page = `{"items":[{"id":4,"live":` + map[bool]string{true: "true", false: "false"}[ended == 0] + `}],"links":{"next":null}}`
		}
		says(200, page)(w, r)
	}
	found, err := search(t.Context(), c, leaver("a@b.c"))
	if err != nil || len(found) != 1 || found[0].ID != "1" {
		t.Fatalf("%+v, %v", found, err)
	}
	seen, err := c.Observe(t.Context(), found[0])
	if err != nil || seen.Facts["badges"] != "1" || !slices.Equal(seen.Snapshot["badges"], []string{"4"}) || seen.Of("remove_badges") != exeunt.Absent {
		t.Fatalf("%+v, %v", seen, err)
	}
	if err := c.Apply(t.Context(), found[0], "remove_badges", connector.Parameters{Seen: seen}); err != nil || ended != 1 {
		t.Fatalf("%v, %d ended", err, ended)
	}
	if seen, err = c.Observe(t.Context(), found[0]); err != nil || seen.Of("remove_badges") != exeunt.Holds {
		t.Errorf("%+v, %v", seen, err)
	}
	if h := v.wants(t, "POST /login", "pass=a%26b%3Dc-0123456789&site=7&user=exeunt"); h.Get("Content-Type") != "application/x-www-form-urlencoded" || h.Get("X-Session") != "" {
		t.Errorf("signed in with %v", h)
	}
	if h := v.wants(t, "POST /search", `{"deep":[1],"filter":{"mail":"a@b.c"}}`); h.Get("X-Session") != "S s-1" || h.Get("Content-Type") != "application/json" {
		t.Errorf("searched with %v", h)
	}
	v.wants(t, "POST /badges/4/end", "by=exeunt&days=0&tag=a&tag=b")
	if n := strings.Count(strings.Join(v.asked, "\n"), "POST /login"); n != 1 {
		t.Errorf("signed in %d times", n)
	}
}

func TestAPageOnAnotherHostIsNotFollowed(t *testing.T) {
	for name, next := range map[string]string{"another host": "https://evil.example/badges", "the same page": "/users/1/badges"} {
		t.Run(name, func(t *testing.T) {
			c, _, _ := desk(t, map[string]func(http.ResponseWriter, *http.Request){
				"POST /login": says(200, `{"data":{"token":"s-1"}}`), "GET /users/1": says(200, `{"id":1}`),
				"GET /users/1/badges": says(200, `{"items":[],"links":{"next":"`+next+`"}}`),
			})
			if _, err := c.Observe(t.Context(), exeunt.Account{ID: "1"}); err == nil {
				t.Error("it was followed")
			}
		})
	}
}

func TestAnItemWithoutWhatChoosesItIsAnError(t *testing.T) {
	c, _, _ := desk(t, map[string]func(http.ResponseWriter, *http.Request){
		"POST /login": says(200, `{"data":{"token":"s-1"}}`), "GET /users/1": says(200, `{"id":1}`),
		"GET /users/1/badges": says(200, `{"items":[{"id":3}]}`),
	})
	if _, err := c.Observe(t.Context(), exeunt.Account{ID: "1"}); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("%v: nobody knows whether the badge is live", err)
	}
}
