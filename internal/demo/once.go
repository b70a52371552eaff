package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/evidence"
	"github.com/exeunt/exeunt/internal/store"
)

// Summary is what a demo that ran to its end found.
type Summary struct {
	Schema        string         `json:"schema"`
	Cases         int            `json:"cases"`
	Closed        int            `json:"closed"`
	Steps         map[string]int `json:"steps"` // by state
	Tasks         map[string]int `json:"tasks"` // by state
	LedgerEntries int64          `json:"ledger_entries"`
	Verified      bool           `json:"verified"` // the ledger, and one evidence packet
	Evidence      string         `json:"evidence"` // the case whose packet was verified
	Seconds       float64        `json:"seconds"`
	Open          []string       `json:"open,omitempty"` // what is neither done nor an owned task
}

// Good says whether every step is confirmed, acknowledged or an owned task, and everything verifies.
func (s Summary) Good() bool { return s.Verified && len(s.Open) == 0 && s.Cases > 0 }

// RunOnce announces departures of every type, does what people would do in one case and what other
// steps wait for in all, waits until nothing happens by itself any more, and verifies.
func (d *Demo) RunOnce(ctx context.Context, progress func(string)) (Summary, error) {
	began := time.Now()
	departures := d.Departures(began, true)
	for _, dep := range departures {
		if err := d.Announce(ctx, dep); err != nil {
			return Summary{}, err
		}
	}
	progress(fmt.Sprintf("%d departures announced by signed webhook", len(departures)))
	if err := d.workOn(ctx, len(departures)); err != nil {
		return Summary{}, err
	}
	s, err := d.summarise(ctx)
	s.Seconds = time.Since(began).Round(time.Millisecond).Seconds()
	return s, err
}

// workOn plays the people until the engine rests: timesheets are approved everywhere, and whoever is
// asked anything in the first case does it.
func (d *Demo) workOn(ctx context.Context, cases int) error {
	changed := d.App.Engine.WatchAll(ctx)
	for {
		files, err := d.files(ctx)
		if err != nil {
			return err
		}
		acted, err := d.playPeople(ctx, files)
		if err != nil {
			return err
		}
		if !acted && len(files) == cases && !busy(files) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (d *Demo) files(ctx context.Context) ([]store.CaseFile, error) {
	page, err := d.App.Store.Everything().Cases(ctx, store.CaseQuery{Size: 1000, Sort: "newest"}, time.Now())
	if err != nil {
		return nil, err
	}
	var out []store.CaseFile
	for _, row := range slices.Backward(page.Rows) {
		f, err := d.App.Store.Everything().CaseFile(ctx, row.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// playPeople completes every task of the first case, and in the others what final pay waits for.
func (d *Demo) playPeople(ctx context.Context, files []store.CaseFile) (bool, error) {
	var acted bool
	for i, f := range files {
		for _, t := range f.Tasks {
			if t.State != exeunt.TaskOpen || (i > 0 && t.Key != "approve-timesheet") {
				continue
			}
			all := make([]int, len(t.Checklist))
			for j := range all {
				all[j] = j
			}
			err := d.App.Engine.As(exeunt.Viewer{}).CompleteTask(ctx, t.ID, all, "", t.Owner.String())
			if err != nil && exeunt.KindOf(err) != exeunt.Conflict {
				return acted, err
			}
			acted = true
		}
	}
	return acted, nil
}

// busy says whether anything is under way that no person has to do.
func busy(files []store.CaseFile) bool {
	for i, f := range files {
		for _, s := range f.Steps {
			if s.State == exeunt.StepReady || s.State == exeunt.StepRunning {
				return true
			}
		}
		if i == 0 && f.Case.Open() {
			return true
		}
	}
	return false
}

func (d *Demo) summarise(ctx context.Context) (Summary, error) {
	s := Summary{Schema: "demo/v1", Steps: map[string]int{}, Tasks: map[string]int{}}
	files, err := d.files(ctx)
	if err != nil {
		return s, err
	}
	s.Cases = len(files)
	for _, f := range files {
		if f.Case.State == exeunt.CaseClosed {
			s.Closed++
		}
		s.count(f)
	}
	var packet bytes.Buffer
	s.Evidence = files[0].Case.ID.String()
	if err := d.App.Proofs.Evidence(ctx, &packet, files[0].Case.ID, exeunt.Viewer{Name: "demo"}); err != nil {
		return s, err
	}
	key, err := d.App.Proofs.Key(ctx)
	if err != nil {
		return s, err
	}
	report, err := evidence.Verify(packet.Bytes(), []string{key})
	if err != nil {
		return s, err
	}
	checked, err := d.App.Proofs.Run(ctx, "demo")
	if err != nil {
		return s, err
	}
	s.LedgerEntries = checked.Entries
	s.Verified = checked.Holds() && report.Closed && report.Pinned
	if !checked.Holds() {
		s.Open = append(s.Open, "ledger: "+checked.Fault())
	}
	return s, nil
}

// count adds a case, and names what is neither done nor owned.
func (s *Summary) count(f store.CaseFile) {
	owned := map[string]bool{}
	for _, t := range f.Tasks {
		s.Tasks[string(t.State)]++
		if t.Open() && t.Owner.Named() {
			owned[t.Key] = true
			for _, key := range t.Steps {
				owned[key] = true
			}
		}
	}
	for _, step := range f.Steps {
		s.Steps[string(step.State)]++
		waitsForPeople := step.State == exeunt.StepWaiting && len(step.After) > 0
		for _, a := range step.After {
			waitsForPeople = waitsForPeople && owned[a.Key]
		}
		if !step.State.Settled() && !owned[step.Key] && !waitsForPeople {
			s.Open = append(s.Open, fmt.Sprintf("%s %s is %s: %s", f.Case.ID, step.Key, step.State, step.Reason))
		}
	}
}
