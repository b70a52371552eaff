package description_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest/description"
)

// TestGraphTellsRightFromWrong holds the contract to what it is for: a request that is wrong is told apart.
func TestGraphTellsRightFromWrong(t *testing.T) {
	c, err := description.ReadGraph(read(t, "entra/testdata/msgraph-leaver.csdl.json"))
	if err != nil {
		t.Fatal(err)
	}
	const id, other = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	for request, good := range map[string]bool{
		"DELETE /groups/" + id + "/members/" + other + "/$ref":                                            true,
		"DELETE /groups/" + id + "/members/" + other:                                                      false,
		"DELETE /groups/" + id + "/owners/" + other:                                                       false,
		"DELETE /users/" + id + "/authentication/phoneMethods/x":                                          true,
		"DELETE /users/" + id + "/authentication/faxMethods/x":                                            false,
		"GET /users/ann@corp.example":                                                                     false,
		"GET /users/" + id + "?$select=id,accountEnabled":                                                 true,
		"GET /users/" + id + "?$select=id,enabled":                                                        false,
		"GET /users?$filter=mail%20eq%20'o''neil'":                                                        true,
		"GET /users?$filter=mail%20eq%20'o'neil'":                                                         false,
		"GET /users?$filter=email%20eq%20'x'":                                                             false,
		"GET /users/" + id + "/memberOf/microsoft.graph.group?$select=groupTypes":                         true,
		"GET /users/" + id + "/memberOf/microsoft.graph.groups":                                           false,
		"GET /users/" + id + "/revokeSignInSessions":                                                      false,
		"POST /users/" + id + "/revokeSignInSessions":                                                     true,
		"POST /users/" + id + "/revokeSessions":                                                           false,
		`PATCH /users/` + id + ` {"accountEnabled":false}`:                                                true,
		`PATCH /users/` + id + ` {"accountEnabled":"false"}`:                                              false,
		`PATCH /users/` + id + ` {"enabled":false}`:                                                       false,
		`POST /users/` + id + `/assignLicense {"removeLicenses":["` + other + `"]}`:                       false,
		`POST /users/` + id + `/assignLicense {"addLicenses":[],"removeLicenses":["` + other + `"]}`:      true,
		`POST /groups/` + id + `/members/$ref {"@odata.id":"https://x/v1.0/directoryObjects/` + id + `"}`: true,
		`POST /groups/` + id + `/members {"@odata.id":"https://x/v1.0/directoryObjects/` + id + `"}`:      false,
	} {
		method, rest, _ := strings.Cut(request, " ")
		address, text, _ := strings.Cut(rest, " {")
		var body map[string]any
		if text != "" {
			if err := json.Unmarshal([]byte("{"+text), &body); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Check(method, address, body); (err == nil) != good {
			t.Errorf("%s: %v, want it good: %t", request, err, good)
		}
	}
	if !strings.HasPrefix(c.Source, "microsoftgraph/msgraph-metadata") || !strings.HasPrefix(c.Licence, "MIT") {
		t.Errorf("the contract does not say where it is from: %q, %q", c.Source, c.Licence)
	}
}
