package config

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
	"github.com/exeunt/exeunt/internal/ledger/verify"
)

// witnesses reads the policy of who cosigns. It is part of the version of the configuration, like every file.
func (l *loader) witnesses() {
	name := l.file.Ledger.Witnesses
	if name == "" {
		return
	}
	report := func(what, remedy string) {
		l.mainDoc.Report(yamlfile.Problem{Path: "ledger.witnesses", What: what, Remedy: remedy})
	}
	if !filepath.IsLocal(name) {
		report(fmt.Sprintf("%q is not a file in this folder", name), "put the policy beside exeunt.yaml and write its name")
		return
	}
	text, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		report("the policy cannot be read: "+reason(err), "see that the file exists and that the server's user may read it")
		return
	}
	l.include(name, text)
	if _, err := verify.ParsePolicy(string(text)); err != nil {
		report(exeunt.MessageOf(err), "see docs/proof.md, Witnesses")
		return
	}
	l.config.Ledger.Witnesses = string(text)
}

// timeStamp reads who stamps the close of cases.
func (l *loader) timeStamp() {
	f := l.file.Ledger.TimeStamp
	if f == nil || f.URL == "" || f.Authority == "" {
		return // said by the decoder
	}
	report := func(path, what, remedy string) {
		l.mainDoc.Report(yamlfile.Problem{Path: "ledger.timestamp." + path, What: what, Remedy: remedy})
	}
	if u, err := url.Parse(f.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		report("url", "this is not where an authority can answer", "write https://host/path; http is enough too, since stamps are signed")
	}
	pem, err := os.ReadFile(filepath.Join(l.dir, f.Authority))
	roots := x509.NewCertPool()
	if !filepath.IsLocal(f.Authority) || err != nil || !roots.AppendCertsFromPEM(pem) {
		report("authority", "there is no certificate of an authority in PEM in this file of the folder", "put the file beside exeunt.yaml and write its name")
		return
	}
	l.include(f.Authority, pem)
	l.config.Ledger.TimeStamp = &TimeStamp{URL: f.URL, Roots: roots}
}
