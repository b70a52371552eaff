package yamlfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in a configuration, at its place, with the way out.
type Fault struct {
	File    string `json:"file"` // relative to the folder: "systems/crm.yaml"
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"` // of the key: "rules[2].when"
	What    string `json:"what"`
	Remedy  string `json:"remedy,omitempty"`
	Warning bool   `json:"warning,omitempty"`  // worth a look, but the configuration can be used
	AtServe bool   `json:"at_serve,omitempty"` // a warning for whoever checks, an error for whoever serves: a secret that is not there
}

// Place is where it is: the file, and the line and column where they are known.
func (f Fault) Place() string {
	if f.Line == 0 {
		return f.File
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
}

// String is the fault on one line, in the form in which editors jump to it.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Place() + ": ")
	if f.Warning {
		b.WriteString("warning: ")
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.What)
	if f.Remedy != "" {
		b.WriteString("; " + f.Remedy)
	}
	return b.String()
}

// Faults are all that is wrong at once.
type Faults []Fault

// Error lists every fault, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Errors are the faults that forbid using the configuration.
func (f Faults) Errors() Faults { return f.only(false) }

// Warnings are the faults with which the configuration can be used.
func (f Faults) Warnings() Faults { return f.only(true) }

func (f Faults) only(warning bool) Faults {
	var out Faults
	for _, fault := range f {
		if fault.Warning == warning {
			out = append(out, fault)
		}
	}
	return out
}

// ForServing are the faults as a server that starts sees them: what only it needs is an error now.
func (f Faults) ForServing() Faults {
	out := slices.Clone(f)
	for i := range out {
		out[i].Warning = out[i].Warning && !out[i].AtServe
	}
	return out
}

// Sorted orders the faults by place and drops those that say the same twice.
func (f Faults) Sorted() Faults {
	out := slices.Clone(f)
	slices.SortStableFunc(out, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.What, b.What))
	})
	return slices.Compact(out)
}

// Problem is a fault that knows the key but not yet the place in the file.
type Problem struct {
	Path    string // of the key: "rules[2].when", "settings.map.leaver.id"
	Line    int    // inside the text of that key, from 1, where the text has places (CEL); else 0
	Column  int    // likewise, from 1
	What    string
	Remedy  string
	Warning bool
	AtServe bool
}
