package connectortest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// watch runs one check and returns what it found fault with.
func watch(t *testing.T, name string, s Subject) string {
	t.Helper()
	for _, c := range slices.Concat(checks, undoChecks) {
		if c.name == name {
			p := &probe{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				c.run(p, s)
			}()
			<-done
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.said.String()
		}
	}
	t.Fatalf("no check %q", name)
	return ""
}

// probe is a test that may fail without failing ours.
type probe struct {
	testing.TB
	mu   sync.Mutex
	said strings.Builder
}

func (p *probe) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said.WriteString(text + "\n")
}
func (p *probe) Helper()                           {}
func (p *probe) Error(args ...any)                 { p.say(fmt.Sprint(args...)) }
func (p *probe) Errorf(format string, args ...any) { p.say(fmt.Sprintf(format, args...)) }
func (p *probe) Fatal(args ...any)                 { p.say(fmt.Sprint(args...)); runtime.Goexit() }
func (p *probe) Fatalf(format string, args ...any) {
	p.say(fmt.Sprintf(format, args...))
	runtime.Goexit()
}
