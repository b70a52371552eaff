package ssf

import (
	"net/http"
	"net/url"
	"strings"
)

// Ways of delivery (RFC 8935, RFC 8936).
const (
	push = "urn:ietf:rfc:8935"
	poll = "urn:ietf:rfc:8936"
)

type metadata struct {
	SpecVersion  string   `json:"spec_version"`
	Issuer       string   `json:"issuer"`
	Keys         string   `json:"jwks_uri"`
	Methods      []string `json:"delivery_methods_supported"`
	Streams      string   `json:"configuration_endpoint"`
	Status       string   `json:"status_endpoint"`
	Add          string   `json:"add_subject_endpoint"`
	Remove       string   `json:"remove_subject_endpoint"`
	Verification string   `json:"verification_endpoint"`
	Schemes      []scheme `json:"authorization_schemes"`
	Subjects     string   `json:"default_subjects,omitempty"`
}

type scheme struct {
	URN string `json:"spec_urn"`
}

// metadata tells receivers where everything is (SSF 1.0 section 7.1).
func (f *face) metadata(w http.ResponseWriter, _ *http.Request) error {
	at := f.at
	return answer(w, http.StatusOK, metadata{
		SpecVersion: "1_0", Issuer: f.Issuer, Keys: at(keysPath), Methods: []string{push, poll}, Streams: at(streamPath), Status: at(statusPath),
		Add: at(addPath), Remove: at(removePath), Verification: at(verifyPath), Schemes: []scheme{{"urn:ietf:rfc:6749"}, {"urn:ietf:rfc:6750"}}, Subjects: f.subjects(),
	})
}

// at is an address of this installation.
func (f *face) at(path string) string { return strings.TrimRight(f.Issuer, "/") + path }

// wellKnown is where metadata of an issuer are: between its host and its path (SSF 1.0 section 7.2, RFC 8414 section 3, RFC
// 9728 section 3).
func wellKnown(issuer, name string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	u.Path, u.RawPath = "/.well-known/"+name+strings.TrimRight(u.Path, "/"), ""
	return u.String()
}

// subjects says whom receivers hear of who say nothing; nothing is said where that is not the same for all.
func (f *face) subjects() string {
	all, added := false, false
	for _, of := range f.Receivers {
		all = all || of.Settings.AllByDefault()
		added = added || !of.Settings.AllByDefault()
	}
	switch {
	case all && !added:
		return "ALL"
	case added && !all:
		return "NONE"
	default:
		return ""
	}
}

func (f *face) keys(w http.ResponseWriter, r *http.Request) error {
	set, err := f.Keys(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, set)
}
