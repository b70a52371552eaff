package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

func companySystems() []exeunt.System {
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
