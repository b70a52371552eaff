package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/exeunt/exeunt"
)

const reason = `{"reason":"confirmed by Hera Lind"}`

// commands are all that can be asked, well formed, and what must then reach the engine: in the name of
// whose token it is.
var commands = []struct {
	path, body string
	status     int
	reaches    string
}{
	{"/tasks/T-1/complete", `{"note":"laptop here"}`, 204, `complete T-1 [0 1] "laptop here" by Ida Novak`},
	{"/tasks/1/complete", `{"done":[1]}`, 204, `complete T-1 [1] "" by Ida Novak`},
	{"/tasks/t-1/complete", `{"done":[]}`, 204, `complete T-1 [] "" by Ida Novak`},
	{"/tasks/T-1/reassign", `{"email":"omar@acme.example"}`, 204, "reassign T-1 to omar@acme.example by Ida Novak"},
	{"/tasks/T-1/remind", "", 204, "remind T-1 by Ida Novak"},
	{"/cases/C-1/replan", reason, 204, "replan C-1 to \"\" by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/cases/C-1/hold", reason, 204, "hold C-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/cases/C-1/steps/crm-disable/waive", `{"reason":"confirmed by Hera Lind","lasts":"2h"}`, 200, "waive within 2h0m0s C-1 crm-disable by Ida Novak: confirmed by Hera Lind"},
	{"/cases/C-1/legal-hold", reason, 204, "legal hold C-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/cases/C-1/legal-release", reason, 200, "legal release within 0s C-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/cases/C-1/erase", reason, 200, "erase within 0s C-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/tasks/T-1/approve", reason, 204, "decide T-1 [] true by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/tasks/T-1/reject", `{"reason":"confirmed by Hera Lind","steps":["a"]}`, 204, "decide T-1 [a] false by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/fuse/F-1/release", reason, 204, "release within 0s F-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/fuse/f-1/release", `{"reason":"confirmed by Hera Lind","lasts":"8h"}`, 204, "release within 8h0m0s F-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/fuse/F-1/release", `{"reason":"confirmed by Hera Lind","cases":["C-5","7"]}`, 204, "release within 0s C-5 C-7 F-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/fuse/1/confirm", reason, 204, "confirm F-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/fuse/F-1/reject", reason, 204, "reject F-1 by Ida Novak <ida@acme.example>: confirmed by Hera Lind"},
	{"/cases/c-1/release", reason, 204, "release C-1 by Ida Novak: confirmed by Hera Lind"},
	{"/cases/C-1/reveal", reason, 204, "reveal C-1 by Ida Novak: confirmed by Hera Lind"},
	{"/cases/C-1/embargo", `{"until":"2026-12-01 09:00","visible_to":["omar@acme.example"],"reason":"confirmed by Hera Lind"}`, 204,
		"embargo C-1 until 2026-12-01 09:00 for [omar@acme.example] by Ida Novak: confirmed by Hera Lind"},
	{"/systems/crm/try", `{"reason":"renewed the token"}`, 204, "try crm by Ida Novak: renewed the token"},
	{"/systems/crm/live", `{"reason":"ten of them agreed"}`, 200, "live crm by Ida Novak: ten of them agreed"},
	{"/systems/crm/back", `{"reason":"it took too much"}`, 204, "back crm by Ida Novak: it took too much"},
	{"/cases/C-1/steps/crm-disable/retry", "{}", 204, "retry C-1 crm-disable by Ida Novak: "},
	{"/cases/C-1/steps/crm-disable/put-back", reason, 204, "put back C-1 crm-disable by Ida Novak: confirmed by Hera Lind"},
	{"/cases/C-1/steps/crm-disable/waive", reason, 200, "waive C-1 crm-disable by Ida Novak: confirmed by Hera Lind"},
	{"/cases", `{"departure":{"type":"voluntary","last_day":"2026-01-30","leaver":{"id":"7","name":"Jane"}},"reason":"the HR system is down"}`, 201,
		"start 7 2026-01-30 by Ida Novak: the HR system is down"},
	{"/waves", `{"title":"Austin","type":"layoff","clock":"now","canary":1,"csv":"employee_id,name\n","reason":"the site closes"}`, 201, `wave "Austin" layoff now 1 "employee_id,name\n" by Ida Novak: the site closes`},
	{"/waves/w-1/check", reason, 204, "check W-1 by Ida Novak: confirmed by Hera Lind"},
	{"/waves/1/approve", reason, 204, "approve W-1 by Ida Novak: confirmed by Hera Lind"},
	{"/waves/W-1/start", reason, 204, "start W-1 by Ida Novak: confirmed by Hera Lind"},
	{"/waves/W-1/go-on", reason, 204, "go-on W-1 by Ida Novak: confirmed by Hera Lind"},
	{"/waves/W-1/stop", reason, 204, "stop W-1 by Ida Novak: confirmed by Hera Lind"},
	{"/ledger/verify", "", 200, "verify"},
	{"/ledger/verify?wait=0", "", 202, "verify"},
}

func TestCommandsActInTheNameOfTheToken(t *testing.T) {
	for _, c := range commands {
		t.Run(c.path+" "+c.body, func(t *testing.T) {
			b, server := newServer(t)
			got := call(t, server, http.MethodPost, "/api/v1"+c.path, "Bearer "+token, c.body)
			if got.StatusCode != c.status || len(b.asked) != 1 || b.asked[0] != c.reaches {
				t.Errorf("%d %s, reached %q; want %d, %q", got.StatusCode, got.body, b.asked, c.status, c.reaches)
			}
		})
	}
}

// TestARefusedCommandIsAProblem goes through the kinds of error: 409 is what a person gets who decided
// on a version that is no longer the newest.
func TestARefusedCommandIsAProblem(t *testing.T) {
	for kind, status := range map[exeunt.ErrorKind]int{
		exeunt.Conflict: 409, exeunt.Denied: 403, exeunt.Invalid: 422, exeunt.NotFound: 404, exeunt.Temporary: 503, exeunt.Throttled: 429,
		exeunt.Unsupported: 501, exeunt.Internal: 500,
	} {
		for _, c := range commands {
			b, server := newServer(t)
			b.fail = exeunt.Errorf(kind, "T-1 changed meanwhile").Because(errors.New(leaked)).In("version")
			p := isProblem(t, call(t, server, http.MethodPost, "/api/v1"+c.path, "Bearer "+token, c.body), status)
			if p["detail"] != "T-1 changed meanwhile" || !strings.Contains(fmt.Sprint(p["errors"]), "version") {
				t.Errorf("%s, %s: %v", kind, c.path, p)
			}
		}
	}
}

func TestWhatIsNotWellFormedReachesNothing(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		names              string
	}{
		{"POST", "/cases/C-1/release", `{"reason":"short"}`, 422, "reason"},
		{"POST", "/cases/C-1/release", `{}`, 422, "reason"},
		{"POST", "/fuse/F-1/confirm", `{}`, 422, "reason"},
		{"POST", "/fuse/F-1/release", `{"reason":"confirmed by Hera Lind","lasts":"soon"}`, 422, "lasts"},
		{"POST", "/fuse/F-1/release", `{"reason":"confirmed by Hera Lind","cases":["everyone"]}`, 422, "everyone"},
		{"POST", "/cases/C-1/replan", `{"reason":"short"}`, 422, "reason"},
		{"POST", "/cases/C-1/hold", `{"reason":"short"}`, 422, "reason"},
		{"POST", "/cases/C-1/steps/crm-disable/waive", `{"reason":"short"}`, 422, "reason"},
		{"POST", "/cases", `{"departure":{"leaver":{"id":"7"}},"reason":"short"}`, 422, "reason"},
		{"POST", "/cases", `{"reason":"the HR system is down"}`, 422, "departure"},
		{"POST", "/tasks/T-1/reassign", `{"email":"nobody"}`, 422, "email"},
		{"POST", "/waves", `{"title":"Austin","type":"layoff","clock":"now"}`, 422, "reason"},
		{"POST", "/waves/W-1/stop", `{"reason":"short"}`, 422, "reason"},
		{"POST", "/tasks/T-1/complete", `{"done":["all"]}`, 422, "done"},
		{"POST", "/tasks/T-1/complete", `{"surprise":1}`, 422, "surprise"},
		{"POST", "/tasks/T-1/complete", `{`, 400, ""},
		{"GET", "/cases?state=gone", "", 422, "state"},
		{"GET", "/cases?size=100000", "", 422, "size"},
		{"GET", "/entries?limit=0", "", 422, "limit"},
		{"GET", "/entries?case=x-1", "", 422, ""},
	} {
		t.Run(c.path+" "+c.body, func(t *testing.T) {
			b, server := newServer(t)
			p := isProblem(t, call(t, server, c.method, "/api/v1"+c.path, "Bearer "+token, c.body), c.status)
			if len(b.asked) > 0 || !strings.Contains(fmt.Sprint(p), c.names) {
				t.Errorf("reached %q, and says %v", b.asked, p)
			}
		})
	}
}

// TestWhatIsReadNamesItsSchema holds the documents that the command line and others read.
func TestATextTooLongForTheRecordReachesNothing(t *testing.T) {
	long := strings.Repeat("a", 4001)
	for path, body := range map[string]string{
		"/cases/C-1/hold": `{"reason":"` + long + `"}`, "/cases/C-1/release": `{"reason":"` + long + `"}`,
		"/cases/C-1/steps/crm-disable/waive": `{"reason":"` + long + `"}`, "/waves/W-1/stop": `{"reason":"` + long + `"}`,
		"/waves": `{"title":"Austin","type":"layoff","clock":"now","reason":"` + long + `"}`,
		"/cases": `{"departure":{"leaver":{"id":"7"}},"reason":"` + long + `"}`, "/fuse/F-1/release": `{"reason":"` + long + `"}`,
		"/tasks/T-1/complete": `{"note":"` + long + `"}`, "/tasks/T-1/reassign": `{"email":"a@b.example","reason":"` + long + `"}`,
	} {
		b, server := newServer(t)
		p := isProblem(t, call(t, server, http.MethodPost, "/api/v1"+path, "Bearer "+token, body), http.StatusUnprocessableEntity)
		if said := fmt.Sprint(p["errors"]); len(b.asked) > 0 || !strings.Contains(said, "4000") {
			t.Errorf("%s: reached %q, and says %.200v", path, b.asked, said)
		}
	}
}

func TestWhatIsReadNamesItsSchema(t *testing.T) {
	_, server := newServer(t)
	for path, schema := range map[string]string{
		"/cases": "cases/v1", "/cases/C-1": "case/v1", "/tasks": "tasks/v1", "/waves": "waves/v1", "/waves/W-1": "wave/v1", "/waves/1/report": "wave-report/v1", "/systems": "systems/v1", "/systems/crm": "system/v1", "/shadow": "shadows/v1", "/systems/crm/shadow": "shadow/v1", "/gaps": "gaps/v1", "/connectors": "connectors/v1", "/connectors/crm": "connector/v1", "/entries": "entries/v1", "/ledger/key": "ledger-key/v1",
	} {
		got := call(t, server, http.MethodGet, "/api/v1"+path, "Bearer "+token, "")
		if got.StatusCode != 200 || got.json(t)["schema"] != schema {
			t.Errorf("%s: %d %s", path, got.StatusCode, got.body)
		}
	}
	packet := call(t, server, http.MethodGet, "/api/v1/cases/C-1/evidence", "Bearer "+token, "")
	if packet.Header.Get("Content-Type") != "application/zip" || packet.Header.Get("Content-Disposition") != `attachment; filename="C-1.evidence.zip"` || string(packet.body) != "PK" {
		t.Errorf("the packet: %v %q", packet.Header, packet.body)
	}
	for _, want := range []string{`"opened_at":"1970-01-01T00:00:00Z"`, `"reason":"renew the token"`, `"remedy":"Renew the credential`} {
		for _, path := range []string{"/systems", "/systems/crm"} {
			if got := call(t, server, http.MethodGet, "/api/v1"+path, "Bearer "+token, ""); !strings.Contains(string(got.body), want) {
				t.Errorf("%s lacks %s: %s", path, want, got.body)
			}
		}
	}
	for _, want := range []string{`"id":"C-1"`, `"logged":3`} {
		if got := call(t, server, http.MethodGet, "/api/v1/cases/1", "Bearer "+token, ""); !strings.Contains(string(got.body), want) {
			t.Errorf("the case lacks %s: %s", want, got.body)
		}
	}
}

// TestHooksAnswerAsTheSourceJudges holds the way from judgement to answer; the judgements are intake's.
func TestHooksAnswerAsTheSourceJudges(t *testing.T) {
	b, server := newServer(t)
	if got := call(t, server, http.MethodPost, "/hooks/good", "", "{}"); got.StatusCode != http.StatusAccepted || len(got.body) > 0 || len(b.asked) != 1 {
		t.Errorf("accepted: %d %s, reached %q", got.StatusCode, got.body, b.asked)
	}
	full := call(t, server, http.MethodPost, "/hooks/full", "", "{}")
	isProblem(t, full, http.StatusServiceUnavailable)
	if full.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After %q", full.Header.Get("Retry-After"))
	}
	if p := isProblem(t, call(t, server, http.MethodPost, "/hooks/bad", "", "{}"), http.StatusUnprocessableEntity); p["field"] != "body.day" {
		t.Errorf("%v", p)
	}
	isProblem(t, call(t, server, http.MethodPost, "/hooks/nobody", "", "{}"), http.StatusNotFound)
	if got := call(t, server, http.MethodGet, "/hooks/good", "", ""); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET is answered %d", got.StatusCode)
	}
	call(t, server, http.MethodPost, "/hooks/good", "", strings.Repeat("x", 3<<20))
	if last := b.asked[len(b.asked)-1]; !strings.HasPrefix(last, "hook 1048577 bytes") {
		t.Errorf("of a large body %s were read; one byte over the limit says enough", last)
	}
}
