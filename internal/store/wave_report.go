package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
)

// WaveReport is what can be said of a wave afterwards, or so far: whose access ended when, what failed,
// who has what open, how each system kept up, and how much of it is in the ledger.
type WaveReport struct {
	Wave     exeunt.Wave         `json:"wave"`
	MadeAt   time.Time           `json:"made_at"` // of the report
	Progress exeunt.WaveProgress `json:"progress"`
	OnTime   int                 `json:"on_time"` // people whose access ended within its limit
	People   []ReportPerson      `json:"people"`
	Systems  []WaveSystem        `json:"systems"`
	Entries  int                 `json:"entries"` // of the wave and its cases
	Sealed   int                 `json:"sealed"`  // of them, integrated in the ledger
}

// ReportPerson is one person of the report.
type ReportPerson struct {
	Row        int                `json:"row"`
	Name       string             `json:"name"`
	EmployeeID string             `json:"employee_id"`
	Zone       string             `json:"zone"`
	State      exeunt.MemberState `json:"state"`
	Reason     string             `json:"reason,omitempty"`
	Case       exeunt.CaseID      `json:"case,omitzero"`
	CaseState  exeunt.CaseState   `json:"case_state,omitempty"`
	CutOff     time.Time          `json:"cut_off"`
	AccessAt   time.Time          `json:"access_ended_at,omitzero"` // zero while it has not
	Late       bool               `json:"late"`
	Failed     []string           `json:"failed,omitempty"` // steps, in words
	Open       []OpenTask         `json:"open,omitempty"`
	Entries    int                `json:"entries"`
	Sealed     int                `json:"sealed"`
}

// OpenTask is what somebody still has to do.
type OpenTask struct {
	Task     exeunt.TaskID `json:"task"`
	Title    string        `json:"title"`
	Owner    string        `json:"owner"`
	Deadline time.Time     `json:"deadline"`
}

// WaveReport reads the report of a wave.
func (v View) WaveReport(ctx context.Context, id exeunt.WaveID, now time.Time) (WaveReport, error) {
	f, err := v.WaveFile(ctx, id, now)
	if err != nil {
		return WaveReport{}, err
	}
	report := WaveReport{Wave: f.Wave, MadeAt: now.UTC(), Progress: f.Progress, Systems: f.Systems, People: make([]ReportPerson, len(f.Members))}
	of := map[int64]*ReportPerson{}
	for i, m := range f.Members {
		p := reportOf(m, now)
		report.People[i] = p
		if p.Case != 0 {
			of[int64(p.Case)] = &report.People[i]
		}
		if m.Of != nil && m.Of.Ended() && !p.Late {
			report.OnTime++
		}
	}
	if err := v.reportOpen(ctx, id, of); err != nil {
		return report, err
	}
	return report, v.reportProof(ctx, &report, of)
}

func reportOf(m MemberRow, now time.Time) ReportPerson {
	l := m.Departure.Leaver
	p := ReportPerson{Row: m.Position, Name: l.Name, EmployeeID: l.ID, Zone: l.Zone, State: m.State, Reason: m.Reason, Case: m.Case, CutOff: m.Departure.CutOffAt}
	if m.Of != nil {
		p.CaseState, p.CutOff = m.Of.State, m.Of.CutOff
		if m.Of.Ended() {
			p.AccessAt = m.Of.AccessAt
		}
		p.Late = m.Of.AccessLate(now) || p.AccessAt.After(m.Of.AccessBy)
	}
	return p
}

// reportOpen adds the failed steps and the open tasks.
func (v View) reportOpen(ctx context.Context, id exeunt.WaveID, of map[int64]*ReportPerson) error {
	failed, err := documents[exeunt.Step](ctx, v.read, `SELECT s.document FROM visible_members m JOIN visible_steps s ON s.case_id = m.case_id WHERE m.wave_id = $1 AND s.state = 'failed' ORDER BY s.case_id, s.position`, int64(id))
	if err != nil {
		return err
	}
	for _, step := range failed {
		if p := of[int64(step.Case)]; p != nil {
			p.Failed = append(p.Failed, step.SystemTitle+": "+spelling.Lower(step.Title)+": "+step.Reason)
		}
	}
	return eachRow(ctx, v.read, func(r row) error {
		var task int64
		var t exeunt.Task
		err := scanDocument(r, &t, &task)
		if p := of[int64(t.Case)]; p != nil {
			p.Open = append(p.Open, OpenTask{exeunt.TaskID(task), t.Title, t.Owner.String(), t.Deadline})
		}
		return err
	}, `SELECT t.id, t.document FROM visible_members m JOIN visible_tasks t ON t.case_id = m.case_id WHERE m.wave_id = $1 AND t.state = 'open' ORDER BY t.case_id, t.deadline`, int64(id))
}

// reportProof counts entries, and those that the ledger has.
func (v View) reportProof(ctx context.Context, report *WaveReport, of map[int64]*ReportPerson) error {
	id := report.Wave.ID
	err := eachRow(ctx, v.read, func(r row) error {
		var c int64
		var entries, sealed int
		if err := r.Scan(&c, &entries, &sealed); err != nil {
			return err
		}
		if p := of[c]; p != nil {
			p.Entries, p.Sealed = entries, sealed
		}
		report.Entries += entries
		report.Sealed += sealed
		return nil
	}, `SELECT o.case_id, COUNT(*), COUNT(o.log_index) FROM visible_members m JOIN visible_entries o ON o.case_id = m.case_id WHERE m.wave_id = $1 GROUP BY o.case_id`, int64(id))
	if err != nil {
		return err
	}
	own, err := v.WaveEntries(ctx, id)
	for _, e := range own {
		report.Entries++
		if e.Index >= 0 {
			report.Sealed++
		}
	}
	return err
}

// WaveEntries lists what the ledger is told of the wave itself, the newest first.
func (v View) WaveEntries(ctx context.Context, id exeunt.WaveID) ([]EntryRow, error) {
	var out []EntryRow
	err := eachRow(ctx, v.read, func(r row) error {
		e, err := scanEntry(r)
		out = append(out, e)
		return err
	}, "SELECT "+entryColumns+" FROM visible_entries WHERE case_id = 0 AND about = $1 AND kind NOT LIKE 'access.%' ORDER BY id DESC LIMIT 1000", -int64(id))
	return out, err
}
