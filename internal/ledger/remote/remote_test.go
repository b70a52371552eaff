package remote_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/remote"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// quick makes tests wait less for batches and checkpoints.
var quick = ledger.Options{BatchAge: 4 * time.Millisecond, CheckpointInterval: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// served is a log behind an address.
func served(t *testing.T, o remote.Options) (*ledger.Log, string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), t.TempDir(), ledgertest.Origin, quick)
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	if o.Address == "" {
		o.Address = "unix://" + filepath.Join(t.TempDir(), "ledger.sock")
	}
	o.Logger = slog.New(slog.DiscardHandler)
	s, err := remote.Open(t.Context(), l, o)
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() { s.Close(); must(t, <-done) })
	if strings.HasPrefix(o.Address, "tls:") {
		return l, "tls://" + s.Address()
	}
	return l, o.Address
}

func client(t testing.TB, origin, address string) *remote.Client {
	t.Helper()
	c, err := remote.NewClient(origin, remote.Target{Address: address})
	must(t, err)
	t.Cleanup(func() { must(t, c.Close()) })
	return c
}

// sequenced is an outbox with entries of cases, and these with their places.
func sequenced(t testing.TB, cases, steps int) []exeunt.Record {
	t.Helper()
	o := ledgertest.New()
	for id := range exeunt.CaseID(cases) {
		o.Add(ledgertest.Handle(id+1), ledgertest.Entries(id+1, steps, true)...)
	}
	_, err := o.Sequence(t.Context(), 1<<30)
	must(t, err)
	return o.Records()
}

// TestAClientIsTheLog asks both for everything.
func TestAClientIsTheLog(t *testing.T) {
	l, address := served(t, remote.Options{})
	c := client(t, ledgertest.Origin, address)
	list := sequenced(t, 70, 40) // more than one page of entries
	must(t, c.Append(t.Context(), list[:1000]))
	must(t, c.Append(t.Context(), list[900:2000])) // a repeat of what is there, and more
	must(t, c.Append(t.Context(), list[2000:]))

	size, err := c.Size(t.Context())
	if inside, _ := l.Size(t.Context()); err != nil || size != int64(len(list)) || size != inside {
		t.Fatalf("size %d, %v", size, err)
	}
	key, err := c.VerifierKey(t.Context())
	if inside, _ := l.VerifierKey(t.Context()); err != nil || key != inside {
		t.Errorf("key %q, %v", key, err)
	}
	for _, from := range []int64{0, 1, 1023, 1024, size - 1, size, size + 5} {
		next := from
		for e, err := range c.Entries(t.Context(), from) {
			must(t, err)
			if e.Index != next || string(e.Leaf) != string(list[next].Leaf) {
				t.Fatalf("from %d on: entry %d is %s", from, next, e.Leaf)
			}
			next++
		}
		if next != max(from, size) {
			t.Errorf("from %d on there are entries up to %d", from, next)
		}
	}
	wholeLog(t, c, key, size) // from here on no newer checkpoint is signed, so that two packets are the same
	_, err = l.Publish(t.Context(), []ledger.Publication{{Target: "archive", Kind: "s3", Where: "s3://acme/", Size: 7, At: time.Now().UTC(), Fault: "it is away", Since: time.Now().UTC(), Conflict: true}})
	must(t, err)
	inside, err := l.Publications(t.Context())
	must(t, err)
	if outside, err := c.Publications(t.Context()); err != nil || len(outside) != 1 || !reflect.DeepEqual(outside, inside) {
		t.Errorf("published: %+v, %v", outside, err)
	}
	handle := ledgertest.Handle(7)
	packet, err := c.Packet(t.Context(), handle)
	must(t, err)
	if inside, err := l.Packet(t.Context(), handle); err != nil || !reflect.DeepEqual(packet, inside) || len(packet.Entries) != 42 {
		t.Errorf("the packets differ: %d entries, %v", len(packet.Entries), err)
	}
}

// wholeLog verifies the log from what the client shows of its files.
func wholeLog(t *testing.T, c *remote.Client, key string, size int64) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		report, err := verify.Log(c.Files(t.Context()), verify.LogOptions{Keys: []string{key}})
		must(t, err)
		if report.Size == size {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the signed log has %d entries", report.Size)
		}
	}
}

func TestErrorsKeepTheirKindOnTheWay(t *testing.T) {
	l, address := served(t, remote.Options{})
	c := client(t, ledgertest.Origin, address)
	list, others := sequenced(t, 1, 20), sequenced(t, 1, 20)
	must(t, c.Append(t.Context(), list[:10]))
	large := list[10]
	large.Body = make([]byte, 2<<20)
	for _, try := range []struct {
		name string
		do   func() error
		kind exeunt.ErrorKind
		says string
	}{
		{"a fork", func() error { return c.Append(t.Context(), others[:10]) }, exeunt.Conflict, "would fork the record"},
		{"a gap", func() error { return c.Append(t.Context(), list[11:]) }, exeunt.Conflict, "those between are missing"},
		{"a body that no packet may hold", func() error { return c.Append(t.Context(), []exeunt.Record{large}) }, exeunt.Invalid, "larger than"},
		{"another body", func() error { r := list[10]; r.Salt[0]++; return c.Append(t.Context(), []exeunt.Record{r}) }, exeunt.Invalid, "does not commit"},
		{"a case that is not there", func() error { _, err := c.Packet(t.Context(), "nobody"); return err }, exeunt.NotFound, "nothing of this case"},
		{"an erasure that nobody recorded", func() error { return c.Erase(t.Context(), list[0].Case, -1) }, exeunt.Conflict, "no erase entry"},
		{"a case of another log", func() error { _, err := client(t, "another.example/log", address).Size(t.Context()); return err }, exeunt.Conflict, `the ledger of "` + ledgertest.Origin + `", and "another.example/log" was asked for`},
		{"nobody there", func() error {
			_, err := client(t, ledgertest.Origin, "unix:///nowhere/ledger.sock").Size(t.Context())
			return err
		}, exeunt.Temporary, "nothing listens there"},
	} {
		if err := try.do(); exeunt.KindOf(err) != try.kind || !strings.Contains(exeunt.MessageOf(err), try.says) {
			t.Errorf("%s: %s %v, want %s %q", try.name, exeunt.KindOf(err), err, try.kind, try.says)
		}
	}
	if size, _ := l.Size(t.Context()); size != 10 {
		t.Errorf("the log has %d entries after what was refused", size)
	}
}

func TestErasingThroughASocketLeavesProofs(t *testing.T) {
	l, address := served(t, remote.Options{})
	c := client(t, ledgertest.Origin, address)
	o := ledgertest.New()
	handle := ledgertest.Handle(1)
	o.Add(handle, ledgertest.Entries(1, 5, true)...)
	o.Add(handle, exeunt.Entry{Kind: exeunt.EntryErased, Case: 1, What: "erased after retention"})
	_, err := o.Sequence(t.Context(), 100)
	must(t, err)
	must(t, c.Append(t.Context(), o.Records()))
	must(t, c.Erase(t.Context(), handle, -1))
	must(t, c.Erase(t.Context(), handle, -1)) // whoever lost the answer asks again
	for _, from := range []interface {
		Packet(context.Context, string, ...string) (ledger.Packet, error)
	}{c, l} {
		p, err := from.Packet(t.Context(), handle)
		must(t, err)
		for i, e := range p.Entries {
			if erased := i < len(p.Entries)-1; erased != (e.Body == nil) || erased != (e.Salt == nil) {
				t.Errorf("entry %d: body %q, salt %x", i, e.Body, e.Salt)
			}
		}
	}
}

// The kernel says who calls, whatever the caller says.
func TestOnlyTheUsersThatAreAllowedAreLetIn(t *testing.T) {
	self := strconv.Itoa(os.Geteuid())
	for _, c := range []struct {
		allow []string
		in    bool
	}{{nil, true}, {[]string{self}, true}, {[]string{strconv.Itoa(os.Geteuid() + 1)}, false}, {[]string{"60001", self}, true}} {
		_, address := served(t, remote.Options{Allow: c.allow})
		cl := client(t, ledgertest.Origin, address)
		_, err := cl.Size(t.Context())
		if c.in != (err == nil) || !c.in && (exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), "user "+self+" may not")) {
			t.Errorf("allowed are %v: %v", c.allow, err)
		}
		if _, err := fileOf(t.Context(), cl); c.in != (err == nil) {
			t.Errorf("allowed are %v: the checkpoint: %v", c.allow, err)
		}
	}
	if _, err := remote.Open(t.Context(), nil, remote.Options{Address: "unix:///tmp/x", Allow: []string{"nobody-of-this-name"}}); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a user that there is not: %v", err)
	}
}

func fileOf(ctx context.Context, c *remote.Client) ([]byte, error) {
	f := c.Files(ctx).(interface{ ReadFile(string) ([]byte, error) })
	for { // a new log signs its first checkpoint a moment after it was opened
		raw, err := f.ReadFile("checkpoint")
		if !os.IsNotExist(err) {
			return raw, err
		}
	}
}

// What is not public is not shown, and what is no request is answered without harm.
func TestHostileRequests(t *testing.T) {
	_, address := served(t, remote.Options{})
	raw := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(address, "unix://"))
	}}}
	defer raw.CloseIdleConnections()
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v1/files/.state/treeState", "", 404},
		{"GET", "/v1/files/../key", "", 404},
		{"GET", "/v1/files/tile/..%2f..%2f..%2fkey", "", 404},
		{"GET", "/v1/files/%2e%2e/key", "", 404},
		{"GET", "/v1/list/.state", "", 404},
		{"GET", "/v1/files/tile", "", 404},
		{"PUT", "/v1/files/checkpoint", "x", 405},
		{"DELETE", "/v1/entries", "", 405},
		{"GET", "/v1/entries?from=-1", "", 400},
		{"GET", "/v1/entries?from=x", "", 400},
		{"POST", "/v1/append", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 400},
		{"POST", "/v1/append", "\x00\xff\xff\xff\xff\x0f", 400},
		{"POST", "/v1/append", "\x00\x01", 400},
		{"POST", "/v1/append", strings.Repeat("x", 18<<20), 400},
		{"POST", "/v1/erase", "", 400},
		{"POST", "/v1/update", "", 404},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://ledger"+c.path, strings.NewReader(c.body))
		must(t, err)
		r.Header.Set("Exeunt-Log", ledgertest.Origin)
		answer, err := raw.Do(r)
		if err != nil {
			if len(c.body) > 1<<20 { // the rest of what is too long is not read
				continue
			}
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		text, err := io.ReadAll(answer.Body)
		must(t, err)
		must(t, answer.Body.Close())
		if answer.StatusCode != c.status && answer.StatusCode != http.StatusMovedPermanently {
			t.Errorf("%s %s: %s %s", c.method, c.path, answer.Status, text)
		}
		if strings.Contains(string(text), "PRIVATE") {
			t.Errorf("%s %s shows the key", c.method, c.path)
		}
	}
	// A program that does not know the protocol names no log.
	answer, err := raw.Get("http://ledger/v1/head")
	must(t, err)
	defer answer.Body.Close()
	var p struct{ Kind string }
	if must(t, json.NewDecoder(answer.Body).Decode(&p)); answer.StatusCode != http.StatusConflict || p.Kind != "conflict" {
		t.Errorf("a request that names no log: %s %+v", answer.Status, p)
	}
}

func TestASocketThatIsLeftBehindIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	must(t, err)
	left.SetUnlinkOnClose(false)
	must(t, left.Close()) // as a kill leaves it
	_, address := served(t, remote.Options{Address: "unix:" + path})
	_, err = client(t, ledgertest.Origin, address).Size(t.Context())
	must(t, err)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v %v", info.Mode(), err)
	}
	if _, err := remote.Open(t.Context(), nil, remote.Options{Address: address, Logger: slog.Default()}); exeunt.KindOf(err) != exeunt.Conflict {
		t.Errorf("a second ledger at the same socket: %v", err)
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for _, address := range []string{"", "/run/x", "unix:", "unix:relative.sock", "http://localhost:1", "tcp://localhost:1"} {
		if _, err := remote.Open(t.Context(), nil, remote.Options{Address: address, Logger: slog.Default()}); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("listening at %q: %v", address, err)
		}
	}
	for _, address := range []string{"", "/run/x", "http://localhost:1"} {
		if _, err := remote.NewClient("x", remote.Target{Address: address}); exeunt.KindOf(err) != exeunt.Invalid {
			t.Errorf("calling %q: %v", address, err)
		}
	}
}
