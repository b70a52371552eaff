package entra_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors/entra"
)

// TestWhatMayNotBeReadIsNotSaidToBeDone takes from our application one right after the other.
func TestWhatMayNotBeReadIsNotSaidToBeDone(t *testing.T) {
	g := newGraph(t)
	for _, c := range []struct {
		lacks  string
		action exeunt.Action
	}{
		{"UserAuthenticationMethod.ReadWrite.All", exeunt.ResetFactors}, {"RoleManagement.ReadWrite.Directory", exeunt.RemoveRoles},
		{"GroupMember.ReadWrite.All", exeunt.RemoveGroups}, {"AppRoleAssignment.ReadWrite.All", exeunt.RemoveApps},
		{"DelegatedPermissionGrant.ReadWrite.All", exeunt.RevokeGrants}, {"Device.ReadWrite.All", exeunt.LockDevices},
		{"MailboxSettings.ReadWrite", exeunt.SetAutoReply}, {"Files.ReadWrite.All", exeunt.TransferData},
		{"User.EnableDisableAccount.All", exeunt.Disable}, {"User-PasswordProfile.ReadWrite.All", exeunt.ResetPassword}, {"User.RevokeSessions.All", exeunt.RevokeSessions}, {"LicenseAssignment.ReadWrite.All", exeunt.ReclaimLicence},
	} {
		g.granted["full"] = slices.DeleteFunc(slices.Clone(everything), func(s string) bool { return s == c.lacks })
		conn, l := g.open(t, `,"auto_reply":"x","files_to_manager":true,"shared_mailbox":true`), g.hire(t)
		out := converge(t, conn, l, c.action)
		if out.Kind != exeunt.GaveUp || exeunt.KindOf(out.Err) != exeunt.Denied {
			t.Errorf("%s without %s: %s: %s", c.action, c.lacks, out.Kind, said(out))
		}
		seen, err := conn.Observe(t.Context(), account(l))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(entra.Kind().Actions, func(a exeunt.ActionSpec) bool { return a.Action == c.action })
		for _, key := range entra.Kind().Actions[i].Takes {
			if _, recorded := seen.Snapshot[key]; recorded && seen.Of(c.action) == exeunt.Unknown && key != "eligible_roles" {
				t.Errorf("without %s, %s is not known and %v is recorded", c.lacks, c.action, seen.Snapshot[key])
			}
		}
		if c.action != exeunt.Disable {
			if out := converge(t, conn, l, exeunt.Disable); out.Kind != exeunt.Done {
				t.Errorf("without %s, disable: %s: %s; want it done all the same", c.lacks, out.Kind, said(out))
			}
		}
		rights, err := connector.Examine(t.Context(), conn)
		i = slices.IndexFunc(rights, func(r connector.Right) bool { return r.Name == c.lacks })
		if err != nil || i < 0 || rights[i].State != connector.Lacking || !slices.Contains(rights[i].For, c.action) {
			t.Errorf("%s is not said to lack for %s: %+v, %v", c.lacks, c.action, rights, err)
		}
	}
}

func TestAPermissionThatAllowsMoreIsSaidToBeTooMuch(t *testing.T) {
	g := newGraph(t)
	g.granted["full"] = []string{"User.ReadWrite.All", "UserAuthMethod-Phone.ReadWrite.All"}
	g.meet = func(string, string) *answer { return &answer{status: 200, body: object{"value": []any{}}} }
	rights, err := connector.Examine(t.Context(), g.open(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]connector.Right{}
	for _, r := range rights {
		states[r.Name] = r
	}
	if r := states["User.EnableDisableAccount.All"]; r.State != connector.Granted || !strings.Contains(r.Why, "User.ReadWrite.All, which allows more than is needed") {
		t.Errorf("got %+v", r)
	}
	if r := states["UserAuthenticationMethod.ReadWrite.All"]; r.State != connector.Unknown {
		t.Errorf("with a permission for phones only: %+v", r)
	}
	if r := states["an administrator role of our application"]; r.State != connector.Unknown || !slices.Contains(r.For, exeunt.Disable) {
		t.Errorf("got %+v", r)
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	const good = `"tenant":"corp.example","client_id":"c","client_secret":"env:S"`
	for settings, field := range map[string]string{
		"{" + good + "}": "",
		`{"tenant":"corp.example","client_id":"c","certificate":"file:/c.pem","private_key":"file:/k.pem"}`: "",
		`{"client_id":"c","client_secret":"env:S"}`:                                                         "tenant",
		`{"tenant":"corp.example/x","client_id":"c","client_secret":"env:S"}`:                               "tenant",
		`{"tenant":"corp.example","client_secret":"env:S"}`:                                                 "client_id",
		`{"tenant":"corp.example","client_id":"c"}`:                                                         "client_secret",
		"{" + good + `,"certificate":"file:/c.pem"}`:                                                        "client_secret",
		"{" + good + `,"private_key":"file:/k.pem"}`:                                                        "private_key",
		"{" + good + `,"privileged":"never"}`:                                                               "privileged",
		"{" + good + `,"graph_url":"http://graph.example"}`:                                                 "graph_url",
		"{" + good + `,"login_url":"ftp://login.example"}`:                                                  "login_url",
		"{" + good + `,"match":{"work_email":"nickname"}}`:                                                  "match",
	} {
		_, err := entra.Kind().Open([]byte(settings), http.DefaultTransport)
		if (field == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, want %q named", settings, err, field)
		}
	}
	for settings, want := range map[string]int{"{" + good + "}": 12, "{" + good + `,"auto_reply":"x"}`: 13, "{" + good + `,"auto_reply":"x","files_to_manager":true}`: 14, "{" + good + `,"shared_mailbox":true}`: 13} {
		if specs, err := entra.Kind().Specs([]byte(settings)); err != nil || len(specs) != want {
			t.Errorf("%s: %d actions, %v; want %d", settings, len(specs), err, want)
		}
	}
}

// TestSignsInWithACertificate holds the assertion to what Entra wants: signed by the certificate's key, and naming it.
func TestSignsInWithACertificate(t *testing.T) {
	g := newGraph(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "entra.pem")
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	settings := strings.Replace(string(g.settings(t, "")), `"client_secret":"env:ENTRA_SECRET"`, fmt.Sprintf(`"certificate":%q`, "file:"+file), 1)
	var assertion string
	c, err := entra.Kind().Open([]byte(settings), counting(func(r *http.Request) {
		if r.GetBody != nil && strings.HasSuffix(r.URL.Path, "/token") {
			body, _ := r.GetBody()
			raw, _ := io.ReadAll(body)
			form, _ := url.ParseQuery(string(raw))
			assertion = form.Get("client_assertion")
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if out := converge(t, c, g.hire(t), exeunt.Disable); out.Kind != exeunt.Done {
		t.Fatalf("%s: %s", out.Kind, said(out))
	}
	signed, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.PS256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	sum := sha256.Sum256(der)
	if err := signed.Claims(key.Public(), &claims); err != nil || claims.Issuer != clientID || claims.Subject != clientID || !claims.Audience.Contains(g.URL+"/corp.example/oauth2/v2.0/token") {
		t.Errorf("%+v, %v", claims, err)
	}
	if got := signed.Headers[0].ExtraHeaders["x5t#S256"]; got != base64.RawURLEncoding.EncodeToString(sum[:]) {
		t.Errorf("the certificate is named %v", got)
	}
}
