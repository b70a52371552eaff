package ui

import (
	"context"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

func (w *world) PolicyVersion() string { return "set-2" }

func (w *world) PolicySets(context.Context) ([]store.PolicySet, error) {
	return []store.PolicySet{{Version: "set-2", KeptAt: noon}, {Version: "set-1", KeptAt: noon.Add(-90 * 24 * time.Hour)}}, nil
}

func (w *world) PolicyBook(_ context.Context, version string) (PolicyBook, error) {
	if version != "set-1" && version != "set-2" {
		return PolicyBook{}, exeunt.Errorf(exeunt.NotFound, "no policies of the version %q are kept here", version)
	}
	rule := func(name, title, start, deadline string) exeunt.Rule {
		r := exeunt.Rule{Name: name, Title: title, Task: &exeunt.TaskPattern{Owner: "manager"}}
		_ = r.Start.UnmarshalText([]byte(start))
		_ = r.Deadline.UnmarshalText([]byte(deadline))
		return r
	}
	text := "name: standard\ncut_off: \"17:00\"\nrules:\n  - name: return-assets\n    deadline: last-day + 7d\n"
	if version == "set-2" {
		text = strings.Replace(text, "+ 7d", "+ 5bd", 1)
	}
	cut := rule("cut-access", "End access", "cut-off", "start + 4h")
	cut.Task, cut.Actions, cut.After = nil, []exeunt.Action{exeunt.Disable, exeunt.RemoveGroups}, []exeunt.After{{Rule: "return-assets", Because: "the computer is wiped first"}}
	deadline := exeunt.Moment{Anchor: exeunt.AtLastDay, Days: 14}
	return PolicyBook{
		Version:  version,
		Policies: []exeunt.Policy{{Name: "standard", Title: "Standard departure", Version: "a81f02c4d9e0", CutOff: "17:00", AccessSLA: 4 * time.Hour, Rules: []exeunt.Rule{cut, rule("return-assets", "Take back what belongs to the company", "last-day - 5d", "last-day + 5bd")}}},
		Modifiers: []exeunt.Modifier{{Name: "on-leave", Title: "People on leave", Version: "89e8260b7954", Because: "somebody on leave is not at work",
			Change: []exeunt.Adjustment{{Rule: "return-assets", Because: "it comes by post", Deadline: &deadline}}, Remove: []exeunt.Removal{{Rule: "exit-interview", Because: "nobody is there"}}, Over: []string{"executive"}}},
		Texts: []PolicyText{{"policies/30-standard.yaml", text}},
	}, nil
}
