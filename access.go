package exeunt

import (
	"fmt"
	"maps"
	"time"
)

// Whence is the class of the place that a request came from. The address itself is personal data that nobody
// needs for good; whether it was inside or outside is what a reviewer asks.
type Whence string

// The classes.
const (
	FromServer   Whence = "the server"        // of its own accord
	FromShell    Whence = "its command line"  // somebody on the server's machine, who has its files
	FromMachine  Whence = "its own machine"   // over the loopback interface
	FromPrivate  Whence = "a private network" // RFC 1918, RFC 4193, link-local
	FromInternet Whence = "the internet"
	FromProxy    Whence = "behind a proxy" // whose word for the address is not taken
)

// Access is what somebody did with the product itself rather than with a case: came in or was refused, looked at
// what is under embargo, took something out, or changed who may do what.
type Access struct {
	Kind   EntryKind
	Who    string // signs
	From   Whence
	Case   CaseID // that was looked at or taken out
	Wave   WaveID // likewise
	What   string
	Detail map[string]string
	Times  int // how often, when several are told at once
}

// Accessed is the change that records accesses, one entry for each. Those of a case are entries of the
// installation that tell of it: a case's own record must not grow by being read, and is hidden from the same
// people.
func Accessed(now time.Time, accesses ...Access) Change {
	var change Change
	for _, a := range accesses {
		detail := maps.Clone(a.Detail)
		if detail == nil {
			detail = map[string]string{}
		}
		detail["from"] = string(a.From)
		if a.Who != "" {
			detail["by"] = a.Who
		}
		what := a.What
		if a.Times > 1 {
			detail["times"] = fmt.Sprint(a.Times)
			what = fmt.Sprintf("%s, %d times", what, a.Times)
		}
		change.Record(a.Kind, a.Case, now, what, detail)
		change.Entries[len(change.Entries)-1].Wave = a.Wave
	}
	return change
}
