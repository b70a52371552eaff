package ui

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// world is an installation in memory: it answers and acts through the domain's own functions.
type world struct {
	sync.Mutex
	listener  listener
	now       time.Time
	overview  store.Overview
	rows      []store.CaseRow
	files     map[exeunt.CaseID]store.CaseFile
	systems   []exeunt.System
	stats     []store.SystemStats
	check     LedgerCheck
	users     map[string]store.User // by session
	ticks     map[exeunt.CaseID][]chan struct{}
	trips     []exeunt.Trip
	site      *site
	open      map[string]exeunt.Breaker
	clocks    []store.WrongClock
	started   []exeunt.Departure
	asked     []store.CaseQuery
	did       []string
	replanned []string
	previewed []exeunt.Departure
	many      int   // more systems that a preview is made over
	unmatched int   // people whom a reconciliation finds nowhere
	broken    error // what every read answers

	shadows []exeunt.ShadowLine
	trusts  map[string]exeunt.Trust
}

// noon is the moment of the drawing: 18 minutes and 42 seconds after Maya's cut-off.
var noon = time.Date(2026, 11, 19, 18, 18, 42, 0, time.UTC)

func newWorld(now time.Time) *world {
	w := &world{now: now, files: map[exeunt.CaseID]store.CaseFile{}, ticks: map[exeunt.CaseID][]chan struct{}{}, users: map[string]store.User{}}
	for i, role := range []string{"hr", "it", "payroll", "legal", "manager", "auditor", "admin"} {
		name := []string{"Priya Nair", "Ines Roth", "Paul Adeyemi", "Ana Kofi", "Tom Reyes", "Lena Vogel", "Dana Ortiz"}[i]
		w.users[role] = store.User{ID: int64(i + 1), Name: name, Email: strings.ReplaceAll(strings.ToLower(name), " ", ".") + "@northwind.example", Roles: []string{role}}
	}
	w.systems, w.site = companySystems(), newSite(now)
	w.check = LedgerCheck{At: now.Add(-40 * time.Second), Entries: 48211, Head: strings.Repeat("9c41e07b", 8), Anchored: now.Add(-4 * time.Minute)}
	w.files[2041] = maya(now)
	w.fill()
	return w
}

func (w *world) config() Config {
	return Config{
		Organisation: "Northwind Labs", Environment: "production", Zone: "America/Los_Angeles",
		Reader: func(exeunt.Viewer) Reader { return w }, Commands: func(exeunt.Viewer) Commands { return w }, Taken: w.takes, Inventory: w, Accounts: w, Links: w, Live: w, Proofs: w, Policies: w, Previews: w, Connectors: catalogue{w}, Listens: w.listens,
		Sources: func() []string { return []string{"workday"} }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// takes keeps what was taken out.
func (w *world) takes(_ context.Context, _ exeunt.Viewer, e web.Export) error {
	w.did = append(w.did, "take "+e.What)
	return nil
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
			stat.Failed, stat.Open, stat.AtRisk.Unfinished = 1, 3, 1
		case "entra-id":
			stat.AtRisk = store.AtRisk{Left: 1, Unsure: 14}
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

// runs are three checks, the middle one with differences.
func (w *world) runs() []store.CheckRun {
	run := func(id int64, ago time.Duration, by string) store.CheckRun {
		begun := w.now.Add(-ago)
		return store.CheckRun{ID: id, By: by, BegunAt: begun, EndedAt: begun.Add(1900 * time.Millisecond), Done: 48211, Total: 48211, Entries: 48211, Cases: 2041, Closed: 1987, Bodies: 47102, Erased: 1109,
			Root: strings.Repeat("9c41e07b", 8), Fingerprint: strings.Repeat("51e7", 16)}
	}
	bad := run(2, 61*time.Minute, "engine")
	bad.Differences.Add(
		exeunt.Difference{Where: "the database", Entry: 41877, Case: "q5vt7h2m", Field: "what", What: "it is not what the entry says"},
		exeunt.Difference{Where: "the log", Entry: 41902, Case: "q5vt7h2m", Field: "tile/entries", What: "against the database's copy of the leaf, byte 41 of 258 is not as it was"},
	)
	return []store.CheckRun{run(3, 40*time.Second, "Priya Nair"), bad, run(1, 121*time.Minute, "engine")}
}

// Inclusion is a proof of three steps.
func (w *world) Inclusion(_ context.Context, index int64) (Inclusion, error) {
	if index < 0 {
		return Inclusion{}, exeunt.Errorf(exeunt.NotFound, "there is no such leaf")
	}
	proof := Inclusion{Index: index, Size: 48211, Leaf: `{"v":1,"source":"exeunt.northwind.example","n":48209,"case":"q5vt7h2m","seq":31,"prev":"` + strings.Repeat("9c41e07e", 8) + `","kind":"event","commit":"` + strings.Repeat("51e7a0b3", 8) + `"}`,
		Root: strings.Repeat("9c41e07b", 8)}
	for _, e := range w.files[2041].Entries {
		if e.Index == index {
			proof.LeafHash = e.Hash
		}
	}
	for i := range 3 {
		proof.Steps = append(proof.Steps, InclusionStep{strings.Repeat(fmt.Sprintf("%08x", 0xa1b2c3d4+i), 8), i%2 == 0, strings.Repeat(fmt.Sprintf("%08x", 0x77e0f100+i), 8)})
	}
	proof.Steps[2].Hash = proof.Root
	return proof, nil
}

// Checks lists them.
func (w *world) Publications(context.Context) ([]Publication, error) {
	return []Publication{
		{Target: "archive", Kind: "s3", Where: "s3://acme-ledger/prod", Size: 48211, At: w.now.Add(-20 * time.Minute)},
		{Target: "share", Kind: "file", Where: "/mnt/worm", Size: 48000, At: w.now.Add(-3 * time.Hour), Fault: "the folder cannot be opened", Since: w.now.Add(-2 * time.Hour)},
		{Target: "old", Kind: "file", Where: "/mnt/old", Fault: "a checkpoint over 50000 entries is published", Since: w.now.Add(-time.Hour), Conflict: true},
	}, w.broken
}

func (w *world) Checks(context.Context, int) ([]store.CheckRun, error) { return w.runs(), w.broken }

func (w *world) Pressing(ctx context.Context, now time.Time) (store.Pressing, error) {
	o, err := w.Overview(ctx, now)
	return store.Pressing{Needing: o.Needing, OpenTasks: o.OpenTasks}, err
}

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

func (w *world) WrongClocks(context.Context) ([]store.WrongClock, error) { return w.clocks, w.broken }

func (w *world) OpenBreakers(context.Context) (map[string]exeunt.Breaker, error) {
	return w.open, w.broken
}

func (w *world) TryNow(_ context.Context, name string, by exeunt.Override) error {
	w.Lock()
	defer w.Unlock()
	b, change, err := w.open[name].TryNow(exeunt.System{Name: name}, by, w.now)
	if err == nil {
		w.open[name] = b
		w.did = append(w.did, change.Entries[0].What)
	}
	return err
}

func (w *world) Unfinished(_ context.Context, system string, _ time.Time, _ int) ([]store.Unfinished, error) {
	if system != "snowflake" {
		return nil, w.broken
	}
	return []store.Unfinished{{Case: 2041, Name: "Maya Okonkwo", Failed: true, Since: w.now.Add(12 * time.Minute)}}, w.broken
}

func (w *world) SystemStats(context.Context, []exeunt.System, time.Time) ([]store.SystemStats, error) {
	return w.stats, w.broken
}
