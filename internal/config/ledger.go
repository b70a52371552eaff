package config

import (
	"fmt"
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
	fmt.Fprintf(l.content, "%s\n%d\n", name, len(text))
	l.content.Write(text)
	if _, err := verify.ParsePolicy(string(text)); err != nil {
		report(exeunt.MessageOf(err), "see docs/proof.md, Witnesses")
		return
	}
	l.config.Ledger.Witnesses = string(text)
}
