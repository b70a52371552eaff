package ui

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// inNovember runs a test at the moment of the drawing.
func inNovember(t *testing.T, test func(*testing.T, *world, http.Handler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(noon)) // the bubble's clock; no time passes
		w := newWorld(noon)
		moreCases(w)
		test(t, w, New(w.config()))
	})
}

// send sends a request as somebody; a form makes it a post from our own page.
func send(h http.Handler, session, target string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "exeunt", Value: session})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// says fails unless the page says all of these, and none of those after "not:".
func says(t *testing.T, r *httptest.ResponseRecorder, code int, facts ...string) {
	t.Helper()
	if r.Code != code {
		t.Fatalf("status %d, want %d: %s", r.Code, code, r.Body)
	}
	page := strings.Join(strings.Fields(r.Body.String()), " ")
	for _, f := range facts {
		if missing, forbidden := strings.CutPrefix(f, "not:"); forbidden {
			if strings.Contains(page, missing) {
				t.Errorf("the page says %q", missing)
			}
		} else if !strings.Contains(page, f) {
			t.Errorf("the page does not say %q", f)
		}
	}
}

// TestPagesSay holds what each page says, in the words that its reader needs.
func TestPagesSay(t *testing.T) {
	cases := []struct {
		name, session, path string
		code                int
		facts               []string
	}{
		{"overview", "hr", "/", 200, []string{"Rolling 90 days", "10:18 PST", "1 h 14 min <small>median</small>", "40 of 40 cases", "96.3%", "100%", "No sign-in logs connected. Goal 0.", "Needs attention", "Snowflake: disable user stopped", ">37<span class=\"sr\"> departures<"}},
		{"cases", "hr", "/cases", 200, []string{"97 departures on record", "1–40 of 97", "Needs attention<span class=\"n\">13</span>", "Involuntary", "6 of 9 so far", "href=\"/cases?page=2\""}},
		{"cases filtered to nothing", "hr", "/cases?q=zzzz", 200, []string{"No case matches these filters", "text “zzzz”", "Show all cases"}},
		{"case", "hr", "/cases/C-2041", 200, []string{
			"Maya Okonkwo", "1 step failed", "Involuntary", "18:42</span> <small>of 30:00", "11:18</span> left", "5 of 8 access steps settled",
			"Snowflake: disable user stopped.", "The account may still be open.", "Owner: Data platform.", "Stopped 14 min ago",
			"Acknowledged, not read back", "Waits: final pay needs the approved final timesheet.", "1 does not apply", "Attempt 3 of 8", "3 of 7 done",
			"Overridden", "71 in the ledger", "Times in Los Angeles (PST)", "Policy", "On leave", "not:maya@home.example", "not:style="}},
		{"case announced ahead", "hr", "/cases/C-2050", 200, []string{"In 3 d <small>limit 4 h", "Before the cut-off", "First 4 hours", "Starts in 3 d", "Voluntary"}},
		{"case past its limit", "hr", "/cases/C-2051", 200, []string{"14:42</span> over", "the limit of 30 min", "Past its deadline"}},
		{"step", "it", "/cases/C-2041/steps/snowflake-disable-user", 200, []string{"Snowflake: disable user", "No user matches the work e-mail.", "ALTER USER", "ANALYST", "T-311", "Try again", "Override", "48,209"}},
		{"tasks", "hr", "/tasks?sel=T-315", 200, []string{"Transfer knowledge, 3 of 7", "Complete with 4 open items", "Sun 22 Nov, 10:00 PST", "in 3 d", "Late", "Next 7 days"}},
		{"systems", "it", "/systems", 200, []string{"6 systems · 3 by connector · 2 with a sign-on · 1 by hand", "Sign-on of Entra ID, checked by its connector", "No API: tracked by hand", "Not live: a person does it", "1 step has failed"}},
		{"policies", "it", "/policies", 200, []string{"1 policy · 1 modifier · version set-2, which new cases are planned by", "End access", "disable, remove groups", "last-day + 5bd", "Changes return-assets: deadline last-day + 14d, since it comes by post", "Leaves out exit-interview"}},
		{"an old version of the policies", "it", "/policies?version=set-1&against=set-2", 200, []string{"which new cases are not planned by any more", "What is different from set-2", "policies/30-standard.yaml"}},
		{"no such version", "it", "/policies?version=nothing", 404, nil},
		{"plan anew", "hr", "/cases/C-2041/replan", 200, []string{"Take back the company car", "by 2026-11-23 18:00 → 2026-11-23 20:00", "Left out", "The case owner is asked"}},
		{"gaps", "it", "/gaps", 200, []string{"BRD SNG", "12 people · 1240.50 EUR", "exeunt inventory scaffold", "compared with the spend export (2 applications)", "Other identifier"}},
		{"gaps that sources show", "it", "/gaps?found=1", 200, []string{"Datadog", "not:Other identifier"}},
		{"orphaned accounts", "it", "/accounts", 200, []string{"412 people work here and 1 has left, compared with 420 accounts of 2 systems by Ida Novak", "Not compared", "The credentials lack a permission.", "Maya Okonkwo", "northwind/E-2041", "not:/accounts/17/clean-up", "/accounts/17/confirm", "not:/accounts/18/confirm", "Nobody known", "Seen to by Ida Novak", "Orphaned<span class=\"n\">2</span>"}},
		{"orphaned accounts for HR", "hr", "/accounts", 200, []string{"/accounts/17/clean-up"}},
		{"missing accounts of a system", "it", "/accounts?kind=missing&system=entra-id", 200, []string{"None of this kind", "All systems", "Missing<span class=\"n\">4</span>"}},
		{"systems with gaps", "it", "/systems?gap=1", 200, []string{"Building badges", "not:/systems/adp\""}},
		{"system", "it", "/systems/entra-id", 200, []string{"Its connector (entra)", "acknowledged", "tokens that were issued live for up to one hour", "30 days, then deleted", "Salesforce", "120 confirmed"}},
		{"audit", "auditor", "/audit", 200, []string{"Ledger verified", "48,211 leaves were recomputed", "Time (PST)", "19 Nov 2026, 10:18:00.000", "step.fail", "on its way", "Verify again"}},
		{"erased records", "auditor", "/audit/erased", 200, []string{"2 records erased", "/cases/C-12", "retention.keep: 1095 d", "Ana Kofi and Dana Ortiz: the person asked for it", "Waits for the ledger"}},
		{"entry", "auditor", "/audit/48209", 200, []string{"Snowflake: disable user stopped", "9c41e07d5a5a", "Previous leaf of the case", "9c41e07e5a5a", "In the log", "48,208"}},
		{"an entry's proof", "auditor", "/audit/48209", 200, []string{"Proof of its place", "on the left", "on the right", "signed over 48,211 entries", "Signed root"}},
		{"checks", "auditor", "/audit/checks", 200, []string{"Published checkpoints", "s3://acme-ledger/prod", "Contradicts the log", "Tried again since", "The folder cannot be opened", "48,211 entries", "No difference in 48,211 entries", "2 differences", "The database, entry 41877 of case q5vt7h2m, what: it is not what the entry says", "byte 41 of 258", "Priya Nair", "1.9s", "Verify now"}},
		{"a system's entries", "auditor", "/audit?system=snowflake", 200, []string{"Any system", "nowflake"}},
		{"proves", "auditor", "/audit/proves", 200, []string{"It does not prove", "That a departure was announced at all.", "exeunt.northwind.example+a1b2c3d4+AUdY", "exeunt evidence verify FILE"}},
		{"one-time", "", "/t/tom", 200, []string{"Transfer knowledge: Maya Okonkwo", "Tom, Priya Nair asks you to do this by", "Sunday 22 November, 10:00 PST", "ends on Sunday 29 November 2026", "not:<script", "not:nvoluntary", "not:involuntary-immediate", "not:C-2041", "not:/t/tom"}},
		{"dead link", "", "/t/forged", 404, []string{"This link does not work"}},
		{"sign in", "", "/sign-in?next=/cases", 200, []string{"Work e-mail", "value=\"/cases\""}},
		{"invitation", "", "/invitation/welcome", 200, []string{"new.admin@northwind.example", "Choose a password"}},
		{"start a case", "hr", "/cases/new", 200, []string{"A case is started by the HR system.", "value=\"America/Los_Angeles\"", "End of contract"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inNovember(t, func(t *testing.T, w *world, h http.Handler) {
				says(t, send(h, c.session, c.path, nil), c.code, c.facts...)
			})
		})
	}
}

// TestWhoSeesWhat holds the table of DESIGN section 3.2: type and reason of leaving are for those who need them,
// and an address that a role may not see answers as if it did not exist.
func TestWhoSeesWhat(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "it", "/cases/C-2041", nil), 200, "Immediate", "not:nvoluntary", "not:involuntary-immediate", "not:isconduct", "not:On leave", "Privileged access")
		says(t, send(h, "it", "/cases/C-2050", nil), 200, "Standard", "not:oluntary")
		says(t, send(h, "it", "/cases", nil), 200, "not:nvoluntary", "not:Any type", "not:Layoff")
		says(t, send(h, "it", "/audit/48206", nil), 200, "workday", "not:nvoluntary", "not:isconduct")
		says(t, send(h, "hr", "/audit/48206", nil), 200, "involuntary", "misconduct")
		says(t, send(h, "payroll", "/cases/C-2041", nil), 200, "5 of 8", "Calculate final pay", "not:Entra ID", "not:nowflake", "not:adges", "Involuntary")
		says(t, send(h, "payroll", "/cases", nil), 200, "1 step failed", "not:Snowflake")
		says(t, send(h, "payroll", "/", nil), 200, "1 step failed", "not:Snowflake")
		says(t, send(h, "payroll", "/tasks", nil), 200, "Approve final timesheet", "not:Snowflake", "not:badges")
		says(t, send(h, "payroll", "/tasks?sel=T-311", nil), 404)
		says(t, send(h, "payroll", "/tasks/T-311", url.Values{"act": {"complete"}}), 404)
		says(t, send(h, "payroll", "/cases/C-2041/steps/snowflake-disable-user", nil), 404)
		says(t, send(h, "manager", "/tasks", nil), 200, "Approve final timesheet", "not:Return laptop", "not:/cases/")
		send(h, "it", "/cases?type=involuntary", nil)
		for _, q := range w.asked {
			if q.Type != "" {
				t.Errorf("IT filtered by type %q, which tells what the page does not", q.Type)
			}
		}
		none := send(h, "hr", "/cases/C-9999", nil)
		says(t, none, 404, "There is nothing at this address that you can see.")
		for _, path := range []string{"/cases/C-2041", "/systems", "/audit", "/tasks?sel=T-311", "/cases/new"} {
			if hidden := send(h, "manager", path, nil); hidden.Code != 404 || !strings.Contains(hidden.Body.String(), "There is nothing at this address that you can see.") {
				t.Errorf("%s: a manager got %d", path, hidden.Code)
			}
		}
	})
}

func TestCanonicalAddresses(t *testing.T) {
	cases := []struct{ name, session, path, to string }{
		{"empty parameters", "hr", "/cases?q=&type=&dept=&place=&sort=", "/cases"},
		{"what it does not know", "hr", "/cases?state=odd&utm=x&q=a", "/cases?q=a"},
		{"page one", "hr", "/cases?page=1", "/cases"},
		{"beyond the last page", "hr", "/cases?page=99", "/cases?page=3"},
		{"already so, in another order", "hr", "/cases?state=attention&q=a", ""},
		{"a filter that the role has not", "it", "/cases?type=layoff", "/cases"},
		{"tasks", "hr", "/tasks?group=&owner=", "/tasks"},
		{"a case in the audit search", "hr", "/audit?q=c-2041", "/audit?case=C-2041"},
		{"an entry in the audit search", "hr", "/audit?q=48,209", "/audit/48209"},
		{"days that are none", "hr", "/audit?from=soon", "/audit"},
		{"systems", "it", "/systems?q=&tier=", "/systems"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inNovember(t, func(t *testing.T, _ *world, h http.Handler) {
				r := send(h, c.session, c.path, nil)
				if got := r.Header().Get("Location"); got != c.to {
					t.Errorf("%s goes to %q (%d), want %q", c.path, got, r.Code, c.to)
				}
			})
		})
	}
}

// TestFragments holds that htmx gets the part that it asked for and the address to show.
func TestFragments(t *testing.T) {
	inNovember(t, func(t *testing.T, _ *world, h http.Handler) {
		r := send(h, "hr", "/cases?q=&state=attention", nil, "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "section#results")
		says(t, r, 200, "1–13 of 13", "not:<html")
		if r.Header().Get("HX-Push-Url") != "/cases?state=attention" {
			t.Errorf("pushes %q", r.Header().Get("HX-Push-Url"))
		}
		says(t, send(h, "hr", "/cases?state=attention", nil, "HX-Request", "true", "HX-Request-Type", "full", "HX-Target", "body"), 200, "<html")
		says(t, send(h, "hr", "/tasks?sel=T-315", nil, "HX-Request", "true", "HX-Request-Type", "partial", "HX-Target", "section#inbox"), 200, "Save progress", "not:<html")
	})
}

func TestHeaders(t *testing.T) {
	inNovember(t, func(t *testing.T, _ *world, h http.Handler) {
		for _, path := range []string{"/", "/t/tom", "/cases/C-1", assetURL("app.css")} {
			header := send(h, "hr", path, nil).Header()
			if header.Get("Content-Security-Policy") != web.ContentPolicy || header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: policy %q", path, header.Get("Content-Security-Policy"))
			}
		}
		if got := send(h, "hr", "/", nil).Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("a page of personal data is cached: %q", got)
		}
		if got := send(h, "", "/t/tom", nil).Header().Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("a one-time address leaks by the referrer: %q", got)
		}
	})
}

func TestForgedFormsAreRefused(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		form := url.Values{"act": {"complete"}, "version": {"5"}}
		says(t, send(h, "hr", "/tasks/T-315", form, "Sec-Fetch-Site", "cross-site"), 403, "sent from another site")
		says(t, send(h, "", "/t/tom", form, "Sec-Fetch-Site", "cross-site"), 403)
		says(t, send(h, "hr", "/tasks/T-315", form, "Sec-Fetch-Site", "", "Origin", "https://evil.example"), 403)
		if len(w.did) > 0 {
			t.Errorf("a forged form did %q", w.did)
		}
	})
}

func TestTaskForms(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		r := send(h, "hr", "/tasks/T-315", url.Values{"act": {"save"}, "version": {"5"}, "item": {"0", "1", "2", "3"}, "note": {"half way"}, "back": {"owner=me&group=case"}})
		if r.Code != 303 || r.Header().Get("Location") != "/tasks?group=case&owner=me&sel=T-315" {
			t.Fatalf("%d to %s", r.Code, r.Header().Get("Location"))
		}
		if told, _ := url.QueryUnescape(r.Result().Cookies()[0].Value); told != "Saved. 4 of 7 done." {
			t.Errorf("told %q", told)
		}
		same := url.Values{"act": {"save"}, "version": {"5"}, "item": {"0", "1", "2", "3"}, "note": {"half way"}}
		if r = send(h, "hr", "/tasks/T-315", same); r.Code != 303 || len(w.did) != 1 {
			t.Errorf("the same form twice: %d, %q", r.Code, w.did)
		}
		says(t, send(h, "hr", "/tasks/T-315", url.Values{"act": {"reassign"}, "version": {"6"}}), 422, "Name the person who takes the task")
		says(t, send(h, "auditor", "/tasks/T-315", same), 403, "This task is not yours")
		says(t, send(h, "manager", "/tasks/T-314", same), 404)
		says(t, send(h, "manager", "/tasks/T-315", url.Values{"act": {"complete"}, "version": {"6"}, "item": {"0"}}), 303)
		if did := w.did[len(w.did)-1]; did != "Transfer knowledge completed with 6 open items" {
			t.Errorf("did %q", did)
		}
	})
}

// TestStaleFormShowsWhatChanged holds that a form which came too late changes nothing, names who was
// faster, and keeps what was typed.
func TestStaleFormShowsWhatChanged(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		opened := time.Now().UTC().Format(time.RFC3339Nano)
		time.Sleep(time.Minute)
		if err := w.SaveTask(t.Context(), 315, []int{0, 1, 2, 3, 4}, "by Tom", "Tom Reyes"); err != nil {
			t.Fatal(err)
		}
		late := url.Values{"act": {"save"}, "version": {"5"}, "opened": {opened}, "item": {"0"}, "note": {"what I typed"}}
		says(t, send(h, "hr", "/tasks/T-315", late), 409, "changed after you opened it", "Tom Reyes: Transfer knowledge: 5 of 7 done", "what I typed", "name=\"version\" value=\"6\"", "not:Salesforce: freeze user, next try")
		says(t, send(h, "", "/t/tom", late), 409, "changed after you opened the page", "what I typed")
		if len(w.did) != 1 {
			t.Errorf("a stale form did %q", w.did)
		}
	})
}

func TestOneTimeLink(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		send(h, "", "/t/tom", nil)
		send(h, "", "/t/tom?now=done&act=complete", nil)
		if len(w.did) != 0 {
			t.Fatalf("reading the link did %q", w.did)
		}
		says(t, send(h, "", "/t/tom", url.Values{"act": {"hand-on"}, "version": {"5"}, "to": {"Eva"}}), 422, "give their e-mail address")
		r := send(h, "", "/t/tom", url.Values{"act": {"complete"}, "version": {"5"}, "item": {"0", "1", "2", "3", "4", "5", "6"}})
		if r.Code != 303 || r.Header().Get("Location") != "/t/tom?now=done" || w.files[2041].Tasks[4].DoneBy != "Tom Reyes" {
			t.Fatalf("%d %q, done by %q", r.Code, r.Header().Get("Location"), w.files[2041].Tasks[4].DoneBy)
		}
		says(t, send(h, "", "/t/tom?now=done", nil), 200, "This task is done. Thank you.", "Recorded.", "not:<form", "not:Maya")
	})
}

func TestDecisionsNeedReasons(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		step := "/cases/C-2041/steps/snowflake-disable-user"
		says(t, send(h, "it", step+"/waive", url.Values{"reason": {"short"}}), 422, "reason of at least 10 characters", ">short</textarea>", "aria-invalid")
		says(t, send(h, "auditor", step+"/waive", url.Values{"reason": {"because I may not"}}), 403, "Your role may not do this")
		r := send(h, "it", step+"/retry", url.Values{"reason": {"the login name was corrected"}})
		if r.Code != 303 || w.files[2041].Steps[6].State != exeunt.StepReady {
			t.Fatalf("%d, step is %s", r.Code, w.files[2041].Steps[6].State)
		}
		says(t, send(h, "it", step+"/retry", url.Values{"reason": {"the login name was corrected"}}), 409, "Only a failed step can be tried again", "Running")
		held := w.files[2050]
		held.Case.State, held.Case.Hold = exeunt.CaseHeld, "more than 25 departures in one hour"
		w.files[2050] = held
		says(t, send(h, "hr", "/cases/C-2050", nil), 200, "The case is held.", "More than 25 departures in one hour.", "Release the case")
		if r := send(h, "hr", "/cases/C-2050/release", url.Values{"reason": {"confirmed with the board"}}); r.Code != 303 || w.files[2050].Case.State != exeunt.CaseRunning {
			t.Errorf("%d, case is %s", r.Code, w.files[2050].Case.State)
		}
	})
}

func TestStartCase(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		form := url.Values{"leaver.name": {"Eva Lind"}, "leaver.id": {"E-1"}, "leaver.zone": {"Europe/Berlin"}, "type": {"layoff"}, "last_day": {"2026-11-30"}, "reason": {"HR system is down today"}}
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set("leaver.zone", "Mars")
		says(t, send(h, "hr", "/cases", bad), 422, "not an IANA time zone", "id=\"leaver.zone-err\"", "value=\"Eva Lind\"")
		says(t, send(h, "it", "/cases", form), 403)
		if r := send(h, "hr", "/cases", form); r.Code != 303 || len(w.started) != 1 || w.started[0].TerminationDate != "2026-11-30" || w.started[0].Type != exeunt.Layoff {
			t.Errorf("%d, started %+v", r.Code, w.started)
		}
	})
}

func TestSignIn(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		if r := send(h, "", "/cases?state=attention", nil); r.Header().Get("Location") != "/sign-in?next=%2Fcases%3Fstate%3Dattention" {
			t.Errorf("asked to sign in at %q", r.Header().Get("Location"))
		}
		wrong := send(h, "", "/sign-in", url.Values{"email": {"priya.nair@northwind.example"}, "password": {"guess"}})
		nobody := send(h, "", "/sign-in", url.Values{"email": {"nobody@northwind.example"}, "password": {"guess"}})
		says(t, wrong, 401, "do not go together")
		if strings.ReplaceAll(wrong.Body.String(), "priya.nair", "x") != strings.ReplaceAll(nobody.Body.String(), "nobody", "x") {
			t.Error("the answer tells which addresses have an account")
		}
		for next, to := range map[string]string{"/cases?q=a": "/cases?q=a", "//evil.example/": "/", "https://evil.example": "/", "/\\evil.example": "/", "javascript:alert(1)": "/", "": "/"} {
			r := send(h, "", "/sign-in", url.Values{"email": {"priya.nair@northwind.example"}, "password": {"correct horse battery"}, "next": {next}})
			if r.Code != 303 || r.Header().Get("Location") != to {
				t.Errorf("next %q goes to %q", next, r.Header().Get("Location"))
			}
			if c := r.Result().Cookies(); len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode {
				t.Errorf("session cookie %+v", c)
			}
		}
		says(t, send(h, "", "/invitation/welcome", url.Values{"name": {"Nia"}, "password": {"too short"}}), 422, "at least 15 characters")
		if r := send(h, "", "/invitation/welcome", url.Values{"name": {"Nia"}, "password": {"four words and more"}}); r.Code != 303 || w.did[0] != "redeemed by Nia" {
			t.Errorf("%d %q", r.Code, w.did)
		}
		says(t, send(h, "", "/invitation/used", nil), 404, "This link does not work")
	})
}

// TestFaults holds what a reader is told when something breaks, and what not.
func TestFaults(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, _ http.Handler) {
		var log strings.Builder
		config := w.config()
		config.Log = textLog(&log)
		h := New(config)
		w.broken = exeunt.Errorf(exeunt.Temporary, "the database does not answer").Because(errSecret).After(30 * time.Second)
		r := send(h, "hr", "/cases", nil)
		reference := r.Header().Get("X-Reference")
		says(t, r, 503, "The database does not answer.", reference, "not:hunter2")
		if r.Header().Get("Retry-After") != "30" || !strings.Contains(log.String(), reference) || strings.Contains(log.String(), "hunter2") {
			t.Errorf("retry after %q, log: %s", r.Header().Get("Retry-After"), &log)
		}
		w.broken = errSecret
		says(t, send(h, "hr", "/cases", nil), 500, "Something is wrong on our side", "not:hunter2")
		log.Reset()
		send(h, "", "/t/a-secret-token", nil)
		if strings.Contains(log.String(), "a-secret-token") || !strings.Contains(log.String(), "/t/{token}") {
			t.Errorf("the log holds a token: %s", &log)
		}
	})
}

func TestFirstRun(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		w.overview.Cases = 0
		says(t, send(h, "admin", "/", nil), 200, "Set up", "1 HR source configured", "6 systems in the inventory", "6 of 6 systems have an owner", "4 systems are live", "exeunt connector try NAME", "not:exeunt rehearse", "not:Time to full access revocation")
	})
}

func TestEvidenceDownload(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		r := send(h, "auditor", "/cases/C-2041/evidence", nil)
		says(t, r, 200, "packet of C-2041")
		if !strings.Contains(r.Header().Get("Content-Disposition"), "C-2041.evidence.zip") || w.did[0] != "evidence by Lena Vogel" {
			t.Errorf("%q %q", r.Header().Get("Content-Disposition"), w.did)
		}
		says(t, send(h, "it", "/cases/C-2041/evidence", nil), 404)
	})
}

func TestRecordOfACase(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "auditor", "/cases/C-2041", nil), 200, "Print record", "Record as PDF", "Evidence packet")
		says(t, send(h, "it", "/cases/C-2041", nil), 200, "not:Print record", "not:Record as PDF")
		page := send(h, "auditor", "/cases/C-2041/record", nil)
		says(t, page, 200, "record of C-2041")
		if got := page.Header().Get("Content-Security-Policy"); got != "default-src 'none'" {
			t.Errorf("the page comes with the policy %q and not its own", got)
		}
		pdf := send(h, "auditor", "/cases/C-2041/record.pdf", nil)
		if says(t, pdf, 200, "record of C-2041"); !strings.Contains(pdf.Header().Get("Content-Disposition"), "C-2041.record.pdf") {
			t.Errorf("the PDF comes as %q", pdf.Header().Get("Content-Disposition"))
		}
		if want := []string{"record by Lena Vogel, as PDF: false", "record by Lena Vogel, as PDF: true"}; !slices.Equal(w.did, want) {
			t.Errorf("got %q", w.did)
		}
		says(t, send(h, "it", "/cases/C-2041/record", nil), 404)
		says(t, send(h, "it", "/cases/C-2041/record.pdf", nil), 404)
	})
}
