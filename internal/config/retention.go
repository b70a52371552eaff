package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// RetentionFile is how long the records of closed cases are kept.
type RetentionFile struct {
	Keep  *yamlfile.Duration                         `json:"keep,omitempty" jsonschema_description:"How long after it was closed the record of a case is erased, for the types that are not named under types: 1095d. For good when left out."`
	Types map[exeunt.DepartureType]yamlfile.Duration `json:"types,omitempty" jsonschema_description:"Other lengths by type of departure: voluntary, involuntary, layoff, retirement, end_of_contract, death."`
}

// leastRetention is long enough to notice that a length was written in the wrong unit.
const leastRetention = 30 * 24 * time.Hour

// retention reads how long records are kept. Nothing is erased unless somebody says after how long.
func (l *loader) retention() {
	f := l.file.Retention
	report := func(path, what, remedy string) {
		l.mainDoc.Report(yamlfile.Problem{Path: path, What: what, Remedy: remedy})
	}
	check := func(path string, d time.Duration) {
		if d < leastRetention && !l.mainDoc.Faulty(path) {
			report(path, "records would be destroyed within a month after the case was closed", "keep them for 30d or more; what the law wants kept is usually years")
		}
	}
	out := exeunt.Retention{Types: map[exeunt.DepartureType]time.Duration{}}
	if f.Keep != nil {
		out.Keep = time.Duration(*f.Keep)
		check("retention.keep", out.Keep)
	}
	for t, d := range f.Types {
		path := "retention.types." + string(t)
		if !slices.Contains(exeunt.DepartureTypes, t) {
			report(path, fmt.Sprintf("%q is not a type of departure", t), fmt.Sprintf("use one of %v", exeunt.DepartureTypes))
		}
		check(path, time.Duration(d))
		out.Types[t] = time.Duration(d)
	}
	l.config.Retention = out
}
