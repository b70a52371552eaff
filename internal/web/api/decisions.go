package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// decisions are what named people decide, each with a reason.
func (a routes) decisions(spec huma.API) {
	const cases, tasks = "/api/v1/cases/{id}", "/api/v1/tasks/{id}"
	huma.Post(spec, cases+"/hold", a.onCase(web.Decisions.HoldCase), summary("Stop a case until somebody releases it", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, cases+"/release", a.onCase(web.Decisions.ReleaseCase), summary("Let a held case go on", "Decisions"), status(http.StatusNoContent))
	huma.Get(spec, cases+"/replan", a.previewReplan, summary("Say what planning a case anew by the present policies would change", "Decisions"))
	huma.Post(spec, cases+"/replan", a.replanCase, summary("Plan a case anew by the present policies", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, cases+"/legal-hold", a.onCase(web.Decisions.PlaceLegalHold), summary("Stop everything destructive of a case; access is cut all the same", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, cases+"/legal-release", a.askLegalRelease, summary("Ask for the end of a legal hold; another person confirms it", "Decisions"))
	huma.Post(spec, cases+"/erase", a.eraseCase, summary("Destroy the record of a closed case; before the end of its retention another person asks for the same", "Decisions"))
	huma.Get(spec, "/api/v1/erasures", a.listErasures, summary("List what was erased, when, and by which rule", "Ledger"))
	huma.Get(spec, cases+"/overrides", a.listOverrides, summary("List what people decided otherwise in a case", "Decisions"))
	huma.Post(spec, cases+"/steps/{step}/waive", a.waiveStep, summary("Override a step; in tier 1 another person confirms it", "Decisions"))
	huma.Post(spec, cases+"/steps/{step}/put-back", a.putBackStep, summary("Put back a step that was done before HR changed the departure", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, tasks+"/approve", a.onTask(true), summary("Approve what a task asks of a second person", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, tasks+"/reject", a.onTask(false), summary("Reject what a task asks of a second person", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, cases+"/reveal", a.onCase(web.Decisions.RevealCase), summary("End the embargo of a case before its time", "Decisions"), status(http.StatusNoContent))
	huma.Post(spec, cases+"/embargo", a.extendEmbargo, summary("Let the embargo of a case last longer, or put more people on its list", "Decisions"), status(http.StatusNoContent))
}

// extendEmbargo never shortens an embargo and takes nobody off its list.
func (a routes) extendEmbargo(ctx context.Context, in *struct {
	CasePath
	Body struct {
		Until     string   `json:"until,omitempty" doc:"The new reveal time: 2026-12-01 09:00 at the place of work, or an RFC 3339 instant; as it is when left out"`
		VisibleTo []string `json:"visible_to,omitempty" doc:"E-mail addresses of who may see the case as well"`
		Reason    string   `json:"reason" minLength:"10" maxLength:"4000" doc:"Why, for whoever reads the record later"`
	}
}) (*nothing, error) {
	return in.do(func(id exeunt.CaseID) error {
		return a.Commands(viewer(ctx)).ExtendEmbargo(ctx, id, exeunt.EmbargoTerms{Until: in.Body.Until, VisibleTo: in.Body.VisibleTo}, override(ctx, in.Body.Reason))
	})
}

// ReplanPreview is what planning a case anew would change.
type ReplanPreview struct {
	Schema string `json:"schema"`
	exeunt.Replanning
}

func (a routes) previewReplan(ctx context.Context, in *CasePath) (*answer[ReplanPreview], error) {
	out := &answer[ReplanPreview]{Body: ReplanPreview{Schema: "replan/v1"}}
	_, err := in.do(func(id exeunt.CaseID) (err error) {
		out.Body.Replanning, err = a.Commands(viewer(ctx)).PreviewReplan(ctx, id)
		return err
	})
	return out, err
}

func (a routes) replanCase(ctx context.Context, in *struct {
	CasePath
	Body struct {
		To     string `json:"to,omitempty" doc:"Version of the policies whose difference was looked at (new_policy_set); refused when they have changed since"`
		Reason string `json:"reason" minLength:"10" maxLength:"4000" doc:"Why, for whoever reads the record later"`
	}
}) (*nothing, error) {
	return in.do(func(id exeunt.CaseID) error {
		return a.Commands(viewer(ctx)).ReplanCase(ctx, id, in.Body.To, override(ctx, in.Body.Reason))
	})
}

// CaseDecision is a decision about a case.
type CaseDecision struct {
	CasePath
	Body reason
}

// onCase takes a decision about a case in the name of the caller.
func (a routes) onCase(decide func(web.Decisions, context.Context, exeunt.CaseID, exeunt.Override) error) func(context.Context, *CaseDecision) (*nothing, error) {
	return func(ctx context.Context, in *CaseDecision) (*nothing, error) {
		return in.do(func(id exeunt.CaseID) error {
			return decide(a.Commands(viewer(ctx)), ctx, id, override(ctx, in.Body.Reason))
		})
	}
}

// OverrideBody is a decision that may need a second person.
type OverrideBody struct {
	Reason string `json:"reason" minLength:"10" maxLength:"4000" doc:"Why, for whoever reads the record later"`
	Lasts  string `json:"lasts,omitempty" doc:"How long it waits for a second person, where it needs one: 30m, 8h, 2d. A day when left out"`
}

// Overridden says whether an override has had its effect.
type Overridden struct {
	Schema string                `json:"schema"`
	State  exeunt.DeviationState `json:"state" doc:"done, or asked: it has no effect until another person confirms it"`
}

func (a routes) waiveStep(ctx context.Context, in *struct {
	StepPath
	Body OverrideBody
}) (*answer[Overridden], error) {
	return overridden(in.CasePath, in.Body, func(id exeunt.CaseID, lasts time.Duration) (exeunt.DeviationState, error) {
		return a.Commands(viewer(ctx)).WaiveStep(ctx, id, in.Step, override(ctx, in.Body.Reason), lasts)
	})
}

func (a routes) putBackStep(ctx context.Context, in *struct {
	StepPath
	Body reason
}) (*nothing, error) {
	return in.do(func(id exeunt.CaseID) error {
		return a.Commands(viewer(ctx)).PutBackStep(ctx, id, in.Step, override(ctx, in.Body.Reason))
	})
}

func (a routes) askLegalRelease(ctx context.Context, in *struct {
	CasePath
	Body OverrideBody
}) (*answer[Overridden], error) {
	return overridden(in.CasePath, in.Body, func(id exeunt.CaseID, lasts time.Duration) (exeunt.DeviationState, error) {
		return a.Commands(viewer(ctx)).AskLegalRelease(ctx, id, override(ctx, in.Body.Reason), lasts)
	})
}

func overridden(path CasePath, r OverrideBody, decide func(exeunt.CaseID, time.Duration) (exeunt.DeviationState, error)) (*answer[Overridden], error) {
	id, err := exeunt.ParseCaseID(path.ID)
	if err != nil {
		return nil, problem(err)
	}
	lasts, err := lasting(r.Lasts)
	if err != nil {
		return nil, problem(err)
	}
	state, err := decide(id, lasts)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[Overridden]{Overridden{"override/v1", state}}, nil
}

// OverrideList is what people decided otherwise in a case.
type OverrideList struct {
	Schema    string             `json:"schema"`
	Overrides []exeunt.Deviation `json:"overrides"`
}

func (a routes) listOverrides(ctx context.Context, in *CasePath) (*answer[OverrideList], error) {
	id, err := exeunt.ParseCaseID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	f, err := a.Reader(viewer(ctx)).CaseFile(ctx, id)
	if err != nil {
		return nil, problem(err)
	}
	list := OverrideList{Schema: "overrides/v1", Overrides: []exeunt.Deviation{}}
	for _, d := range f.Case.Overrides {
		d.State = d.Standing(time.Now())
		list.Overrides = append(list.Overrides, d)
	}
	return &answer[OverrideList]{list}, nil
}

// TaskDecision is a second person's answer.
type TaskDecision struct {
	TaskPath
	Body struct {
		Reason string   `json:"reason" minLength:"10" maxLength:"4000" doc:"Why, for whoever reads the record later"`
		Steps  []string `json:"steps,omitempty" doc:"Keys of the steps that are meant; all that the task asks about when left out"`
	}
}

// onTask takes a second person's answer. Whose it may be depends on who is asked.
func (a routes) onTask(yes bool) func(context.Context, *TaskDecision) (*nothing, error) {
	return func(ctx context.Context, in *TaskDecision) (*nothing, error) {
		return in.do(func(id exeunt.TaskID) error {
			row, err := a.Reader(viewer(ctx)).Task(ctx, id)
			if err != nil {
				return err
			}
			if row.Asks != "" && !web.MayDecide(viewer(ctx), row.Task) {
				return exeunt.Errorf(exeunt.Denied, "%s asks somebody else (%s), so nothing was done", id, row.Owner)
			}
			return a.Commands(viewer(ctx)).DecideTask(ctx, id, in.Body.Steps, yes, override(ctx, in.Body.Reason))
		})
	}
}
