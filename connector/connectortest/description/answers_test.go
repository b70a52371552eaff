package description_test

import (
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
)

// judged is what a description says of one exchange, by "method address", body, status and answer.
func judged(t testing.TB, d connectortest.Description, request, body string, status int, answer string) string {
	t.Helper()
	method, at, _ := strings.Cut(request, " ")
	return strings.Join(d.Judge(connectortest.Exchange{Method: method, URL: address(t, at), Header: signedIn(), Body: []byte(body), Status: status, Answer: []byte(answer)}).Faults, "; ")
}

func TestAnswersOfGraphAreHeldToTheirTypes(t *testing.T) {
	d, err := description.ReadGraph(read(t, "entra/testdata/msgraph-leaver.csdl.json"))
	if err != nil {
		t.Fatal(err)
	}
	const id = "11111111-1111-4111-8111-111111111111"
	batch := `{"requests":[{"id":"1","method":"GET","url":"/users/` + id + `"},{"id":"2","method":"GET","url":"/users/` + id + `/memberOf/microsoft.graph.group"}]}`
	for _, c := range []struct {
		request, body, answer string
		status                int
		wrong                 string
	}{
		{"GET /v1.0/users/" + id, "", `{"@odata.context":"x","id":"` + id + `","accountEnabled":true,"manager":null}`, 200, ""},
		{"GET /v1.0/users/" + id, "", `{"enabled":true}`, 200, "has no enabled"},
		{"GET /v1.0/users/" + id, "", `{"accountEnabled":"true"}`, 200, "accountEnabled"},
		{"GET /v1.0/users/" + id, "", `{"accountEnabled":[true]}`, 200, "is a list"},
		{"GET /v1.0/users/" + id, "", `{"displayName":7}`, 200, "is a number"},
		{"GET /v1.0/users/" + id, "", `{"error":{"code":"Request_ResourceNotFound"}}`, 404, ""},
		{"GET /v1.0/users/" + id, "", `{"error":"not found"}`, 404, "without its code"},
		{"GET /v1.0/users", "", `{"value":null}`, 200, "without its value"},
		{"GET /v1.0/users", "", `{"value":[{"mail":"a@b"}],"@odata.nextLink":"/v1.0/users?$skiptoken=2"}`, 200, "no absolute address"},
		{"GET /v1.0/users/" + id + "/manager", "", `{"accountEnabled":true}`, 200, "directoryObject has no accountEnabled"},
		{"GET /v1.0/users/" + id + "/manager", "", `{"@odata.type":"#microsoft.graph.user","accountEnabled":true}`, 200, ""},
		{"GET /beta/users", "", "", 0, "is not of /v1.0"},
		{"POST /v1.0/$batch", batch, `{"responses":[{"id":"2","status":200,"body":{"value":[]}},{"id":"1","status":200,"body":{"id":"` + id + `"}}]}`, 200, ""},
		{"POST /v1.0/$batch", batch, `{"responses":[{"id":"1","status":200,"body":{"id":"` + id + `"}}]}`, 200, "1 responses to 2 requests"},
		{"POST /v1.0/$batch", batch, `{"responses":[{"id":"2","status":200,"body":{}},{"id":"1","status":404,"body":{}}]}`, 200, "without its code"},
		{"POST /v1.0/$batch", strings.ReplaceAll(batch, "memberOf", "isIn"), "", 0, "has no isIn"},
		{"POST /v1.0/$batch", strings.ReplaceAll(batch, `"2"`, `"1"`), "", 0, "the same id"},
		{"POST /v1.0/$batch", `{"requests":[]}`, "", 0, "1 to 20"},
	} {
		if faults := judged(t, d, c.request, c.body, c.status, c.answer); (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s %s → %d %s: %q, want %q", c.request, c.body, c.status, c.answer, faults, c.wrong)
		}
	}
}

func TestAnswersOfGoogleAreHeldToTheirSchemas(t *testing.T) {
	d, err := description.ReadDiscovery(read(t, "google/testdata/directory.json"))
	if err != nil {
		t.Fatal(err)
	}
	const one, out = "GET /admin/directory/v1/users/1", "POST /admin/directory/v1/users/1/signOut"
	for _, c := range []struct {
		request, answer string
		status          int
		wrong           string
	}{
		{one, `{"id":"1","suspended":true}`, 200, ""},
		{one, `{"id":1}`, 200, "string is wanted"},
		{one, `{"state":"suspended"}`, 200, "has no state"},
		{one, `not found`, 404, "without its object"},
		{one, `{"error":{"code":404}}`, 404, ""},
		{out, ``, 204, ""},
		{out, `{"done":true}`, 200, "answers nothing"},
	} {
		if faults := judged(t, d, c.request, "", c.status, c.answer); (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s → %d %s: %q, want %q", c.request, c.status, c.answer, faults, c.wrong)
		}
	}
}
