package ui

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// world is an installation in memory: it answers and acts through the domain's own functions.
type world struct {
	sync.Mutex
	now      time.Time
	overview store.Overview
	rows     []store.CaseRow
	files    map[exeunt.CaseID]store.CaseFile
	systems  []exeunt.System
	stats    []store.SystemStats
	check    LedgerCheck
	users    map[string]store.User // by session
	ticks    map[exeunt.CaseID][]chan struct{}
	started  []exeunt.Departure
	asked    []store.CaseQuery
	linked   []exeunt.TaskID // tasks that a link opens, by index
	did      []string
	broken   error // what every read answers
}

// noon is the moment of the drawing: 18 minutes and 42 seconds after Maya's cut-off.
var noon = time.Date(2026, 11, 19, 18, 18, 42, 0, time.UTC)

func newWorld(now time.Time) *world {
	w := &world{now: now, files: map[exeunt.CaseID]store.CaseFile{}, ticks: map[exeunt.CaseID][]chan struct{}{}, users: map[string]store.User{}}
	for i, role := range []string{"hr", "it", "payroll", "legal", "manager", "auditor", "admin"} {
		name := []string{"Priya Nair", "Ines Roth", "Paul Adeyemi", "Ana Kofi", "Tom Reyes", "Lena Vogel", "Dana Ortiz"}[i]
		w.users[role] = store.User{ID: int64(i + 1), Name: name, Email: strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@northwind.example", Roles: []string{role}}
	}
	w.systems = inventory()
	w.check = LedgerCheck{At: now.Add(-40 * time.Second), Entries: 48211, Head: strings.Repeat("9c41e07b", 8), Anchored: now.Add(-4 * time.Minute)}
	w.files[2041] = maya(now)
	w.fill()
	return w
}

func (w *world) config() Config {
	return Config{
		Organisation: "Northwind Labs", Environment: "production", Zone: "America/Los_Angeles",
		Reader: w, Commands: w, Inventory: w, Accounts: w, Links: w, Live: w, Proofs: w,
		Sources: func() []string { return []string{"workday"} }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// fill makes a list of cases around Maya's.
func (w *world) fill() {
	names := []string{"Emeka Nasser", "Noor Kapoor", "Hugo Berg", "Arjun Weber", "Tom Becker", "Marta Novak", "Ivan Herrera", "Kofi Silva", "Ingrid Aziz", "Nia Haddad", "Sara Demir", "Ben Aziz", "Zoe Vogel"}
	places := [][2]string{{"Los Angeles", "America/Los_Angeles"}, {"Berlin", "Europe/Berlin"}, {"Singapore", "Asia/Singapore"}, {"London", "Europe/London"}}
	roles := [][2]string{{"Account executive", "Sales"}, {"Data engineer", "Analytics"}, {"Accountant", "Finance"}, {"Facilities coordinator", "Operations"}, {"Product designer", "Design"}}
	troubles := []string{"Okta: remove groups stopped", "Laptop return, 3 d late", "Zoom: disable account stopped", "Expense approval, 2 d late"}
	w.rows = []store.CaseRow{rowOf(w.files[2041], w.now)}
	for i := range 96 {
		place, role := places[i%len(places)], roles[i%len(roles)]
		last := w.now.AddDate(0, 0, 3-i/3)
		r := store.CaseRow{
			ID: exeunt.CaseID(2000 - i), State: exeunt.CaseRunning, Name: names[i%len(names)], EmployeeID: fmt.Sprintf("E-%d", 10400-i), Title: role[0], Department: role[1],
			Place: place[0], Zone: place[1], Type: exeunt.DepartureTypes[i%4], LastDay: exeunt.Date(last.Format(time.DateOnly)), CutOff: last, AccessBy: last.Add(4 * time.Hour),
			OpenedAt: last.AddDate(0, 0, -14), Owner: "Priya Nair", Steps: 22, Settled: 12 + i%10, AccessSteps: 9, AccessDone: 9,
		}
		switch {
		case i < 12 && i%2 == 0:
			r.Failed, r.Worst, r.AccessDone = 1, troubles[i%4], 8
		case i < 12:
			r.LateTasks, r.Worst = 1, troubles[i%4]
		case i > 40:
			r.State, r.ClosedAt, r.Settled = exeunt.CaseClosed, last.AddDate(0, 0, 14), 22
		}
		if r.Failed == 0 && last.Before(w.now) {
			r.AccessAt = last.Add(time.Duration(15+i) * time.Minute)
		}
		w.rows = append(w.rows, r)
	}
	w.overview = store.Overview{Needing: 13, OpenTasks: 12, Cases: len(w.rows), OnTime: 8109, Settled: 8412, Closed: 398, Complete: 398}
	for _, r := range w.rows {
		if r.Attention() && len(w.overview.Attention) < 11 {
			w.overview.Attention = append(w.overview.Attention, r)
		}
	}
	for i, n := range []int{4, 7, 2, 1, 37, 5, 8, 3, 9, 2} {
		w.overview.Leaving = append(w.overview.Leaving, store.DayCount{Day: exeunt.Date(w.now.AddDate(0, 0, i).Format(time.DateOnly)), Count: n})
	}
	for i := range 40 {
		w.overview.AccessTimes = append(w.overview.AccessTimes, time.Duration(20+i*i/7)*time.Minute)
	}
	for _, s := range w.systems {
		stat := store.SystemStats{System: s.Name, LastProof: w.now.Add(-3 * time.Hour), Confirmed: 120, Open: 2}
		switch s.Name {
		case "snowflake":
			stat.Failed, stat.Open = 1, 3
		case "badges":
			stat.LastProof, stat.Confirmed = time.Time{}, 0
		}
		w.stats = append(w.stats, stat)
	}
}

func rowOf(f store.CaseFile, now time.Time) store.CaseRow {
	l := f.Case.Leaver()
	r := store.CaseRow{
		ID: f.Case.ID, State: f.Case.State, Name: l.Name, EmployeeID: l.ID, Title: l.Title, Department: l.Department, Place: l.Place, Zone: l.Zone,
		Type: f.Case.Departure.Type, LastDay: f.Case.Departure.LastDay, CutOff: f.Case.CutOff, AccessBy: f.Case.AccessBy, OpenedAt: f.Case.OpenedAt, Owner: f.Case.Owner.Name,
		AccessSteps: 9, AccessDone: 6, Worst: "Snowflake: disable user stopped",
	}
	for _, s := range f.Steps {
		r.Steps++
		if s.State.Settled() {
			r.Settled++
		}
		if s.State == exeunt.StepFailed {
			r.Failed++
		}
	}
	return r
}

func inventory() []exeunt.System {
	spec := func(a exeunt.Action, title string, order int) exeunt.ActionSpec {
		return exeunt.ActionSpec{Action: a, Title: title, Order: order, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Scopes: []string{"User.ReadWrite.All"}}
	}
	owner := func(name string) exeunt.Person {
		return exeunt.Person{Name: name, Email: strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@northwind.example"}
	}
	disable := spec(exeunt.Disable, "Disable account", 20)
	revoke := exeunt.ActionSpec{Action: exeunt.RevokeSessions, Title: "Revoke active sessions", Order: 30, Proof: exeunt.Acknowledged, Repeatable: true, Caveat: "tokens that were issued live for up to one hour"}
	return []exeunt.System{
		{Name: "entra-id", Title: "Entra ID", Vendor: "Microsoft", Kind: "entra", Identifier: exeunt.PrincipalName, Tier: 1, Owner: owner("Identity team"), Fallback: "Entra admin centre, Users, block sign-in.", Stage: exeunt.Live, Holds: []string{"identities", "groups"}, Retention: "30 days, then deleted by Microsoft", Actions: []exeunt.ActionSpec{disable, revoke, spec(exeunt.RemoveGroups, "Remove group memberships", 40)}},
		{Name: "salesforce", Title: "Salesforce", Vendor: "Salesforce", Kind: "salesforce", Identifier: exeunt.WorkEmail, Tier: 1, Owner: owner("CRM team"), Fallback: "Setup, Users, freeze.", Stage: exeunt.Live, SSO: "entra-id", Actions: []exeunt.ActionSpec{disable}},
		{Name: "snowflake", Title: "Snowflake", Vendor: "Snowflake", Kind: "snowflake", Identifier: exeunt.Login, Tier: 1, Owner: owner("Data platform"), Fallback: "ALTER USER … SET DISABLED = TRUE as USERADMIN.", Stage: exeunt.Live, Actions: []exeunt.ActionSpec{disable}},
		{Name: "badges", Title: "Building badges", Kind: "manual", Identifier: exeunt.EmployeeID, Tier: 2, Owner: owner("Facilities"), Fallback: "Ask the front desk to cancel the badge.", Stage: exeunt.Manual},
		{Name: "adp", Title: "ADP", Vendor: "ADP", Kind: "adp", Identifier: exeunt.EmployeeID, Tier: 2, Branch: "Payroll", Owner: owner("Paul Adeyemi"), Fallback: "ADP portal, People, end employment.", Stage: exeunt.Live, Actions: []exeunt.ActionSpec{spec(exeunt.EndEmployment, "Flag end of employment", 10)}},
		{Name: "figma", Title: "Figma", Vendor: "Figma", Kind: "scim", Identifier: exeunt.WorkEmail, Tier: 3, SSO: "entra-id", Owner: owner("IT desk"), Fallback: "Figma admin, remove the seat.", Stage: exeunt.Shadow, Actions: []exeunt.ActionSpec{disable}},
	}
}

// maya is the case of the drawing, made with the domain's words.
func maya(now time.Time) store.CaseFile {
	start := now.Add(-18*time.Minute - 42*time.Second)
	c := exeunt.Case{
		ID: 2041, Version: 40, Handle: "h", State: exeunt.CaseRunning, Source: "workday", EventID: "w-1", Policy: "involuntary-immediate", PolicyVersion: "a81f02c4d9e0",
		Owner: exeunt.Person{Name: "Priya Nair", Email: "priya.nair@northwind.example"}, CutOff: start, AccessBy: start.Add(30 * time.Minute), OpenedAt: start,
		Departure: exeunt.Departure{Type: exeunt.Involuntary, LastDay: exeunt.Date(now.Format(time.DateOnly)), TerminationDate: exeunt.Date(now.AddDate(0, 0, 1).Format(time.DateOnly)), Immediate: true,
			Leaver: exeunt.Leaver{ID: "E-10482", Entity: "us", Name: "Maya Okonkwo", Title: "Senior data engineer", Department: "Analytics", Place: "Los Angeles", Zone: "America/Los_Angeles",
				Manager: exeunt.Person{Name: "Tom Reyes", Email: "tom.reyes@northwind.example"}, Flags: []exeunt.Flag{exeunt.LitigationHold, exeunt.Privileged, exeunt.OnLeave},
				Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: "maya.okonkwo@northwind.example", exeunt.UUID: "8c1e42f0-1d4b-4f0a", exeunt.PersonalEmail: "maya@home.example"}}},
	}
	f := store.CaseFile{Case: c, Logged: 73, Sealed: 71}
	for _, s := range mayaSteps(start, now) {
		s.Case, s.Version = c.ID, 3
		if s.StartsAt.IsZero() {
			s.StartsAt = start
		}
		if s.Deadline.IsZero() {
			s.Deadline = start.Add(30 * time.Minute)
		}
		f.Steps = append(f.Steps, s)
	}
	for i, t := range mayaTasks(start) {
		t.ID, t.Case, t.Version = exeunt.TaskID(311+i), c.ID, 5
		f.Tasks = append(f.Tasks, t)
	}
	f.Entries = mayaEntries(start, c.ID)
	return f
}

func mayaSteps(start, now time.Time) []exeunt.Step {
	done := func(branch, system, title string, from, to time.Duration) exeunt.Step {
		return exeunt.Step{Key: slug(system + "-" + title), State: exeunt.StepConfirmed, System: slug(system), SystemTitle: system, Title: title, Branch: branch, Tier: 1, Rule: "cut-access",
			Owner: exeunt.Person{Name: "Identity team"}, BegunAt: start.Add(from), SettledAt: start.Add(to), Proof: exeunt.Observed, Action: exeunt.Disable}
	}
	with := func(s exeunt.Step, change func(*exeunt.Step)) exeunt.Step { change(&s); return s }
	sec := time.Second
	return []exeunt.Step{
		done("Access", "Entra ID", "Disable account", 0, 3*sec),
		with(done("Access", "Entra ID", "Revoke active sessions", 3*sec, 9*sec), func(s *exeunt.Step) { s.State, s.Proof = exeunt.StepAcknowledged, exeunt.Acknowledged }),
		done("Access", "Entra ID", "Remove 38 group memberships", 10*sec, 117*sec),
		done("Access", "GitHub", "Remove organization membership", 11*sec, 31*sec),
		done("Access", "AWS IAM", "Delete keys and console login", 11*sec, 164*sec),
		with(done("Access", "Salesforce", "Freeze user", 11*sec, 0), func(s *exeunt.Step) {
			s.State, s.SettledAt, s.Proof, s.Attempt, s.NextAttemptAt, s.Reason = exeunt.StepReady, time.Time{}, "", 3, now.Add(time.Minute), "the system asks us to slow down"
		}),
		with(done("Access", "Snowflake", "Disable user", 11*sec, 240*sec), func(s *exeunt.Step) {
			s.State, s.Proof, s.Attempt, s.Reason, s.Owner = exeunt.StepFailed, "", 3, "no user matches the work e-mail", exeunt.Person{Name: "Data platform"}
			s.Fallback, s.Seen, s.Snapshot = "ALTER USER … SET DISABLED = TRUE as USERADMIN.", map[string]string{"users found": "0"}, map[string][]string{"roles": {"ANALYST", "SYSADMIN"}}
		}),
		with(done("Access", "Zoom", "Disable account", 0, 4*sec), func(s *exeunt.Step) {
			s.State, s.Proof, s.Reason = exeunt.StepSkipped, "", "the leaver has no account there"
		}),
		done("Payroll", "ADP", "Flag end of employment", sec, 44*sec),
		with(done("Payroll", "ADP", "Calculate final pay", 0, 0), func(s *exeunt.Step) {
			s.State, s.SettledAt, s.BegunAt, s.Proof, s.Reason = exeunt.StepWaiting, time.Time{}, time.Time{}, "", "waits: final pay needs the approved final timesheet"
			s.After = []exeunt.Dependency{{Key: "final-timesheet", Because: "final pay needs the approved final timesheet"}}
			s.Deadline = start.Add(7 * time.Hour)
		}),
		with(done("Benefits", "Benefitfocus", "Notify carrier", 3*sec, 360*sec), func(s *exeunt.Step) { s.Proof = exeunt.Observed }),
		with(done("Benefits", "Lob", "Mail continuation notice", 0, 0), func(s *exeunt.Step) {
			s.State, s.SettledAt, s.BegunAt, s.Proof = exeunt.StepScheduled, time.Time{}, time.Time{}, ""
			s.StartsAt, s.Deadline = start.Add(2*day), start.Add(14*day)
		}),
		with(done("Tasks", "Exchange", "Delegate mailbox", 20*sec, 180*sec), func(s *exeunt.Step) {
			s.State, s.Proof, s.Reason = exeunt.StepWaived, exeunt.Waived, "Ana Silva: the mailbox is kept for a pending matter"
		}),
	}
}

func mayaTasks(start time.Time) []exeunt.Task {
	owner := func(name string) exeunt.Person {
		return exeunt.Person{Name: name, Email: strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@northwind.example"}
	}
	list := []string{"Open work handed to a named person", "Access to shared documents moved", "Recurring meetings given a new host", "Dashboards and pipelines have a new owner", "Vendor contacts introduced", "On-call rota updated", "Notes linked in the team space"}
	task := func(key, branch, title string, p exeunt.Person, due time.Duration) exeunt.Task {
		return exeunt.Task{Key: key, State: exeunt.TaskOpen, Branch: branch, Title: title, Owner: p, OpenedAt: start, StartsAt: start, Deadline: start.Add(due)}
	}
	snowflake := task("snowflake-disable-user-by-hand", "Access", "Snowflake: disable user by hand", owner("Data platform"), 30*time.Minute)
	snowflake.Steps, snowflake.Reason, snowflake.Procedure = []string{"snowflake-disable-user"}, "no user matches the work e-mail", "ALTER USER … SET DISABLED = TRUE as USERADMIN."
	badge := task("badges-by-hand", "Access", "Building badges: end access by hand", owner("Facilities"), 30*time.Minute)
	badge.Coverage, badge.System, badge.Reason, badge.Procedure = exeunt.CoverTask, "badges", "tracked by hand (no API)", "Ask the front desk to cancel the badge."
	sheet := task("final-timesheet", "Payroll", "Approve final timesheet", owner("Tom Reyes"), 5*time.Hour)
	laptop := task("return-laptop", "Tasks", "Return laptop and phone", owner("IT desk"), 5*day)
	knowledge := task("transfer-knowledge", "Tasks", "Transfer knowledge", owner("Tom Reyes"), 3*day)
	knowledge.Checklist, knowledge.Ticked, knowledge.Procedure = list, []int{0, 1, 2}, "Go through the list together with whoever takes over."
	done := task("check-hold", "Documents", "Check legal hold", owner("Ana Kofi"), time.Hour)
	done.State, done.ClosedAt, done.DoneBy, done.Note = exeunt.TaskDone, start.Add(8*time.Minute), "Ana Kofi", "Hold M-118: mailbox and files are kept."
	return []exeunt.Task{snowflake, badge, sheet, laptop, knowledge, done}
}

func mayaEntries(start time.Time, id exeunt.CaseID) []store.EntryRow {
	at := func(d time.Duration, kind exeunt.EntryKind, step, what string, detail map[string]string) store.EntryRow {
		return store.EntryRow{Entry: exeunt.Entry{ID: "id", Kind: kind, At: start.Add(d), Actor: "engine", Case: id, Step: step, What: what, Detail: detail}}
	}
	rows := []store.EntryRow{
		at(18*time.Minute, exeunt.EntryRetry, "salesforce-freeze-user", "Salesforce: freeze user, next try 18:19:00", map[string]string{"reason": "the system asks us to slow down"}),
		at(6*time.Minute, exeunt.EntryConfirmed, "benefitfocus-notify-carrier", "Benefitfocus: notify carrier confirmed", nil),
		at(4*time.Minute, exeunt.EntryFailed, "snowflake-disable-user", "Snowflake: disable user stopped", map[string]string{"reason": "no user matches the work e-mail"}),
		at(164*time.Second, exeunt.EntryConfirmed, "aws-iam-delete-keys-and-console-login", "AWS IAM: delete keys and console login confirmed", nil),
		at(3*time.Second, exeunt.EntryConfirmed, "entra-id-disable-account", "Entra ID: disable account confirmed", map[string]string{"how": "found so already"}),
		at(0, exeunt.EntryOpened, "", "case opened by workday", map[string]string{"type": "involuntary", "policy": "involuntary-immediate", "source": "workday", "reason": "misconduct, see file"}),
	}
	for i := range rows {
		rows[i].Number, rows[i].N, rows[i].Index = int64(48211-i), int64(48210-i), int64(48210-i)
		rows[i].Seq, rows[i].Hash = int64(len(rows)-1-i), fmt.Sprintf("%08x%s", 0x9c41e07b+i, strings.Repeat("5a", 28))
	}
	rows[0].N, rows[0].Index, rows[0].Seq, rows[0].Hash = -1, -1, -1, ""
	return rows
}

// --- Reader ---

func (w *world) Overview(context.Context, time.Time) (store.Overview, error) {
	return w.overview, w.broken
}

func (w *world) Cases(_ context.Context, q store.CaseQuery, _ time.Time) (store.CasePage, error) {
	w.Lock()
	defer w.Unlock()
	w.asked = append(w.asked, q)
	p := store.CasePage{All: len(w.rows), Counts: map[string]int{}, Departments: []string{"Analytics", "Design", "Finance", "Operations", "Sales"}, Places: []string{"Berlin", "London", "Los Angeles", "Singapore"}}
	var match []store.CaseRow
	for _, r := range w.rows {
		text := strings.ToLower(r.Name + " " + r.EmployeeID + " " + r.ID.String())
		if !strings.Contains(text, strings.ToLower(q.Text)) || q.Type != "" && q.Type != string(r.Type) || q.Department != "" && q.Department != r.Department || q.Place != "" && q.Place != r.Place {
			continue
		}
		p.Counts[""]++
		p.Counts[string(r.State)]++
		if r.Attention() {
			p.Counts["attention"]++
		}
		if q.State == "" || q.State == string(r.State) || q.State == "attention" && r.Attention() {
			match = append(match, r)
		}
	}
	p.Total = len(match)
	from := min((q.Page-1)*q.Size, len(match))
	p.Rows = match[from:min(from+q.Size, len(match))]
	return p, w.broken
}

func missing(what any) error { return exeunt.Errorf(exeunt.NotFound, "there is no %v", what) }

func (w *world) CaseFile(_ context.Context, id exeunt.CaseID) (store.CaseFile, error) {
	w.Lock()
	defer w.Unlock()
	f, ok := w.files[id]
	if !ok {
		return f, missing(id)
	}
	f.Steps, f.Tasks, f.Entries = slices.Clone(f.Steps), slices.Clone(f.Tasks), slices.Clone(f.Entries)
	return f, w.broken
}

func (w *world) tasks() []store.TaskRow {
	var out []store.TaskRow
	for _, f := range w.files {
		for _, t := range f.Tasks {
			out = append(out, store.TaskRow{Task: t, Name: f.Case.Leaver().Name, Zone: f.Case.Leaver().Zone})
		}
	}
	slices.SortStableFunc(out, func(a, b store.TaskRow) int { return a.Deadline.Compare(b.Deadline) })
	return out
}

func (w *world) Tasks(_ context.Context, q store.TaskQuery, _ time.Time) ([]store.TaskRow, error) {
	w.Lock()
	defer w.Unlock()
	var out []store.TaskRow
	for _, t := range w.tasks() {
		wanted := q.State == "done" && t.State == exeunt.TaskDone || q.State == "" && t.Open()
		if wanted && (q.Owner == "" || q.Owner == t.Owner.Email) && (q.System == "" || q.System == t.System) {
			out = append(out, t)
		}
	}
	return out, w.broken
}

func (w *world) Task(_ context.Context, id exeunt.TaskID) (store.TaskRow, error) {
	w.Lock()
	defer w.Unlock()
	for _, t := range w.tasks() {
		if t.ID == id {
			return t, nil
		}
	}
	return store.TaskRow{}, missing(id)
}

func (w *world) Entries(_ context.Context, q store.EntryQuery) (store.EntryPage, error) {
	p := store.EntryPage{Actors: []string{"engine", "Ana Silva"}, Kinds: []string{"case.open", "step.confirm", "step.fail"}}
	for _, e := range w.files[2041].Entries {
		if (q.Case == 0 || q.Case == e.Case) && (q.Kind == "" || q.Kind == string(e.Kind)) && (q.Before == 0 || e.Number < q.Before) && strings.Contains(e.What, q.Text) &&
			(q.System == "" || strings.HasPrefix(e.Step, q.System)) && (q.Actor == "" || q.Actor == e.Actor) {
			p.Rows = append(p.Rows, e)
		}
	}
	p.Total = len(p.Rows)
	if q.Limit > 0 && len(p.Rows) > q.Limit {
		p.Rows = p.Rows[:q.Limit]
	}
	return p, w.broken
}

func (w *world) Entry(_ context.Context, number int64) (store.EntryRow, error) {
	for _, e := range w.files[2041].Entries {
		if e.Number == number {
			return e, nil
		}
	}
	return store.EntryRow{}, missing(number)
}

func (w *world) SystemStats(context.Context) ([]store.SystemStats, error) { return w.stats, w.broken }

// --- Commands ---

// change applies what a decision of the domain altered, raises versions and tells who watches.
func (w *world) change(id exeunt.CaseID, c exeunt.Change, err error) error {
	if err != nil {
		return err
	}
	f := w.files[id]
	for _, t := range c.Tasks {
		i := slices.IndexFunc(f.Tasks, func(other exeunt.Task) bool { return other.Key == t.Key })
		t.Version++
		f.Tasks = slices.Clone(f.Tasks)
		f.Tasks[i] = t
	}
	for _, s := range c.Steps {
		i := slices.IndexFunc(f.Steps, func(other exeunt.Step) bool { return other.Key == s.Key })
		s.Version++
		f.Steps = slices.Clone(f.Steps)
		f.Steps[i] = s
	}
	for _, e := range c.Entries {
		e.Case = id
		f.Entries = slices.Insert(slices.Clone(f.Entries), 0, store.EntryRow{Entry: e, Number: f.Entries[0].Number + 1, N: -1, Seq: -1, Index: -1})
		f.Logged++
		w.did = append(w.did, e.What)
	}
	w.files[id] = f
	for _, tick := range w.ticks[id] {
		select {
		case tick <- struct{}{}:
		default:
		}
	}
	return nil
}

func (w *world) onTask(id exeunt.TaskID, decide func(exeunt.Task, store.CaseFile) (exeunt.Change, error)) error {
	row, err := w.Task(context.Background(), id)
	if err != nil {
		return err
	}
	w.Lock()
	defer w.Unlock()
	c, err := decide(row.Task, w.files[row.Case])
	return w.change(row.Case, c, err)
}

func (w *world) SaveTask(_ context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return w.onTask(id, func(t exeunt.Task, _ store.CaseFile) (exeunt.Change, error) {
		return t.Save(ticked, note, by, time.Now())
	})
}

func (w *world) CompleteTask(_ context.Context, id exeunt.TaskID, ticked []int, note, by string) error {
	return w.onTask(id, func(t exeunt.Task, f store.CaseFile) (exeunt.Change, error) {
		return t.Complete(f.Steps, ticked, note, by, time.Now())
	})
}

func (w *world) ReassignTask(_ context.Context, id exeunt.TaskID, to exeunt.Person, by exeunt.Override) error {
	return w.onTask(id, func(t exeunt.Task, _ store.CaseFile) (exeunt.Change, error) {
		return t.Reassign(to, by, time.Now())
	})
}

func (w *world) RemindTask(_ context.Context, id exeunt.TaskID, by string) error {
	return w.onTask(id, func(t exeunt.Task, f store.CaseFile) (exeunt.Change, error) {
		c, _ := t.Remind(f.Case.Owner, time.Now())
		return c, nil
	})
}

func (w *world) onStep(id exeunt.CaseID, key string, decide func(exeunt.Step, *exeunt.Task) (exeunt.Change, error)) error {
	w.Lock()
	defer w.Unlock()
	f := w.files[id]
	i := slices.IndexFunc(f.Steps, func(s exeunt.Step) bool { return s.Key == key })
	if i < 0 {
		return missing(key)
	}
	var task *exeunt.Task
	for _, t := range f.Tasks {
		if slices.Contains(t.Steps, key) {
			task = &t
		}
	}
	c, err := decide(f.Steps[i], task)
	return w.change(id, c, err)
}

func (w *world) RetryStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	return w.onStep(id, key, func(s exeunt.Step, t *exeunt.Task) (exeunt.Change, error) {
		return exeunt.Retry([]exeunt.Step{s}, t, by, time.Now())
	})
}

func (w *world) WaiveStep(_ context.Context, id exeunt.CaseID, key string, by exeunt.Override) error {
	return w.onStep(id, key, func(s exeunt.Step, t *exeunt.Task) (exeunt.Change, error) { return s.Waive(t, by, time.Now()) })
}

func (w *world) ReleaseCase(_ context.Context, id exeunt.CaseID, by exeunt.Override) error {
	w.Lock()
	defer w.Unlock()
	f := w.files[id]
	c, err := f.Case.Release(f.Steps, f.Tasks, by, time.Now())
	if err == nil {
		f.Case = *c.Case
		w.files[id] = f
	}
	return w.change(id, c, err)
}

func (w *world) StartCase(_ context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error) {
	w.Lock()
	defer w.Unlock()
	w.started = append(w.started, d)
	return 2041, nil
}

// --- Inventory, Accounts, Links, Live, Proofs ---

func (w *world) Systems() []exeunt.System { return w.systems }

func (w *world) SignIn(_ context.Context, email, password string) (string, store.User, error) {
	for session, u := range w.users {
		if u.Email == email && password == "correct horse battery" {
			return session, u, nil
		}
	}
	return "", store.User{}, exeunt.Errorf(exeunt.Denied, "no")
}

func (w *world) Invitation(_ context.Context, token string) (store.User, error) {
	if token != "welcome" {
		return store.User{}, missing("invitation")
	}
	return store.User{Email: "new.admin@northwind.example", Roles: []string{"admin"}}, nil
}

func (w *world) Redeem(_ context.Context, token, name, _ string) (string, error) {
	w.did = append(w.did, "redeemed by "+name)
	return "admin", nil
}

func (w *world) Session(_ context.Context, session string) (store.User, error) {
	if u, ok := w.users[session]; ok {
		return u, nil
	}
	return store.User{}, missing("session")
}

func (w *world) SignOut(_ context.Context, session string) error {
	w.did = append(w.did, "signed out "+session)
	return nil
}

func (w *world) Open(_ context.Context, token string) (Link, error) {
	if token != "tom" {
		return Link{}, missing("link")
	}
	row, err := w.Task(context.Background(), 315)
	return Link{Task: row, AskedBy: exeunt.Person{Name: "Priya Nair", Email: "priya.nair@northwind.example"}, Expires: w.now.AddDate(0, 0, 10)}, err
}

func (w *world) Watch(ctx context.Context, id exeunt.CaseID) <-chan struct{} {
	w.Lock()
	defer w.Unlock()
	tick := make(chan struct{}, 1)
	w.ticks[id] = append(w.ticks[id], tick)
	return tick
}

func (w *world) Check(context.Context) (LedgerCheck, error)  { return w.check, nil }
func (w *world) Verify(context.Context) (LedgerCheck, error) { return w.check, nil }
func (w *world) Key() string                                 { return "exeunt.northwind.example+a1b2c3d4+AUdY" }

func (w *world) Evidence(_ context.Context, out io.Writer, id exeunt.CaseID, by string) error {
	w.did = append(w.did, "evidence by "+by)
	_, err := io.WriteString(out, "packet of "+id.String())
	return err
}

// moreCases adds a case that is announced ahead and one whose access limit has passed.
func moreCases(w *world) {
	ahead := maya(w.now)
	c := &ahead.Case
	c.ID, c.State, c.Departure.Immediate, c.Departure.Type = 2050, exeunt.CaseScheduled, false, exeunt.Voluntary
	c.OpenedAt, c.CutOff = w.now.Add(-9*day), w.now.Add(3*day)
	c.AccessBy = c.CutOff.Add(4 * time.Hour)
	c.Departure.Leaver.Name, c.Departure.Leaver.Flags = "Hugo Berg", nil
	c.Departure.LastDay = exeunt.Date(c.CutOff.Format(time.DateOnly))
	for i := range ahead.Steps {
		s := &ahead.Steps[i]
		if s.State != exeunt.StepSkipped && s.State != exeunt.StepWaiting {
			s.State, s.Proof, s.Reason, s.Attempt, s.BegunAt, s.SettledAt = exeunt.StepScheduled, "", "", 0, time.Time{}, time.Time{}
		}
		s.Case, s.StartsAt, s.Deadline = c.ID, c.CutOff, c.AccessBy
	}
	ahead.Tasks = ahead.Tasks[1:]
	for i := range ahead.Tasks {
		t := &ahead.Tasks[i]
		t.Case, t.ID, t.StartsAt, t.Deadline = c.ID, t.ID+100, c.CutOff.Add(-5*day), c.CutOff.Add(time.Duration(i-2)*day)
	}
	w.files[2050] = ahead

	late := maya(w.now.Add(-26 * time.Minute))
	late.Case.ID, late.Case.Departure.Leaver.Name = 2051, "Emeka Nasser"
	back := late.Case.CutOff
	for i := range late.Steps {
		late.Steps[i].Case, late.Steps[i].Deadline = 2051, back.Add(30*time.Minute)
	}
	for i := range late.Tasks {
		t := &late.Tasks[i]
		t.Case, t.ID, t.StartsAt, t.Deadline = 2051, t.ID+200, back, back.Add(time.Duration(i+1)*10*time.Minute)
	}
	w.files[2051] = late
}

func (w *world) step(key string) exeunt.Step {
	w.Lock()
	defer w.Unlock()
	steps := w.files[2041].Steps
	return steps[slices.IndexFunc(steps, func(s exeunt.Step) bool { return s.Key == key })]
}

// gate lets a test cut live streams and keep new ones out.
type gate struct {
	next   http.Handler
	mu     sync.Mutex
	closed bool
	cut    []context.CancelFunc
}

func (g *gate) shut(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
	for _, cut := range g.cut {
		cut()
	}
	g.cut = nil
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/stream") {
		g.next.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	g.mu.Lock()
	closed := g.closed
	g.cut = append(g.cut, cancel)
	g.mu.Unlock()
	if closed {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	g.next.ServeHTTP(w, r.WithContext(ctx))
}

// weigher counts what is sent.
type weigher struct {
	next  http.Handler
	bytes atomic.Int64
}

func (c *weigher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.next.ServeHTTP(&weighed{w, &c.bytes}, r)
}

type weighed struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (w *weighed) Write(p []byte) (int, error) {
	w.bytes.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

// Unwrap lets a response controller flush.
func (w *weighed) Unwrap() http.ResponseWriter { return w.ResponseWriter }
