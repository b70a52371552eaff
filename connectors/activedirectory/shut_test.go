package activedirectory_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	wire "github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/activedirectory"
)

func TestUntilWhenTicketsLiveIsAFactThatLaterChangesDoNotMove(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, map[string]any{"ticket_hours": 8})
	if o := look(t, conn, account); o.Facts["Kerberos ticket lifetime"] != "8 h (ticket_hours)" || o.Facts["Kerberos tickets end by"] != "" {
		t.Errorf("open: %v", o.Facts)
	}
	before := time.Now().Truncate(time.Second)
	apply(t, conn, account, exeunt.Disable)
	after := time.Now()
	end := look(t, conn, account).Facts["Kerberos tickets end by"]
	at, err := time.Parse(time.RFC3339, end)
	if disabled := at.Add(-8 * time.Hour); err != nil || disabled.Before(before) || disabled.After(after) {
		t.Errorf("disabled between %v and %v, and tickets end by %q", before, after, end)
	}
	// The domain counts in seconds, and what is written again as it is changes nothing.
	first := look(t, conn, account).Facts["whenChanged"]
	for i := 0; look(t, conn, account).Facts["whenChanged"] == first; i++ {
		modify(t, c.admin(t), c.dn(l), func(m *wire.ModifyRequest) { m.Replace("description", []string{strconv.Itoa(i)}) })
	}
	apply(t, conn, account, exeunt.RemoveGroups)
	if again := look(t, conn, account).Facts["Kerberos tickets end by"]; again != end {
		t.Errorf("%s became %s", end, again)
	}
	conn, _, account = c.connect(t, nil)
	if got := look(t, conn, account).Facts["Kerberos ticket lifetime"]; !strings.HasPrefix(got, "10 h (assumed") {
		t.Errorf("without the setting: %s", got)
	}
}

func TestTheExpiryIsSetSeenAndPutBackExactly(t *testing.T) {
	c := open(t)
	conn, l, account := c.connect(t, map[string]any{"set_expiry": true})
	admin := c.admin(t)
	const date = "134774928000000000" // 1 February 2028
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("accountExpires", []string{date}) })
	before := look(t, conn, account)
	apply(t, conn, account, exeunt.Disable)
	o := look(t, conn, account)
	if o.Of(exeunt.Disable) != exeunt.Holds || o.Facts["accountExpires"] == "never" || c.read(t, c.dn(l), "accountExpires")[0] == date {
		t.Fatalf("%s %v", o.Of(exeunt.Disable), o.Facts)
	}
	// Whoever enables it again by mistake opens nothing.
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("userAccountControl", []string{"512"}) })
	if c.canSignIn(t, l) {
		t.Error("the expiry does not keep it shut")
	}
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("userAccountControl", []string{"514"}) })
	apply(t, conn, account, exeunt.Disable) // once more changes nothing
	if again := look(t, conn, account); again.Facts["accountExpires"] != o.Facts["accountExpires"] {
		t.Errorf("the expiry moved from %s to %s", o.Facts["accountExpires"], again.Facts["accountExpires"])
	}
	undo := connector.Parameters{Undo: true, Snapshot: before.Snapshot}
	for range 2 {
		must(t, conn.Apply(t.Context(), account, exeunt.Disable, undo))
	}
	if got := c.read(t, c.dn(l), "accountExpires"); got[0] != date || !c.canSignIn(t, l) {
		t.Errorf("accountExpires is %v, want %s", got, date)
	}
	const past = "132000000000000000" // it had expired already: that moment is not moved
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("accountExpires", []string{past}) })
	apply(t, conn, account, exeunt.Disable)
	if got := c.read(t, c.dn(l), "accountExpires"); got[0] != past {
		t.Errorf("an expiry of before moved to %v", got)
	}
	const other = "134775792000000000" // somebody gave it another meanwhile
	modify(t, admin, c.dn(l), func(m *wire.ModifyRequest) { m.Replace("accountExpires", []string{other}) })
	if err := conn.Apply(t.Context(), account, exeunt.Disable, undo); exeunt.KindOf(err) != exeunt.Conflict || c.read(t, c.dn(l), "accountExpires")[0] != other {
		t.Errorf("over somebody else's: %v", err)
	}
	if o := look(t, conn, account); o.Of(exeunt.Disable) != exeunt.Absent {
		t.Error("an account without the expiry that the settings ask for counts as shut")
	}
}

// replica is a domain controller that replication has not reached while it is behind: it says of every account that it is
// enabled. All else is the first one's.
type replica struct {
	url    string
	ca     []byte
	behind atomic.Bool
}

func (c *company) replica(t *testing.T) *replica {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	t.Cleanup(server.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12})
	must(t, err)
	r := &replica{url: "ldaps://" + l.Addr().String(), ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}
	r.behind.Store(true)
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	open.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { r.carry(client, c) })
		}
	})
	return r
}

// carry carries one connection to the first domain controller and back.
func (r *replica) carry(client net.Conn, c *company) {
	defer client.Close()
	first, err := tls.Dial("tcp", strings.TrimPrefix(c.URL, "ldaps://")+":636", &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err != nil {
		return
	}
	defer first.Close()
	go func() { _, _ = io.Copy(first, client); first.Close() }()
	for {
		message, err := element(first)
		if err != nil {
			return
		}
		if r.behind.Load() {
			message = bytes.ReplaceAll(message, []byte("\x04\x03514"), []byte("\x04\x03512"))
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

// element reads one BER element, which is what a message of LDAP is (RFC 4511 §5.1).
func element(from io.Reader) ([]byte, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	length := int(head[1])
	if length >= 0x80 {
		long := make([]byte, length&0x7f)
		if _, err := io.ReadFull(from, long); err != nil {
			return nil, err
		}
		length = 0
		for _, b := range long {
			length = length<<8 | int(b)
		}
		head = append(head, long...)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(from, body)
	return append(head, body...), err
}

func TestDisableCountsWhenEachDomainControllerShowsIt(t *testing.T) {
	c := open(t)
	second := c.replica(t)
	first, err := os.ReadFile(c.CAFile)
	must(t, err)
	both := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(both, append(first, second.ca...), 0o600))
	conn, l, account := c.connect(t, map[string]any{"controllers": []string{second.url}, "ca_file": both})
	name := strings.TrimPrefix(second.url, "ldaps://")
	specs, err := activedirectory.Kind().Specs(c.with(t, nil))
	must(t, err)
	aim := connector.Aim{Account: account, Spec: specs[2], With: connector.Parameters{Leaver: l}}
	intended := 0
	attempt := func() exeunt.Outcome {
		out, err := connector.Converge(t.Context(), conn, aim, func(exeunt.Observation) error { intended++; return nil })
		must(t, err)
		aim.Intended = true
		return out
	}
	for range 2 {
		out := attempt()
		if out.Kind != exeunt.NotYet || out.Seen["not yet at"] != name || !strings.Contains(out.Err.Error(), "not yet at "+name) {
			t.Fatalf("behind: %s %v %v", out.Kind, out.Err, out.Seen)
		}
	}
	if o := look(t, conn, account); o.Of(exeunt.CheckAccess) != exeunt.Pending {
		t.Errorf("access counts as cut: %s", o.Of(exeunt.CheckAccess))
	}
	second.behind.Store(false)
	out := attempt()
	if out.Kind != exeunt.Done || !strings.HasSuffix(out.Seen["domain controllers that show it"], ", "+name) || intended != 1 {
		t.Errorf("caught up: %s %v, after %d intents", out.Kind, out.Seen, intended)
	}
	before := connector.Parameters{Undo: true, Snapshot: map[string][]string{"enabled": {"true"}}}
	must(t, conn.Apply(t.Context(), account, exeunt.Disable, before))
	if look(t, conn, account).Of(exeunt.Disable) != exeunt.Absent {
		t.Error("an account that is open waits for others")
	}
}

// One that cannot be asked has not shown it either.
func TestADomainControllerThatIsAwayHasNotShownIt(t *testing.T) {
	c := open(t)
	conn, _, account := c.connect(t, map[string]any{"controllers": []string{"ldaps://127.0.0.1:1"}})
	apply(t, conn, account, exeunt.Disable)
	o := look(t, conn, account)
	if o.Of(exeunt.Disable) != exeunt.Pending || !strings.Contains(o.Why[exeunt.Disable], "127.0.0.1:1 (the directory: the connection failed)") {
		t.Errorf("%s %v", o.Of(exeunt.Disable), o.Why)
	}
}

func TestSettingsOfADomainAreChecked(t *testing.T) {
	c := open(t)
	for field, wrong := range map[string]map[string]any{
		"controllers[0]": {"controllers": []string{"dc2.corp.example"}},
		"controllers":    {"controllers": []string{c.URL}},
		"ticket_hours":   {"ticket_hours": -1},
		"privileged":     {"privileged": "maybe"},
	} {
		_, err := activedirectory.Kind().Open(c.with(t, wrong), nil)
		if exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", strconv.Quote(field), err)
		}
	}
}

func TestTheRightsOfWhatTheSettingsAskForAreExamined(t *testing.T) {
	c := open(t)
	colleague := c.hire(t)
	secret := filepath.Join(t.TempDir(), "colleague")
	must(t, os.WriteFile(secret, []byte(password), 0o600))
	settings := map[string]any{"set_expiry": true, "controllers": []string{"ldaps://127.0.0.1:1"}}
	states := func(changes map[string]any) map[string]connector.RightState {
		conn, err := activedirectory.Kind().Open(c.with(t, changes), nil)
		must(t, err)
		rights, err := connector.Examine(t.Context(), conn)
		must(t, err)
		out := map[string]connector.RightState{}
		for _, r := range rights {
			out[r.Name] = r.State
		}
		return out
	}
	if got := states(settings); got["Write accountExpires on users"] != connector.Granted || got["sign in at 127.0.0.1:1"] != connector.Lacking {
		t.Errorf("as the service: %v", got)
	}
	settings["bind_dn"], settings["bind_password"] = colleague.Identifier(exeunt.PrincipalName), "file:"+secret
	if got := states(settings); got["Write accountExpires on users"] != connector.Lacking {
		t.Errorf("as a colleague: %v", got)
	}
}

// Who may do harm is locked out before anything else is done to them.
func TestAnImmediateDepartureLocksFirst(t *testing.T) {
	first := slices.MinFunc(activedirectory.Kind().Actions, func(a, b exeunt.ActionSpec) int { return a.In(true) - b.In(true) })
	if first.Action != exeunt.Disable {
		t.Errorf("it begins with %s", first.Action)
	}
}
