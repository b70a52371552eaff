package ui

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
)

// livePage is what a page says, in pieces that can be replaced one by one.
type livePage interface {
	parts() []part
	digest() string
}

// source is what a live page is made of: who may see it, when it may have changed, and how to read it anew.
type source struct {
	need  right
	watch func(context.Context) <-chan struct{}
	read  func(*visit) (livePage, error)
	rest  time.Duration // between two reads, where they are dear
}

// stream is one page's live connection.
type stream struct {
	s      *server
	v      *visit
	from   source
	out    *http.ResponseController
	sent   map[string]string // part → mark
	spoken time.Time         // when a screen reader was last told something
}

// caseStream sends what changed in a case.
func (s *server) caseStream(v *visit) error {
	id, err := v.caseID()
	if err != nil {
		return err
	}
	return s.stream(v, source{
		need:  seeCases,
		watch: func(ctx context.Context) <-chan struct{} { return s.Live.Watch(ctx, v.Viewer(), id) },
		read:  func(v *visit) (livePage, error) { return s.readCase(v) },
	})
}

// stream sends what changed in a page, as it changes. After a reconnect it sends the whole state
// first, since nobody knows what was missed; every heartbeat keeps proxies from cutting the line and
// looks at what time alone has changed, such as a deadline that passed.
func (s *server) stream(v *visit, from source) error {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return exeunt.Errorf(exeunt.Temporary, "too many live pages are open on this server: close some, or reload this page by hand").After(time.Minute)
	}
	ctx, cancel := context.WithCancel(v.Context())
	defer cancel()
	ticks := from.watch(ctx) // before reading, so that no change falls between
	c, err := from.read(v)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	live := &stream{s: s, v: v, from: from, out: http.NewResponseController(v.w)}
	if err := live.begin(c); err != nil {
		return nil // headers are sent; the client connects again by itself
	}
	heartbeat := time.NewTicker(s.sizes.heartbeat)
	defer heartbeat.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Done: // the client connects again by itself, to the server's next start
			return nil
		case _, ok := <-ticks:
			if !ok {
				return nil
			}
		case <-heartbeat.C:
			if live.send(": still here\n\n") != nil {
				return nil
			}
		}
		if live.update() != nil || !pause(ctx, from.rest) {
			return nil
		}
	}
}

// begin sends the whole state when the browser had to reconnect or its page is not current.
func (l *stream) begin(c livePage) error {
	parts := c.parts()
	l.sent = marks(parts, map[string]string{})
	again := l.v.Header.Get("Last-Event-ID") != ""
	if !again && l.v.URL.Query().Get("since") == c.digest() {
		return l.send("id: " + c.digest() + "\n\n")
	}
	return l.sendParts(parts, c.digest(), "")
}

// pause waits, unless the connection ends before.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// update reads the page anew and sends what differs from what the page says.
func (l *stream) update() error {
	l.v.now = time.Now()
	if err := l.stillAllowed(); err != nil {
		return err
	}
	c, err := l.from.read(l.v)
	if err != nil {
		l.s.log(l.v.Request, http.StatusOK, err)
		return err // the browser says "reconnecting", which is true
	}
	parts := c.parts()
	out := changed(parts, l.sent)
	if len(out) == 0 {
		return nil
	}
	l.sent = marks(parts, map[string]string{})
	return l.sendParts(out, c.digest(), l.sentence(out))
}

// stillAllowed ends the stream of somebody who signed out, or lost the right, after it began.
func (l *stream) stillAllowed() error {
	user, err := l.s.session(l.v.Request)
	if err != nil {
		return err
	}
	if user == nil || !(viewer{*user}).may(l.from.need) {
		return nothingHere()
	}
	l.v.viewer = viewer{*user}
	return nil
}

// sentence is what a screen reader is told of a change: one sentence, and at most one in a while.
func (l *stream) sentence(parts []part) string {
	var said []string
	for _, p := range parts {
		if p.say != "" {
			said = append(said, p.say)
		}
	}
	if len(said) == 0 || time.Since(l.spoken) < l.s.sizes.quiet {
		return ""
	}
	l.spoken = time.Now()
	if len(said) > 2 {
		return fmt.Sprintf("%d changes", len(said))
	}
	return said[0]
}

func (l *stream) sendParts(parts []part, digest, say string) error {
	var html bytes.Buffer
	if err := partials(parts, say).Render(l.v.Context(), &html); err != nil {
		l.s.log(l.v.Request, http.StatusInternalServerError, err)
		return err
	}
	return l.send("id: " + digest + "\ndata: " + strings.ReplaceAll(html.String(), "\n", "\ndata: ") + "\n\n")
}

// send writes one event and gives it a deadline of its own, since the server's would cut the stream.
func (l *stream) send(event string) error {
	// A writer that knows no deadlines, as in tests, is no reason to stop.
	_ = l.out.SetWriteDeadline(time.Now().Add(30 * time.Second))
	if _, err := l.v.w.Write([]byte(event)); err != nil {
		return err
	}
	return l.out.Flush()
}
