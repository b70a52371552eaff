package ui

import (
	"fmt"

	"github.com/exeunt/exeunt"
)

// setupLine is one thing that a fresh installation still needs.
type setupLine struct {
	Title, State, Command string
	How                   string   // what to do
	Page                  string   // where it can be done here, by whoever sets systems up
	Lacks                 []lacked // systems that keep the line open
	Done                  bool
	Unseen                bool // whether it was done is kept nowhere
}

type lacked struct{ Name, Title string }

// lacksShown is how many systems an open line names.
const lacksShown = 5

// liveAtFirst is how many systems are enough to begin with.
const liveAtFirst = 3

// setup replaces an empty dashboard: what is there, what is missing, what to do and the command for it.
func (s *server) setup(systems []exeunt.System) []setupLine {
	var sources []string
	if s.Sources != nil {
		sources = s.Sources()
	}
	var live, directories, payroll int
	var nobodys, waiting []lacked
	for _, system := range systems {
		name := lacked{system.Name, orElse(system.Title, system.Name)}
		if system.Stage == exeunt.Live {
			live++
		} else if len(system.Actions) > 0 {
			waiting = append(waiting, name)
		}
		if _, ok := system.Can(exeunt.Disable); ok {
			directories++
		}
		_, ends := system.Can(exeunt.EndEmployment)
		_, pays := system.Can(exeunt.ScheduleFinalPay)
		if ends || pays {
			payroll++
		}
		if !system.Owner.Named() && system.Owner.Role == "" {
			nobodys = append(nobodys, name)
		}
	}
	lines := []setupLine{
		setUp(len(sources), "HR source configured", "HR sources configured", setupLine{Title: "Connect the trigger", State: "No HR source yet", Command: "exeunt doctor",
			How: "Describe the HR system under sources in the configuration: by it alone a departure begins. The command tries the connection and says what it lacks."}),
		setUp(len(systems), "system in the inventory", "systems in the inventory", setupLine{Title: "Import systems", State: "The inventory is empty", Command: "exeunt inventory import", Page: "/systems/-/import",
			How: "Give it what finance pays for, what the sign-on lets people into and what departments say that they use. Each system that is found gets a file of its own."}),
		setUp(directories, "system whose accounts a connector can disable", "systems whose accounts a connector can disable", setupLine{Title: "Connect a directory",
			State: "No connector can disable an account yet", Command: "exeunt doctor", How: "Give the directory or the sign-on its kind and its settings first: most other access ends with it."}),
		setUp(payroll, "system ends employment or pays", "systems end employment or pay", setupLine{Title: "Connect payroll", State: "Payroll is tracked by hand until then",
			Command: "exeunt doctor", How: "Give the payroll system its kind and its settings. Without them its owner gets a task in each departure, and nothing is left out."}),
		{Title: "Name owners", State: fmt.Sprintf("%d of %s an owner", len(systems)-len(nobodys), plural(len(systems), "system has", "systems have")), Command: "exeunt inventory gaps",
			How: "Whatever cannot be done by a connector becomes a task of the owner.", Lacks: nobodys, Done: len(systems) > 0 && len(nobodys) == 0},
	}
	lines = append(lines, setupLine{Title: "Try each connector", State: "Nothing is kept of it: begin with a test account", Command: "exeunt connector try NAME --account X", Unseen: true,
		How: "It finds one account, looks at it as a departure would, and says what each action would do to it, without doing it. There is no rehearsal of a whole departure yet: look at a plan, let systems run in stage shadow, and end one test account before a system goes live."})
	return append(lines, goLive(lines, live, waiting))
}

// setUp closes a line of which there is something.
func setUp(n int, one, many string, line setupLine) setupLine {
	if n > 0 {
		line.State, line.Done = plural(n, one, many), true
	}
	return line
}

// goLive is the last line. It says which of the others stops it.
func goLive(lines []setupLine, live int, waiting []lacked) setupLine {
	line := setupLine{Title: "Go live", Command: "exeunt plan preview", Lacks: waiting, Done: live >= liveAtFirst,
		How: "Look at the plan of somebody first. Then compare what people do with what the connector would have done, in stage shadow. Set stage: live in its file, and decide on its page that its connector acts, system by system."}
	line.State = plural(live, "system is live", "systems are live")
	if line.Done {
		return line
	}
	line.State += fmt.Sprintf("; %d are enough to begin", liveAtFirst)
	for _, l := range lines {
		if !l.Done && !l.Unseen {
			line.State += ". First: " + l.Title
			break
		}
	}
	return line
}

// opens says whether the list has a line open: the first one that is not done.
func (o overviewView) opens(i int) bool {
	for j, l := range o.Setup {
		if !l.Done && !l.Unseen {
			return i == j
		}
	}
	return false
}
