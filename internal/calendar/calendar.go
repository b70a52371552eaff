// Package calendar knows on which days people work, by country and subdivision and by the files of a configuration.
package calendar

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// File is a calendar as it stands in calendars/*.yaml.
type File struct {
	Name     string                 `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the calendar a short name, such as berlin" jsonschema_description:"Short name; a plan shows by which calendar its days were counted."`
	Country  string                 `json:"country" jsonschema:"required,pattern=^[A-Z]{2}$" remedy:"write the ISO 3166-1 country, such as DE" jsonschema_description:"ISO 3166-1 country of the places of work that it is for."`
	Region   string                 `json:"region,omitempty" jsonschema_description:"ISO 3166-2 subdivision without the country, such as BY; every one when left out."`
	Place    string                 `json:"place,omitempty" jsonschema_description:"Place of work, as HR names it; every one when left out."`
	Holidays string                 `json:"holidays,omitempty" jsonschema_description:"The list of public holidays: DE, DE-BY, or none. That of the country and region when left out."`
	Weekend  []string               `json:"weekend,omitempty" jsonschema_description:"Days off in every week: [friday, saturday]. Saturday and Sunday when left out."`
	Off      map[exeunt.Date]string `json:"off,omitempty" jsonschema_description:"More days off, each with what it is: 2026-12-24: Company holiday."`
	On       map[exeunt.Date]string `json:"on,omitempty" jsonschema_description:"Days of the list on which people work all the same, each with why."`
}

// Calendar is a compiled calendar.
type Calendar struct {
	File    string // "calendars/berlin.yaml"
	Version string // first twelve hex digits of the SHA-256 of its source

	read    File
	weekend []time.Weekday
	doc     *yamlfile.File
}

// Name is what it is called.
func (c Calendar) Name() string { return c.read.Name }

// Fault is something that is wrong with the calendar in its surroundings, at its place.
func (c Calendar) Fault(problem yamlfile.Problem) yamlfile.Fault { return c.doc.Fault(problem) }

// Read compiles one calendar. Every fault of the file is reported at once.
func Read(name string, source []byte) (Calendar, yamlfile.Faults) {
	digest := sha256.Sum256(source)
	c := Calendar{File: name, Version: hex.EncodeToString(digest[:])[:12], doc: yamlfile.Parse(name, source)}
	c.doc.Decode(&c.read)
	report := func(path, what, remedy string) {
		c.doc.Report(yamlfile.Problem{Path: path, What: what, Remedy: remedy})
	}
	for i, word := range c.read.Weekend {
		if day, ok := weekday(word); ok {
			c.weekend = append(c.weekend, day)
		} else {
			report(fmt.Sprintf("weekend[%d]", i), fmt.Sprintf("%q is not a day of the week", word), "write it as friday")
		}
	}
	if len(c.weekend) == 7 {
		report("weekend", "nobody would ever work", "name the days off of a week")
	}
	for path, days := range map[string]map[exeunt.Date]string{"off": c.read.Off, "on": c.read.On} {
		for day := range days {
			if parsed, err := exeunt.ParseDate(string(day)); err != nil || parsed != day {
				report(fmt.Sprintf("%s.%s", path, day), fmt.Sprintf("%q is not a date", day), "write it as 2026-12-24")
			}
		}
	}
	if list := c.read.Holidays; list != "" && list != "none" && holidays[list] == nil {
		report("holidays", fmt.Sprintf("there is no list of holidays %q", list), "write none and list the days under off; there are "+strings.Join(Lists(), ", "))
	}
	if c.read.Holidays == "" && c.read.Country != "" && known(c.read.Country, c.read.Region) == "" {
		report("country", fmt.Sprintf("no list of holidays of %s is known", c.read.Country), "write holidays: none and list the days under off")
	}
	return c, c.doc.Faults().Sorted()
}

func weekday(word string) (time.Weekday, bool) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if strings.EqualFold(day.String(), word) {
			return day, true
		}
	}
	return 0, false
}

// Lists are the names of the lists of holidays that are known.
func Lists() []string {
	var out []string
	for name := range holidays {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// The years around a last day for which holidays are counted. A deadline beyond them has weekends only.
const (
	yearsBefore = 1
	yearsAfter  = 2
)

// Of is the calendar by which the days of a departure are counted: that of the configuration that fits the place of work best,
// else the library's. Where neither knows the place it says so, and only weekends are off.
func Of(all []Calendar, d exeunt.Departure) *exeunt.Calendar {
	l := d.Leaver
	last, err := time.Parse(time.DateOnly, string(d.LastDay))
	if err != nil { // refused at intake
		return nil
	}
	from, until := last.Year()-yearsBefore, last.Year()+yearsAfter
	out := &exeunt.Calendar{Until: exeunt.Date(fmt.Sprintf("%d-12-31", until))}
	best := -1
	for i, c := range all {
		if n := c.fits(l); n > 0 && (best < 0 || n > all[best].fits(l)) {
			best = i
		}
	}
	if best >= 0 {
		c := all[best]
		out.Name, out.Version, out.Weekend, out.Holidays = c.read.Name, c.Version, c.weekend, c.days(from, until)
		return out
	}
	list := known(l.Country, l.Region)
	if list == "" {
		return &exeunt.Calendar{Name: "weekends", Doubt: fmt.Sprintf("the holidays of %s are not known, so that only Saturdays and Sundays are off: add a file to the folder calendars", place(l))}
	}
	out.Name, out.Holidays = list, daysOff(list, from, until)
	return out
}

func place(l exeunt.Leaver) string {
	for _, name := range []string{l.Country, l.Place} {
		if name != "" {
			return name
		}
	}
	return "a place of work whose country nobody names"
}

// fits says how well a calendar fits a place of work; 0 when it does not.
func (c Calendar) fits(l exeunt.Leaver) int {
	n := 1
	for _, part := range []struct {
		wants, is string
		counts    int
	}{{c.read.Country, l.Country, 1}, {c.read.Region, l.Region, 2}, {c.read.Place, l.Place, 4}} {
		switch {
		case part.wants == "":
		case !strings.EqualFold(part.wants, part.is):
			return 0
		default:
			n += part.counts
		}
	}
	return n
}

func (c Calendar) days(from, until int) []exeunt.Date {
	list := c.read.Holidays
	if list == "" {
		list = known(c.read.Country, c.read.Region)
	}
	out := slices.DeleteFunc(daysOff(list, from, until), func(d exeunt.Date) bool { _, works := c.read.On[d]; return works })
	for day := range c.read.Off {
		out = append(out, day)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Twice reports calendars for the same places, of which nobody could say which counts.
func Twice(all []Calendar) yamlfile.Faults {
	var out yamlfile.Faults
	for i, c := range all {
		for _, before := range all[:i] {
			same := c.read.Country == before.read.Country && c.read.Region == before.read.Region && strings.EqualFold(c.read.Place, before.read.Place)
			if same {
				out = append(out, c.Fault(yamlfile.Problem{Path: "country", What: fmt.Sprintf("%s is for the same places of work", before.File), Remedy: "make one of them, or name a region or a place"}))
			}
			if c.read.Name == before.read.Name {
				out = append(out, c.Fault(yamlfile.Problem{Path: "name", What: fmt.Sprintf("%s is the name of a calendar already, in %s", c.read.Name, before.File), Remedy: "give each calendar a name of its own"}))
			}
		}
	}
	return out
}
