package store

import (
	"context"
	"time"

	"github.com/exeunt/exeunt"
)

// PolicySet is the policies and modifiers of a configuration as they were.
type PolicySet struct {
	Version string
	KeptAt  time.Time // when a server first used them
	Text    []byte    // "" in a list
}

// KeepPolicies keeps policies by the version of their content, once.
func (s *Store) KeepPolicies(ctx context.Context, version string, text []byte, now time.Time) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "INSERT INTO policy_sets (version, kept_at, text) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING", version, micros(now), string(text))
		return err
	})
}

// Policies are those of a version.
func (s *Store) Policies(ctx context.Context, version string) (PolicySet, error) {
	out := PolicySet{Version: version}
	var at int64
	var text string
	err := translate(s.dialect.reader().queryRow(ctx, "SELECT kept_at, text FROM policy_sets WHERE version = $1", version).Scan(&at, &text))
	if exeunt.KindOf(err) == exeunt.NotFound {
		return out, exeunt.Errorf(exeunt.NotFound, "no policies of the version %q are kept here", version)
	}
	out.KeptAt, out.Text = fromMicros(at), []byte(text)
	return out, err
}

// PolicySets lists the versions, the newest first, without their text.
func (s *Store) PolicySets(ctx context.Context) ([]PolicySet, error) {
	var out []PolicySet
	err := eachRow(ctx, s.dialect.reader(), func(r row) error {
		var one PolicySet
		var at int64
		err := r.Scan(&one.Version, &at)
		one.KeptAt = fromMicros(at)
		out = append(out, one)
		return err
	}, "SELECT version, kept_at FROM policy_sets ORDER BY kept_at DESC, version")
	return out, err
}
