package policy

import (
	"github.com/exeunt/exeunt"
)

// LeaverFacts is what a condition sees as leaver. Its fields are the language of the policies: they
// are added to, never renamed.
type LeaverFacts struct {
	ID          string            `cel:"id"`          // the HR system's id
	Entity      string            `cel:"entity"`      // legal entity
	Name        string            `cel:"name"`        //
	Title       string            `cel:"title"`       // job title
	Department  string            `cel:"department"`  //
	Place       string            `cel:"place"`       // place of work, as HR names it
	Zone        string            `cel:"zone"`        // IANA zone of the place of work
	Country     string            `cel:"country"`     // ISO 3166-1 alpha-2
	Region      string            `cel:"region"`      // ISO 3166-2 subdivision
	Employment  string            `cel:"employment"`  // employee, contractor, intern…
	HiredOn     string            `cel:"hired_on"`    // 2006-01-02, or ""
	Flags       []string          `cel:"flags"`       // executive, on_leave, litigation_hold, privileged, protected
	Manager     PersonFacts       `cel:"manager"`     //
	Identifiers map[string]string `cel:"identifiers"` // work_email, upn, login…
}

// DepartureFacts is what a condition sees as departure.
type DepartureFacts struct {
	Type            string `cel:"type"`             // voluntary, involuntary, layoff, retirement, end_of_contract, death
	NoticeOn        string `cel:"notice_on"`        // 2006-01-02, or ""
	LastDay         string `cel:"last_day"`         // 2006-01-02
	TerminationDate string `cel:"termination_date"` // 2006-01-02, or ""
	CutOffClock     string `cel:"cut_off_clock"`    // 15:04, or ""
	Immediate       bool   `cel:"immediate"`        // access ends now
}

// SystemFacts is what a condition sees as system.
type SystemFacts struct {
	Name       string      `cel:"name"`
	Title      string      `cel:"title"`
	Vendor     string      `cel:"vendor"`
	Kind       string      `cel:"kind"`
	SSO        string      `cel:"sso"`
	Identifier string      `cel:"identifier"`
	Holds      []string    `cel:"holds"`
	Tier       int64       `cel:"tier"`
	Branch     string      `cel:"branch"` // Access when the system names none
	Stage      string      `cel:"stage"`
	Automated  bool        `cel:"automated"` // a connector acts in it
	Actions    []string    `cel:"actions"`   // what its connector can do
	Owner      PersonFacts `cel:"owner"`
}

// PersonFacts is what a condition sees of a person.
type PersonFacts struct {
	Name  string `cel:"name"`
	Email string `cel:"email"`
	Role  string `cel:"role"`
}

func leaverFacts(l exeunt.Leaver) LeaverFacts {
	return LeaverFacts{
		ID: l.ID, Entity: l.Entity, Name: l.Name, Title: l.Title, Department: l.Department, Place: l.Place,
		Zone: l.Zone, Country: l.Country, Region: l.Region, Employment: l.Employment, HiredOn: string(l.HiredOn),
		Flags: texts(l.Flags), Manager: personFacts(l.Manager), Identifiers: identifiers(l),
	}
}

func departureFacts(d exeunt.Departure) DepartureFacts {
	return DepartureFacts{
		Type: string(d.Type), NoticeOn: string(d.NoticeOn), LastDay: string(d.LastDay),
		TerminationDate: string(d.TerminationDate), CutOffClock: d.CutOffClock, Immediate: d.Immediate,
	}
}

func systemFacts(s exeunt.System) SystemFacts {
	facts := SystemFacts{
		Name: s.Name, Title: s.Title, Vendor: s.Vendor, Kind: s.Kind, SSO: s.SSO, Identifier: string(s.Identifier),
		Holds: s.Holds, Tier: int64(s.Tier), Branch: s.Branch, Stage: string(s.Stage), Automated: s.Automated(),
		Owner: personFacts(s.Owner),
	}
	if facts.Branch == "" {
		facts.Branch = "Access"
	}
	for _, spec := range s.Actions {
		facts.Actions = append(facts.Actions, string(spec.Action))
	}
	return facts
}

func personFacts(p exeunt.Person) PersonFacts {
	return PersonFacts{Name: p.Name, Email: p.Email, Role: p.Role}
}

func identifiers(l exeunt.Leaver) map[string]string {
	out := map[string]string{}
	for kind, value := range l.Identifiers {
		out[string(kind)] = value
	}
	return out
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
