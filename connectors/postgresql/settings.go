package postgresql

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// Settings of one PostgreSQL server. Roles belong to the server, so one database is enough.
type Settings struct {
	URL      string           `json:"url" jsonschema:"required" jsonschema_description:"postgres://role@host:port/database?sslmode=verify-full, without a password."`
	Password connector.Secret `json:"password" jsonschema:"required" jsonschema_description:"Of the role in url."`

	Identifier exeunt.IdentifierKind `json:"identifier,omitempty" jsonschema_description:"Which of the leaver's identifiers a role is named by; login when left out."`
	Transform  Transform             `json:"transform,omitempty" jsonschema:"enum=lower,enum=local_part" jsonschema_description:"How the identifier becomes the role's name; the same when left out."`
}

// Transform says how an identifier becomes the name of a role.
type Transform string

// The transforms.
const (
	AsIs      Transform = ""           // the same
	Lower     Transform = "lower"      // in lower case
	LocalPart Transform = "local_part" // what stands before the @, in lower case
)

// Name applies the transform.
func (t Transform) Name(identifier string) string {
	switch t {
	case Lower:
		return strings.ToLower(identifier)
	case LocalPart:
		local, _, _ := strings.Cut(identifier, "@")
		return strings.ToLower(local)
	default:
		return identifier
	}
}

// Check refuses what cannot work or would send a password unprotected.
func (s Settings) Check() error {
	if !strings.HasPrefix(s.URL, "postgres://") && !strings.HasPrefix(s.URL, "postgresql://") {
		return invalid("url", "write postgres://role@host:port/database?sslmode=verify-full")
	}
	config, err := pgx.ParseConfig(s.URL)
	if err != nil {
		return invalid("url", "it cannot be read as a PostgreSQL connection URL, or names a certificate file that cannot be read")
	}
	if u, err := url.Parse(s.URL); err != nil || u.Query().Has("password") || hasPassword(u) {
		return invalid("url", "it holds a password: give that by reference in password")
	}
	if s.Password.IsZero() {
		return invalid("password", "give it by reference: env:NAME or file:/path")
	}
	hosts := []*pgconn.FallbackConfig{{Host: config.Host, TLSConfig: config.TLSConfig}}
	for _, host := range append(hosts, config.Fallbacks...) {
		if !nearby(host.Host) && !verified(host.TLSConfig) {
			return invalid("url", "the connection might be in plain text, or to an impostor: add sslmode=verify-full")
		}
	}
	if !slices.Contains([]Transform{AsIs, Lower, LocalPart}, s.Transform) {
		return invalid("transform", "%q is none of lower, local_part", s.Transform)
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return exeunt.Errorf(exeunt.Invalid, "%s: %s", field, fmt.Sprintf(format, args...)).In(field)
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has
}

// verified says whether the server's certificate is checked. sslmode=require skips it; verify-ca skips
// Go's check and brings its own.
func verified(config *tls.Config) bool {
	return config != nil && (!config.InsecureSkipVerify || config.VerifyPeerCertificate != nil)
}

// nearby says whether a host is this machine, so that nothing crosses a network.
func nearby(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasPrefix(host, "/") || (ip != nil && ip.IsLoopback())
}
