package exeunt

import (
	"slices"
	"time"
)

// Calendar says on which days people work at a place. A case keeps the one that it was planned with, so that its
// deadlines do not move when a list of holidays is mended.
type Calendar struct {
	Name     string         `json:"name"`              // "DE-BY", "berlin"; what the days were counted by
	Version  string         `json:"version,omitempty"` // of its file; "" where there is none
	Weekend  []time.Weekday `json:"weekend,omitempty"` // Saturday and Sunday when empty
	Holidays []Date         `json:"holidays,omitempty"`
	Until    Date           `json:"until,omitempty"` // after this day only the weekends are known
	Doubt    string         `json:"doubt,omitempty"` // why the holidays are not known
}

// Works says whether a day is a business day.
func (c *Calendar) Works(day time.Time) bool {
	weekend := []time.Weekday{time.Saturday, time.Sunday}
	if c != nil && len(c.Weekend) > 0 {
		weekend = c.Weekend
	}
	if slices.Contains(weekend, day.Weekday()) {
		return false
	}
	return c == nil || !slices.Contains(c.Holidays, Date(day.Format(time.DateOnly)))
}

// businessDays is how many calendar days lie between a day and the business day that is so many business days after it,
// or before it where days is negative. The day itself is not counted.
func (c *Calendar) businessDays(from time.Time, days int) int {
	step := 1
	if days < 0 {
		step, days = -1, -days
	}
	moved := 0
	for days > 0 && moved > -longestInDays && moved < longestInDays { // a calendar without a business day comes to an end
		moved += step
		if c.Works(from.AddDate(0, 0, moved)) {
			days--
		}
	}
	return moved
}

const longestInDays = int(longest / (24 * time.Hour))

// Place is where somebody works: by its clocks and its business days deadlines are counted.
type Place struct {
	Zone     *time.Location
	Calendar *Calendar // nil where only weekends are known
}

// Place is the place of work of the case.
func (c Case) Place() Place { return Place{c.Zone(), c.Calendar} }

// usesBusinessDays says whether anything of a policy is counted in them.
func (p Policy) usesBusinessDays() bool {
	return p.Embargo != nil && p.Embargo.Until.BusinessDays != 0 ||
		slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Start.BusinessDays != 0 || r.Deadline.BusinessDays != 0 })
}

// words are its name, and why its holidays are not known.
func (c *Calendar) words() string {
	if c.Doubt != "" {
		return c.Name + ": " + c.Doubt
	}
	return c.Name
}
