package config

import (
	"fmt"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// ApprovalsFile says what needs a second person in every plan. Systems and rules may ask for more.
type ApprovalsFile struct {
	Approver    string             `json:"approver,omitempty" jsonschema_description:"The role that is asked. The case owner when left out."`
	Lasts       *yamlfile.Duration `json:"lasts,omitempty" jsonschema_description:"How long one person has to answer before the next in line is asked. 4h when left out."`
	Destructive *bool              `json:"destructive,omitempty" jsonschema_description:"Every step that loses data needs it. true when left out."`
	Flags       []exeunt.Flag      `json:"flags,omitempty" jsonschema_description:"Every step of people with one of these flags needs it: protected, privileged, executive…"`
}

var knownFlags = []exeunt.Flag{exeunt.Executive, exeunt.OnLeave, exeunt.LitigationHold, exeunt.Privileged, exeunt.Protected}

// approvals reads what needs a second person.
func (l *loader) approvals() {
	f := l.file.Approvals
	l.config.approvals = exeunt.Approvals{Approver: f.Approver, Lasts: length(f.Lasts, 4*time.Hour), Destructive: f.Destructive == nil || *f.Destructive, Flags: f.Flags}
	l.approver(l.mainDoc, "approvals.approver", f.Approver)
	for i, flag := range f.Flags {
		if !slices.Contains(knownFlags, flag) {
			l.mainDoc.Report(yamlfile.Problem{Path: fmt.Sprintf("approvals.flags[%d]", i), What: fmt.Sprintf("there is no flag %q", flag), Remedy: fmt.Sprintf("use one of %v", knownFlags)})
		}
	}
	if l.config.approvals.Lasts < time.Minute {
		l.mainDoc.Report(yamlfile.Problem{Path: "approvals.lasts", What: "nobody can answer within less than a minute", Remedy: "use a length such as 1h or 4h"})
	}
}

// approver checks a role that has to approve something.
func (l *loader) approver(doc *yamlfile.File, path, role string) {
	if role != "" && !l.held(role) {
		doc.Report(yamlfile.Problem{Path: path, What: fmt.Sprintf("nobody holds the role %q", role), Remedy: "add it under people.roles in exeunt.yaml, or name another"})
	}
}
