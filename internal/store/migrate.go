package store

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"
)

//go:embed schema/*.sql
var schema embed.FS

// Migrate brings the database to the newest schema and says how many files it ran. It is safe to
// run at every start; each file is one transaction.
func (s *Store) Migrate(ctx context.Context) (int, error) {
	err := s.alone(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.exec(ctx, "CREATE TABLE IF NOT EXISTS schema_versions (name TEXT PRIMARY KEY)")
		return err
	})
	if err != nil {
		return 0, err
	}
	files, err := schema.ReadDir("schema")
	if err != nil {
		return 0, err
	}
	var ran int
	for _, f := range files {
		did, err := s.runFile(ctx, f.Name())
		if err != nil {
			return ran, fmt.Errorf("schema %s: %w", f.Name(), err)
		}
		if did {
			ran++
		}
	}
	return ran, nil
}

func (s *Store) runFile(ctx context.Context, name string) (bool, error) {
	text, err := schema.ReadFile("schema/" + name)
	if err != nil {
		return false, err
	}
	var ran bool
	err = s.alone(ctx, func(ctx context.Context, tx Tx) error {
		ran = false
		fresh, err := tx.exec(ctx, "INSERT INTO schema_versions (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", name)
		if err != nil || fresh == 0 {
			return err
		}
		ran = true
		for statement := range strings.SplitSeq(withoutComments(string(text)), ";") {
			statement = strings.TrimSpace(strings.ReplaceAll(statement, "{{identity}}", s.dialect.identity()))
			if statement == "" {
				continue
			}
			if _, err := tx.exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return ran, err
}

// migrationTime bounds one schema file, and the wait for another server that runs it: an index of a large
// table takes minutes.
const migrationTime = 30 * time.Minute

// alone writes while no other server changes the schema.
func (s *Store) alone(ctx context.Context, do func(context.Context, Tx) error) error {
	return s.write(ctx, func(ctx context.Context, tx Tx) error {
		within, cancel := context.WithTimeout(ctx, migrationTime)
		defer cancel()
		if err := s.dialect.lockSchema(within, tx); err != nil {
			return err
		}
		return do(within, tx)
	})
}

// withoutComments drops comment lines, so that a semicolon in one does not split a statement.
func withoutComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			b.WriteString(line)
		}
	}
	return b.String()
}
