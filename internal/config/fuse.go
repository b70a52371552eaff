package config

import (
	"cmp"
	"fmt"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// FuseFile is the brake on mass change.
type FuseFile struct {
	Departures *int               `json:"departures,omitempty" jsonschema:"minimum=0" jsonschema_description:"More new departures than this within the window trip the fuse. 10 when left out; 0 for no such limit."`
	Window     *yamlfile.Duration `json:"window,omitempty" jsonschema_description:"The sliding window in which departures are counted, by when they were received. 1h when left out."`
	Headcount  int                `json:"headcount,omitempty" jsonschema:"minimum=0" jsonschema_description:"How many people work here. Needed for percent."`
	Percent    *float64           `json:"percent,omitempty" jsonschema:"minimum=0,maximum=100" jsonschema_description:"More than this part of the headcount within the window trips the fuse too. 5 when a headcount is given."`
	Protected  []string           `json:"protected,omitempty" jsonschema_description:"HR ids of people whose departure always waits for two people, as does one with the flag protected."`
	Approver   string             `json:"approver,omitempty" jsonschema_description:"The role that is told when the fuse trips. hr when somebody holds it, else the case owner."`
}

// What the fuse lets through when nobody says otherwise.
const (
	fuseDepartures = 10
	fuseWindow     = time.Hour
	fusePercent    = 5
)

// fuse reads the brake on mass change. It is on unless somebody turns it off.
func (l *loader) fuse() {
	f := l.file.Fuse
	out := exeunt.Fuse{Departures: fuseDepartures, Window: length(f.Window, fuseWindow), Headcount: f.Headcount, Protected: f.Protected}
	if f.Departures != nil {
		out.Departures = *f.Departures
	}
	if f.Headcount > 0 {
		out.Percent = fusePercent
	}
	if f.Percent != nil {
		out.Percent = *f.Percent
	}
	report := func(path, what, remedy string, warning bool) {
		l.mainDoc.Report(yamlfile.Problem{Path: path, What: what, Remedy: remedy, Warning: warning})
	}
	if f.Percent != nil && *f.Percent > 0 && f.Headcount == 0 {
		report("fuse.percent", "a part of the workforce cannot be known without its size", "write fuse.headcount, or leave percent out", false)
	}
	if limit, _ := out.Limit(); limit == 0 {
		report("fuse", "no number of departures at once is too many, so that nothing stops a mistake of the HR system", "leave departures out for 10 an hour, or give a headcount", true)
	}
	if out.Window > 31*24*time.Hour {
		report("fuse.window", "a window of more than 31 days counts departures that have nothing to do with each other", "use a window such as 1h or 24h", false)
	}
	if f.Approver != "" && !l.held(f.Approver) {
		report("fuse.approver", fmt.Sprintf("nobody holds the role %q", f.Approver), "add it under people.roles, or name another", false)
	}
	l.config.fuse, l.config.fuseApprover = out, f.Approver
}

// Fuse is the brake on mass change, and who is asked when it trips.
func (c *Config) Fuse() (exeunt.Fuse, exeunt.Person) {
	return c.fuse, c.Roles()(cmp.Or(c.fuseApprover, "hr"), exeunt.Leaver{})
}
