package config

import (
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/policy"
)

var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	countryPattern = regexp.MustCompile(`^[A-Z]{2}$`)
)

// nameProblems checks a short name and that it is used once; seen remembers it.
func nameProblems(path, name string, seen map[string]bool) []yamlfile.Problem {
	switch {
	case name == "":
		return nil // said by the decoder
	case !namePattern.MatchString(name):
		return []yamlfile.Problem{{Path: path, What: fmt.Sprintf("%q is not a name", name), Remedy: "use small letters, digits and hyphens, beginning with a letter"}}
	case seen[name]:
		return []yamlfile.Problem{{Path: path, What: fmt.Sprintf("%s stands here twice", name), Remedy: "give each a name of its own"}}
	}
	seen[name] = true
	return nil
}

func zoneProblems(path, zone string) []yamlfile.Problem {
	if zone == "" {
		return nil
	}
	if _, err := exeunt.Zone(zone); err != nil {
		return []yamlfile.Problem{{Path: path, What: exeunt.MessageOf(err), Remedy: "see the list of the IANA time zone database"}}
	}
	return nil
}

func countryProblems(path, country string) []yamlfile.Problem {
	if country == "" || countryPattern.MatchString(country) {
		return nil
	}
	return []yamlfile.Problem{{Path: path, What: fmt.Sprintf("%q is not a country code", country), Remedy: "write two capital letters (ISO 3166-1), such as DE"}}
}

// urlProblems wants https, except on this machine: sessions and task links go there.
func urlProblems(address string) []yamlfile.Problem {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return []yamlfile.Problem{{Path: "url", What: "this is not the address of a server", Remedy: "write https://host, without query"}}
	case u.Scheme != "https" && !(u.Scheme == "http" && onThisMachine(u.Hostname())):
		return []yamlfile.Problem{{Path: "url", What: "people's sessions would travel in the clear", Remedy: "begin it with https://"}}
	}
	return nil
}

// ledgerProblems checks where the ledger is said to be.
func ledgerProblems(l LedgerFile) []yamlfile.Problem {
	u, err := url.Parse(l.Address)
	switch {
	case l.Address == "":
		return nil
	case err == nil && u.Scheme == "unix" && u.Host == "" && strings.HasPrefix(u.Path, "/"):
		return nil
	case err != nil || u.Scheme != "tls" || u.Port() == "":
		return []yamlfile.Problem{{Path: "ledger.address", What: fmt.Sprintf("%q is not where a ledger can be", l.Address), Remedy: "write unix:///run/exeunt-ledger/ledger.sock, or tls://host:7443 for another machine"}}
	case l.Certificate == "" || l.Key.IsZero():
		return []yamlfile.Problem{{Path: "ledger.address", What: "a ledger on another machine wants a client certificate", Remedy: "add certificate: /path.pem and key: file:/path.pem"}}
	}
	return nil
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func addressProblems(path string, h Holder) []yamlfile.Problem {
	var out []yamlfile.Problem
	check := func(at, email string) {
		if email != "" && !policy.IsAddress(email) {
			out = append(out, yamlfile.Problem{Path: at + ".email", What: "this is not an e-mail address", Remedy: "write it as name@company.example"})
		}
	}
	check(path, h.Email)
	if h.Deputy != nil {
		check(path+".deputy", h.Deputy.Email)
	} else if h.Away {
		out = append(out, yamlfile.Problem{Path: path + ".away", What: "nobody stands in while the holder is away", Remedy: "name a deputy"})
	}
	return out
}

func (m MailFile) problems() []yamlfile.Problem {
	var out []yamlfile.Problem
	add := func(path, what, remedy string) {
		out = append(out, yamlfile.Problem{Path: "mail." + path, What: what, Remedy: remedy})
	}
	if _, err := mail.ParseAddress(m.From); m.From != "" && err != nil {
		add("from", "this is not an e-mail address", "write Exeunt <exeunt@acme.example>")
	}
	if m.Port < 0 || m.Port > 65535 {
		add("port", "this is not a port", "leave it out for the usual one")
	}
	if m.TLS == "none" && !onThisMachine(m.Host) {
		add("tls", "mail would travel in the clear", "use starttls or implicit; none is for a server on this machine")
	}
	if (m.Username == "") != m.Password.IsZero() {
		add("password", "username and password go together", "give both, or neither")
	}
	return out
}

var secretType = reflect.TypeFor[connector.Secret]()

// secretProblems finds the secrets that cannot be read now: a warning for whoever checks a
// configuration elsewhere, an error for the server that needs them.
func secretProblems(path string, decoded any) []yamlfile.Problem {
	var out []yamlfile.Problem
	walkSecrets(path, reflect.ValueOf(decoded), func(at string, s connector.Secret) {
		if _, err := s.Reveal(); err != nil {
			out = append(out, yamlfile.Problem{Path: at, Warning: true, AtServe: true, What: exeunt.MessageOf(err), Remedy: "set it before the server starts"})
		}
	})
	return out
}

func walkSecrets(path string, v reflect.Value, found func(string, connector.Secret)) {
	switch {
	case v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface:
		if !v.IsNil() {
			walkSecrets(path, v.Elem(), found)
		}
	case v.Type() == secretType:
		if s := v.Interface().(connector.Secret); !s.IsZero() {
			found(path, s)
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			t := v.Type().Field(i)
			if !t.IsExported() {
				continue
			}
			at, name := path, keyOf(t)
			if !t.Anonymous || t.Tag.Get("json") != "" {
				at = strings.TrimPrefix(path+"."+name, ".")
			}
			walkSecrets(at, v.Field(i), found)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			walkSecrets(fmt.Sprintf("%s[%d]", path, i), v.Index(i), found)
		}
	case v.Kind() == reflect.Map:
		for _, k := range v.MapKeys() {
			walkSecrets(fmt.Sprintf("%s.%v", path, k), v.MapIndex(k), found)
		}
	}
}

func keyOf(t reflect.StructField) string {
	name, _, _ := strings.Cut(t.Tag.Get("json"), ",")
	if name == "" {
		return t.Name
	}
	return name
}

func mapValues[V any](m map[string]V) []V {
	var out []V
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
