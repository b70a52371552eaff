package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

// EntryList is one page of ledger entries, newest first.
type EntryList struct {
	Schema  string           `json:"schema"`
	Entries []store.EntryRow `json:"entries"`
	Total   int              `json:"total"`
}

// LedgerKey is the key by which the ledger's signatures are checked.
type LedgerKey struct {
	Schema string `json:"schema"`
	Key    string `json:"key" doc:"Verifier key in the form of a signed note (c2sp.org/signed-note)"`
}

func (a routes) record(spec huma.API) {
	huma.Get(spec, "/api/v1/entries", a.listEntries, summary("List ledger entries", "Ledger"))
	huma.Get(spec, "/api/v1/ledger/key", a.ledgerKey, summary("Show the ledger's verifier key", "Ledger"))
	huma.Post(spec, "/api/v1/ledger/verify", a.verifyLedger, summary("Check the whole ledger, and the database against it", "Ledger"))
	huma.Get(spec, "/api/v1/ledger/checks", a.ledgerChecks, summary("List the newest checks of the ledger, first the one that is under way", "Ledger"))
	huma.Get(spec, "/api/v1/cases/{id}/evidence", a.evidence, summary("Export the evidence packet of a case (zip)", "Ledger"))
}

func (a routes) listEntries(ctx context.Context, in *struct {
	Case   string `query:"case"`
	Actor  string `query:"actor"`
	Kind   string `query:"kind"`
	System string `query:"system"`
	Text   string `query:"q"`
	Before int64  `query:"before" doc:"Only entries with a smaller number"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}) (*answer[EntryList], error) {
	q := store.EntryQuery{Actor: in.Actor, Kind: in.Kind, System: in.System, Text: in.Text, Before: in.Before, Limit: in.Limit}
	if in.Case != "" {
		id, err := exeunt.ParseCaseID(in.Case)
		if err != nil {
			return nil, problem(err)
		}
		q.Case = id
	}
	page, err := a.Reader(viewer(ctx)).Entries(ctx, q)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[EntryList]{EntryList{"entries/v1", page.Rows, page.Total}}, nil
}

func (a routes) ledgerKey(ctx context.Context, _ *struct{}) (*answer[LedgerKey], error) {
	key, err := a.Ledger.Key(ctx)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[LedgerKey]{LedgerKey{"ledger-key/v1", key}}, nil
}

type reportAnswer struct {
	Status int
	Body   LedgerReport
}

// verifyLedger answers 202 when the check takes longer than the caller waits: no answer takes as long as a large log does.
func (a routes) verifyLedger(ctx context.Context, in *struct {
	Wait int `query:"wait" minimum:"0" maximum:"60" default:"60" doc:"Seconds to wait for the end. A check that takes longer goes on, and is answered with 202; /ledger/checks tells when it has ended, by its begun_at"`
}) (*reportAnswer, error) {
	report, err := a.Ledger.VerifyLedger(ctx, caller(ctx), time.Duration(in.Wait)*time.Second)
	if err != nil {
		return nil, problem(err)
	}
	if report.Running {
		return &reportAnswer{http.StatusAccepted, report}, nil
	}
	return &reportAnswer{http.StatusOK, report}, nil
}

// CheckList is the newest checks of the ledger.
type CheckList struct {
	Schema string           `json:"schema"`
	Checks []store.CheckRun `json:"checks"`
}

func (a routes) ledgerChecks(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}) (*answer[CheckList], error) {
	runs, err := a.Ledger.Checks(ctx, in.Limit)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[CheckList]{CheckList{"ledger-checks/v1", runs}}, nil
}

type packet struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (a routes) evidence(ctx context.Context, in *CasePath) (*packet, error) {
	id, err := exeunt.ParseCaseID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	var b bytes.Buffer
	if err := a.Ledger.Evidence(ctx, &b, id, viewer(ctx)); err != nil {
		return nil, problem(err)
	}
	return &packet{"application/zip", `attachment; filename="` + id.String() + `.evidence.zip"`, b.Bytes()}, nil
}
