package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/sim"
	"github.com/exeunt/exeunt/internal/testserver"
)

// moment is when the server is killed: at a vendor's call, before it took effect or after it did and
// before the answer, or when something has just been answered.
type moment struct {
	call  string // part of "METHOD /path", or accepted or approved
	after bool
}

const (
	accepted = "a webhook was answered 202"
	approved = "a task was completed"
)

// moments are the instants at which most can go wrong, the worst first.
var moments = []moment{
	{"/notifications", true},   // may not be repeated and cannot be asked for
	{"/final-payment", true},   // money: paid, and the answer lost
	{"/final-payment", false},  // money: announced in the ledger, and never sent
	{accepted, true},           // promised to the HR system, and not begun
	{"PATCH /Users/", true},    // an account is closed, and nobody noted it
	{approved, true},           // what others wait for
	{"/notifications", false},  //
	{"DELETE /api/v1/", false}, //
	{"POST /oauth/token", true},
	{"GET ", true},
}

// TestKilledInTheMiddle kills the server while it works, over and over, at the worst moments and at any: two hundred
// times in all, and more for as long as make soak asks for. Nothing may be lost, nothing that must not be repeated may
// happen twice, and all of it must be provable afterwards.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		database func(testing.TB) string
		kills    int           // at least
		worst    int           // moments that every run goes through
		silent   time.Duration // the lease of the process before, which a new one cannot know to be dead
	}{
		"SQLite":     {func(testing.TB) string { return "" }, 140, len(moments), 0},
		"PostgreSQL": {testserver.Postgres, 60, 4, lease},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			until := time.Now().Add(soak())
			b := openBattlefield(t, install(t, c.database(t)), 2*c.kills+min(int(2*soak().Seconds()), 1000))
			staff := b.people
			b.people = nil
			b.launch(t)
			t.Cleanup(func() {
				b.stop()
				if t.Failed() {
					t.Logf("the server said:\n%s", tail(b.log.String()))
				}
			})
			b.ready(t)
			b.authorise(t)
			b.begin(t)
			kills := 0
			for ; len(staff) > 1 && (kills < c.kills || time.Now().Before(until)); kills++ {
				leave := staff[:1+rand.IntN(2)]
				staff, b.people = staff[len(leave):], append(b.people, leave...)
				switch {
				case kills < c.worst:
					b.killAt(t, moments[kills], leave)
				case kills%2 == 0: // while it starts, or soon after
					b.killAfter(t, rand.N(400*time.Millisecond), leave)
				case kills%8 == 1:
					b.killAt(t, moments[rand.IntN(len(moments))], leave)
				default: // while it works; of those that took a lane over, some
					b.killAfter(t, rand.N(1500*time.Millisecond)+c.silent*time.Duration(rand.IntN(2)), leave)
				}
			}
			t.Logf("killed %d times in the middle of %d departures", kills, len(b.people))
			if kills < c.kills {
				t.Errorf("killed %d times only: there were too few people for %d", kills, c.kills)
			}
			if byHand := b.judge(t); byHand == 0 {
				t.Error("nobody was asked to find out about a letter whose answer was lost, although such answers were")
			}
		})
	}
}

// battlefield is an installation whose vendors see to it that it dies.
type battlefield struct {
	*installation
	company *sim.Company
	people  []sim.Person
	queue   chan sim.Person      // departures that HR still has to announce
	door    func() *installation // where HR and payroll knock

	arrived  func(system string) // a request
	answered func(*http.Request) // it took effect, and the answer is on its way

	mu     sync.Mutex
	armed  *moment
	sprung chan struct{}  // closed when the moment has come
	dead   chan struct{}  // closed when the server is dead
	calls  map[string]int // "METHOD /path" that took effect
	twice  []string       // what a vendor refused because it was done already
}

func openBattlefield(t *testing.T, s *installation, people int) *battlefield {
	t.Helper()
	b := &battlefield{installation: s, company: sim.New(people+20, 11), queue: make(chan sim.Person, people), calls: map[string]int{}, door: func() *installation { return s }}
	b.people = b.company.People[20:]
	s.company(t, "http://127.0.0.1:9", b.company.Environment(), "fuse: {departures: 0}\n") // everybody leaves
	s.write(t, "policies/all.yaml", killPolicyYAML)
	for name, system := range map[string]struct {
		vendor   *sim.Vendor
		settings string
	}{
		"directory": {b.company.Directory, "kind: scim\nidentifier: work_email\nsettings: {base_url: %s, token: env:EXEUNT_SIM_DIRECTORY_TOKEN}"},
		"identity":  {b.company.Identity, "kind: http\nidentifier: work_email\nsettings: {spec: identity, base_url: %s, client_id: " + sim.ClientID + ", client_secret: env:EXEUNT_SIM_IDENTITY_TOKEN}"},
		"payroll":   {b.company.Payroll, "kind: http\nbranch: Payroll\nidentifier: employee_id\nsettings: {spec: payroll, base_url: %s, token: env:EXEUNT_SIM_PAYROLL_TOKEN}"},
		"benefits":  {b.company.Benefits, "kind: http\nbranch: Benefits\nidentifier: employee_id\nsettings: {spec: specs/letter.yaml, base_url: %s, username: " + sim.BenefitsUser + ", password: env:EXEUNT_SIM_BENEFITS_TOKEN}"},
	} {
		server := httptest.NewServer(b.vendor(system.vendor))
		t.Cleanup(server.Close)
		s.write(t, "systems/"+name+".yaml", fmt.Sprintf("name: "+name+"\ntier: 1\nowner: {role: it}\nfallback: Do it by hand.\nstage: live\n"+system.settings+"\n", server.URL))
	}
	// An administrator to whom each notification is a letter: it shows nothing, and sends it twice
	// when asked twice.
	shipped, err := yaml.Read("benefits")
	must(t, err)
	strict := bytes.Replace(shipped, []byte("repeatable: true"), []byte("repeatable: false"), 1)
	if bytes.Equal(strict, shipped) {
		t.Fatal("the shipped description has changed")
	}
	s.write(t, "specs/letter.yaml", string(bytes.Replace(strict, []byte("name: benefits"), []byte("name: letter"), 1)))
	return b
}

const killPolicyYAML = `
name: all
applies: "true"
rules:
  - {name: cut-access, systems: 'system.branch == "Access" || system.branch == ""', actions: [reset_factors, disable, revoke_sessions, remove_groups], start: cut-off, deadline: start + 4h}
  - {name: end-employment, branch: Payroll, systems: system.branch == "Payroll", actions: [end_employment], start: trigger, deadline: start + 4h}
  - {name: approve-timesheet, branch: Payroll, task: {owner: payroll, procedure: Approve it.}, start: trigger, deadline: start + 2d}
  - {name: final-pay, branch: Payroll, systems: system.branch == "Payroll", actions: [schedule_final_pay], start: trigger, deadline: start + 2d, after: [{rule: approve-timesheet, because: final pay is computed from the approved hours}, {rule: end-employment, because: payroll pays nobody finally who stays}]}
  - {name: notify-benefits, branch: Benefits, systems: system.branch == "Benefits", actions: [notify_administrator], start: trigger, deadline: start + 2d}
`

// vendor answers as the simulator does, unless the armed moment has come: then the caller dies first.
func (b *battlefield) vendor(v *sim.Vendor) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if b.arrived != nil {
			b.arrived(v.Name)
		}
		call := r.Method + " " + r.URL.Path
		if b.strikes(call, false) {
			panic(http.ErrAbortHandler) // the request never arrived
		}
		answer := httptest.NewRecorder()
		v.ServeHTTP(answer, r)
		b.mu.Lock()
		if answer.Code < 300 {
			b.calls[call]++
		} else if r.Method != http.MethodGet && answer.Code == http.StatusConflict {
			b.twice = append(b.twice, call)
		}
		b.mu.Unlock()
		if b.answered != nil {
			b.answered(r)
		}
		if b.strikes(call, true) {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// strikes springs the armed moment when this is it, and returns once the server is dead.
func (b *battlefield) strikes(call string, after bool) bool {
	b.mu.Lock()
	if b.armed == nil || b.armed.after != after || !strings.Contains(call, b.armed.call) {
		b.mu.Unlock()
		return false
	}
	sprung, dead := b.sprung, b.dead
	b.armed = nil
	b.mu.Unlock()
	close(sprung)
	<-dead
	return true
}

// begin lets HR announce and payroll approve, both as stubborn as their real ones: what is not answered
// well is sent again.
func (b *battlefield) begin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var both sync.WaitGroup
	t.Cleanup(func() { cancel(); both.Wait() })
	yesterday := time.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	tick := func(do func()) {
		again := time.NewTicker(50 * time.Millisecond)
		defer again.Stop()
		for ctx.Err() == nil {
			do()
			select {
			case <-again.C:
			case <-ctx.Done():
			}
		}
	}
	both.Go(func() {
		tick(func() {
			select {
			case p := <-b.queue:
				d := standard("msg_"+p.ID(), leaving(p, yesterday, "Resignation"), time.Now())
				if status, _, err := b.door().deliver(d); err != nil || status != http.StatusAccepted {
					b.queue <- p
					return
				}
				b.strikes(accepted, true)
			case <-ctx.Done():
			}
		})
	})
	both.Go(func() {
		tick(func() {
			var open taskList
			door := b.door()
			_ = door.api(http.MethodGet, "/tasks", nil, &open) // down as often as not
			for _, tk := range open.Tasks {
				if tk.Key == "approve-timesheet" && door.api(http.MethodPost, "/tasks/"+tk.ID+"/complete", map[string]string{}, nil) == nil {
					b.strikes(approved, true)
				}
			}
		})
	})
}

// killAt lets people leave, kills the server at the moment, and starts it again.
func (b *battlefield) killAt(t *testing.T, m moment, people []sim.Person) {
	t.Helper()
	b.mu.Lock()
	b.armed, b.sprung, b.dead = &m, make(chan struct{}), make(chan struct{})
	sprung, dead := b.sprung, b.dead
	b.mu.Unlock()
	for _, p := range people {
		b.queue <- p
	}
	select {
	case <-sprung:
	case <-b.ended:
		t.Fatal("the server ended by itself")
	case <-time.After(patience):
		t.Fatalf("the moment never came: %+v", m)
	}
	b.kill(t)
	close(dead)
	b.launch(t)
}

// killAfter lets people leave, kills the server a while after its start, whatever it does then, and starts it
// again.
func (b *battlefield) killAfter(t *testing.T, d time.Duration, people []sim.Person) {
	t.Helper()
	for _, p := range people {
		b.queue <- p
	}
	select {
	case <-time.After(d):
	case <-b.ended:
		t.Fatalf("the server ended by itself:\n%s", tail(b.log.String()))
	}
	b.kill(t)
	b.launch(t)
}

// judge waits until nothing happens by itself any more and looks at what became of everybody. It says how much
// people had to find out.
func (b *battlefield) judge(t *testing.T) (byHand int) {
	t.Helper()
	b.ready(t)
	began := time.Now()
	var files []caseFile
	settled := map[string]bool{}
	within(t, 5*patience, "everything is settled or owned", func() (bool, string) { // what was left undone by so many is a good deal
		var list caseList
		if err := b.api(http.MethodGet, "/cases?size=1000", nil, &list); err != nil || list.Total != len(b.people) || len(list.Cases) != list.Total {
			return false, fmt.Sprintf("%d of %d cases, %v", list.Total, len(b.people), err)
		}
		for _, c := range list.Cases {
			if settled[c.ID] {
				continue
			}
			var f caseFile
			must(t, b.api(http.MethodGet, "/cases/"+c.ID, nil, &f))
			if busy := f.busy(); busy != "" {
				return false, fmt.Sprintf("%d of %d cases; %s %s", len(settled), list.Total, c.ID, busy)
			}
			settled[c.ID] = true
			files = append(files, f)
		}
		return true, ""
	})
	t.Logf("everything was settled %s after the last kill", time.Since(began).Round(time.Second))
	for _, f := range files {
		byHand += b.judgeCase(t, f)
	}
	b.mu.Lock()
	twice := b.twice
	b.mu.Unlock()
	if len(twice) > 0 {
		t.Errorf("asked for a second time: %v", twice)
	}
	b.run(t, 0, "ledger", "verify")
	b.provesAll(t, files)
	return byHand
}

// busy says what of a case is neither settled, nor owned by a named person.
func (f caseFile) busy() string {
	owned := map[string]bool{}
	for _, tk := range f.Tasks {
		if tk.Key == "approve-timesheet" && tk.State == "open" {
			return "is not approved yet"
		}
		for _, key := range tk.Steps {
			owned[key] = tk.State == "open" && tk.Owner.Email != ""
		}
	}
	for _, s := range f.Steps {
		if s.State != "confirmed" && s.State != "acknowledged" && !(s.State == "failed" && owned[s.Key]) {
			return s.Key + " is " + s.State + ": " + s.Reason
		}
	}
	return ""
}

// judgeCase holds what a case says against what its vendors saw, and returns how many steps people have
// to look after.
func (b *battlefield) judgeCase(t *testing.T, f caseFile) (byHand int) {
	t.Helper()
	var p sim.Person
	for _, one := range b.people {
		if one.ID() == f.Case.Departure.Leaver.ID {
			p = one
		}
	}
	if b.company.Directory.CanWork(p) || b.company.Identity.CanWork(p) {
		t.Errorf("%s: %s still gets in", f.Case.ID, p.Name())
	}
	pay, letter := b.effects(p, "/final-payment"), b.effects(p, "/notifications")
	if step := f.step("payroll-schedule-final-pay"); pay != 1 || step.State != "confirmed" {
		t.Errorf("%s: paid %d times, and the step is %s: %s", f.Case.ID, pay, step.State, step.Reason)
	}
	switch notify := f.step("benefits-notify-administrator"); {
	case letter > 1:
		t.Errorf("%s: %d letters were sent", f.Case.ID, letter)
	case notify.State == "acknowledged" && letter != 1:
		t.Errorf("%s: the letter is acknowledged and %d were sent", f.Case.ID, letter)
	case notify.State == "failed":
		byHand++
	}
	settled := map[string]int{}
	for _, e := range f.Entries {
		if e.Kind == "step.confirm" || e.Kind == "step.acknowledge" || e.Kind == "step.fail" || e.Kind == "case.open" {
			settled[e.Kind[:4]+e.Step]++
		}
	}
	for what, n := range settled {
		if n != 1 {
			t.Errorf("%s: %s was settled %d times", f.Case.ID, what, n)
		}
	}
	return byHand
}

// effects counts how often something was done for a person at a vendor. Accounts are numbered as people
// are.
func (b *battlefield) effects(p sim.Person, path string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := fmt.Sprint("-", 1001+p.Number-b.company.People[0].Number, path)
	for call, times := range b.calls {
		if strings.HasPrefix(call, http.MethodPost) && strings.HasSuffix(call, id) {
			n += times
		}
	}
	return n
}

// mostPackets bounds the time that the evidence of a long run takes; the check of the ledger has them all.
const mostPackets = 25

// provesAll does what people still have to do, and verifies the evidence of every closed case offline.
func (b *battlefield) provesAll(t *testing.T, files []caseFile) {
	t.Helper()
	for _, f := range files {
		for _, tk := range f.Tasks {
			if tk.State == "open" {
				must(t, b.api(http.MethodPost, "/tasks/"+tk.ID+"/complete", map[string]string{"note": "asked the administrator"}, nil))
			}
		}
	}
	eventually(t, "every case is closed", func() (bool, string) {
		var list caseList
		must(t, b.api(http.MethodGet, "/cases?size=1&state=closed", nil, &list))
		return list.Total == len(files), fmt.Sprintf("%d of %d", list.Total, len(files))
	})
	for _, f := range files[:min(len(files), mostPackets)] {
		packet := filepath.Join(b.home, f.Case.ID+".zip")
		b.run(t, 0, "evidence", "export", f.Case.ID, "-o", packet)
		var verified struct{ Verified, Closed, Pinned bool }
		b.ask(t, &verified, 0, "verified/v1", "evidence", "verify", packet)
		if !verified.Verified || !verified.Closed || !verified.Pinned {
			t.Errorf("%s: %+v", f.Case.ID, verified)
		}
	}
}
