package simulation_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// The company: its systems, its policy, its people.

var (
	operator = exeunt.Person{Name: "Olga Operator", Email: "operator@sim.example"}
	owner    = exeunt.Person{Name: "Ana Silva", Email: "ana.silva@sim.example"}
	hr       = exeunt.Person{Name: "Priya Nair", Email: "priya.nair@sim.example"}
	secret   = exeunt.Person{Name: "Lena Legal", Email: "lena.legal@sim.example"} // on the list of every embargo
	second   = exeunt.Person{Name: "Sven Second", Email: "sven@sim.example"}
)

// inventory has one action of each sort: what can be read back and what cannot, what may come twice and what
// must not, what shows at once and what does not, what loses data; a system behind another's sign-on; and
// two without an API.
func inventory() []exeunt.System {
	specs := func(all ...exeunt.ActionSpec) []exeunt.ActionSpec {
		for i := range all {
			all[i].Order, all[i].Title = i, strings.ToUpper(all[i].Action.Words()[:1])+all[i].Action.Words()[1:]
			all[i].Reversible = len(all[i].Takes) > 0
		}
		return all
	}
	return []exeunt.System{
		{Name: "directory", Title: "Directory", Kind: "sim", Tier: 1, Stage: exeunt.Live, Owner: owner, Fallback: "Disable it in the console.", Actions: specs(
			exeunt.ActionSpec{Action: exeunt.RevokeSessions, Proof: exeunt.Acknowledged, Repeatable: true},
			exeunt.ActionSpec{Action: exeunt.Disable, Proof: exeunt.Observed, Repeatable: true, Takes: []string{"enabled"}},
			exeunt.ActionSpec{Action: exeunt.RemoveGroups, Proof: exeunt.Observed, Repeatable: true, Takes: []string{"groups"}},
		)},
		{Name: "files", Title: "Files", Kind: "sim", Tier: 2, Stage: exeunt.Live, Owner: owner, Fallback: "Do it in the console.", Actions: specs(
			exeunt.ActionSpec{Action: exeunt.TransferData, Proof: exeunt.Acknowledged},
			exeunt.ActionSpec{Action: exeunt.ReclaimLicence, Proof: exeunt.Observed, Repeatable: true, Destructive: true, Settles: 10 * time.Minute},
			exeunt.ActionSpec{Action: exeunt.HandOver, Proof: exeunt.Observed, ByHand: true},
		)},
		{Name: "payroll", Title: "Payroll", Kind: "sim", Tier: 1, Branch: "Payroll", Stage: exeunt.Live, Owner: owner, Fallback: "Enter it in payroll.", Actions: specs(
			exeunt.ActionSpec{Action: exeunt.EndEmployment, Proof: exeunt.Observed, Repeatable: true, Takes: []string{"employment"}},
			exeunt.ActionSpec{Action: exeunt.ScheduleFinalPay, Proof: exeunt.Acknowledged},
		)},
		{Name: "benefits", Title: "Benefits", Kind: "sim", Tier: 3, Branch: "Benefits", Stage: exeunt.Live, Owner: owner, Fallback: "Call them.", Actions: specs(
			exeunt.ActionSpec{Action: exeunt.NotifyAdministrator, Proof: exeunt.Observed, Settles: 5 * time.Minute},
		)},
		{Name: "wiki", Title: "Wiki", Kind: "sim", SSO: "directory", Tier: 3, Stage: exeunt.Live, Owner: owner, Fallback: "Look in the list of members.", Actions: specs(
			exeunt.ActionSpec{Action: exeunt.Disable, Proof: exeunt.Observed, Repeatable: true, Takes: []string{"enabled"}},
		)},
		{Name: "forum", Title: "Forum", Kind: "manual", SSO: "directory", Tier: 3, Stage: exeunt.Live, Owner: owner, Fallback: "Look in the list of members."},
		{Name: "badges", Title: "Badges", Kind: "manual", Tier: 2, Stage: exeunt.Manual, Owner: owner, Fallback: "Call facilities."},
	}
}

func standard() exeunt.Policy {
	in := func(names ...string) exeunt.Condition {
		return func(f exeunt.Facts) (bool, error) { return slices.Contains(names, f.System.Name), nil }
	}
	at := func(a exeunt.Anchor, offset time.Duration) exeunt.Moment {
		return exeunt.Moment{Anchor: a, Offset: offset}
	}
	day := at(exeunt.AtStart, 24*time.Hour)
	return exeunt.Policy{Name: "standard", Version: "v1", CutOff: "17:00", AccessSLA: time.Hour, Rules: []exeunt.Rule{
		{Name: "cut", Systems: in("directory", "badges"), Actions: []exeunt.Action{exeunt.RevokeSessions, exeunt.Disable, exeunt.RemoveGroups}, Start: at(exeunt.AtCutOff, 0), Deadline: at(exeunt.AtStart, time.Hour)},
		{Name: "files", Systems: in("files"), Actions: []exeunt.Action{exeunt.TransferData, exeunt.ReclaimLicence}, Start: at(exeunt.AtCutOff, time.Hour), Deadline: day},
		{Name: "hand-over", Branch: "Tasks", Systems: in("files"), Actions: []exeunt.Action{exeunt.HandOver}, Start: at(exeunt.AtTrigger, 0), Deadline: at(exeunt.AtLastDay, 0)},
		{Name: "end", Branch: "Payroll", Systems: in("payroll"), Actions: []exeunt.Action{exeunt.EndEmployment}, Start: at(exeunt.AtTrigger, 0), Deadline: day},
		{Name: "timesheet", Title: "Approve the final timesheet", Branch: "Payroll", Task: &exeunt.TaskPattern{Owner: "manager", Procedure: "Check the hours.", Checklist: []string{"Hours", "Leave"}},
			Start: at(exeunt.AtLastDay, -48*time.Hour), Deadline: day},
		{Name: "pay", Branch: "Payroll", Systems: in("payroll"), Actions: []exeunt.Action{exeunt.ScheduleFinalPay}, Start: at(exeunt.AtTrigger, 0), Deadline: day,
			After: []exeunt.After{{Rule: "timesheet", Because: "Final pay needs the approved hours."}}},
		{Name: "benefits", Branch: "Benefits", Systems: in("benefits"), Actions: []exeunt.Action{exeunt.NotifyAdministrator}, Start: at(exeunt.AtTermination, 0), Deadline: day},
	}}
}

func roles(role string, l exeunt.Leaver) exeunt.Person {
	switch role {
	case "manager":
		return l.Manager
	case exeunt.LegalRole:
		return secret
	default:
		return hr
	}
}

// person is somebody who may leave.
type person struct {
	leaver exeunt.Leaver
	newest said // of what HR says of them, by its own clock
}

// said is one event of the HR system, and when it is sent.
type said struct {
	at    time.Time
	event string
	exeunt.Trigger
}

var zones = []string{"America/Los_Angeles", "Europe/Berlin", "Asia/Kolkata", "Pacific/Kiritimati", "Australia/Lord_Howe"}

// hire makes people with accounts, and what HR will say of them.
func (w *world) hire() {
	most := 4
	if w.wave != nil {
		most = 1
	}
	for n := range 1 + w.random.IntN(most) {
		p := &person{leaver: somebody(fmt.Sprintf("E%d", n+1), pick(w, zones))}
		w.people = append(w.people, p)
		w.accounts(p.leaver.ID)
		w.foresee(p)
	}
	if w.wave != nil {
		w.listed(4 + w.random.IntN(5))
	}
	slices.SortStableFunc(w.pending, func(a, b said) int { return a.at.Compare(b.at) })
}

func somebody(id, zone string) exeunt.Leaver {
	return exeunt.Leaver{
		ID: id, Entity: "sim", Name: "Person " + id, Zone: zone, Manager: exeunt.Person{Name: "Mara Manager", Email: "mara@sim.example"},
		Identifiers: map[exeunt.IdentifierKind]string{exeunt.WorkEmail: strings.ToLower(id) + "@sim.example"},
	}
}

// accounts gives somebody an account in each system, or none, or two.
func (w *world) accounts(id string) {
	for _, s := range w.inventory {
		v := w.vendors[s.Name]
		if v == nil {
			continue
		}
		accounts := 1
		switch {
		case w.chance(0.05):
			accounts = 0
		case w.chance(0.04):
			accounts = 2
		}
		for i := range accounts {
			v.hire(id, i)
		}
	}
}

// foresee draws what HR will say of somebody.
func (w *world) foresee(p *person) {
	now := w.began.Add(w.upTo(w.span / 4))
	d := w.departure(p, now)
	w.says(p, exeunt.Announced, d, now)
	later := func() time.Time {
		now = now.Add(time.Second + w.upTo(pick(w, []time.Duration{time.Minute, w.span / 24, w.span / 3})))
		return now
	}
	for w.chance(0.4) {
		d = w.amended(d, later())
		w.says(p, exeunt.Announced, d, now)
	}
	if w.chance(0.25) {
		w.says(p, exeunt.Rescinded, d, later())
		if w.chance(0.3) {
			d = w.departure(p, later())
			w.says(p, exeunt.Announced, d, now)
		}
	}
	if w.chance(0.12) { // and comes back
		d.Leaver.HiredOn = exeunt.Date(later().AddDate(0, 0, w.random.IntN(3)).Format(time.DateOnly))
		w.says(p, exeunt.Rehired, d, now)
		if w.chance(0.3) {
			d = w.departure(p, later())
			w.says(p, exeunt.Announced, d, now)
		}
	}
	if w.chance(0.3) { // another system believes that it knows better
		w.saysBeside(p, pick(w, []exeunt.TriggerKind{exeunt.Announced, exeunt.Rescinded}), w.departure(p, now), w.began.Add(w.upTo(w.span*5/6)))
	}
}

// saysBeside lets a source say something that is not the authoritative one.
func (w *world) saysBeside(p *person, kind exeunt.TriggerKind, d exeunt.Departure, at time.Time) {
	w.pending = append(w.pending, said{at: at, event: fmt.Sprintf("%s-%d", p.leaver.ID, len(w.pending)),
		Trigger: exeunt.Trigger{Kind: kind, OccurredAt: at, Departure: d, Source: beside, Second: true}})
}

// The sources.
const (
	authority = "hr"
	beside    = "payroll-export"
)

// says lets HR say something at a moment of its own clock. It is sent at once or a good deal later, and perhaps twice.
func (w *world) says(p *person, kind exeunt.TriggerKind, d exeunt.Departure, occurred time.Time) {
	s := said{at: occurred, event: fmt.Sprintf("%s-%d", p.leaver.ID, len(w.pending)), Trigger: exeunt.Trigger{Kind: kind, OccurredAt: occurred, Departure: d, Source: authority}}
	p.newest = s
	if w.chance(0.15) {
		s.at = s.at.Add(w.upTo(w.span / 12))
	}
	w.pending = append(w.pending, s)
	if w.chance(0.2) {
		s.at = s.at.Add(w.upTo(time.Hour))
		w.pending = append(w.pending, s)
	}
}

func (w *world) upTo(d time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(d))).Round(time.Second)
}

func (w *world) departure(p *person, now time.Time) exeunt.Departure {
	d := exeunt.Departure{Leaver: p.leaver, Type: pick(w, exeunt.DepartureTypes), Immediate: w.chance(0.15)}
	d.LastDay = w.day(now)
	d.TerminationDate = d.LastDay
	if w.chance(0.3) {
		d.CutOffClock = pick(w, []string{"02:30", "12:00", "23:59"})
	}
	if w.chance(0.1) {
		d.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
	}
	if w.chance(0.04) { // doubtful, so that it is held for a person
		d.Leaver.HiredOn = exeunt.Date(now.AddDate(0, 1, 0).Format(time.DateOnly))
	}
	if w.chance(0.15) {
		d.Embargo = &exeunt.EmbargoTerms{Until: now.Add(w.upTo(72 * time.Hour)).Format(time.RFC3339), VisibleTo: []string{secret.Email}}
	}
	return d
}

// day is some day around a moment.
func (w *world) day(now time.Time) exeunt.Date {
	return exeunt.Date(now.AddDate(0, 0, w.random.IntN(3+int(w.span/(36*time.Hour)))-2).Format(time.DateOnly))
}

// amended is the departure with one thing that HR has changed its mind about.
func (w *world) amended(d exeunt.Departure, now time.Time) exeunt.Departure {
	switch w.random.IntN(5) {
	case 0:
		d.Type = pick(w, exeunt.DepartureTypes)
	case 1:
		d.Immediate = true
	case 2:
		d.Leaver.Flags = []exeunt.Flag{exeunt.LitigationHold}
	default:
		d.LastDay = w.day(now)
		d.TerminationDate = d.LastDay
	}
	return d
}
