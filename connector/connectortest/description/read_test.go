package description_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// read is a vendor's description, which stands with the connector.
func read(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../../connectors", file))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func signedIn() http.Header {
	return http.Header{"Authorization": {"Bearer withheld"}, "Content-Type": {"application/json"}}
}
