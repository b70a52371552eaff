package ui

import (
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// right is something that a role may see or do; the table is shared with the API.
type right = web.Right

const (
	seeOverview = web.SeeOverview
	seeCases    = web.SeeCases
	seeType     = web.SeeType
	seeAccess   = web.SeeAccess
	seeSystems  = web.SeeSystems
	trySystems  = web.TrySystems
	seeFindings = web.SeeFindings

	previewPlans      = web.PreviewPlans
	compareDepartures = web.CompareDepartures
	decideStages      = web.DecideStages

	confirmAccounts = web.Reconcile

	seeAudit       = web.SeeAudit
	seeAllTasks    = web.SeeAllTasks
	doTasks        = web.DoTasks
	retrySteps     = web.RetrySteps
	waiveSteps     = web.WaiveSteps
	decideSecond   = web.DecideSecond
	legalHolds     = web.LegalHolds
	decideFuse     = web.DecideFuse
	holdCases      = web.HoldCases
	releaseCases   = web.ReleaseCases
	startCases     = web.StartCases
	seeWaves       = web.SeeWaves
	makeWaves      = web.MakeWaves
	approveWaves   = web.ApproveWaves
	exportEvidence = web.ExportEvidence
	verifyLedger   = web.VerifyLedger
	eraseCases     = web.EraseCases
)

// viewer is who looks at a page.
type viewer struct{ store.User }

func (v viewer) may(r right) bool {
	return web.May(v.Roles, r)
}

// signs is the name under which the viewer's decisions are recorded.
func (v viewer) signs() string { return orElse(v.Name, v.Email) }

func (v viewer) override(reason string) exeunt.Override {
	return exeunt.Override{By: v.signs(), Account: v.Email, Reason: strings.TrimSpace(reason)}
}

// owns says whether a task is the viewer's own. Names are not unique, so only the address counts.
func (v viewer) owns(t exeunt.Task) bool {
	return v.Email != "" && strings.EqualFold(v.Email, t.Owner.Email)
}

// mayDecide says whether the viewer may answer what a task asks of a second person.
func (v viewer) mayDecide(t exeunt.Task) bool { return web.MayDecide(v.Viewer(), t) }

func (v viewer) mayDo(t exeunt.Task) bool { return v.owns(t) || v.may(doTasks) && v.sees(t) }

// sees says whether a task is any business of the viewer: their own, or one of a branch that they see.
func (v viewer) sees(t exeunt.Task) bool {
	return v.owns(t) || v.may(seeAllTasks) && (!tellsOfAccess(t.Branch) || v.may(seeAccess))
}

// row leaves out of a list what the viewer does not see in detail.
func (v viewer) row(r store.CaseRow) store.CaseRow {
	if !v.may(seeAccess) {
		r.Worst = "" // which step it is; that one has failed stays
	}
	return r
}

// leaving is how somebody leaves, as far as the viewer may know it.
func (v viewer) leaving(t exeunt.DepartureType, immediate bool) string {
	switch {
	case v.may(seeType):
		return typeWords(t)
	case immediate:
		return "Immediate"
	default:
		return "Standard"
	}
}

// telling are the details of an entry that would give the type or reason of leaving away.
var telling = []string{"type", "type_before", "type_after", "policy", "policy_version"}

// reasons are the details in which people wrote why, which may tell how somebody leaves.
var reasons = []string{"reason", "asked_reason", "placed_for", "held_for"}

// details are an entry's details, as far as the viewer may know them.
func (v viewer) details(e exeunt.Entry) map[string]string {
	if v.may(seeType) {
		return e.Detail
	}
	shown := map[string]string{}
	for key, value := range e.Detail {
		noun, _, _ := strings.Cut(string(e.Kind), ".")
		aboutCase := slices.Contains([]string{"case", "legal", "override"}, noun) && slices.Contains(reasons, key)
		if !aboutCase && !slices.Contains(telling, key) {
			shown[key] = value
		}
	}
	return shown
}

// flags are those that change how the viewer works. That somebody is on leave is their own matter.
func (v viewer) flags(l exeunt.Leaver) []exeunt.Flag {
	if v.may(seeType) {
		return l.Flags
	}
	return slices.DeleteFunc(slices.Clone(l.Flags), func(f exeunt.Flag) bool { return f == exeunt.OnLeave })
}
