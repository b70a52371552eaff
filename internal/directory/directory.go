// Package directory is what the connectors of LDAP directories share: how one is reached, how people
// are matched in it, and what its answers mean.
package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Settings say how a directory is reached.
type Settings struct {
	URL          string           `json:"url" jsonschema:"required" jsonschema_description:"ldaps://host[:port], or ldap://host[:port] with start_tls."`
	StartTLS     bool             `json:"start_tls,omitempty" jsonschema_description:"Begin in plain text and turn to TLS before anything is said."`
	CAFile       string           `json:"ca_file,omitempty" jsonschema_description:"PEM of the authorities that sign the server's certificate; the machine's own when left out."`
	ServerName   string           `json:"server_name,omitempty" jsonschema_description:"The name in the server's certificate, when it is not the host of url."`
	BindDN       string           `json:"bind_dn" jsonschema:"required" jsonschema_description:"Who we are: a DN, or a user principal name in Active Directory."`
	BindPassword connector.Secret `json:"bind_password" jsonschema:"required" jsonschema_description:"Of bind_dn."`
	BaseDN       string           `json:"base_dn" jsonschema:"required" jsonschema_description:"People, leavers and groups lie below it."`

	// Match says by which attribute the directory knows each kind of identifier. A leaver is whoever
	// has any of them: two that match are better than the wrong one.
	Match map[exeunt.IdentifierKind]string `json:"match,omitempty" jsonschema_description:"Which of the leaver's identifiers is which attribute. Whoever has any of them is found."`
}

// perCall bounds one use of the directory, from dialing to the last answer.
const perCall = 30 * time.Second

// Check refuses what cannot work or would send a password in plain text.
func (s Settings) Check() error {
	u, err := url.Parse(s.URL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "ldaps" && u.Scheme != "ldap") {
		return invalid("url", "write ldaps://host, or ldap://host together with start_tls: true")
	}
	if u.Scheme == "ldap" && !s.StartTLS {
		return invalid("url", "ldap:// would send our password in plain text: use ldaps://, or add start_tls: true")
	}
	if u.Scheme == "ldaps" && s.StartTLS {
		return invalid("start_tls", "ldaps:// is TLS from the start: remove start_tls, or use ldap://")
	}
	if s.BindDN == "" {
		return invalid("bind_dn", "name the account that we sign in with")
	}
	if s.BindPassword.IsZero() {
		return invalid("bind_password", "give the password by reference: env:NAME or file:/path")
	}
	if err := CheckDN("base_dn", s.BaseDN); err != nil {
		return err
	}
	for kind, attribute := range s.Match {
		if err := CheckAttribute("match", attribute); err != nil {
			return exeunt.Errorf(exeunt.Invalid, "%s (for %s)", exeunt.MessageOf(err), kind).In("match")
		}
	}
	return nil
}

// CheckDN refuses an empty or malformed distinguished name in a setting.
func CheckDN(field, dn string) error {
	if parsed, err := ldap.ParseDN(dn); err != nil || len(parsed.RDNs) == 0 {
		return invalid(field, "%q is not a distinguished name such as ou=people,dc=corp,dc=example", dn)
	}
	return nil
}

// CheckAttribute refuses in a setting what is no name of an attribute.
func CheckAttribute(field, attribute string) error {
	if !attributeName.MatchString(attribute) {
		return invalid(field, "%q is not the name of an attribute", attribute)
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return exeunt.Errorf(exeunt.Invalid, field+": "+format, args...).In(field)
}

// Do signs in and lets use speak. Each call has a connection of its own: a step's few calls cost
// milliseconds, a connection that died cannot be met, a rotated password is taken up, and the end of
// the context ends the call by closing it. The error is always an *exeunt.Error.
func (s Settings) Do(ctx context.Context, use func(*ldap.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, perCall)
	defer cancel()
	password, err := s.BindPassword.Reveal()
	if err != nil {
		return err
	}
	c, stop, err := s.dial(ctx)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer stop()
	if err = c.Bind(s.BindDN, password); err == nil {
		err = use(c)
	}
	if err != nil && ctx.Err() != nil {
		return connector.Network("the directory", ctx.Err())
	}
	return Error(err)
}

// dial connects with TLS. stop closes the connection, as does the end of the context.
func (s Settings) dial(ctx context.Context) (c *ldap.Conn, stop func(), err error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return nil, nil, err
	}
	config, err := s.tls(u.Hostname())
	if err != nil {
		return nil, nil, err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme]
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, nil, err
	}
	if !s.StartTLS {
		secure := tls.Client(raw, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, nil, err
		}
		raw = secure
	}
	c = ldap.NewConn(raw, !s.StartTLS)
	c.Start()
	release := context.AfterFunc(ctx, func() { raw.Close() })
	stop = func() { release(); c.Close() }
	if s.StartTLS {
		if err := c.StartTLS(config); err != nil {
			stop()
			return nil, nil, err
		}
	}
	return c, stop, nil
}

func (s Settings) tls(host string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if s.ServerName != "" {
		config.ServerName = s.ServerName
	}
	if s.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "ca_file %s cannot be read by the server's user", s.CAFile).Because(err).In("ca_file")
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, exeunt.Errorf(exeunt.Invalid, "ca_file %s holds no certificate in PEM form", s.CAFile).In("ca_file")
	}
	return config, nil
}

// unreachable says why there is no connection. A certificate that is not trusted may be a mistake of
// ours, an expiry or an attack: nothing is sent, and it is tried again.
func unreachable(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*exeunt.Error](err); ok {
		return e
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return exeunt.Errorf(exeunt.Temporary, "the directory's certificate is not trusted: check ca_file, server_name and the certificate's dates").Because(err)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return connector.Network("the directory", err)
}
