package testserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Samba returns the Active Directory domain controller of this test process; the first call
// provisions it, which takes some seconds. Tests share it, so each makes its own people.
//
// Its ports are fixed, 389 and 636, so it takes a loopback address of its own.
func Samba(t testing.TB) Directory {
	t.Helper()
	need(t, SambaDC)
	d, err := sharedSamba()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var sharedSamba = sync.OnceValues(func() (Directory, error) {
	binary, _ := locate(SambaDC)
	d := Directory{
		ServerName: "dc1.corp.example", BaseDN: "DC=corp,DC=example",
		Admin: Login{"administrator@corp.example", "Passw0rd!2345"},
	}
	d.Service = d.Admin
	var ip string
	err := keep(recipe{
		name: "samba", stop: "TERM", within: 60 * time.Second,
		prepare: func(dir string) (argv []string, err error) {
			if ip, err = freeLoopback(389, 636, 3268, 3269); err != nil {
				return nil, err
			}
			d.PlainURL, d.URL = "ldap://"+ip, "ldaps://"+ip
			return prepareSamba(dir, binary, ip, &d)
		},
		answers: func(ctx context.Context) error {
			if err := accepts(ctx, ip+":389"); err != nil {
				return err
			}
			return shakesHands(ctx, ip+":636", d)
		},
	})
	return d, err
})

// prepareSamba provisions a domain. One process serves LDAP and nothing else: no test here needs
// Kerberos or file shares, and whatever does not run cannot be left behind.
func prepareSamba(dir, binary, ip string, d *Directory) ([]string, error) {
	err := command(dir, nil, "samba-tool", "domain", "provision", "--use-rfc2307", "--realm=CORP.EXAMPLE",
		"--domain=CORP", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL", "--adminpass="+d.Admin.Password,
		"--host-name=dc1", "--host-ip="+ip, "--targetdir="+dir)
	if err != nil {
		return nil, err
	}
	files, err := newCertificate(dir, ip, d.ServerName)
	if err != nil {
		return nil, err
	}
	d.CAFile = files.CA
	argv := []string{binary, "--foreground", "--model=single", "--no-process-group", "--debug-stdout",
		"--configfile=" + filepath.Join(dir, "etc", "smb.conf")}
	for _, option := range []string{
		"server services=ldap", "interfaces=" + ip + "/8", "bind interfaces only=yes",
		"pid directory=" + filepath.Join(dir, "run"), "ncalrpc dir=" + filepath.Join(dir, "run", "ncalrpc"),
		"winbindd socket directory=" + filepath.Join(dir, "run", "wb"), "log file=" + filepath.Join(dir, "log.samba"),
		"tls certfile=" + files.Cert, "tls keyfile=" + files.Key, "tls cafile=" + files.CA,
	} {
		argv = append(argv, "--option="+option)
	}
	return argv, nil
}

// freeLoopback returns an address of 127/8 on which all the ports are free. It starts from the
// process id, so that test processes side by side seldom meet.
func freeLoopback(ports ...int) (string, error) {
	for i := range 200 {
		n := (os.Getpid()*7 + i) % (250 * 250)
		ip := fmt.Sprintf("127.77.%d.%d", n/250+1, n%250+1)
		if allFree(ip, ports) {
			return ip, nil
		}
	}
	return "", errors.New("no loopback address with free ports")
}

func allFree(ip string, ports []int) bool {
	for _, port := range ports {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", ip, port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// shakesHands says whether TLS with the server's own authority succeeds.
func shakesHands(ctx context.Context, address string, d Directory) error {
	pem, err := os.ReadFile(d.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: &tls.Config{RootCAs: roots, ServerName: d.ServerName}}
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}
