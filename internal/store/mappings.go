package store

import (
	"context"
	"strings"

	"github.com/exeunt/exeunt"
)

// saveMapping keeps whose an account is, in the place of what it takes the place of, and nothing else.
func saveMapping(ctx context.Context, tx Tx, m exeunt.Mapping) error {
	before := m.Leaver
	if m.Instead != nil {
		before = m.Instead.Leaver
	}
	if _, err := tx.exec(ctx, "DELETE FROM mappings WHERE system = $1 AND (account_id = $2 AND leaver_key IN ($3, $4) OR leaver_key = $3 AND leaver_key <> '')",
		m.System, m.Account.ID, m.Leaver, before); err != nil {
		return err
	}
	n, err := tx.exec(ctx, "INSERT INTO mappings (system, account_id, leaver_key, document) VALUES ($1, $2, $3, $4) ON CONFLICT (system, account_id) DO NOTHING",
		m.System, m.Account.ID, m.Leaver, document(m))
	if err == nil && n == 0 {
		err = exeunt.Errorf(exeunt.Conflict, "somebody else confirmed meanwhile whose %s is: look again", m.Account.Login)
	}
	return err
}

// Learned are the mappings of one system, without what has ended.
func (s *Store) Learned(ctx context.Context, system string) (exeunt.Learned, error) {
	l := exeunt.Learned{Of: map[string]exeunt.Mapping{}, Whose: exeunt.Whose{}}
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var key string
		var m exeunt.Mapping
		err := scanDocument(r, &m, &key)
		if l.Whose[m.Account.ID] = key; key != "" {
			l.Of[key] = m
		}
		return err
	}, "SELECT leaver_key, document FROM mappings WHERE system = $1", system)
	return l, err
}

// Mappings are what people confirmed of some accounts of a system.
func (s *Store) Mappings(ctx context.Context, system string, accounts ...string) ([]exeunt.Mapping, error) {
	var out []exeunt.Mapping
	for some := range batches(accounts) {
		f := &filter{}
		f.add("system = " + f.arg(system))
		ids := make([]string, len(some))
		for i, id := range some {
			ids[i] = f.arg(id)
		}
		f.add("account_id IN (" + strings.Join(ids, ", ") + ")")
		found, err := documents[exeunt.Mapping](ctx, s.dialect.reader(), "SELECT document FROM mappings"+f.where(), f.args...)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// endedOtherwise chooses what departures have done for a date, in systems where they had no account to close or to look at:
// whether they managed to do that does not matter. The first conditions are those of the index steps_dated.
const endedOtherwise = `steps s WHERE s.action IN ('end_employment', 'schedule_final_pay', 'notify_administrator')
	AND s.system = $1 AND s.state IN ('confirmed', 'acknowledged')
	AND NOT EXISTS (SELECT 1 FROM steps o WHERE o.case_id = s.case_id AND o.system = s.system AND o.action IN ('disable', 'check_access'))`

// EndedOtherwise are the accounts to which departures have seen without closing them: a record that says that employment
// ended is no account that somebody could use.
func (s *Store) EndedOtherwise(ctx context.Context, system string) (map[string]bool, error) {
	steps, err := stepsFrom(ctx, s.dialect.reader(), endedOtherwise, system)
	out := map[string]bool{}
	for _, step := range steps {
		if step.Account.ID != "" {
			out[step.Account.ID] = true
		}
	}
	return out, err
}

// LearnedOf is what a person confirmed of a leaver in a system; the zero one when nobody did.
func (s *Store) LearnedOf(ctx context.Context, system, leaver string) (exeunt.Mapping, error) {
	var doc string
	err := translate(s.dialect.reader().queryRow(ctx, "SELECT document FROM mappings WHERE system = $1 AND leaver_key = $2", system, leaver).Scan(&doc))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return exeunt.Mapping{}, nil
	}
	if err != nil {
		return exeunt.Mapping{}, err
	}
	var m exeunt.Mapping
	err = fromDocument(doc, &m)
	return m, err
}
