package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/calendar"
)

func in(country, region, place string) exeunt.Departure {
	return exeunt.Departure{LastDay: "2026-06-30", Leaver: exeunt.Leaver{Country: country, Region: region, Place: place}}
}

const berlin = `name: berlin
country: DE
region: BE
place: Berlin
off: {2026-12-24: Company holiday}
on: {2026-10-03: The fair}
`

func TestTheCalendarIsThatOfThePlaceOfWork(t *testing.T) {
	own, faults := calendar.Read("calendars/berlin.yaml", []byte(berlin))
	gulf, more := calendar.Read("calendars/gulf.yaml", []byte("name: gulf\ncountry: AE\nholidays: none\nweekend: [saturday, Sunday, friday]\noff: {2026-12-02: National Day}\n"))
	if len(faults)+len(more) > 0 {
		t.Fatal(faults, more)
	}
	all := []calendar.Calendar{own, gulf}
	cases := []struct {
		of   exeunt.Departure
		name string
		off  []string
		on   []string
	}{
		{in("DE", "BY", "München"), "DE-BY", []string{"2026-01-06", "2026-10-03", "2026-12-26", "2027-05-27", "2026-06-06"}, []string{"2026-06-08", "2026-12-24"}},
		{in("DE", "", ""), "DE", []string{"2026-10-03", "2026-04-06"}, []string{"2026-01-06"}},
		{in("DE", "BE", "Berlin"), "berlin", []string{"2026-12-24", "2026-12-25"}, []string{"2026-01-06"}},
		{in("DE", "BE", "Potsdamer Platz"), "DE-BE", []string{"2027-03-08"}, []string{"2026-12-24"}},
		{in("US", "CA", ""), "US", []string{"2026-07-03", "2026-11-26"}, []string{"2026-07-06"}}, // Saturday the 4th is observed on Friday
		{in("GB", "", ""), "GB", []string{"2026-12-28"}, []string{"2026-12-29"}},                 // Boxing Day falls on a Saturday
		{in("AE", "", ""), "gulf", []string{"2026-12-02", "2026-06-05"}, []string{"2026-12-03"}},
		{in("XK", "", ""), "weekends", []string{"2026-06-06"}, []string{"2026-06-08"}},
	}
	for _, c := range cases {
		got := calendar.Of(all, c.of)
		if got.Name != c.name || (got.Doubt != "") != (c.name == "weekends") {
			t.Errorf("%+v: the calendar is %s (%s), want %s", c.of.Leaver, got.Name, got.Doubt, c.name)
		}
		for _, day := range append(c.off, c.on...) {
			at, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}
			if off := !got.Works(at); off != strings.Contains(strings.Join(c.off, " "), day) {
				t.Errorf("%s: %s is off: %v", got.Name, day, off)
			}
		}
	}
	if saturday := calendar.Of(all, in("DE", "BE", "Berlin")); slicesHas(saturday.Holidays, "2026-10-03") {
		t.Error("a day on which people work all the same is off")
	}
}

func slicesHas(days []exeunt.Date, day exeunt.Date) bool {
	for _, d := range days {
		if d == day {
			return true
		}
	}
	return false
}

func TestFaultsOfCalendarsAreSaidAtTheirPlaces(t *testing.T) {
	for want, text := range map[string]string{
		"country: missing": "name: x\n",
		`weekend[0]: "someday" is not a day of the week`:   "name: x\ncountry: DE\nweekend: [someday]\n",
		"weekend: nobody would ever work":                  "name: x\ncountry: DE\nweekend: [monday, tuesday, wednesday, thursday, friday, saturday, sunday]\n",
		`off.24.12.2026: "24.12.2026" is not a date`:       "name: x\ncountry: DE\noff: {24.12.2026: x}\n",
		`holidays: there is no list of holidays "DE-XX"`:   "name: x\ncountry: DE\nholidays: DE-XX\n",
		"country: no list of holidays of AE is known":      "name: x\ncountry: AE\n",
		"country: no list of holidays of Germany is known": "name: x\ncountry: Germany\n",
	} {
		if _, faults := calendar.Read("calendars/x.yaml", []byte(text)); !strings.Contains(faults.Error(), want) {
			t.Errorf("got:\n%v\nwant: %s", faults, want)
		}
	}
	one, _ := calendar.Read("calendars/a.yaml", []byte(berlin))
	two, _ := calendar.Read("calendars/b.yaml", []byte(berlin))
	if faults := calendar.Twice([]calendar.Calendar{one, two}); len(faults) != 2 || !strings.Contains(faults.Error(), "calendars/b.yaml:2:10: country: calendars/a.yaml is for the same places of work") {
		t.Errorf("got %v", faults)
	}
}
