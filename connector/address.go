package connector

import (
	"net"
	"net/url"

	"github.com/exeunt/exeunt"
)

// CheckAddress takes https anywhere and http on this machine only: credentials go there.
func CheckAddress(field, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return exeunt.Errorf(exeunt.Invalid, "%s is not the address of an API: write https://host/path, without query or credentials", field).In(field)
	}
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && here) {
		return exeunt.Errorf(exeunt.Invalid, "%s must begin with https://, since credentials are sent there", field).In(field)
	}
	return nil
}
