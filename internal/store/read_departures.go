package store

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Departures lists the cases whose last day lies between two, both included, by their last day; to may be "" for no end. What
// goes on from a closed case is left out, since it has no plan of its own.
func (v View) Departures(ctx context.Context, from, to exeunt.Date, limit int) ([]exeunt.Case, error) {
	f := &filter{}
	f.add("last_day >= " + f.arg(string(from)))
	if to != "" {
		f.add("last_day <= " + f.arg(string(to)))
	}
	where, most := f.where(), f.arg(limit)
	var out []exeunt.Case
	err := eachRow(ctx, v.read, func(r row) error {
		c, err := scanCase(r)
		if c.Follows == 0 && c.PutsBack == 0 {
			out = append(out, c)
		}
		return err
	}, "SELECT "+caseColumns+" FROM visible_cases"+where+" ORDER BY last_day, id LIMIT "+most, f.args...)
	return out, err
}
