package exeunt

import "time"

// Worker is somebody on the list of people with which the accounts of systems are compared: who works here, and who did.
type Worker struct {
	Leaver Leaver `json:"leaver"`
	LeftOn Date   `json:"left_on,omitempty"` // "" for whoever works here
	Case   CaseID `json:"case,omitempty"`    // the departure by which we know that
	Ended  Date   `json:"ended,omitempty"`   // the list says that they work here, and the case, which is closed, that this was their last day
}

// maxWorkers bounds a list of people, far above the largest companies that run one installation.
const maxWorkers = 200_000

// ParseWorkers reads a list of people as HR exports it: the columns of a wave's list, of which last_day says that somebody
// left. Whoever's last day is not over, at their place of work, works here. complete fills in what a row leaves out, above all
// the entity and its zone.
func ParseWorkers(text string, complete func(*Departure), now time.Time) ([]Worker, error) {
	rows, faults := parseRows(text, maxWorkers, "a list of people")
	seen := map[string]int{}
	workers := make([]Worker, 0, len(rows))
	for _, row := range rows {
		d := row.Departure
		complete(&d)
		w := Worker{Leaver: d.Leaver}
		if day := d.LastDay; day != "" {
			if _, err := day.At("00:00", "UTC"); err != nil {
				faults.add(row.Line, "last_day", "%q is no day: write it as 2026-01-31", day)
			} else if _, err := Zone(d.Leaver.Zone); err != nil {
				faults.add(row.Line, "zone", "%s", MessageOf(err))
			} else if day < d.dayOf(now) {
				w.LeftOn = day
			}
		}
		switch line, twice := seen[w.Leaver.Key()]; {
		case w.Leaver.ID == "":
			faults.add(row.Line, "employee_id", "nobody is named: give the HR system's number")
		case twice:
			faults.add(row.Line, "employee_id", "%s is in line %d already", w.Leaver.ID, line)
		}
		seen[w.Leaver.Key()] = row.Line
		workers = append(workers, w)
	}
	if len(faults) == 0 && len(workers) == 0 {
		faults.add(1, "", "the list is empty: nobody can be compared with anything")
	}
	return workers, faults.Err()
}
