package connectortest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector/connectortest"
)

// said is what a recorder keeps, as text.
func said(r *connectortest.Recorder) string {
	var text strings.Builder
	for _, x := range r.Traffic() {
		fmt.Fprintf(&text, "%s %s %v %s → %d %v %s\n", x.Method, x.URL, x.Header, x.Body, x.Status, x.AnswerHeader, x.Answer)
	}
	return text.String()
}

func TestTheRecorderKeepsNoSecrets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s3cret-cookie"})
		_, _ = io.WriteString(w, `{"access_token":"s3cret-token","expires_in":60,"note":"the key is s3cret-in-settings"}`)
	}))
	defer server.Close()
	recorder := &connectortest.Recorder{Secrets: []string{"s3cret-in-settings"}}
	for contentType, body := range map[string]string{
		"application/x-www-form-urlencoded": "grant_type=client_credentials&client_secret=s3cret-form&client_assertion=s3cret.jwt&scope=read",
		"application/json":                  `{"passwordProfile":{"password":"s3cret\"-password"},"login":"ann","key":"s3cret-in-settings"}`,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/x?y=1", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer s3cret-bearer")
		answer, err := recorder.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(answer.Body)
		if err != nil || !strings.Contains(string(got), "s3cret-token") {
			t.Errorf("whoever asked gets %q, %v", got, err)
		}
	}
	text := said(recorder)
	if strings.Contains(text, "s3cret") {
		t.Errorf("a secret is kept:\n%s", text)
	}
	for _, want := range []string{"Bearer withheld", "grant_type=client_credentials", "scope=read", `"login":"ann"`, `"expires_in":60`, "POST", "→ 200"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not kept:\n%s", want, text)
		}
	}
}

// TestTheRecorderKeepsWhatFailed sees that a request without a whole answer is recorded, and its failure handed on.
func TestTheRecorderKeepsWhatFailed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	}))
	defer server.Close()
	recorder := &connectortest.Recorder{}
	client := &http.Client{Transport: recorder}
	answer, err := client.Get(server.URL + "/cut")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(answer.Body)
	if err == nil || string(got) != "half" {
		t.Errorf("a body that is cut reads as %q, %v", got, err)
	}
	if _, err := client.Get("http://127.0.0.1:1/nobody"); err == nil {
		t.Error("nobody answered")
	}
	traffic := recorder.Traffic()
	if len(traffic) != 2 || traffic[0].Status != 0 || traffic[1].Status != 0 || traffic[1].URL.Path != "/nobody" {
		t.Errorf("kept: %+v", traffic)
	}
}

// TestAddressesThatTheVendorGaveAreKnown holds that the next page is the vendor's word, and an address of our own is not.
func TestAddressesThatTheVendorGaveAreKnown(t *testing.T) {
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `<`+server.URL+`/list?after=2&n=1>; rel="next"`)
		_, _ = io.WriteString(w, `{"next":"`+strings.ReplaceAll(server.URL, "/", `\/`)+`\/list?page=9\u0026n=1"}`)
	}))
	defer server.Close()
	recorder := &connectortest.Recorder{}
	for _, path := range []string{"/list?after=2&n=1", "/list", "/list?after=2&n=1", "/list?page=9&n=1", "/list?after=3&n=1"} {
		answer, err := (&http.Client{Transport: recorder}).Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	for i, want := range []bool{false, false, true, true, false} {
		if x := recorder.Traffic()[i]; x.Given != want {
			t.Errorf("request %d, %s: given %v, want %v", i, x.URL, x.Given, want)
		}
	}
}

// catalogue knows one operation.
type catalogue struct{}

func (catalogue) Judge(x connectortest.Exchange) connectortest.Verdict {
	switch {
	case x.URL.Path != "/known":
		return connectortest.Verdict{}
	case x.Method != http.MethodGet:
		return connectortest.Verdict{Operations: []string{"known"}, Faults: []string{"is read only"}}
	}
	return connectortest.Verdict{Operations: []string{"known"}}
}

func TestJudgeTellsEachFaultOnce(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	recorder := &connectortest.Recorder{}
	for _, request := range []string{"GET /known", "PUT /known?first", "PUT /known?second", "GET /elsewhere"} {
		method, path, _ := strings.Cut(request, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := recorder.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	}
	operations, faults := connectortest.Judge(catalogue{}, recorder.Traffic())
	want := []string{"PUT /known?first (404): is read only", "GET /elsewhere (404): is nothing in the description"}
	if operations["known"] != 3 || strings.Join(faults, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v, %q", operations, faults)
	}
}
