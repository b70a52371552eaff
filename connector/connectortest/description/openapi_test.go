package description_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
)

func address(t testing.TB, at string) *url.URL {
	t.Helper()
	u, err := url.Parse("https://vendor.example" + at)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestOpenAPITellsRightFromWrong(t *testing.T) {
	d, err := description.NewOpenAPI(read(t, "okta/testdata/okta-leaver.json"), "https://acme.okta.com")
	if err != nil {
		t.Fatal(err)
	}
	const token = `[{"id":"00T","name":"script","userId":"00u"}]`
	for _, c := range []struct {
		request, answer string
		status          int
		wrong           string
	}{
		{"GET /api/v1/users?filter=login%20eq%20%22ann%22", "", 0, ""},
		{"GET /api/v1/users?find=ann", "", 0, "no parameter find"},
		{"GET /api/v1/users?limit=many", "", 0, "limit"},
		{"GET /api/v1/persons", "", 0, "not in the description"},
		{"PUT /api/v1/users/00u/lifecycle/suspend", "", 0, "not in the description"},
		{"POST /api/v1/users/00u/lifecycle/suspend", "{}", 200, ""},
		{"GET /api/v1/api-tokens", token, 200, ""},
		{"GET /api/v1/api-tokens", `{"id":"00T"}`, 200, "the answer"},
		{"GET /api/v1/api-tokens", strings.ReplaceAll(token, `"script"`, "7"), 200, "the answer"},
		{"GET /api/v1/api-tokens", token, 202, "the answer: status is not supported"},
		{"DELETE /api/v1/api-tokens/00T {}", "", 0, "body"},
	} {
		method, rest, _ := strings.Cut(c.request, " ")
		at, body, _ := strings.Cut(rest, " ")
		faults := strings.Join(d.Judge(connectortest.Exchange{
			Method: method, URL: address(t, at), Header: signedIn(), Body: []byte(body), Status: c.status, Answer: []byte(c.answer), AnswerHeader: http.Header{"Content-Type": {"application/json"}},
		}).Faults, "; ")
		if (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s → %d %s: %q, want %q", c.request, c.status, c.answer, faults, c.wrong)
		}
	}
	nobody := d.Judge(connectortest.Exchange{Method: "GET", URL: address(t, "/api/v1/users"), Header: http.Header{}})
	if len(nobody.Faults) == 0 {
		t.Error("a request without credentials is let through")
	}
	given := d.Judge(connectortest.Exchange{Method: "GET", URL: address(t, "/api/v1/users/00u/groups?after=x"), Header: signedIn(), Given: true})
	if len(given.Faults) != 0 {
		t.Errorf("the vendor's own address of the next page: %v", given.Faults)
	}
}

func TestTokenTellsRightFromWrong(t *testing.T) {
	d := description.Token("/oauth2/token")
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	basic := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": {"Basic withheld"}}
	const good = `{"access_token":"withheld","token_type":"Bearer","expires_in":60}`
	for _, c := range []struct {
		name, body, answer string
		header             http.Header
		status             int
		wrong              string
	}{
		{"by a secret", "grant_type=client_credentials&client_id=a&client_secret=withheld", good, form, 200, ""},
		{"by basic", "grant_type=client_credentials", good, basic, 200, ""},
		{"in two ways", "grant_type=client_credentials&client_secret=withheld", good, basic, 200, "in one way"},
		{"in no way", "grant_type=client_credentials", good, form, 200, "in one way"},
		{"by an assertion of no type", "grant_type=client_credentials&client_assertion=withheld", good, form, 200, "type"},
		{"for somebody", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=withheld", good, form, 200, ""},
		{"for somebody without a word", "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer", good, form, 200, "no assertion"},
		{"with a password", "grant_type=password&username=a&password=withheld", good, form, 200, "grant password"},
		{"as JSON", `{"grant_type":"client_credentials"}`, good, http.Header{"Content-Type": {"application/json"}}, 200, "with a form"},
		{"twice the same", "grant_type=client_credentials&client_secret=a&client_secret=b", good, form, 200, "twice"},
		{"refused", "grant_type=client_credentials", `{"error":"invalid_client"}`, basic, 401, ""},
		{"refused in other words", "grant_type=client_credentials", `{"error":"no"}`, basic, 401, "error code"},
		{"answered without a type", "grant_type=client_credentials", `{"access_token":"withheld"}`, basic, 200, "token_type"},
	} {
		faults := strings.Join(d.Judge(connectortest.Exchange{
			Method: "POST", URL: address(t, "/oauth2/token"), Header: c.header, Body: []byte(c.body), Status: c.status, Answer: []byte(c.answer), AnswerHeader: http.Header{"Content-Type": {"application/json"}},
		}).Faults, "; ")
		if (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s: %q, want %q", c.name, faults, c.wrong)
		}
	}
	if v := d.Judge(connectortest.Exchange{Method: "POST", URL: address(t, "/elsewhere")}); len(v.Operations) != 0 {
		t.Errorf("another path is known: %+v", v)
	}
}

func TestKeycloakIgnoresWhatItDoesNotKnow(t *testing.T) {
	d, err := description.NewOpenAPI(read(t, "keycloak/testdata/keycloak-leaver.json"), "")
	if err != nil {
		t.Fatal(err)
	}
	const one = "/admin/realms/corp/users/u1"
	for _, c := range []struct{ request, body, wrong string }{
		{"PUT " + one, `{"enabled":false,"attributes":{"any":["x"]}}`, ""},
		{"PUT " + one, `{"enabeld":false}`, "no /enabeld to send"},
		{"PUT " + one, `{"credentials":[{"typ":"password"}]}`, "no /credentials/typ to send"},
		{"DELETE " + one + "/consents/a%2Fb", ``, ""},
		{"DELETE " + one + "/consents/a/b", ``, "not in the description"},
	} {
		if faults := judged(t, d, c.request, c.body, 0, ""); (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s %s: %q, want %q", c.request, c.body, faults, c.wrong)
		}
	}
}
