package description_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
)

const (
	someSchemas = `{"Resources":[
		{"id":"urn:ietf:params:scim:schemas:core:2.0:User","attributes":[
			{"name":"userName","type":"string"},{"name":"active","type":"boolean"},
			{"name":"emails","type":"complex","multiValued":true,"subAttributes":[{"name":"value","type":"string"},{"name":"type","type":"string"}]},
			{"name":"groups","type":"complex","multiValued":true,"mutability":"readOnly","subAttributes":[{"name":"value","type":"string"}]}]},
		{"id":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","attributes":[{"name":"employeeNumber","type":"string"}]}]}`
	someTypes = `{"Resources":[{"endpoint":"/Users","schema":"urn:ietf:params:scim:schemas:core:2.0:User","schemaExtensions":[{"schema":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}]}]}`
	patched   = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`
)

func TestSCIMTellsRightFromWrong(t *testing.T) {
	d, err := description.ReadSCIM("https://vendor.example/scim/v2", []byte(someSchemas), []byte(someTypes))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ request, body, wrong string }{
		{"GET /scim/v2/Users/1", "", ""},
		{"GET /scim/v2/ServiceProviderConfig", "", ""},
		{"GET /scim/v2/People", "", "nothing in RFC 7644"},
		{"PATCH /scim/v2/Users", patched + `{"op":"remove","path":"active"}]}`, "nothing in RFC 7644"},
		{"GET /scim/v2/Users?filter=" + url.QueryEscape(`emails.value eq "ann.o'neil" and not (active eq false)`), "", ""},
		{"GET /scim/v2/Users?filter=" + url.QueryEscape(`emails[type eq "work" and value co "@b"]`), "", ""},
		{"GET /scim/v2/Users?filter=" + url.QueryEscape(`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "7 or 8"`), "", ""},
		{"GET /scim/v2/Users?filter=" + url.QueryEscape(`mail eq "a"`), "", "no attribute mail"},
		{"GET /scim/v2/Users?filter=" + url.QueryEscape(`userName = "a"`), "", "is no filter"},
		{"GET /scim/v2/Users?filter=" + url.QueryEscape(`userName eq "a`), "", "left open"},
		{"GET /scim/v2/Users?filter=" + url.QueryEscape(`userName eq a`), "", "is no filter"},
		{"GET /scim/v2/Users?startIndex=first", "", "a number is wanted"},
		{"GET /scim/v2/Users?page=2", "", "no parameter page"},
		{"GET /scim/v2/Users?attributes=userName,mail", "", "no attribute mail"},
		{"POST /scim/v2/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":["userName"],"startIndex":1,"count":100}`, ""},
		{"POST /scim/v2/Users/.search", `{"startIndex":1}`, "SearchRequest"},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"replace","path":"active","value":false}]}`, ""},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"replace","path":"active","value":"False"}]}`, "boolean is wanted"},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"replace","value":{"active":false}}]}`, ""},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"replace","value":{"enabled":false}}]}`, "no attribute enabled"},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"remove","path":"emails[type eq \"home\"].value"}]}`, ""},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"remove","path":"emails[kind eq \"home\"]"}]}`, "no attribute kind"},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"add","path":"groups","value":[{"value":"g"}]}]}`, "read only"},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"delete","path":"active"}]}`, "is no operation"},
		{"PATCH /scim/v2/Users/1", patched + `{"op":"remove"}]}`, "says what"},
		{"PATCH /scim/v2/Users/1", `{"Operations":[{"op":"remove","path":"active"}]}`, "PatchOp"},
		{"PUT /scim/v2/Users/1", `{"userName":"a","active":true,"emails":[{"value":"a@b"}]}`, ""},
		{"PUT /scim/v2/Users/1", `{"userName":["a"]}`, "not a list"},
	} {
		if faults := judged(t, d, c.request, c.body, 0, ""); (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s %s: %q, want %q", c.request, c.body, faults, c.wrong)
		}
	}
	const list = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":1,"Resources":[`
	for _, c := range []struct {
		request, answer string
		status          int
		wrong           string
	}{
		{"GET /scim/v2/Users/1", `{"id":"1","userName":"a","active":true,"meta":{"version":"7"}}`, 200, ""},
		{"GET /scim/v2/Users/1", `{"id":"1","active":"true"}`, 200, "boolean is wanted"},
		{"GET /scim/v2/Users/1", `{"status":"404"}`, 404, "Error"},
		{"GET /scim/v2/Users", list + `{"id":"1","emails":[{"value":"a@b"}]}]}`, 200, ""},
		{"GET /scim/v2/Users", list + `{"id":"1","emails":{"value":"a@b"}}]}`, 200, "is a list"},
		{"GET /scim/v2/Users", `[]`, 200, "no JSON object"},
	} {
		if faults := judged(t, d, c.request, "", c.status, c.answer); (faults == "") != (c.wrong == "") || !strings.Contains(faults, c.wrong) {
			t.Errorf("%s → %d %s: %q, want %q", c.request, c.status, c.answer, faults, c.wrong)
		}
	}
	if v := d.Judge(connectortest.Exchange{Method: "GET", URL: address(t, "/oauth/token")}); len(v.Operations)+len(v.Faults) != 0 {
		t.Errorf("what is not of the service: %+v", v)
	}
	if _, err := description.ReadSCIM("https://vendor.example", []byte(`{}`), []byte(someTypes)); err == nil {
		t.Error("a service without schemas describes itself")
	}
}
