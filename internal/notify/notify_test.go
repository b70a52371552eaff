package notify_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/notify"
	"github.com/exeunt/exeunt/internal/testserver"
)

var (
	deadline = time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC)
	of       = exeunt.Case{ID: 7, Departure: exeunt.Departure{Type: exeunt.Involuntary, Leaver: exeunt.Leaver{Name: "Maya Okonkwo", Zone: "America/Los_Angeles"}}}
	tom      = exeunt.Person{Name: "Tom Reyes", Email: "tom@northwind.example"}
	task     = exeunt.Task{ID: 3, Case: 7, Key: "handover", Title: "Transfer knowledge", Owner: tom, Deadline: deadline, Checklist: []string{"Dashboards have a new owner"}}
	links    = notify.NewLinks([]byte("key"), "https://exeunt.northwind.example/", 7*24*time.Hour)
)

func TestAMessageSaysWhatWhoseAndWhenButNotWhy(t *testing.T) {
	for _, kind := range []exeunt.NoticeKind{exeunt.NoticeAssigned, exeunt.NoticeReminder, exeunt.NoticeLate, exeunt.NoticeFailed} {
		m := notify.Compose(exeunt.Notice{Kind: kind, To: tom}, of, &task, links)
		if !strings.Contains(m.Subject, "Transfer knowledge for Maya Okonkwo") || !strings.Contains(m.Subject, "Sun 22 Nov") {
			t.Errorf("%s: subject %q", kind, m.Subject)
		}
		if !strings.Contains(m.Text, "10:00 PST") || !strings.Contains(m.Text, "https://exeunt.northwind.example/t/") {
			t.Errorf("%s: text %q", kind, m.Text)
		}
		if strings.Contains(strings.ToLower(m.Subject+m.Text), "involuntary") {
			t.Errorf("%s tells how the person leaves", kind)
		}
	}
}

// What a person does by hand no connector holds back.
func TestUnderALegalHoldAMessageSaysWhatToKeep(t *testing.T) {
	if m := notify.Compose(exeunt.Notice{Kind: exeunt.NoticeAssigned, To: tom}, of, &task, links); strings.Contains(m.Text, "legal hold") {
		t.Errorf("there is none: %q", m.Text)
	}
	held := of
	held.LegalHold = &exeunt.LegalHold{Owner: exeunt.Person{Name: "Lea Roth"}}
	if m := notify.Compose(exeunt.Notice{Kind: exeunt.NoticeAssigned, To: tom}, held, &task, links); !strings.Contains(m.Text, "delete, wipe and give back nothing. Ask Lea Roth") {
		t.Errorf("it does not say what to keep: %q", m.Text)
	}
}

func TestOnlyTheOwnerGetsTheLink(t *testing.T) {
	m := notify.Compose(exeunt.Notice{Kind: exeunt.NoticeLate, To: exeunt.Person{Name: "Priya Nair", Email: "priya@northwind.example"}}, of, &task, links)
	if strings.Contains(m.Text, "/t/") {
		t.Error("somebody else was sent the owner's link")
	}
}

func TestALinkOpensOneTaskForOnePersonUntilItEnds(t *testing.T) {
	link := notify.Link{Task: 3, Owner: tom.Email, Until: deadline}
	token := strings.TrimPrefix(links.URL(link), "https://exeunt.northwind.example/t/")
	got, err := links.Open(token, deadline.Add(-time.Hour))
	if err != nil || got != link {
		t.Fatalf("opened %+v, %v", got, err)
	}
	if _, err := links.Open(token, deadline.Add(time.Hour)); exeunt.KindOf(err) != exeunt.NotFound {
		t.Errorf("an ended link was answered %v", err)
	}
	if _, err := notify.NewLinks([]byte("other"), "", time.Hour).Open(token, deadline.Add(-time.Hour)); err == nil {
		t.Error("a link of another key was opened")
	}
	for i := range token {
		forged := []byte(token)
		forged[i] ^= 1
		if got, err := links.Open(string(forged), deadline.Add(-time.Hour)); err == nil && got != link {
			t.Fatalf("a forged link was opened: %+v", got)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("a.b")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := links.Open(token, deadline); err == nil {
			t.Errorf("%q was opened", token)
		}
	})
}

func TestMailArrivesAtARealServer(t *testing.T) {
	sink := testserver.Maildev(t)
	host, port, _ := strings.Cut(sink.SMTP, ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	channel := notify.NewMail(notify.MailServer{Host: host, Port: number, From: "exeunt@northwind.example", TLS: "none"}, links)
	if err := channel.Examine(t.Context()); err != nil { // sends nothing: one message is expected below
		t.Errorf("a server that takes mail: %v", err)
	}
	if err := channel.Deliver(t.Context(), exeunt.Notice{Kind: exeunt.NoticeAssigned, To: tom}, of, &task); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(sink.URL + "/api/email")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var got []struct {
		Subject string
		Text    string
		To      []struct{ Address, Name string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Subject != "Transfer knowledge for Maya Okonkwo by Sun 22 Nov" || got[0].To[0].Address != tom.Email || got[0].To[0].Name != tom.Name {
		t.Errorf("arrived: %+v", got)
	}
}

func TestAMailServerThatIsAwayIsTemporary(t *testing.T) {
	away, _ := url.Parse("http://127.0.0.1:1")
	number, _ := strconv.Atoi(away.Port())
	channel := notify.NewMail(notify.MailServer{Host: away.Hostname(), Port: number, From: "exeunt@northwind.example", TLS: "none"}, links)
	err := channel.Deliver(t.Context(), exeunt.Notice{Kind: exeunt.NoticeAssigned, To: tom}, of, &task)
	if exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("got %v", err)
	}
	if err := channel.Examine(t.Context()); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("examined: %v", err)
	}
}
