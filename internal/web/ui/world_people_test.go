package ui

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

func (w *world) Systems() []exeunt.System { return w.systems }

func (w *world) SignIn(_ context.Context, email, password string) (string, store.User, error) {
	for session, u := range w.users {
		if u.Email == email && password == "correct horse battery" {
			return session, u, nil
		}
	}
	return "", store.User{}, exeunt.Errorf(exeunt.Denied, "no")
}

func (w *world) Invitation(_ context.Context, token string) (store.User, error) {
	if token != "welcome" {
		return store.User{}, missing("invitation")
	}
	return store.User{Email: "new.admin@northwind.example", Roles: []string{"admin"}}, nil
}

func (w *world) Redeem(_ context.Context, token, name, _ string) (string, error) {
	w.did = append(w.did, "redeemed by "+name)
	return "admin", nil
}

func (w *world) Session(_ context.Context, session string) (store.User, error) {
	w.Lock()
	defer w.Unlock()
	if u, ok := w.users[session]; ok {
		return u, nil
	}
	return store.User{}, missing("session")
}

func (w *world) SignOut(_ context.Context, session string) error {
	w.did = append(w.did, "signed out "+session)
	return nil
}

func (w *world) Open(_ context.Context, token string) (Link, error) {
	if token != "tom" {
		return Link{}, missing("link")
	}
	row, err := w.Task(context.Background(), 315)
	return Link{Task: row, AskedBy: exeunt.Person{Name: "Priya Nair", Email: "priya.nair@northwind.example"}, Expires: w.now.AddDate(0, 0, 10)}, err
}

func (w *world) Watch(ctx context.Context, _ exeunt.Viewer, id exeunt.CaseID) <-chan struct{} {
	w.Lock()
	defer w.Unlock()
	tick := make(chan struct{}, 1)
	w.ticks[id] = append(w.ticks[id], tick)
	return tick
}

func (w *world) Check(context.Context) (LedgerCheck, error)              { return w.check, nil }
func (w *world) Verify(_ context.Context, _ string) (LedgerCheck, error) { return w.check, nil }
func (w *world) Key(context.Context) (string, error) {
	return "exeunt.northwind.example+a1b2c3d4+AUdY", nil
}

func (w *world) Evidence(_ context.Context, out io.Writer, id exeunt.CaseID, by exeunt.Viewer) error {
	w.did = append(w.did, "evidence by "+by.Signs())
	_, err := io.WriteString(out, "packet of "+id.String())
	return err
}

func (w *world) Record(_ context.Context, id exeunt.CaseID, asPDF bool, by exeunt.Viewer) (Sheet, error) {
	w.did = append(w.did, fmt.Sprintf("record by %s, as PDF: %t", by.Signs(), asPDF))
	return Sheet{Body: []byte("record of " + id.String()), Type: "text/html; charset=utf-8", Policy: "default-src 'none'"}, nil
}

// gate lets a test cut live streams and keep new ones out.
type gate struct {
	next   http.Handler
	mu     sync.Mutex
	closed bool
	cut    []context.CancelFunc
}

func (g *gate) shut(closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = closed
	for _, cut := range g.cut {
		cut()
	}
	g.cut = nil
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/stream") {
		g.next.ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	g.mu.Lock()
	closed := g.closed
	g.cut = append(g.cut, cancel)
	g.mu.Unlock()
	if closed {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	g.next.ServeHTTP(w, r.WithContext(ctx))
}

// weigher counts what is sent.
type weigher struct {
	next  http.Handler
	bytes atomic.Int64
}

func (c *weigher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.next.ServeHTTP(&weighed{w, &c.bytes}, r)
}

type weighed struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (w *weighed) Write(p []byte) (int, error) {
	w.bytes.Add(int64(len(p)))
	return w.ResponseWriter.Write(p)
}

// Unwrap lets a response controller flush.
func (w *weighed) Unwrap() http.ResponseWriter { return w.ResponseWriter }
