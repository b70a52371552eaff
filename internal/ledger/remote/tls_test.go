package remote_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/ledger/ledgertest"
	"github.com/exeunt/exeunt/internal/ledger/remote"
)

// authority signs certificates, into a folder.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(raw)
	must(t, err)
	a.write(t, "ca.pem", "CERTIFICATE", raw)
	return a
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) write(t *testing.T, name, kind string, raw []byte) {
	t.Helper()
	must(t, os.WriteFile(a.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600))
}

// issue writes NAME.pem and NAME.key.
func (a *authority) issue(t *testing.T, name string, usage x509.ExtKeyUsage) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, a.cert, key.Public(), a.key)
	must(t, err)
	a.write(t, name+".pem", "CERTIFICATE", raw)
	encoded, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	a.write(t, name+".key", "EC PRIVATE KEY", encoded)
}

func (a *authority) target(address, name string) remote.Target {
	return remote.Target{Address: address, Authority: a.path("ca.pem"), Certificate: a.path(name + ".pem"), Key: func() (string, error) {
		raw, err := os.ReadFile(a.path(name + ".key"))
		return string(raw), err
	}}
}

// A ledger on another machine wants to know who calls, and so does whoever calls it.
func TestBothSidesOfTLSShowACertificate(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	ours.issue(t, "ledger.example", x509.ExtKeyUsageServerAuth)
	for _, a := range []*authority{ours, theirs} {
		a.issue(t, "exeunt.example", x509.ExtKeyUsageClientAuth)
		a.issue(t, "other.example", x509.ExtKeyUsageClientAuth)
	}
	options := remote.Options{Address: "tls://127.0.0.1:0", Certificate: ours.path("ledger.example.pem"), Key: ours.path("ledger.example.key"), ClientAuthority: ours.path("ca.pem")}
	_, anyone := served(t, options)
	options.Allow = []string{"exeunt.example"}
	_, named := served(t, options)
	options.ClientAuthority = theirs.path("ca.pem")
	_, strange := served(t, options)

	trusting := theirs.target(anyone, "exeunt.example")
	trusting.Authority = ours.path("ca.pem")
	for _, c := range []struct {
		name   string
		target remote.Target
		says   string
	}{
		{"whoever the authority vouches for", ours.target(anyone, "other.example"), ""},
		{"the name that is allowed", ours.target(named, "exeunt.example"), ""},
		{"another name", ours.target(named, "other.example"), "names nobody who may use this ledger"},
		{"a certificate of another authority", ours.target(strange, "exeunt.example"), "does not accept our certificate"},
		{"a certificate of another authority, to an open list", trusting, "does not accept our certificate"},
		{"a ledger of another authority", theirs.target(anyone, "exeunt.example"), "its certificate is not of the authority"},
	} {
		cl, err := remote.NewClient(ledgertest.Origin, c.target)
		must(t, err)
		_, err = cl.Size(t.Context())
		if (c.says == "") != (err == nil) || err != nil && (exeunt.KindOf(err) != exeunt.Denied || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
		must(t, cl.Close())
	}
	missing := ours.target(anyone, "exeunt.example")
	missing.Certificate = ours.path("nothing.pem")
	if _, err := remote.NewClient(ledgertest.Origin, missing); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("without a certificate: %v", err)
	}
	options.Key = ours.path("exeunt.example.key")
	if _, err := remote.Open(t.Context(), nil, options); exeunt.KindOf(err) != exeunt.Invalid {
		t.Errorf("a key of another certificate: %v", err)
	}
}
