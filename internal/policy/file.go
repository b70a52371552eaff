// Package policy reads policies: YAML whose conditions are CEL, compiled to exeunt.Policy.
//
// Conditions see leaver ([LeaverFacts]) and departure ([DepartureFacts]); those under systems see
// system ([SystemFacts]) too. Policies that are shipped lie in shipped/*.yaml and are used when a
// configuration has none of its own, or through extends.
package policy

import (
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config/yamlfile"
)

// File is a policy as it stands in policies/*.yaml.
type File struct {
	Name      string             `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the policy a short name, such as standard" jsonschema_description:"Short name; cases and the ledger show it."`
	Title     string             `json:"title,omitempty" jsonschema_description:"What people call it."`
	Extends   string             `json:"extends,omitempty" jsonschema:"enum=standard,enum=immediate,enum=layoff" jsonschema_description:"A shipped policy to start from. A rule of the same name replaces the shipped one; others are added."`
	Without   []string           `json:"without,omitempty" jsonschema_description:"Rules of the extended policy to leave out."`
	Applies   string             `json:"applies,omitempty" jsonschema_description:"CEL: which departures it is for. The first policy whose condition holds is used, in the order of the file names."`
	CutOff    string             `json:"cut_off,omitempty" jsonschema:"pattern=^([01][0-9]|2[0-3]):[0-5][0-9]$" jsonschema_description:"Clock time on the last day at which access ends when HR gives none. 17:00 when left out."`
	AccessSLA *yamlfile.Duration `json:"access_sla,omitempty" jsonschema_description:"How long after the cut-off every access step shall be confirmed. 4h when left out."`
	Embargo   *Embargo           `json:"embargo,omitempty" jsonschema_description:"Keeps every such departure between the named people, and lets nothing happen, until its reveal time. An embargo that comes with the departure wins."`
	Rules     []Rule             `json:"rules,omitempty" jsonschema_description:"What is done, when and by whom."`
}

// Embargo is the embargo of departures that bring none of their own.
type Embargo struct {
	Until     *exeunt.Moment `json:"until" jsonschema:"required" remedy:"say when it ends: cut-off, last-day - 1d" jsonschema_description:"When everybody may know: trigger, cut-off, last-day or termination-date, with an offset such as - 1h. Nothing happens before."`
	VisibleTo []string       `json:"visible_to" jsonschema:"required" remedy:"list the e-mail addresses of who may see such a case" jsonschema_description:"E-mail addresses of who may see such a case before; no role is above it."`
}

// Rule is one rule of a policy: it acts in systems, or gives one task.
type Rule struct {
	Name     string          `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$" remedy:"give the rule a short name; the plan shows it as the reason of each step" jsonschema_description:"Short name; the plan shows it as the reason of each step."`
	Title    string          `json:"title,omitempty" jsonschema_description:"What people read; the title of the task."`
	Branch   string          `json:"branch,omitempty" jsonschema:"enum=Access,enum=Payroll,enum=Benefits,enum=Tasks" jsonschema_description:"Where it stands in the plan: Access, Payroll, Benefits or Tasks."`
	When     string          `json:"when,omitempty" jsonschema_description:"CEL over leaver and departure: for which departures the rule is. Always when left out."`
	Systems  string          `json:"systems,omitempty" jsonschema_description:"CEL over leaver, departure and system: in which systems it acts."`
	Approver string          `json:"approver,omitempty" jsonschema_description:"A role of exeunt.yaml that must approve its steps, as a second person."`
	Actions  []exeunt.Action `json:"actions,omitempty" jsonschema_description:"What is done in them. What a system's connector cannot do is left to its owner."`
	Task     *Task           `json:"task,omitempty" jsonschema_description:"What a person is asked to do."`
	Start    *exeunt.Moment  `json:"start" jsonschema:"required" remedy:"say when it may start: trigger, cut-off, last-day - 5d, termination-date" jsonschema_description:"When it may start: trigger, cut-off, last-day or termination-date, with an offset such as + 30m or - 5d."`
	Deadline *exeunt.Moment  `json:"deadline" jsonschema:"required" remedy:"say by when: start + 4h, last-day, termination-date + 7d" jsonschema_description:"By when; also start + 4h, counted from its own start."`
	After    []After         `json:"after,omitempty" jsonschema_description:"Rules whose steps and tasks must be settled first. Only real dependencies; everything else runs at once."`
}

// Task is what a rule asks of a person.
type Task struct {
	Owner     string   `json:"owner" jsonschema:"required" remedy:"name a role, manager, or an e-mail address" jsonschema_description:"A role of exeunt.yaml, manager, or an e-mail address."`
	Procedure string   `json:"procedure" jsonschema:"required" remedy:"say how it is done, for somebody who does it for the first time" jsonschema_description:"How it is done."`
	Checklist []string `json:"checklist,omitempty" jsonschema_description:"Items to tick."`
}

// After is a dependency on another rule.
type After struct {
	Rule       string `json:"rule" jsonschema:"required" remedy:"name the rule that has to be settled first" jsonschema_description:"The rule that has to be settled first."`
	Because    string `json:"because" jsonschema:"required" remedy:"say why; the plan shows it" jsonschema_description:"Why; the plan shows it."`
	SameSystem bool   `json:"same_system,omitempty" jsonschema_description:"Wait only for what that rule does in the same system, not in every system."`
}
