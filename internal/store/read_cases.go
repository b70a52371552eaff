package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
)

// searchable is what the search box of the list looks in.
func searchable(c exeunt.Case) string {
	l := c.Departure.Leaver
	return strings.ToLower(strings.Join([]string{l.Name, c.ID.String(), l.ID, l.Identifier(exeunt.EmployeeID), l.Identifier(exeunt.WorkEmail)}, "\n"))
}

// needsPerson is the condition under which a case counts as needing attention; %s is the parameter
// that holds the present moment. The inner lists come from partial indexes, which hold little.
const needsPerson = `(c.closed_at IS NULL AND (c.state = 'held'
	OR c.id IN (SELECT case_id FROM visible_steps WHERE state = 'failed')
	OR c.id IN (SELECT case_id FROM visible_tasks WHERE state = 'open' AND asks <> '')
	OR c.id IN (SELECT case_id FROM visible_tasks WHERE state = 'open' AND deadline < %s)))`

// filter builds a WHERE clause with numbered parameters.
type filter struct {
	conditions []string
	args       []any
}

func (f *filter) arg(v any) string {
	f.args = append(f.args, v)
	return fmt.Sprintf("$%d", len(f.args))
}

func (f *filter) add(condition string) { f.conditions = append(f.conditions, condition) }

func (f *filter) equal(column, value string) {
	if value != "" {
		f.add(column + " = " + f.arg(value))
	}
}

func (f *filter) where() string {
	if len(f.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.conditions, " AND ")
}

// like escapes a text for LIKE … ESCAPE '!'.
func like(text string) string {
	r := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")
	return "%" + r.Replace(strings.ToLower(strings.TrimSpace(text))) + "%"
}

func caseFilter(q CaseQuery) *filter {
	f := &filter{}
	if strings.TrimSpace(q.Text) != "" {
		f.add("c.search LIKE " + f.arg(like(q.Text)) + " ESCAPE '!'")
	}
	f.equal("c.type", q.Type)
	f.equal("c.department", q.Department)
	f.equal("c.place", q.Place)
	return f
}

func stateCondition(f *filter, state string, now time.Time) {
	switch state {
	case "":
	case "attention":
		f.add(fmt.Sprintf(needsPerson, f.arg(micros(now))))
	case "closed":
		f.add("c.closed_at IS NOT NULL")
	case "running":
		f.add("c.closed_at IS NULL AND c.state IN ('running', 'rescinded', 'rehired')")
	default:
		f.add("c.closed_at IS NULL AND c.state = " + f.arg(state))
	}
}

// NeedingPerson counts the cases that need a person now, from the partial indexes alone.
func (v View) NeedingPerson(ctx context.Context, now time.Time) (int, error) {
	f := &filter{}
	stateCondition(f, "attention", now)
	var n int
	err := v.read.queryRow(ctx, "SELECT COUNT(*) FROM visible_cases c"+f.where(), f.args...).Scan(&n)
	return n, translate(err)
}

// Cases returns one page of the list of cases.
func (v View) Cases(ctx context.Context, q CaseQuery, now time.Time) (CasePage, error) {
	page := CasePage{Counts: map[string]int{}}
	if err := v.countCases(ctx, q, now, page.Counts); err != nil {
		return page, err
	}
	page.Total = page.Counts[q.State]
	read := v.read
	if err := read.queryRow(ctx, "SELECT COUNT(*) FROM visible_cases").Scan(&page.All); err != nil {
		return page, translate(err)
	}
	for column, into := range map[string]*[]string{"department": &page.Departments, "place": &page.Places} {
		err := eachRow(ctx, read, func(r row) error {
			var v string
			err := r.Scan(&v)
			*into = append(*into, v)
			return err
		}, "SELECT DISTINCT "+column+" FROM visible_cases WHERE "+column+" <> '' ORDER BY "+column)
		if err != nil {
			return page, err
		}
	}
	var err error
	page.Rows, err = v.caseRows(ctx, q, now)
	return page, err
}

// countCases counts the cases that match, by the states that a list can be filtered by, in one pass.
func (v View) countCases(ctx context.Context, q CaseQuery, now time.Time, counts map[string]int) error {
	f := caseFilter(q)
	where := f.where()
	return eachRow(ctx, v.read, func(r row) error {
		var shown string
		var attention, n int
		if err := r.Scan(&shown, &attention, &n); err != nil {
			return err
		}
		counts[""] += n
		counts[shown] += n
		if attention == 1 {
			counts["attention"] += n
		}
		return nil
	}, `SELECT CASE WHEN c.closed_at IS NOT NULL THEN 'closed' WHEN c.state IN ('rescinded', 'rehired') THEN 'running' ELSE c.state END AS shown,
		CASE WHEN `+fmt.Sprintf(needsPerson, f.arg(micros(now)))+` THEN 1 ELSE 0 END AS attention, COUNT(*)
		FROM visible_cases c`+where+` GROUP BY shown, attention`, f.args...)
}

// caseRows finds the page's ids by the narrow columns that an index holds, and reads only those whole.
func (v View) caseRows(ctx context.Context, q CaseQuery, now time.Time) ([]CaseRow, error) {
	size := q.Size
	if size <= 0 || size > 1000 {
		size = 40
	}
	f := caseFilter(q)
	stateCondition(f, q.State, now)
	where := f.where()
	order := map[string]string{"last-day": "c.last_day, c.id", "name": "c.name, c.id", "newest": "c.id DESC"}[q.Sort]
	if order == "" {
		order = "CASE WHEN " + fmt.Sprintf(needsPerson, f.arg(micros(now))) + " THEN 0 WHEN c.closed_at IS NULL THEN 1 ELSE 2 END, c.last_day DESC, c.id DESC"
	}
	limit, offset := f.arg(size), f.arg(max(q.Page-1, 0)*size)
	var ids []int64
	err := eachRow(ctx, v.read, func(r row) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT c.id FROM visible_cases c"+where+" ORDER BY "+order+" LIMIT "+limit+" OFFSET "+offset, f.args...)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	cases, err := v.casesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	return v.summarise(ctx, cases, now)
}

// casesOf loads cases in the order of their ids in the list.
func (v View) casesOf(ctx context.Context, ids []int64) ([]exeunt.Case, error) {
	f := &filter{}
	var in []string
	for _, id := range ids {
		in = append(in, f.arg(id))
	}
	found := map[exeunt.CaseID]exeunt.Case{}
	err := eachRow(ctx, v.read, func(r row) error {
		c, err := scanCase(r)
		found[c.ID] = c
		return err
	}, "SELECT "+caseColumns+" FROM visible_cases WHERE id IN ("+strings.Join(in, ", ")+")", f.args...)
	var out []exeunt.Case
	for _, id := range ids {
		if c, ok := found[exeunt.CaseID(id)]; ok {
			out = append(out, c)
		}
	}
	return out, err
}

// summarise adds the counts of steps and tasks to cases, in two narrow queries.
func (v View) summarise(ctx context.Context, cases []exeunt.Case, now time.Time) ([]CaseRow, error) {
	out := make([]CaseRow, len(cases))
	at := map[int64]*CaseRow{}
	f := &filter{}
	var in []string
	for i, c := range cases {
		l := c.Departure.Leaver
		out[i] = CaseRow{
			ID: c.ID, State: c.State, Name: l.Name, EmployeeID: l.ID, Title: l.Title, Department: l.Department, Place: l.Place, Zone: l.Zone,
			Type: c.Departure.Type, LastDay: c.Departure.LastDay, CutOff: c.CutOff, AccessBy: c.AccessBy, OpenedAt: c.OpenedAt, ClosedAt: c.ClosedAt, Owner: c.Owner.String(),
		}
		at[int64(c.ID)] = &out[i]
		in = append(in, f.arg(int64(c.ID)))
	}
	ids := strings.Join(in, ", ")
	err := eachRow(ctx, v.read, func(r row) error { return tallyStep(r, at) },
		"SELECT case_id, branch, state, settled_at, CASE WHEN state = 'failed' THEN document ELSE '' END FROM visible_steps WHERE case_id IN ("+ids+") ORDER BY case_id, position", f.args...)
	if err != nil {
		return nil, err
	}
	err = eachRow(ctx, v.read, func(r row) error { return tallyTask(r, at, now) },
		"SELECT case_id, branch, state, deadline, closed_at, asks, CASE WHEN state = 'open' THEN document ELSE '' END FROM visible_tasks WHERE case_id IN ("+ids+") ORDER BY case_id, deadline", f.args...)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].AccessDone < out[i].AccessSteps {
			out[i].AccessAt = time.Time{}
		}
	}
	return out, nil
}

const accessBranch = "Access"

func (r *CaseRow) tally(branch string, settled bool, at *int64) {
	r.Steps++
	if settled {
		r.Settled++
	}
	if branch != accessBranch {
		return
	}
	r.AccessSteps++
	if settled {
		r.AccessDone++
		if t := fromInstant(at); t.After(r.AccessAt) {
			r.AccessAt = t
		}
	}
}

func tallyStep(r row, at map[int64]*CaseRow) error {
	var id int64
	var branch, state, doc string
	var settledAt *int64
	if err := r.Scan(&id, &branch, &state, &settledAt, &doc); err != nil {
		return err
	}
	of := at[id]
	of.tally(branch, exeunt.StepState(state).Settled(), settledAt)
	if exeunt.StepState(state) != exeunt.StepFailed {
		return nil
	}
	of.Failed++
	if of.Worst == "" {
		var s exeunt.Step
		if err := fromDocument(doc, &s); err != nil {
			return err
		}
		of.Worst = fmt.Sprintf("%s: %s stopped", s.SystemTitle, spelling.Lower(s.Title))
	}
	return nil
}

func tallyTask(r row, at map[int64]*CaseRow, now time.Time) error {
	var id, deadline int64
	var branch, state, asks, doc string
	var closedAt *int64
	if err := r.Scan(&id, &branch, &state, &deadline, &closedAt, &asks, &doc); err != nil {
		return err
	}
	of := at[id]
	settled := closedAt != nil
	of.tally(branch, settled, closedAt)
	if exeunt.TaskState(state) != exeunt.TaskOpen {
		return nil
	}
	of.OpenTasks++
	if asks != "" {
		of.Asking++
	}
	if deadline >= micros(now) {
		return nil
	}
	of.LateTasks++
	if of.Worst == "" {
		var t exeunt.Task
		if err := fromDocument(doc, &t); err != nil {
			return err
		}
		of.Worst = t.Title + " is late"
	}
	return nil
}
