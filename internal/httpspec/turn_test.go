package httpspec_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// shelf is a list that is given three at a time, by offset or by page, and that somebody may change.
type shelf struct {
	ids    []string
	before func(read int) // so many pages were asked for
	read   int
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.read++; s.before != nil {
		s.before(s.read)
	}
	from, _ := strconv.Atoi(r.FormValue("offset"))
	if page, err := strconv.Atoi(r.FormValue("page")); err == nil {
		from = 3 * (page - 1)
	}
	from = min(from, len(s.ids))
	items := []any{}
	for _, id := range s.ids[from:min(from+3, len(s.ids))] {
		items = append(items, map[string]any{"id": id, "mail": id + "@corp.example", "label": "App " + id, "seats": []int{1, 2}, "status": "on"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"items": items})
}

// paged is the suite with its list paged otherwise, and the same list of applications.
func paged(t *testing.T, paging string) []byte {
	t.Helper()
	text := string(source(t, "testdata/suite.yaml"))
	i := strings.Index(text, "list: {path: /users")
	j := i + strings.Index(text[i:], "\n")
	return []byte(text[:i] + "list: {path: /users, list: /items, paging: " + paging + "}\n" +
		"applications: {path: /apps, list: /items, paging: " + paging + ", id: /id, name: /label, people: /seats, inactive: [{at: /status, equals: \"off\"}]}" + text[j:])
}

// everything reads the list to its end, beginning again where it has to.
func everything(t *testing.T, c connector.Connector, at func() []string) (seen map[string]int, throughout []string) {
	t.Helper()
	for range 20 {
		seen, throughout = map[string]int{}, at()
		cursor := ""
		for turns := 0; turns < 50; turns++ {
			page, err := connector.List(t.Context(), c, cursor, nil)
			if exeunt.KindOf(err) == exeunt.Conflict {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Accounts {
				seen[a.ID]++
			}
			throughout = slices.DeleteFunc(throughout, func(id string) bool { return !slices.Contains(at(), id) })
			if cursor = page.Next; cursor == "" {
				return seen, throughout
			}
		}
	}
	t.Fatal("the list has no end")
	return nil, nil
}

// Pages that are told by numbers move when somebody goes: whoever moves over an edge is listed.
func TestPagesByNumberLoseNobody(t *testing.T) {
	for name, paging := range map[string]string{"offset": "{kind: offset, param: offset}", "offset, sized": "{kind: offset, param: offset, size_param: n, size: 3}", "page": "{kind: page, param: page, start: 1, size_param: n, size: 3}"} {
		t.Run(name, func(t *testing.T) {
			for first := range 9 {
				for many := 0; many <= 3; many++ {
					for when := 2; when <= 9; when++ {
						s := &shelf{ids: strings.Fields("a b c d e f g h i j")}
						s.before = func(read int) {
							if read == when {
								s.ids = slices.Delete(s.ids, first, min(first+many, len(s.ids)))
							}
						}
						server := httptest.NewServer(s)
						c := open(t, paged(t, paging), map[string]any{"base_url": server.URL, "token": "env:SUITE_TOKEN", "values": map[string]string{"site": "7"}})
						seen, throughout := everything(t, c, func() []string { return slices.Clone(s.ids) })
						server.Close()
						for _, id := range throughout {
							if seen[id] == 0 || many == 0 && seen[id] > 1 {
								t.Fatalf("%d from %d went before request %d: %s is listed %d times: %v", many, first, when, id, seen[id], seen)
							}
						}
					}
				}
			}
		})
	}
}

func TestApplicationsAreRead(t *testing.T) {
	server := httptest.NewServer(&shelf{ids: strings.Fields("a b c d")})
	defer server.Close()
	settings := map[string]any{"base_url": server.URL, "token": "env:SUITE_TOKEN", "values": map[string]string{"site": "7"}}
	c := open(t, paged(t, "{kind: offset, param: offset}"), settings)
	first, err := connector.ListApplications(t.Context(), c, "")
	if err != nil || len(first.Applications) != 3 || first.Applications[0] != (connector.Application{ID: "a", Name: "App a", People: 2}) {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := connector.ListApplications(t.Context(), c, first.Next)
	if err != nil || len(rest.Applications) != 1 || rest.Applications[0].ID != "d" {
		t.Errorf("%+v, %v", rest, err)
	}
	if _, err := connector.ListApplications(t.Context(), open(t, source(t, "testdata/suite.yaml"), settings), ""); exeunt.KindOf(err) != exeunt.Unsupported || !strings.Contains(err.Error(), "add applications to it") {
		t.Errorf("a description without them: %v", err)
	}
	nameless := strings.Replace(string(paged(t, "{kind: none}")), "name: /label", "name: /title", 1)
	if _, err := connector.ListApplications(t.Context(), open(t, []byte(nameless), settings), ""); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("an application without a name: %v", err)
	}
}
