package httpspec_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// checked is the suite with a check: request.
func checked(t *testing.T, check string) []byte {
	return []byte(strings.Replace(string(source(t, "testdata/suite.yaml")), "find:\n", check+"find:\n", 1))
}

func TestADeclaredCheckTellsWhatCredentialsMayDo(t *testing.T) {
	const byHeader = `check: [{right: sign-in, path: /me, scopes: {header: X-Scopes}}]
`
	for name, c := range map[string]struct {
		check  string
		answer func(http.ResponseWriter, *http.Request)
		right  string
		want   connector.RightState
		says   string
	}{
		"listed":         {byHeader, says(200, `{}`, "X-Scopes", "users.write, keys.write"), "users.write", connector.Granted, ""},
		"not listed":     {byHeader, says(200, `{}`, "X-Scopes", "users.read"), "users.write", connector.Lacking, "give the credentials the scope users.write"},
		"nothing listed": {byHeader, says(200, `{}`), "users.write", connector.Unknown, "lists no scopes"},
		"in the body":    {"check: [{right: sign-in, path: /me, scopes: {at: /scopes}}]\n", says(200, `{"scopes":["users.write"]}`), "users.write", connector.Granted, ""},
		"condition":      {"check: [{right: administrator, for: [disable], path: /me, holds: [{at: /role, equals: admin}], remedy: make it one}]\n", says(200, `{"role":"reader"}`), "administrator", connector.Lacking, "make it one"},
		"it holds":       {"check: [{right: administrator, path: /me, holds: [{at: /role, equals: admin}], remedy: make it one}]\n", says(200, `{"role":"admin"}`), "administrator", connector.Granted, ""},
		"refused":        {"check: [{right: read keys, path: /me, remedy: ask for it}]\n", says(403, `{}`), "read keys", connector.Lacking, "ask for it"},
	} {
		t.Run(name, func(t *testing.T) {
			v := &vendor{answers: map[string]func(http.ResponseWriter, *http.Request){"GET /me": c.answer}}
			rights, err := connector.Examine(t.Context(), opened(t, v, checked(t, c.check)))
			if err != nil {
				t.Fatal(err)
			}
			i := -1
			for n, r := range rights {
				if r.Name == c.right {
					i = n
				}
			}
			if i < 0 || rights[i].State != c.want || !strings.Contains(rights[i].Why+rights[i].Remedy, c.says) {
				t.Errorf("%+v, want %s %s saying %q", rights, c.right, c.want, c.says)
			}
			for _, asked := range v.asked {
				if !strings.HasPrefix(asked, "GET ") {
					t.Errorf("%s was sent", asked)
				}
			}
		})
	}
}

func TestWithoutACheckASearchForNobodyIsTried(t *testing.T) {
	v := &vendor{answers: map[string]func(http.ResponseWriter, *http.Request){"GET /users": says(200, `{"items":[]}`)}}
	rights, err := connector.Examine(t.Context(), opened(t, v, source(t, "testdata/suite.yaml")))
	if err != nil || rights[0].State != connector.Granted || rights[len(rights)-1].State != connector.Unknown {
		t.Fatalf("%+v, %v", rights, err)
	}
	v.answers["GET /users"] = says(401, `{}`)
	if _, err := connector.Examine(t.Context(), opened(t, v, source(t, "testdata/suite.yaml"))); exeunt.KindOf(err) != exeunt.Unauthorised {
		t.Errorf("refused credentials: %v", err)
	}
}

// opened is a system of a description over a vendor.
func opened(t *testing.T, v *vendor, spec []byte) connector.Connector {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return open(t, spec, map[string]any{"base_url": server.URL, "token": "env:SUITE_TOKEN", "values": map[string]string{"site": "7"}})
}
