package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/store"
)

// trusted says of a system whose file asks for stage live whether people have decided so, where the server's own data are at
// hand. Those are read once for all systems.
func (d Doctor) trusted() func(exeunt.System) []connector.Right {
	decided := sync.OnceValue(d.decided)
	return func(s exeunt.System) []connector.Right {
		if s.Stage != exeunt.Live || len(s.Actions) == 0 || decided() == nil {
			return nil
		}
		right := connector.Right{Name: "act, as people decided", State: connector.Granted}
		if t, ok := decided()[s.Name]; !ok || !t.Covers(s) {
			right.State, right.Why = connector.Lacking, "its file asks for stage live and nobody has decided on it, so that it counts as shadow"
			right.Remedy = fmt.Sprintf("compare (exeunt system shadow %s), then decide: exeunt system live %s --reason \"…\"", s.Name, s.Name)
		}
		return []connector.Right{right}
	}
}

// decided are the decisions that a server has kept; nil when that cannot be known.
func (d Doctor) decided() map[string]exeunt.Trust {
	if _, err := os.Stat(filepath.Join(d.Data, "exeunt.db")); d.Database == "" && (d.Data == "" || err != nil) {
		return nil // no server was started there yet
	}
	ctx, cancel := context.WithTimeout(context.Background(), d.Limit)
	defer cancel()
	s, err := store.Open(ctx, d.Data, d.Database, "")
	if err != nil { // said of the part that it is
		return nil
	}
	defer s.Close()
	known, err := s.Everything().Trusts(ctx)
	if err != nil {
		return nil
	}
	return known
}
