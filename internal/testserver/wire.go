package testserver

import (
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Line is the wire between a program and its database, with somebody at it who can cut it.
type Line struct {
	URL string // of the database, by this wire

	target string
	mu     sync.Mutex
	change *sync.Cond
	state  state
	ends   map[net.Conn]bool // of every connection
}

type state int

const (
	whole   state = iota
	cut           // connections break, and new ones are refused
	stalled       // nothing gets through, and nobody is told
)

// Wire lays a wire to the server of a URL. It is taken up with the test.
func Wire(t testing.TB, to string) *Line {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{target: u.Host, ends: map[net.Conn]bool{}}
	l.change = sync.NewCond(&l.mu)
	u.Host = listener.Addr().String()
	l.URL = u.String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.carry(c) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.Cut()
		all.Wait()
	})
	return l
}

// Cut breaks every connection and refuses new ones.
func (l *Line) Cut() { l.set(cut) }

// Stall lets nothing through: no answer, no error, and a new connection is taken and hears nothing. What was on
// its way is lost, as behind a firewall that forgot the connection.
func (l *Line) Stall() { l.set(stalled) }

// Heal lets new connections through. Those that were stalled stay dead.
func (l *Line) Heal() { l.set(whole) }

func (l *Line) set(to state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = to
	l.change.Broadcast()
	if to == cut {
		for c := range l.ends {
			_ = c.Close()
		}
	}
}

func (l *Line) now() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// stalling returns when the wire is not stalled.
func (l *Line) stalling() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.state == stalled {
		l.change.Wait()
	}
}

// keep notes a connection, so that it can be cut. It says whether it may be used.
func (l *Line) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends[c] = true
	return l.state != cut
}

func (l *Line) drop(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ends, c)
	_ = c.Close()
}

func (l *Line) carry(near net.Conn) {
	defer l.drop(near)
	if !l.keep(near) {
		return
	}
	if l.now() == stalled {
		_, _ = io.Copy(io.Discard, near) // until the caller loses patience
		return
	}
	far, err := net.DialTimeout("tcp", l.target, 5*time.Second)
	if err != nil {
		return
	}
	defer l.drop(far)
	if !l.keep(far) {
		return
	}
	var dead atomic.Bool // something was lost
	var both sync.WaitGroup
	both.Go(func() { l.pass(near, far, &dead) })
	both.Go(func() { l.pass(far, near, &dead) })
	both.Wait()
}

// pass carries one direction. A connection of which something was lost is dead for good, in silence; and while
// the wire is stalled neither side hears that the other has gone.
func (l *Line) pass(from, to net.Conn, dead *atomic.Bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if l.now() == stalled {
			dead.Store(true)
		}
		if err != nil {
			l.stalling()
			_ = to.Close()
			return
		}
		if dead.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			_ = from.Close()
			return
		}
	}
}
