// Package e2e_test meets the product as its users do: the real binary, a configuration folder written
// from docs/configure.md, real directories and databases, signed webhooks over HTTP, the command line
// and its exit codes. Nothing of the server runs in the test process.
//
//   - departure_test.go, proof_test.go: from a webhook to sealed evidence, seen through the vendors' own doors
//   - webhook_test.go: what a sender is answered
//   - kill_test.go: kill -9 in the middle of departures
//   - nodes_test.go: several servers, of which each is lost in every way
//   - faults_test.go, clock_test.go: disks, databases, connections, ledgers, vendors and clocks that fail
//   - reconcile_test.go: from a list of people to a clean-up
//   - liar_test.go: a system that answers 200 and does nothing
//   - server_test.go, house_test.go, folder_test.go: the binary, the vendors, the configuration
package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the product, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "exeunt-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "exeunt")
	build := exec.Command("go", "build", "-o", binary, "github.com/exeunt/exeunt/cmd/exeunt")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the binary does not build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
