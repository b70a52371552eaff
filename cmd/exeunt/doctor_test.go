package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTheDoctorEndsByWhatItFound holds what scripts go by.
func TestTheDoctorEndsByWhatItFound(t *testing.T) {
	t.Parallel()
	token := folder(t, map[string]string{"token": "tok-doctor-0123456789"}) + "/token"
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/Groups") && strings.HasPrefix(r.URL.Path, "/narrow") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"totalResults":0,"Resources":[]}`))
	}))
	t.Cleanup(vendor.Close)
	crm := func(address string) map[string]string {
		return map[string]string{"exeunt.yaml": smallCompany, "systems/doors.yaml": smallDoors, "systems/crm.yaml": "name: crm\nkind: scim\nidentifier: work_email\ntier: 1\nowner: {role: it}\nfallback: By hand.\nstage: live\n" +
			"settings: {base_url: \"" + address + "\", token: \"file:" + token + "\"}\n"}
	}
	for name, c := range map[string]struct {
		files map[string]string
		code  int
		says  []string
	}{
		"all right":         {crm(vendor.URL + "/well"), 0, []string{"system crm (tier 1, live)", "granted  Users: read, Groups: read", "unknown  Users: write, for disable", "1 parts examined, nothing changed: 0 wrong"}},
		"a right is gone":   {crm(vendor.URL + "/narrow"), 4, []string{"missing  Groups: read, for remove_groups", "To do: ", "1 wrong"}},
		"nobody answers":    {crm("http://127.0.0.1:1"), 6, []string{"the connection failed", "1 wrong"}},
		"a secret is unset": {map[string]string{"exeunt.yaml": smallCompany + webhookSource, "systems/doors.yaml": smallDoors}, 4, []string{"exeunt.yaml:16:13: sources[0].secret", "missing  signing secret"}},
		"faults":            {map[string]string{"exeunt.yaml": smallCompany}, 2, []string{"the inventory is empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, s := folder(t, c.files), newShell(t)
			got := s.run(t, "", "doctor", "--config", dir)
			if got.code != c.code {
				t.Errorf("ended with %d, want %d: %s%s", got.code, c.code, got.out, got.err)
			}
			for _, want := range c.says {
				if !strings.Contains(got.out, want) {
					t.Errorf("it does not say %q:\n%s", want, got.out)
				}
			}
			if doc := s.document(t, c.code, "doctor", "--config", dir); c.code != 2 && doc["right"] != (c.code == 0) {
				t.Errorf("as JSON: %v", doc)
			}
		})
	}
}
