package testserver

import (
	"context"
	"errors"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

func TestDirectoriesAnswerToTheirLogins(t *testing.T) {
	for name, open := range map[string]func(testing.TB) Directory{"OpenLDAP": OpenLDAP, "Samba": Samba} {
		t.Run(name, func(t *testing.T) {
			d := open(t)
			if err := shakesHands(t.Context(), strings.TrimPrefix(withPort(d.URL, "636"), "ldaps://"), d); err != nil {
				t.Errorf("TLS: %v", err)
			}
			c, err := ldap.DialURL(d.PlainURL)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if name == "Samba" { // refuses a bind in plain text: strongerAuthRequired
				if err := c.Bind(d.Service.Name, d.Service.Password); !ldap.IsErrorWithCode(err, ldap.LDAPResultStrongAuthRequired) {
					t.Errorf("bind without TLS: %v", err)
				}
				return
			}
			if err := c.Bind(d.Service.Name, d.Service.Password); err != nil {
				t.Error(err)
			}
		})
	}
}

func withPort(url, port string) string {
	if strings.Count(url, ":") < 2 {
		return url + ":" + port
	}
	return url
}

func TestPostgresMakesAFreshDatabaseEachTime(t *testing.T) {
	one, two := Postgres(t), Postgres(t)
	if one == two {
		t.Fatal("the same database twice")
	}
	for range 2 { // a table of the same name fits into each
		if err := execute(one, "CREATE TABLE IF NOT EXISTS a (b int)"); err != nil {
			t.Fatal(err)
		}
	}
	if err := execute(two, "CREATE TABLE a (b int)"); err != nil {
		t.Error(err)
	}
}

func TestScimmyAsksForItsToken(t *testing.T) {
	s := Scimmy(t)
	if err := answersOK(t.Context(), s.URL+"/Users", s.Token); err != nil {
		t.Error(err)
	}
	if err := answersOK(t.Context(), s.URL+"/Users", "another"); err == nil {
		t.Error("any token will do")
	}
}

func TestMaildevShowsWhatItWasSent(t *testing.T) {
	m := Maildev(t)
	mail := "Subject: hello\r\n\r\nworld\r\n"
	if err := smtp.SendMail(m.SMTP, nil, "a@corp.example", []string{"b@corp.example"}, []byte(mail)); err != nil {
		t.Fatal(err)
	}
	if got := m.Mails(t); len(got) != 1 || got[0]["subject"] != "hello" {
		t.Errorf("got %v", got)
	}
}

func TestTheS3ServerAsksForItsKeysAndLocksObjects(t *testing.T) {
	s := S3(t)
	s.Bucket(t, "plain", false)
	s.Bucket(t, "locked", true)
	locked := http.Header{"X-Amz-Object-Lock-Mode": {"COMPLIANCE"}, "X-Amz-Object-Lock-Retain-Until-Date": {time.Now().UTC().AddDate(1, 0, 0).Format(time.RFC3339)},
		"X-Amz-Checksum-Sha256": {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}} // of nothing
	for bucket, want := range map[string]int{"locked": http.StatusOK, "plain": http.StatusBadRequest} {
		if got, err := s.Do(t.Context(), http.MethodPut, "/"+bucket+"/a", locked); err != nil || got != want {
			t.Errorf("an object under lock in the bucket %s: %d, %v", bucket, got, err)
		}
	}
	stranger := s
	stranger.Secret = "another"
	if got, err := stranger.Do(t.Context(), http.MethodGet, "/locked/a", nil); err != nil || got != http.StatusForbidden {
		t.Errorf("any secret will do: %d, %v", got, err)
	}
}

func TestChromiumRuns(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), Chromium(t), "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Chrom") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestALackIsOwnedUpToOrFails(t *testing.T) {
	for _, c := range []struct {
		without, ci string
		want        bool
	}{
		{"", "", false}, {"slapd", "", true}, {"samba,slapd", "", true}, {"samba", "", false},
		{"slapd", "true", false}, {"slapd", "false", true},
	} {
		env := map[string]string{"EXEUNT_WITHOUT": c.without, "CI": c.ci}
		if got := owned(Slapd, func(k string) string { return env[k] }); got != c.want {
			t.Errorf("EXEUNT_WITHOUT=%q CI=%q: %v", c.without, c.ci, got)
		}
	}
}

func TestAServerThatEndsIsReportedWithItsLog(t *testing.T) {
	_, err := attempt(recipe{
		name: "doomed", stop: "TERM", within: time.Minute,
		prepare: func(string) ([]string, error) { return []string{"sh", "-c", "echo no such luck; exit 7"}, nil },
		answers: func(context.Context) error { return errors.New("not yet") },
	})
	if err == nil || !strings.Contains(err.Error(), "code 7") || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("got %v", err)
	}
}

// The test runs itself as a child that starts a server and is killed, as by a time limit.
func TestAServerDoesNotOutliveAKilledTestProcess(t *testing.T) {
	if os.Getenv("TESTSERVER_CHILD") != "" {
		p, err := start(recipe{
			name: "patient", stop: "TERM", within: time.Minute,
			prepare: func(string) ([]string, error) { return []string{"sleep", "3600"}, nil },
			answers: func(context.Context) error { return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString(p.dir + "\n")
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "TESTSERVER_CHILD=yes", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1024)
	n, err := out.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSpace(string(buffer[:n]))
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return // the warden removes the folder only after the server has ended
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the server outlived the process")
		}
	}
}
