package testserver

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Directory is a running LDAP directory.
type Directory struct {
	URL        string // ldaps://…
	PlainURL   string // ldap://…, which offers StartTLS
	CAFile     string
	ServerName string // in its certificate
	BaseDN     string
	Admin      Login // may do anything
	Service    Login // what a connector would be given
}

// Login is a name and its password.
type Login struct{ Name, Password string }

//go:embed openldap.conf
var openldapConf string

//go:embed openldap.ldif
var openldapSeed string

// OpenLDAP starts slapd with the password policy, memberOf and referential integrity overlays, as
// many companies run it. It holds ou=people, ou=leavers, ou=groups and no people.
func OpenLDAP(t testing.TB) Directory {
	t.Helper()
	binary := need(t, Slapd)
	d := Directory{
		ServerName: "ldap.test", BaseDN: "dc=corp,dc=example",
		Admin:   Login{"cn=admin,dc=corp,dc=example", "admin-of-a-test"},
		Service: Login{"cn=svc-exeunt,dc=corp,dc=example", "service-of-a-test"},
	}
	var plain, secure int
	run(t, recipe{
		name: "slapd", stop: "TERM", within: 30 * time.Second,
		prepare: func(dir string) (argv []string, err error) {
			if plain, err = freePort(); err != nil {
				return nil, err
			}
			if secure, err = freePort(); err != nil {
				return nil, err
			}
			d.PlainURL, d.URL = fmt.Sprintf("ldap://127.0.0.1:%d", plain), fmt.Sprintf("ldaps://127.0.0.1:%d", secure)
			return prepareSlapd(dir, binary, &d)
		},
		answers: func(ctx context.Context) error {
			if err := accepts(ctx, fmt.Sprintf("127.0.0.1:%d", plain)); err != nil {
				return err
			}
			return accepts(ctx, fmt.Sprintf("127.0.0.1:%d", secure))
		},
	})
	return d
}

func prepareSlapd(dir, binary string, d *Directory) ([]string, error) {
	files, err := newCertificate(dir, "127.0.0.1", d.ServerName)
	if err != nil {
		return nil, err
	}
	d.CAFile = files.CA
	fill := strings.NewReplacer("@DIR@", dir, "@CA@", files.CA, "@CERT@", files.Cert, "@KEY@", files.Key,
		"@BASE@", d.BaseDN, "@ADMIN@", d.Admin.Name, "@ADMINPW@", d.Admin.Password,
		"@SERVICE@", d.Service.Name, "@SERVICEPW@", d.Service.Password)
	conf, seed := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "seed.ldif")
	if err := os.WriteFile(conf, []byte(fill.Replace(openldapConf)), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(seed, []byte(fill.Replace(openldapSeed)), 0o600); err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		return nil, err
	}
	// Ubuntu's AppArmor profile holds /usr/sbin/slapd to its own folders; a copy has no profile.
	// slapadd is the same binary under another name.
	own, add := filepath.Join(dir, "slapd"), filepath.Join(dir, "slapadd")
	if err := copyFile(binary, own); err != nil {
		return nil, err
	}
	if err := os.Symlink(own, add); err != nil {
		return nil, err
	}
	if err := command(dir, nil, add, "-q", "-f", conf, "-l", seed); err != nil {
		return nil, err
	}
	return []string{own, "-d", "0", "-f", conf, "-h", d.PlainURL + " " + d.URL}, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
