package testserver

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// EmulatedToken is what the emulated vendors take as an administrator's.
const EmulatedToken = "test_token_admin"

// Emulate starts a stateful emulator of one vendor's API, by the name that emulate (vercel-labs) has for it, with what it
// has by itself. It returns where the API is.
func Emulate(t testing.TB, service string) string {
	t.Helper()
	node := need(t, Node)
	need(t, NodeModules)
	var port int
	run(t, recipe{
		name: "emulate", stop: "TERM", within: 60 * time.Second,
		prepare: func(string) ([]string, error) {
			var err error
			port, err = freePort()
			return []string{node, filepath.Join(nodeDir(), "node_modules", "emulate", "dist", "index.js"), "start", "--service", service, "--port", strconv.Itoa(port)}, err
		},
		answers: func(ctx context.Context) error { return accepts(ctx, fmt.Sprintf("localhost:%d", port)) },
	})
	return fmt.Sprintf("http://localhost:%d", port)
}
