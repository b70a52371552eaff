package sim

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Vendor is one simulated system: accounts in memory behind an API, with faults on demand.
type Vendor struct {
	Name  string
	URL   string // its base, once it is started
	Token string // or the client secret, or the password

	mux        *http.ServeMux
	authorised func(*http.Request) bool
	server     *http.Server

	mu       sync.Mutex
	accounts []*account
	hired    int
	prefix   string // of ids
	faults   []*Fault
	calls    map[string]int
	lag      time.Duration
	deaf     bool
	later    []later
	offered  []Application // of the identity provider
}

// later is a change that was accepted and does not show yet.
type later struct {
	at time.Time
	do func()
}

// account is what any of the simulated systems knows of somebody.
type account struct {
	id, login   string
	person      Person
	closed      bool
	groups      []string // of directories: ids
	sessions    []string
	factors     []string // ids; the type is the part before the dash
	termination map[string]any
	payment     map[string]any
	outside     bool // no member of the organisation any more
}

// Fault makes answers go wrong until Heal.
type Fault struct {
	Method string            // empty: any
	Path   string            // a part of the path; empty: any
	Every  int               // only each so many'th matching request; zero: each
	Times  int               // so many times only; zero: always
	Delay  time.Duration     // before the answer
	Status int               // zero: the true answer follows the delay
	Header map[string]string // of the answer, such as Retry-After
	Body   string            //
	Cut    bool              // the connection ends in the middle of the answer

	matched int
	done    int
}

// Break adds a fault.
func (v *Vendor) Break(f Fault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = append(v.faults, &f)
}

// Heal ends all faults. Lag and deafness stay.
func (v *Vendor) Heal() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults = nil
}

// Lag makes what is changed show only after a while.
func (v *Vendor) Lag(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lag = d
}

// Deafen makes the vendor accept every change and do none of them, or ends that.
func (v *Vendor) Deafen(deaf bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.deaf = deaf
}

// Calls counts the requests so far whose "METHOD /path" holds the text; "" counts all.
func (v *Vendor) Calls(having string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for call, times := range v.calls {
		if strings.Contains(call, having) {
			n += times
		}
	}
	return n
}

// ServeHTTP counts, lets faults strike, checks the credentials, and answers.
func (v *Vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.settle(time.Now())
	v.calls[r.Method+" "+r.URL.Path]++
	f := v.strike(r)
	v.mu.Unlock()
	if f != nil && f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case f != nil && f.Cut:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte(`{"id":"`))
		return
	case f != nil && f.Status != 0:
		for name, value := range f.Header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.Status)
		if f.Body != "" {
			_, _ = w.Write([]byte(f.Body))
		} else {
			_, _ = w.Write([]byte(`{"code":"fault"}`))
		}
		return
	}
	if r.URL.Path != "/oauth/token" && !v.authorised(r) {
		refuse(w, http.StatusUnauthorized, "unauthorised")
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.mux.ServeHTTP(w, r)
}

// strike finds the fault for a request. The lock is held.
func (v *Vendor) strike(r *http.Request) *Fault {
	for _, f := range v.faults {
		if f.Method != "" && f.Method != r.Method || !strings.Contains(r.URL.Path, f.Path) || f.Times > 0 && f.done >= f.Times {
			continue
		}
		f.matched++
		if f.Every > 1 && f.matched%f.Every != 0 {
			continue
		}
		f.done++
		return f
	}
	return nil
}

// settle lets accepted changes show. The lock is held.
func (v *Vendor) settle(now time.Time) {
	var waiting []later
	for _, l := range v.later {
		if l.at.After(now) {
			waiting = append(waiting, l)
		} else {
			l.do()
		}
	}
	v.later = waiting
}

// change does what a request asked for: now, late, or not at all. The lock is held.
func (v *Vendor) change(do func()) {
	switch {
	case v.deaf:
	case v.lag > 0:
		v.later = append(v.later, later{time.Now().Add(v.lag), do})
	default:
		do()
	}
}

// handle adds a handler, which runs with the lock held.
func (v *Vendor) handle(pattern string, h func(http.ResponseWriter, *http.Request)) {
	v.mux.HandleFunc(pattern, h)
}

// withAccount adds a handler for one account by its {id}, or 404.
func (v *Vendor) withAccount(pattern string, h func(http.ResponseWriter, *http.Request, *account)) {
	v.handle(pattern, func(w http.ResponseWriter, r *http.Request) {
		for _, a := range v.accounts {
			if a.id == r.PathValue("id") {
				h(w, r, a)
				return
			}
		}
		refuse(w, http.StatusNotFound, "not_found")
	})
}

func newVendor(name, prefix, token string, authorised func(*http.Request) bool) *Vendor {
	return &Vendor{Name: name, Token: token, prefix: prefix, mux: http.NewServeMux(), authorised: authorised, calls: map[string]int{}}
}

func bearer(token string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+token }
}

// start serves on a free port of this machine.
func (v *Vendor) start(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	v.URL = "http://" + listener.Addr().String()
	v.server = &http.Server{Handler: v, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = v.server.Serve(listener) }() // ends with close
	return nil
}

func (v *Vendor) close() error {
	if v.server == nil {
		return nil
	}
	if err := v.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func refuse(w http.ResponseWriter, status int, code string) {
	reply(w, status, map[string]string{"code": code})
}

func read(r *http.Request) (map[string]any, bool) {
	var body map[string]any
	err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20)).Decode(&body)
	return body, err == nil
}
