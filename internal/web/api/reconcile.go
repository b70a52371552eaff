package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// ReconciliationFile is the newest comparison of everybody with the accounts of every system.
type ReconciliationFile struct {
	Schema string `json:"schema"`
	exeunt.Reconciliation
}

// FindingList is what a reconciliation found.
type FindingList struct {
	Schema   string        `json:"schema"`
	Findings []FindingItem `json:"findings"`
	Next     int64         `json:"next,omitempty" doc:"Send it as after for the next page; missing on the last"`
}

// FindingItem is one finding, with what a person does about it.
type FindingItem struct {
	exeunt.Finding
	Remedy string `json:"remedy"`
}

// CleanUpBegun says which case ends the accounts.
type CleanUpBegun struct {
	Schema string        `json:"schema"`
	Case   exeunt.CaseID `json:"case"`
}

// FindingPath names a finding.
type FindingPath struct {
	ID string `path:"id" doc:"Its number: 17"`
}

// maxFindings bounds a page of findings.
const maxFindings = 500

func (a routes) reconcile(spec huma.API) {
	const path, group = "/api/v1/reconciliation", "Systems"
	huma.Get(spec, path, a.showReconciliation, summary("Show the newest reconciliation: every system with counts and progress", group))
	huma.Post(spec, path, a.beginReconciliation, summary("Compare everybody with the accounts of every system", group), status(http.StatusCreated), func(o *huma.Operation) { o.MaxBodyBytes = maxList })
	huma.Post(spec, path+"/stop", a.stopReconciliation, summary("Stop the reconciliation that is under way", group), status(http.StatusNoContent))
	huma.Get(spec, path+"/findings", a.listFindings, summary("List what the newest reconciliation found, each with what to do: first the open accounts of people who left", group))
	huma.Post(spec, path+"/findings/{id}/confirm", a.confirmAccount, summary("Confirm whose an account is, or that it is nobody's", group), status(http.StatusNoContent))
	huma.Post(spec, path+"/findings/{id}/clean-up", a.cleanUp, summary("End what somebody who left still has, by a case", group), status(http.StatusCreated))
}

func (a routes) showReconciliation(ctx context.Context, _ *struct{}) (*answer[ReconciliationFile], error) {
	r, err := a.Reader(viewer(ctx)).Reconciliation(ctx)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[ReconciliationFile]{ReconciliationFile{"reconciliation/v1", r}}, nil
}

func (a routes) beginReconciliation(ctx context.Context, in *struct {
	Body struct {
		People string `json:"people" minLength:"1" doc:"Everybody, as CSV: employee_id, name, work_email, login, upn, identifier:KIND, entity; last_day in the past says that somebody left"`
		Reason string `json:"reason,omitempty" doc:"Why, for whoever reads the record later"`
	}
}) (*answer[ReconciliationFile], error) {
	r, err := a.Commands(viewer(ctx)).Reconcile(ctx, in.Body.People, override(ctx, in.Body.Reason))
	if err != nil {
		return nil, problem(err)
	}
	return &answer[ReconciliationFile]{ReconciliationFile{"reconciliation/v1", r}}, nil
}

func (a routes) stopReconciliation(ctx context.Context, in *struct{ Body reason }) (*nothing, error) {
	return done(a.Commands(viewer(ctx)).StopReconciling(ctx, override(ctx, in.Body.Reason)))
}

func (a routes) listFindings(ctx context.Context, in *struct {
	System string             `query:"system" doc:"Only those in this system"`
	Kind   exeunt.FindingKind `query:"kind" enum:"missing,ambiguous,mismatched,orphaned" doc:"Only those of this kind"`
	After  int64              `query:"after" minimum:"0" doc:"The next of the page before"`
	Limit  int                `query:"limit" minimum:"1" maximum:"500" default:"100"`
}) (*answer[FindingList], error) {
	limit := min(in.Limit, maxFindings)
	found, err := a.Reader(viewer(ctx)).Findings(ctx, store.FindingQuery{System: in.System, Kind: in.Kind, After: in.After, Limit: limit + 1})
	if err != nil {
		return nil, problem(err)
	}
	list := FindingList{Schema: "findings/v1", Findings: []FindingItem{}}
	if len(found) > limit {
		found = found[:limit]
		list.Next = found[limit-1].ID
	}
	for _, f := range found {
		list.Findings = append(list.Findings, FindingItem{f, f.Do()})
	}
	return &answer[FindingList]{list}, nil
}

func (a routes) confirmAccount(ctx context.Context, in *struct {
	FindingPath
	Body struct {
		Account string `json:"account,omitempty" doc:"Id of the account; may be missing where the finding has one"`
		Leaver  string `json:"leaver,omitempty" doc:"Whose it is: entity and HR number, such as main/4711. Nobody's when missing"`
		Instead bool   `json:"instead,omitempty" doc:"It takes the place of what was confirmed of the account before"`
		Reason  string `json:"reason" minLength:"10" doc:"How you know"`
	}
}) (*nothing, error) {
	id, err := exeunt.ParseFindingID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	return done(a.Commands(viewer(ctx)).ConfirmAccount(ctx, id, exeunt.Confirmation{Account: in.Body.Account, Leaver: in.Body.Leaver, Instead: in.Body.Instead}, override(ctx, in.Body.Reason)))
}

func (a routes) cleanUp(ctx context.Context, in *struct {
	FindingPath
	Body struct {
		Type   exeunt.DepartureType `json:"type,omitempty" doc:"How the person left, where no case says so; voluntary when missing"`
		Reason string               `json:"reason" minLength:"10" doc:"Why, for whoever reads the record later"`
	}
}) (*answer[CleanUpBegun], error) {
	finding, err := exeunt.ParseFindingID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	id, err := a.Commands(viewer(ctx)).CleanUp(ctx, finding, in.Body.Type, override(ctx, in.Body.Reason))
	if err != nil {
		return nil, problem(err)
	}
	return &answer[CleanUpBegun]{CleanUpBegun{"clean-up/v1", id}}, nil
}
