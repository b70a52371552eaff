package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

type answer[T any] struct{ Body T }

type nothing struct{}

// CaseList is one page of cases.
type CaseList struct {
	Schema string          `json:"schema"`
	Cases  []store.CaseRow `json:"cases"`
	Total  int             `json:"total" doc:"Cases that match"`
	Counts map[string]int  `json:"counts" doc:"Matching cases by state; the empty key counts all"`
}

// CaseFile is all of one case.
type CaseFile struct {
	Schema  string           `json:"schema"`
	Case    exeunt.Case      `json:"case"`
	Steps   []exeunt.Step    `json:"steps"`
	Tasks   []exeunt.Task    `json:"tasks"`
	Entries []store.EntryRow `json:"entries" doc:"Newest first, at most 200"`
	Logged  int              `json:"logged" doc:"Entries in all"`
	Sealed  int              `json:"sealed" doc:"Entries that the ledger has"`

	FollowedBy []exeunt.CaseID `json:"followed_by,omitempty" doc:"Cases that cut again what came back after this one was closed"`
	PutBackBy  []exeunt.CaseID `json:"put_back_by,omitempty" doc:"Cases that put back what this one did"`
}

// done answers a command.
func done(err error) (*nothing, error) {
	if err != nil {
		return nil, problem(err)
	}
	return &nothing{}, nil
}

type reason struct {
	Reason string `json:"reason" minLength:"10" maxLength:"4000" doc:"Why, for whoever reads the record later"`
}

// CasePath names a case as people do (exported, since only then can it be part of a request). It is text in the description of the API, read by ParseCaseID.
type CasePath struct {
	ID string `path:"id" doc:"C-2041 or 2041"`
}

func (p CasePath) do(what func(exeunt.CaseID) error) (*nothing, error) {
	id, err := exeunt.ParseCaseID(p.ID)
	if err == nil {
		err = what(id)
	}
	return done(err)
}

// StepPath names a step of a case.
type StepPath struct {
	CasePath
	Step string `path:"step"`
}

func (a routes) cases(spec huma.API) {
	huma.Get(spec, "/api/v1/cases", a.listCases, summary("List cases", "Cases"))
	huma.Get(spec, "/api/v1/cases/{id}", a.showCase, summary("Show a case with its steps, tasks and newest entries", "Cases"))
	huma.Post(spec, "/api/v1/cases", a.startCase, summary("Start a case by a person's decision, with a reason", "Cases"), status(http.StatusCreated))
	huma.Post(spec, "/api/v1/cases/{id}/steps/{step}/retry", a.retryStep, summary("Try a failed step again", "Cases"), status(http.StatusNoContent))
}

func summary(text, tag string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Summary, o.Tags = text, []string{tag} }
}

func status(code int) func(*huma.Operation) {
	return func(o *huma.Operation) { o.DefaultStatus = code }
}

func (a routes) listCases(ctx context.Context, in *struct {
	State      string `query:"state" enum:"attention,running,scheduled,held,closed"`
	Text       string `query:"q" doc:"Name, case or employee number"`
	Type       string `query:"type"`
	Department string `query:"department"`
	Place      string `query:"place"`
	Sort       string `query:"sort" enum:"last-day,name,newest"`
	Page       int    `query:"page" minimum:"1" default:"1"`
	Size       int    `query:"size" minimum:"1" maximum:"1000" default:"40"`
}) (*answer[CaseList], error) {
	page, err := a.Reader(viewer(ctx)).Cases(ctx, store.CaseQuery{State: in.State, Text: in.Text, Type: in.Type, Department: in.Department, Place: in.Place, Sort: in.Sort, Page: in.Page, Size: in.Size}, time.Now())
	if err != nil {
		return nil, problem(err)
	}
	return &answer[CaseList]{CaseList{"cases/v1", page.Rows, page.Total, page.Counts}}, nil
}

func (a routes) showCase(ctx context.Context, in *CasePath) (*answer[CaseFile], error) {
	id, err := exeunt.ParseCaseID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	f, err := a.Reader(viewer(ctx)).CaseFile(ctx, id)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[CaseFile]{CaseFile{"case/v1", f.Case, f.Steps, f.Tasks, f.Entries, f.Logged, f.Sealed, f.FollowedBy, f.PutBackBy}}, nil
}

// Started says which case a departure opened.
type Started struct {
	Schema string        `json:"schema"`
	Case   exeunt.CaseID `json:"case"`
}

func (a routes) startCase(ctx context.Context, in *struct {
	Body struct {
		Departure exeunt.Departure `json:"departure"`
		Reason    string           `json:"reason" minLength:"10" maxLength:"4000" doc:"Why a person starts it and not the HR system"`
	}
}) (*answer[Started], error) {
	id, err := a.Commands(viewer(ctx)).StartCase(ctx, in.Body.Departure, override(ctx, in.Body.Reason))
	if err != nil {
		return nil, problem(err)
	}
	return &answer[Started]{Started{"started/v1", id}}, nil
}

func (a routes) retryStep(ctx context.Context, in *struct {
	StepPath
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"4000"`
	}
}) (*nothing, error) {
	return in.do(func(id exeunt.CaseID) error {
		return a.Commands(viewer(ctx)).RetryStep(ctx, id, in.Step, override(ctx, in.Body.Reason))
	})
}
