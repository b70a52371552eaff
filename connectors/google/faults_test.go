package google_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/google"
)

// writes says whether a method changes something.
func writes(method string) bool {
	for _, word := range []string{".list", ".get", ".getVacation"} {
		if strings.HasSuffix(method, word) {
			return false
		}
	}
	return true
}

// drive attempts an action as the engine does, with a moment between.
func drive(t *testing.T, w *workspace, settings json.RawMessage, l exeunt.Leaver, action exeunt.Action) (out exeunt.Outcome) {
	t.Helper()
	c, p := open(t, settings), w.of(l)
	intended := false
	for i := range 8 {
		out = converge(t, c, l, p, action, intended, i < 3)
		if out.Kind == exeunt.Done || out.Kind == exeunt.GaveUp {
			return out
		}
		// A 403 was not served, as the engine's transport tells Converge.
		intended = intended || exeunt.KindOf(out.Err) != exeunt.Throttled
		w.tick()
	}
	return out
}

// specs are the actions that we do, in their order.
func specs() []exeunt.ActionSpec {
	ours := slices.DeleteFunc(slices.Clone(google.Kind().Actions), func(s exeunt.ActionSpec) bool { return s.ByHand })
	return slices.SortedFunc(slices.Values(ours), func(a, b exeunt.ActionSpec) int { return a.Order - b.Order })
}

// TestEachActionSurvivesWhatHappensToItsRequests loses, throttles and fakes the answers to what an action writes, each of its
// requests once, or all of them.
func TestEachActionSurvivesWhatHappensToItsRequests(t *testing.T) {
	for _, s := range specs() {
		for happens, always := range map[fault]bool{lost: false, slowDown: false, lie: true} {
			t.Run(fmt.Sprintf("%s/%d", s.Action, happens), func(t *testing.T) {
				w := newWorkspace(t)
				l := w.leaver(t)
				seen := map[string]bool{}
				w.fault = func(method string) fault {
					if !writes(method) || seen[method] && !always {
						return healthy
					}
					seen[method] = true
					return happens
				}
				out := drive(t, w, w.settings(t, 1, all), l, s.Action)
				switch {
				case happens != lie && out.Kind != exeunt.Done:
					t.Errorf("%s: %s %s", s.Action, out.Kind, says(out))
				case happens == lie && out.Kind == exeunt.Done && out.Proof == exeunt.Observed:
					t.Errorf("%s: nothing was done and it counts as seen", s.Action)
				}
				if len(seen) == 0 {
					t.Errorf("%s: nothing was written", s.Action)
				}
				if len(w.transfers) > 1 {
					t.Errorf("%s: %d transfers", s.Action, len(w.transfers))
				}
			})
		}
	}
}

func TestADepartureIsSparing(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	settings := w.settings(t, 1, all)
	for _, s := range specs() {
		if out := drive(t, w, settings, l, s.Action); out.Kind != exeunt.Done {
			t.Fatalf("%s: %s %s", s.Action, out.Kind, says(out))
		}
	}
	t.Logf("%d requests for %d actions", len(w.asked), len(specs()))
	// Google lets a project make 2,400 a minute for each administrator.
	if len(w.asked) > 100 {
		t.Errorf("a departure takes %d requests, fewer than a hundred are enough: %v", len(w.asked), w.asked)
	}
}

func TestReasonsAreClassedAndShowNothing(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	details := func(reason string) map[string]any {
		return map[string]any{"error": map[string]any{"message": "s3cret-0123", "status": "PERMISSION_DENIED", "details": []any{map[string]any{"reason": reason}}}}
	}
	for _, c := range []struct {
		status int
		body   any
		want   exeunt.ErrorKind
		says   string
	}{
		{403, refusal("userRateLimitExceeded"), exeunt.Throttled, "slow down"},
		{403, refusal("rateLimitExceeded"), exeunt.Throttled, "slow down"},
		{403, refusal("quotaExceeded"), exeunt.Throttled, "slow down"},
		{403, details("RATE_LIMIT_EXCEEDED"), exeunt.Throttled, "slow down"},
		{429, refusal("rateLimitExceeded"), exeunt.Throttled, "slow down"},
		{429, nil, exeunt.Throttled, "slow down"},
		{403, refusal("forbidden", "Not Authorized to access this resource/api"), exeunt.Denied, "let a super administrator do it"},
		{403, refusal("forbidden"), exeunt.Denied, "(403)"},
		{403, refusal("accessNotConfigured"), exeunt.Denied, "enable it there"},
		{403, details("SERVICE_DISABLED"), exeunt.Denied, "enable it there"},
		{403, details("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), exeunt.Denied, "Domain-wide delegation"},
		{404, refusal("notFound"), exeunt.NotFound, "no such account"},
		{409, refusal("duplicate"), exeunt.Conflict, "so already"},
		{412, refusal("conditionNotMet"), exeunt.Temporary, "at the same time"},
		{409, refusal("aborted"), exeunt.Temporary, "at the same time"},
		{400, refusal("failedPrecondition"), exeunt.Conflict, "present state"},
		{400, refusal("invalid"), exeunt.Invalid, "(400)"},
		{401, refusal("authError"), exeunt.Unauthorised, "(401)"},
		{503, refusal("backendError"), exeunt.Temporary, "(503)"},
		{500, refusal("rateLimitExceeded"), exeunt.Temporary, "(500)"},
		{200, "s3cret-0123", exeunt.Temporary, "not the JSON"},
		{200, map[string]any{}, exeunt.Temporary, "something other"},
		{302, nil, exeunt.Invalid, "(302)"},
	} {
		rt := answering{w, func(r *http.Request) *http.Response {
			if r.URL.Path == "/token" {
				return nil
			}
			raw, _ := json.Marshal(c.body)
			if c.body == nil {
				raw = []byte("<html>s3cret-0123</html>")
			}
			return &http.Response{StatusCode: c.status, Header: http.Header{"Retry-After": {"7"}}, Body: io.NopCloser(strings.NewReader(string(raw)))}
		}}
		g, err := google.Kind().Open(w.settings(t, 1, ""), rt)
		if err != nil {
			t.Fatal(err)
		}
		_, err = g.Observe(t.Context(), exeunt.Account{ID: w.of(l).id})
		if exeunt.KindOf(err) != c.want || !strings.Contains(err.Error(), c.says) || strings.Contains(fmt.Sprintf("%v %+v", err, err), "s3cret") {
			t.Errorf("%d %v: %v (%s), want %s with %q and no words of the vendor", c.status, c.body, err, exeunt.KindOf(err), c.want, c.says)
		}
		if e, ok := err.(*exeunt.Error); c.want == exeunt.Throttled && (!ok || e.RetryAfter != 7*time.Second) {
			t.Errorf("%d %v: the wait is not taken up", c.status, c.body)
		}
	}
}

// answering answers in place of the workspace where it wants to.
type answering struct {
	w      *workspace
	answer func(*http.Request) *http.Response
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if made := a.answer(r); made != nil {
		return made, nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

func bodyOf(value any) io.ReadCloser {
	raw, _ := json.Marshal(value)
	return io.NopCloser(bytes.NewReader(raw))
}

func TestAForeignAnswerIsNobody(t *testing.T) {
	w := newWorkspace(t)
	first, second := w.leaver(t), w.leaver(t)
	other := w.of(second)
	rt := answering{w, func(r *http.Request) *http.Response {
		if !strings.HasSuffix(r.URL.Path, "/users/"+w.of(first).id) {
			return nil
		}
		raw, _ := json.Marshal(normal(other.resource()))
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(raw)))}
	}}
	g, err := google.Kind().Open(w.settings(t, 1, ""), rt)
	if err != nil {
		t.Fatal(err)
	}
	out := converge(t, g, first, w.of(first), exeunt.Disable, false, false)
	if out.Kind == exeunt.Done || other.suspended || w.of(first).suspended {
		t.Errorf("%s %s", out.Kind, says(out))
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	const good = `"service_account":"file:/key.json","delegate":"admin@corp.example"`
	for settings, wrong := range map[string]string{
		good: "",
		good + `,"without":["wipe_devices"],"match":{"upn":"email"},"privileged":"act","licences":["a/b"],"archive_unit":"/L"`: "",
		`"delegate":"admin@corp.example"`:                                  "give service_account",
		`"service_account":"file:/key.json","delegate":"the admin"`:        "the address of the administrator",
		good + `,"match":{"upn":"phone"}`:                                  "match needs",
		good + `,"privileged":"yes"`:                                       "write ask or act",
		good + `,"without":["disable"]`:                                    "other than disable",
		good + `,"without":["remove_app"]`:                                 "other than disable",
		good + `,"archive_unit":"Leavers"`:                                 "begins with /",
		good + `,"licences":["Google-Apps"]`:                               "product/SKU",
		good + `,"base_url":"http://corp.example"`:                         "https://",
		`"service_account":"{\"type\":\"x\"}","delegate":"a@corp.example"`: "by reference",
	} {
		specs, err := google.Kind().Specs([]byte("{" + settings + "}"))
		if (err == nil) != (wrong == "") || err != nil && (exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: %v, want %q", settings, err, wrong)
		}
		if wrong == "" && slices.ContainsFunc(specs, func(s exeunt.ActionSpec) bool {
			return s.Action == exeunt.SetAutoReply || s.Action == "delegate_mailbox" || s.Action == "wipe_devices" && strings.Contains(settings, "without")
		}) {
			t.Errorf("%s: %v", settings, specs)
		}
	}
}
