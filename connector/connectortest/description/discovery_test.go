package description_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/connector/connectortest/description"
)

func TestDiscoveryTellsRightFromWrong(t *testing.T) {
	c, err := description.ReadDiscovery(read(t, "google/testdata/directory.json"), read(t, "google/testdata/datatransfer.json"), read(t, "google/testdata/licensing.json"))
	if err != nil {
		t.Fatal(err)
	}
	for request, wrong := range map[string]string{
		"GET /admin/directory/v1/users/1?projection=full&fields=id":              "",
		"GET /admin/directory/v1/users?customer=my_customer&maxResults=500":      "",
		"PATCH /admin/directory/v1/users/1 {\"suspended\":true}":                 "",
		"GET /admin/directory/v1/user/1":                                         "no method",
		"PUT /admin/directory/v1/users/1/signOut":                                "no method",
		"GET /admin/directory/v1/users?maxResults=501":                           "a number",
		"GET /admin/directory/v1/users/1?projection=all":                         "one of",
		"GET /admin/directory/v1/users/1?expand=groups":                          "no parameter",
		"PATCH /admin/directory/v1/users/1 {\"suspended\":\"true\"}":             "boolean is wanted",
		"PATCH /admin/directory/v1/users/1 {\"isAdmin\":false}":                  "may be written",
		"PATCH /admin/directory/v1/users/1 {\"suspend\":true}":                   "may be written",
		"POST /admin/directory/v1/users/1/signOut {}":                            "takes no body",
		"GET /apps/licensing/v1/product/p/sku/s/users":                           "required",
		"POST /admin/datatransfer/v1/transfers {\"applicationDataTransfers\":1}": "array is wanted",
	} {
		parts := strings.SplitN(request, " ", 3)
		address, err := url.Parse("https://admin.googleapis.com" + parts[1])
		if err != nil {
			t.Fatal(err)
		}
		faults := strings.Join(c.Judge(connectortest.Exchange{Method: parts[0], URL: address, Header: signedIn(), Body: []byte(append(parts, "")[2])}).Faults, "; ")
		if (faults == "") != (wrong == "") || !strings.Contains(faults, wrong) {
			t.Errorf("%s: %q, want %q", request, faults, wrong)
		}
	}
}
