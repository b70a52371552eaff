package exeunt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
)

var (
	waveNow = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	maker   = exeunt.Override{By: "Hera Lind", Reason: "the Austin site closes"}
	second  = exeunt.Override{By: "Lea Roth", Reason: "agreed with the works council"}
)

func austin() exeunt.Wave {
	return exeunt.Wave{ID: 3, Title: "Austin site", Type: exeunt.Layoff, Clock: exeunt.WaveClock{At: time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)}}
}

// rowsOf reads a list and fills in the zone, as a configuration does.
func rowsOf(t *testing.T, text string) []exeunt.Row {
	t.Helper()
	rows, faults := exeunt.ParseRows(text)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for i := range rows {
		if rows[i].Departure.Leaver.Zone == "" {
			rows[i].Departure.Leaver.Zone = "America/Chicago"
		}
	}
	return rows
}

func list(n int) string {
	var b strings.Builder
	b.WriteString("employee_id,name,work_email\n")
	for i := range n {
		fmt.Fprintf(&b, "E%d,Jane Doe %d,jane%d@acme.example\n", i+1, i+1, i+1)
	}
	return b.String()
}

// made is a wave of n people after its making.
func made(t *testing.T, w exeunt.Wave, n int) (exeunt.Wave, []exeunt.Member) {
	t.Helper()
	change, err := exeunt.MakeWave(w, rowsOf(t, list(n)), nil, nil, maker, waveNow)
	if err != nil {
		t.Fatal(err)
	}
	return *change.Wave, change.Members
}

func TestAListIsReadWhole(t *testing.T) {
	for name, text := range map[string]string{
		"commas":     "employee_id,name,login,hired_on,flags,identifier:badge\nE1,\"Doe, Jane\",jdoe,2020-01-02,executive;privileged,B7\n",
		"semicolons": "\ufeffEmployee ID;Name;Login;Hired on;Flags;Identifier:badge\r\nE1;Doe, Jane;jdoe;2020-01-02;executive|privileged;B7\r\n",
		"tabs":       "employee_id\tname\tlogin\thired_on\tflags\tidentifier:badge\nE1\tDoe, Jane\tjdoe\t2020-01-02\texecutive privileged\tB7",
	} {
		rows, faults := exeunt.ParseRows(text)
		if len(faults) > 0 || len(rows) != 1 {
			t.Fatalf("%s: %v, %v", name, rows, faults)
		}
		l := rows[0].Departure.Leaver
		if rows[0].Line != 2 || l.ID != "E1" || l.Name != "Doe, Jane" || l.Identifier(exeunt.Login) != "jdoe" || l.Identifier("badge") != "B7" ||
			l.HiredOn != "2020-01-02" || !l.Has(exeunt.Executive) || !l.Has(exeunt.Privileged) {
			t.Errorf("%s: %+v", name, rows[0])
		}
	}
}

// Each list is wrong in one way or in several, and all that is wrong is said at once, with its line.
func TestEveryFaultOfAListIsSaid(t *testing.T) {
	const head = "employee_id,name,zone,hired_on,last_day,termination_date,notice_on,flags\n"
	const chicago = "America/Chicago"
	for _, c := range []struct {
		name, text string
		want       []string // "line: words"
	}{
		{"nothing", "", []string{"1: there is no header"}},
		{"a header without the keys", "work_email\nx@y.example\n", []string{"1: the column employee_id is missing", "1: the column name is missing"}},
		{"columns nobody knows", "employee_id,name,salary,salary2\nE1,Jane,1,2\n", []string{`1: "salary" is no column`, `1: "salary2" is no column`}},
		{"a column twice", "employee_id,name,name\nE1,Jane,Doe\n", []string{"1: the column name is there twice"}},
		{"a stray quote", "employee_id,name\nE1,Ja\"ne\n", []string{"2: the line is no CSV"}},
		{"short and long lines", "employee_id,name\nE1\nE2,Jane,Doe\n", []string{"2: it has 1 values", "3: it has 3 values"}},
		{"no number", head + ",Jane," + chicago + ",,,,,\n", []string{"2: the departure has no leaver.id"}},
		{"no name", head + "E1,," + chicago + ",,,,,\n", []string{"2: the departure has no leaver.name"}},
		{"the same person twice", head + "E1,Jane," + chicago + ",,,,,\nE2,Jim," + chicago + ",,,,,\nE1,Jane," + chicago + ",,,,,\n", []string{"4: employee E1 is in line 2 already"}},
		{"one who is leaving", head + "E9,Jane," + chicago + ",,,,,\n", []string{"2: employee E9 leaves already: case C-7"}},
		{"no date", head + "E1,Jane," + chicago + ",,23.11.2026,,,\n", []string{"2: last_day:"}},
		{"a last day before access ends", head + "E1,Jane," + chicago + ",,2026-11-22,,,\n", []string{"2: the last day 2026-11-22 lies before 2026-11-23"}},
		{"hired after the last day", head + "E1,Jane," + chicago + ",2026-12-24,2026-12-23,,,\n", []string{"2: the last day 2026-12-23 lies before the hire date"}},
		{"terminated before the last day", head + "E1,Jane," + chicago + ",,2026-12-23,2026-12-22,,\n", []string{"2: the termination date 2026-12-22 lies before"}},
		{"notice after the last day", head + "E1,Jane," + chicago + ",,2026-12-23,,2026-12-24,\n", []string{"2: the notice of 2026-12-24"}},
		{"a year off", head + "E1,Jane," + chicago + ",,2028-12-23,,,\n", []string{"2: the last day 2028-12-23 lies more than a year ahead"}},
		{"no zone", head + "E1,Jane,Texas,,,,,\n", []string{`2: leaver.zone: "Texas"`}},
		{"no flag", head + "E1,Jane," + chicago + ",,,,,vip\n", []string{`2: "vip" is not a flag`}},
		{"all at once", head + "E1\nE2,," + chicago + ",,,,,\nE3,Jim,Texas,,,,,\nE9,Joe," + chicago + ",,,,,\n",
			[]string{"2: it has 1 values", "3: the departure has no leaver.name", "4: leaver.zone", "5: employee E9 leaves already"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, faults := exeunt.ParseRows(c.text)
			_, err := exeunt.MakeWave(austin(), rows, faults, map[string]string{"/E9": "leaves already: case C-7"}, maker, waveNow)
			found, ok := errors.AsType[exeunt.RowFaults](err)
			if !ok || exeunt.KindOf(err) != exeunt.Invalid {
				t.Fatalf("%v, want the faults of its rows", err)
			}
			if len(found) != len(c.want) {
				t.Errorf("%d faults, want %d: %v", len(found), len(c.want), err)
			}
			for i, want := range c.want {
				if i < len(found) && !strings.HasPrefix(fmt.Sprintf("%d: %s", found[i].Line, found[i].What), want) {
					t.Errorf("fault %d is %+v, want %s", i+1, found[i], want)
				}
				if line, what, _ := strings.Cut(want, ": "); !strings.Contains(err.Error(), "line "+line+": "+what) {
					t.Errorf("the message does not say %q: %v", want, err)
				}
			}
		})
	}
}

func TestWhatIsNoWaveIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*exeunt.Wave)
		by     exeunt.Override
		field  string
	}{
		"no title":            {func(w *exeunt.Wave) { w.Title = " " }, maker, "title"},
		"no type":             {func(w *exeunt.Wave) { w.Type = "sacked" }, maker, "type"},
		"no such opening":     {func(w *exeunt.Wave) { w.Opens = "later" }, maker, "opens"},
		"nobody after":        {func(w *exeunt.Wave) { w.Canary = 3 }, maker, "canary"},
		"a negative rate":     {func(w *exeunt.Wave) { w.Rate = -1 }, maker, "canary"},
		"no clock":            {func(w *exeunt.Wave) { w.Clock = exeunt.WaveClock{} }, maker, "clock"},
		"a clock in the past": {func(w *exeunt.Wave) { w.Clock.At = waveNow.Add(-time.Hour) }, maker, "clock"},
		"a day in the past":   {func(w *exeunt.Wave) { w.Clock = exeunt.WaveClock{Day: "2026-11-18", Clock: "17:00"} }, maker, "clock"},
		"no reason":           {func(*exeunt.Wave) {}, exeunt.Override{By: "Hera Lind"}, "reason"},
		"no name":             {func(*exeunt.Wave) {}, exeunt.Override{Reason: "the site closes"}, "by"},
	} {
		w := austin()
		c.change(&w)
		_, err := exeunt.MakeWave(w, rowsOf(t, list(3)), nil, nil, c.by, waveNow)
		if e, ok := errors.AsType[*exeunt.Error](err); !ok || e.Kind != exeunt.Invalid || e.Field != c.field {
			t.Errorf("%s: %v, want one about %s", name, err, c.field)
		}
	}
	if _, err := exeunt.MakeWave(austin(), nil, nil, nil, maker, waveNow); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("nobody in it: %v", err)
	}
}

func TestOneClock(t *testing.T) {
	const head = "employee_id,name,zone,last_day\n"
	const text = head + "E1,Ana,America/Chicago,\nE2,Aki,Asia/Tokyo,2027-01-29\n"
	one, err := exeunt.MakeWave(austin(), rowsOf(t, text), nil, nil, maker, waveNow)
	if err != nil {
		t.Fatal(err)
	}
	for i, day := range []exeunt.Date{"2026-11-23", "2027-01-29"} {
		d := one.Members[i].Departure
		cutOff, err := exeunt.CutOffOf(d, "17:00", waveNow)
		if err != nil || !cutOff.Equal(austin().Clock.At) || d.LastDay != day || d.TerminationDate != day || d.Type != exeunt.Layoff {
			t.Errorf("%s: cut off %s, last day %s, %s, %v", d.Leaver.Name, cutOff, d.LastDay, d.Type, err)
		}
	}
	w := austin()
	w.Clock = exeunt.WaveClock{Day: "2026-11-23", Clock: "17:00"}
	each, err := exeunt.MakeWave(w, rowsOf(t, text), nil, nil, maker, waveNow)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2026-11-23T23:00:00Z", "2026-11-23T08:00:00Z"} {
		if at := each.Members[i].Departure.CutOffAt.Format(time.RFC3339); at != want {
			t.Errorf("at the clock of each place %d is cut off %s, want %s", i+1, at, want)
		}
	}
}

func TestClocksAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-23T15:00:00Z": "2026-11-23T15:00:00Z", "2026-11-23T09:00:00-06:00": "2026-11-23T15:00:00Z", "2026-11-23 09:00 America/Chicago": "2026-11-23T15:00:00Z",
		"2026-11-23 17:00": "2026-11-23 17:00", "now": "2026-11-20T12:00:00Z",
		"tomorrow": "", "2026-11-23": "", "2026-11-23 09:00 Texas": "", "2026-11-23 25:00": "", "": "",
	} {
		c, err := exeunt.ParseWaveClock(text, waveNow)
		if want == "" {
			if exeunt.KindOf(err) != exeunt.Invalid {
				t.Errorf("%q is read as %s, %v", text, c, err)
			}
			continue
		}
		var again exeunt.WaveClock
		if err != nil || c.String() != want || again.UnmarshalText([]byte(c.String())) != nil || again != c {
			t.Errorf("%q is %s, %v, and read again %s; want %s", text, c, err, again, want)
		}
	}
}

// HR's later word about somebody in a wave changes facts, not the clock; an earlier day is HR's to say.
func TestHRLeavesTheClockOfAWave(t *testing.T) {
	_, members := made(t, austin(), 2)
	c := exeunt.Case{State: exeunt.CaseRunning, Departure: members[0].Departure, Wave: 3}
	hr := func(day exeunt.Date, immediate bool) exeunt.Trigger {
		d := members[0].Departure
		d.LastDay, d.TerminationDate, d.CutOffAt, d.Immediate = day, day, time.Time{}, immediate
		return exeunt.Trigger{Kind: exeunt.Announced, Departure: d}
	}
	for name, x := range map[string]struct {
		trigger exeunt.Trigger
		stays   bool
		means   exeunt.Response
	}{
		"the same day":   {hr("2026-11-23", false), true, exeunt.Absorb},
		"a later day":    {hr("2027-01-29", false), true, exeunt.AmendCase},
		"an earlier day": {hr("2026-11-22", false), false, exeunt.AmendCase},
		"immediate":      {hr("2026-11-23", true), false, exeunt.AmendCase},
	} {
		got := x.trigger.OnClockOf(&c)
		if stays := got.Departure.CutOffAt.Equal(austin().Clock.At); stays != x.stays || got.Answer(&c, exeunt.Said{}, monday) != x.means {
			t.Errorf("%s: clock stays %v, means %s; want %v, %s", name, stays, got.Answer(&c, exeunt.Said{}, monday), x.stays, x.means)
		}
	}
	c.ClosedAt = waveNow
	if got := hr("2027-06-30", false).OnClockOf(&c); !got.Departure.CutOffAt.IsZero() {
		t.Error("a case that is over gives its clock to the next one")
	}
}
