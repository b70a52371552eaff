package publish_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/publish"
	"github.com/exeunt/exeunt/internal/ledger/verify"
	"github.com/exeunt/exeunt/internal/notify"
	"github.com/exeunt/exeunt/internal/testserver"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkpoint is one as places see it: they do not look into it.
func checkpoint(size int64) verify.Checkpoint {
	return verify.Checkpoint{Origin: "exeunt.example/a log:1", Size: size, Signed: []byte("exeunt.example/a log:1\n" + strconv.FormatInt(size, 10) + "\nAAAA\n\n— exeunt.example/test signature\n")}
}

// keeps holds what every readable place promises.
func keeps(t *testing.T, place publish.Readable) {
	t.Helper()
	at := func(size int64, want string) {
		t.Helper()
		signed, err := place.AtLeast(t.Context(), checkpoint(1).Origin, size)
		if err != nil || string(signed) != want {
			t.Errorf("at least %d: %q, %v; want %q", size, signed, err, want)
		}
	}
	at(1, "")
	for _, size := range []int64{9, 100, 1_000_000} { // of which the last would be the first if names stood as words
		must(t, place.Put(t.Context(), checkpoint(size)))
		must(t, place.Kept(t.Context(), checkpoint(1).Origin, size))
	}
	at(1, string(checkpoint(9).Signed))
	at(9, string(checkpoint(9).Signed))
	at(10, string(checkpoint(100).Signed))
	at(101, string(checkpoint(1_000_000).Signed))
	at(1_000_001, "")
	if signed, err := place.AtLeast(t.Context(), "another.example/log", 1); err != nil || signed != nil {
		t.Errorf("another log has %q, %v", signed, err)
	}
	must(t, place.Put(t.Context(), checkpoint(9))) // an attempt whose answer was lost
	at(1, string(checkpoint(9).Signed))
}

func TestAFolderKeepsCheckpoints(t *testing.T) {
	dir := t.TempDir()
	place := publish.Folder{Path: dir}
	keeps(t, place)
	other := checkpoint(9)
	other.Signed = []byte("another history")
	must(t, place.Put(t.Context(), other))
	if signed, _ := place.AtLeast(t.Context(), other.Origin, 9); !bytes.Equal(signed, checkpoint(9).Signed) {
		t.Errorf("a checkpoint was written over: %q", signed)
	}
	files, err := os.ReadDir(filepath.Join(dir, "exeunt.example", "a_log_1"))
	must(t, err)
	if len(files) != 3 || files[0].Name() != "000000000009.checkpoint" {
		t.Errorf("files: %v", files)
	}
	gone := publish.Folder{Path: filepath.Join(dir, "not-mounted")}
	if err := gone.Put(t.Context(), other); exeunt.KindOf(err) != exeunt.Temporary || !strings.Contains(exeunt.MessageOf(err), "mount the share") {
		t.Errorf("a share that is not mounted: %v", err)
	}
	if _, err := os.Stat(gone.Path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder of a share that is not mounted was made")
	}
	if err := place.Put(t.Context(), verify.Checkpoint{Origin: "../../up", Size: 1}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "_..", "_..", "up", "000000000001.checkpoint")); err != nil {
		t.Errorf("an origin with steps upwards: %v", err)
	}
}

// bucketIn is a place in a bucket of a store.
func bucketIn(t *testing.T, s testserver.S3Store, name string, lock publish.Lock) publish.Bucket {
	t.Helper()
	authority, err := os.ReadFile(s.Authority)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	plain := func(secret string) func() (string, error) { return func() (string, error) { return secret, nil } }
	return publish.Bucket{
		Endpoint: s.URL, Region: s.Region, Name: name, Prefix: "ledger of/acme+co", PathStyle: true,
		AccessKey: plain(s.AccessKey), SecretKey: plain(s.Secret), Lock: lock, Client: &http.Client{Transport: transport},
	}
}

// TestABucketKeepsCheckpointsUnderLock publishes into a real S3 server, which then lets nobody remove or write over what
// is locked, whatever keys they have.
func TestABucketKeepsCheckpointsUnderLock(t *testing.T) {
	s := testserver.S3(t)
	s.Bucket(t, "locked", true)
	s.Bucket(t, "plain", false)
	for _, mode := range []string{"COMPLIANCE", "GOVERNANCE"} {
		place := bucketIn(t, s, "locked", publish.Lock{Mode: mode, Days: 30})
		place.Prefix += "/" + mode
		keeps(t, place)
		stricter := place
		stricter.Lock.Days = 3000
		if err := stricter.Kept(t.Context(), checkpoint(9).Origin, 9); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(exeunt.MessageOf(err), "3000 days are asked for") {
			t.Errorf("%s: locked for too short a time: %v", mode, err)
		}
	}
	asked := bucketIn(t, s, "locked", publish.Lock{Mode: "COMPLIANCE", Days: 30})
	asked.Prefix += "/GOVERNANCE"
	if err := asked.Kept(t.Context(), checkpoint(9).Origin, 9); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(exeunt.MessageOf(err), "in the mode GOVERNANCE") {
		t.Errorf("locked in a weaker mode: %v", err)
	}
	loose := bucketIn(t, s, "plain", publish.Lock{})
	loose.Prefix = ""
	keeps(t, loose)
}

func TestWhatIsWrongWithABucketIsSaid(t *testing.T) {
	s := testserver.S3(t)
	s.Bucket(t, "plain", false)
	s.Bucket(t, "locked", true)
	lock := publish.Lock{Mode: "COMPLIANCE", Days: 30}
	change := func(name string, how func(*publish.Bucket)) publish.Bucket {
		b := bucketIn(t, s, name, lock)
		if how != nil {
			how(&b)
		}
		return b
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, free.Close())
	for _, c := range []struct {
		name  string
		place publish.Bucket
		kind  exeunt.ErrorKind
		says  string
	}{
		{"no object lock", change("plain", nil), exeunt.Invalid, "does not lock objects"},
		{"no such bucket", change("nowhere", nil), exeunt.Invalid, "there is no bucket nowhere"},
		{"a wrong secret", change("locked", func(b *publish.Bucket) { b.SecretKey = func() (string, error) { return "wrong", nil } }), exeunt.Unauthorised, "secret_key"},
		{"no secret", change("locked", func(b *publish.Bucket) {
			b.SecretKey = func() (string, error) { return "", exeunt.Errorf(exeunt.Invalid, "it is not set") }
		}), exeunt.Invalid, "it is not set"},
		{"an unknown authority", change("locked", func(b *publish.Bucket) { b.Client = &http.Client{} }), exeunt.Denied, "name its authority"},
		{"another region", change("locked", func(b *publish.Bucket) { b.Region = "mars-1" }), exeunt.Invalid, "another region"},
		{"nobody there", change("locked", func(b *publish.Bucket) { b.Endpoint = "https://" + free.Addr().String() }), exeunt.Temporary, "does not answer"},
	} {
		err := c.place.Put(t.Context(), checkpoint(3))
		if err == nil {
			err = c.place.Kept(t.Context(), checkpoint(3).Origin, 3)
		}
		if exeunt.KindOf(err) != c.kind || !strings.Contains(exeunt.MessageOf(err), c.says) {
			t.Errorf("%s: %s: %v", c.name, exeunt.KindOf(err), err)
		}
	}
	b := change("locked", func(b *publish.Bucket) { b.Name, b.Lock = "plain", publish.Lock{} })
	must(t, b.Put(t.Context(), checkpoint(4)))
	b.Lock = lock // a store that takes the wish and keeps nothing
	if err := b.Kept(t.Context(), checkpoint(4).Origin, 4); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(exeunt.MessageOf(err), "does not lock objects") {
		t.Errorf("an object that is not locked counts as kept: %v", err)
	}
}

// openLog opens a real log with so many entries more than it has.
func openLog(t *testing.T, dir string) *ledger.Log {
	t.Helper()
	l, err := ledger.Open(t.Context(), dir, ledgertest.Origin, ledger.Options{BatchAge: 5 * time.Millisecond, CheckpointInterval: 100 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// filled appends entries of a new case and waits until they are signed.
func filled(t *testing.T, o *ledgertest.Outbox, l *ledger.Log, id exeunt.CaseID, entries int) verify.Checkpoint {
	t.Helper()
	o.Add(ledgertest.Handle(id), ledgertest.Entries(id, entries, true)...)
	_, err := o.Sequence(t.Context(), 1<<30)
	must(t, err)
	must(t, l.Append(t.Context(), o.Records()))
	want, err := l.Size(t.Context())
	must(t, err)
	deadline, tick := time.After(time.Minute), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		if cp, err := l.ToPublish(t.Context()); err == nil && cp.Size == want {
			return cp
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it is not signed")
		}
	}
}

// TestAMailboxIsAnArchive mails a checkpoint of a real log, and opens what arrived.
func TestAMailboxIsAnArchive(t *testing.T) {
	box := testserver.Maildev(t)
	host, port, err := net.SplitHostPort(box.SMTP)
	must(t, err)
	number, err := strconv.Atoi(port)
	must(t, err)
	l := openLog(t, t.TempDir())
	cp := filled(t, ledgertest.New(), l, 1, 20)
	place := publish.Mailbox{Mail: notify.NewMail(notify.MailServer{Host: host, Port: number, From: "Exeunt <exeunt@corp.example>", TLS: "none"}, notify.Links{}), To: []string{"archive@corp.example", "audit@corp.example"}}
	must(t, place.Put(t.Context(), cp))
	mails := box.Mails(t)
	if len(mails) != 1 || mails[0]["subject"] != "Checkpoint of exeunt.example/test: "+strconv.FormatInt(cp.Size, 10)+" entries" {
		t.Fatalf("mails: %v", mails)
	}
	text, _ := mails[0]["text"].(string)
	if !strings.Contains(strings.ReplaceAll(text, "\r\n", "\n"), strings.TrimSpace(string(cp.Signed))) {
		t.Errorf("the text lacks the checkpoint: %q", text)
	}
	id, _ := mails[0]["id"].(string)
	files, _ := mails[0]["attachments"].([]any)
	if len(files) != 1 {
		t.Fatalf("attached are %v", files)
	}
	file, _ := files[0].(map[string]any)
	if file["filename"] != "000000000022.checkpoint" {
		t.Errorf("attached is %v", file)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/api/email/%s/attachment/%s", box.URL, id, file["generatedFileName"]), nil)
	must(t, err)
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	defer answer.Body.Close()
	attached, err := io.ReadAll(answer.Body)
	must(t, err)
	if there, err := l.OpenPublished(attached); err != nil || there.Root != cp.Root {
		t.Errorf("the attachment is not the checkpoint: %v, %q", err, attached)
	}
	if err := (publish.Mailbox{Mail: notify.NewMail(notify.MailServer{Host: "127.0.0.1", Port: 1, From: "e@corp.example", TLS: "none"}, notify.Links{}), To: place.To}).Put(t.Context(), cp); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("nobody takes the mail: %v", err)
	}
}
