package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/scim"
)

// listing is a service that gives three users at a time, whatever it is asked for, and of which somebody may change the list.
type listing struct {
	ids    []string
	total  int          // that it says it has; 0 for the truth
	before func(at int) // a page that begins there, from 1
}

func (l *listing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.URL.Query().Get("startIndex"))
	if l.before != nil {
		l.before(from)
	}
	users := []any{}
	for i := from - 1; i < min(from+2, len(l.ids)); i++ {
		users = append(users, map[string]any{"id": l.ids[i], "userName": l.ids[i] + "@corp.example", "active": true})
	}
	total := len(l.ids)
	if l.total > 0 {
		total = l.total
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"totalResults": total, "startIndex": from, "Resources": users})
}

// read reads the whole list, and how often each account comes.
func (l *listing) read(t *testing.T) (map[string]int, error) {
	t.Helper()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	t.Setenv("SCIM_SCRIPT_TOKEN", secret)
	c, err := scim.Kind().Open([]byte(`{"base_url":"`+server.URL+`","token":"env:SCIM_SCRIPT_TOKEN"}`), http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	seen, cursor := map[string]int{}, ""
	for range 30 {
		page, err := connector.List(t.Context(), c, cursor, nil)
		if err != nil {
			return seen, err
		}
		for _, a := range page.Accounts {
			seen[a.ID]++
		}
		if cursor = page.Next; cursor == "" {
			return seen, nil
		}
	}
	t.Fatal("the list has no end")
	return nil, nil
}

func users(n int) *listing {
	l := &listing{}
	for i := range n {
		l.ids = append(l.ids, fmt.Sprint("u", i+1))
	}
	return l
}

// Some are deleted while the list is read, so that all who follow move up: whoever moves over the edge of a page is listed.
func TestAListThatShrinksLosesNobody(t *testing.T) {
	for gone := range 18 { // from the first on, one or two
		for when := 2; when <= 10; when++ {
			first, last := gone%9, gone%9+1+gone/9
			l, deleted := users(10), false
			l.before = func(from int) {
				if from >= when && !deleted {
					deleted, l.ids = true, slices.Delete(l.ids, first, last)
				}
			}
			seen, err := l.read(t)
			for _, id := range l.ids {
				if err == nil && seen[id] == 0 {
					t.Errorf("%d to %d went before the page from %d, and %s is not listed: %v", first+1, last, when, id, seen)
				}
			}
			if err != nil && exeunt.KindOf(err) != exeunt.Conflict { // it is begun again
				t.Errorf("%d to %d went before the page from %d: %v", first+1, last, when, err)
			}
		}
	}
	seen, err := users(10).read(t)
	for id, n := range seen {
		if n != 1 {
			t.Errorf("at rest, %s is listed %d times", id, n)
		}
	}
	if err != nil || len(seen) != 10 {
		t.Errorf("at rest: %v, %v", seen, err)
	}
}

// An empty page below what the service says it has is no end.
func TestHalfAListIsNotTheWholeOfIt(t *testing.T) {
	l := users(6)
	l.total = 20
	if seen, err := l.read(t); exeunt.KindOf(err) != exeunt.Temporary || !strings.Contains(err.Error(), "has 20 of them and shows none from number") {
		t.Errorf("%v, %v", seen, err)
	}
	c, _ := scripted(t, map[string]string{"GET /Users": `200 {"totalResults":3,"Resources":[]}`}, "")
	if found, err := c.Find(t.Context(), []exeunt.Key{{Attribute: "userName", Value: "ann@corp.example"}}); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a search: %v, %v", found, err)
	}
}
