package directory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func TestErrorClassesEachResult(t *testing.T) {
	for code, want := range map[uint16]exeunt.ErrorKind{
		1: exeunt.Temporary, 2: exeunt.Invalid, 3: exeunt.Temporary, 4: exeunt.Denied, 7: exeunt.Unauthorised, 8: exeunt.Unauthorised,
		10: exeunt.Invalid, 11: exeunt.Denied, 12: exeunt.Unsupported, 13: exeunt.Unauthorised, 16: exeunt.Conflict, 17: exeunt.Unsupported,
		18: exeunt.Invalid, 19: exeunt.Invalid, 20: exeunt.Conflict, 21: exeunt.Invalid, 32: exeunt.NotFound, 34: exeunt.Invalid,
		48: exeunt.Unauthorised, 49: exeunt.Unauthorised, 50: exeunt.Denied, 51: exeunt.Temporary, 52: exeunt.Temporary, 53: exeunt.Denied,
		54: exeunt.Invalid, 64: exeunt.Invalid, 65: exeunt.Conflict, 66: exeunt.Conflict, 67: exeunt.Invalid, 68: exeunt.Conflict,
		69: exeunt.Invalid, 71: exeunt.Unsupported, 80: exeunt.Temporary,
		ldap.ErrorNetwork: exeunt.Temporary, ldap.ErrorFilterCompile: exeunt.Invalid, ldap.ErrorEmptyPassword: exeunt.Unauthorised,
		123: exeunt.Internal,
	} {
		cause := ldap.NewError(code, errors.New("80090308: LdapErr: jdoe s3cret"))
		err := Error(fmt.Errorf("wrapped: %w", cause))
		if exeunt.KindOf(err) != want {
			t.Errorf("%d is %s, want %s", code, exeunt.KindOf(err), want)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%d shows the server's own words: %v", code, err)
		}
		if !Is(err, code) {
			t.Errorf("%d is not known as itself afterwards", code)
		}
	}
	if err := Error(nil); err != nil {
		t.Errorf("nil becomes %v", err)
	}
	if err := Error(io.ErrUnexpectedEOF); exeunt.KindOf(err) != exeunt.Temporary {
		t.Errorf("a cut connection is %s", exeunt.KindOf(err))
	}
	own := exeunt.Errorf(exeunt.Conflict, "ours")
	if err := Error(own); err != error(own) {
		t.Errorf("an error of ours becomes %v", err)
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		dn, above, parent string
		below             bool
	}{
		{"uid=a,ou=people,dc=corp", "ou=people,dc=corp", "ou=people,dc=corp", true},
		{"UID=a,OU=People,DC=Corp", "ou=people,dc=corp", "OU=People,DC=Corp", true},
		{`cn=Doe\, Jane,ou=people,dc=corp`, "dc=corp", "ou=people,dc=corp", true},
		{"uid=a,ou=people,dc=corp", "ou=leavers,dc=corp", "ou=people,dc=corp", false},
		{"ou=people,dc=corp", "ou=people,dc=corp", "dc=corp", false},
		{"uid=a,ou=xpeople,dc=corp", "ou=people,dc=corp", "ou=xpeople,dc=corp", false},
		{"nonsense", "dc=corp", "", false},
	} {
		if got := Below(c.dn, c.above); got != c.below {
			t.Errorf("%s below %s: %v", c.dn, c.above, got)
		}
		if got := Parent(c.dn); got != c.parent {
			t.Errorf("%s lies in %q, want %q", c.dn, got, c.parent)
		}
	}
}

func TestMatchingEscapesAndLeavesOutWhatIsNotThere(t *testing.T) {
	keys := []exeunt.Key{{Attribute: "uid", Value: "a*(b)"}, {Attribute: "mail", Value: "j@corp.example"}, {Attribute: "x"}}
	if got, want := Matching(keys), `(|(uid=a\2a\28b\29)(mail=j@corp.example))`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := Matching([]exeunt.Key{{Attribute: "mail"}}); got != "" {
		t.Errorf("nobody gives %s", got)
	}
}

// servers that are there and no help.
func TestABadServerIsTemporaryAndNeverHoldsUs(t *testing.T) {
	for name, behave := range map[string]func(net.Conn){
		"silent":       func(c net.Conn) { io.Copy(io.Discard, c) },
		"cuts at once": func(c net.Conn) {},
		"nonsense":     func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); io.Copy(io.Discard, c) },
	} {
		for _, startTLS := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, start_tls %v", name, startTLS), func(t *testing.T) {
				s := settings(t, behave, startTLS)
				ctx, cancel := context.WithCancel(t.Context())
				timer := time.AfterFunc(100*time.Millisecond, cancel)
				defer timer.Stop()
				begun := time.Now()
				err := s.Do(ctx, func(*ldap.Conn) error { t.Error("got in"); return nil })
				if exeunt.KindOf(err) != exeunt.Temporary {
					t.Errorf("%s %v", exeunt.KindOf(err), err)
				}
				if took := time.Since(begun); took > 3*time.Second {
					t.Errorf("took %v after its context ended", took)
				}
			})
		}
	}
}

func settings(t *testing.T, behave func(net.Conn), startTLS bool) Settings {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); behave(c) }()
		}
	}()
	t.Setenv("DIRECTORY_TEST_PASSWORD", "s3cret")
	secret, err := connector.NewSecret("env:DIRECTORY_TEST_PASSWORD")
	if err != nil {
		t.Fatal(err)
	}
	scheme := map[bool]string{false: "ldaps://", true: "ldap://"}[startTLS]
	return Settings{URL: scheme + l.Addr().String(), StartTLS: startTLS, BindDN: "cn=a", BindPassword: secret, BaseDN: "dc=corp"}
}

func TestAMissingSecretOrAuthorityIsSaid(t *testing.T) {
	s := settings(t, func(net.Conn) {}, false)
	s.CAFile = "/nowhere/ca.pem"
	if err := s.Do(t.Context(), nil); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("got %v", err)
	}
	s.BindPassword, _ = connector.NewSecret("env:DIRECTORY_TEST_NO_SUCH")
	if err := s.Do(t.Context(), nil); exeunt.KindOf(err) != exeunt.Invalid || !strings.Contains(err.Error(), "DIRECTORY_TEST_NO_SUCH") {
		t.Errorf("got %v", err)
	}
}
