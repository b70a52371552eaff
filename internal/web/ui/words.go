package ui

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/spelling"
	"github.com/exeunt/exeunt/internal/store"
)

// status is how the state of a step, task or case is drawn: an icon, a word and a colour.
type status string

const (
	statusDone      status = "done"
	statusSaid      status = "said" // somebody said so, but no system was seen to
	statusRunning   status = "running"
	statusPerson    status = "person"
	statusLate      status = "late"
	statusFailed    status = "failed"
	statusScheduled status = "scheduled"
	statusWaiting   status = "waiting"
	statusOverride  status = "override"
	statusSkipped   status = "skipped"
)

// keyed are the statuses that the timeline's key explains, in its order.
var keyed = []struct {
	Status status
	Word   string
}{
	{statusDone, "Confirmed"}, {statusSaid, "Acknowledged or by hand"}, {statusRunning, "Running"}, {statusPerson, "Needs a person"},
	{statusLate, "Past its deadline"}, {statusFailed, "Failed"}, {statusScheduled, "Scheduled"}, {statusWaiting, "Waiting"}, {statusOverride, "Overridden"},
}

// stepStatus is the status of a step and its word. "Confirmed" is said only of what was read back.
func stepStatus(s exeunt.Step, now time.Time) (status, string) {
	switch s.State {
	case exeunt.StepConfirmed:
		return statusDone, "Confirmed"
	case exeunt.StepAcknowledged:
		return statusSaid, "Acknowledged, not read back"
	case exeunt.StepAttested:
		return statusSaid, "Done by hand"
	case exeunt.StepFailed:
		return statusFailed, "Failed"
	case exeunt.StepByHand:
		return statusPerson, "With a person"
	case exeunt.StepWaived:
		return statusOverride, "Overridden"
	case exeunt.StepSkipped:
		return statusSkipped, "Does not apply"
	case exeunt.StepCancelled:
		return statusSkipped, "Cancelled"
	case exeunt.StepWaiting:
		return statusWaiting, "Waiting"
	case exeunt.StepHeld:
		if s.HeldFor(exeunt.HoldLegal) != nil {
			return statusPerson, "Legal hold"
		}
		return statusPerson, "Waits for approval"
	case exeunt.StepScheduled:
		return statusScheduled, "Scheduled"
	case exeunt.StepReady:
		if s.Attempt == 0 && s.StartsAt.After(now) {
			return statusScheduled, "Scheduled"
		}
		return statusRunning, "Running"
	default:
		return statusRunning, "Running"
	}
}

func taskStatus(t exeunt.Task, now time.Time) (status, string) {
	switch {
	case t.State == exeunt.TaskDone:
		return statusSaid, "Done by hand"
	case t.State == exeunt.TaskWithdrawn:
		return statusSkipped, "Withdrawn"
	case t.State == exeunt.TaskWaiting:
		return statusWaiting, "Waiting"
	case t.Late(now):
		return statusLate, "Past its deadline"
	case t.StartsAt.After(now):
		return statusScheduled, "Scheduled"
	case len(t.Ticked) > 0:
		return statusRunning, "In progress"
	default:
		return statusPerson, "Needs a person"
	}
}

// caseStatus is what a list says of a case: what is open comes before what is done.
func caseStatus(r store.CaseRow) (status, string) {
	switch {
	case r.State == exeunt.CaseHeld:
		return statusPerson, "Held for a person"
	case r.Failed > 0:
		return statusFailed, orElse(r.Worst, plural(r.Failed, "step failed", "steps failed"))
	case r.LateTasks > 0:
		return statusLate, orElse(r.Worst, plural(r.LateTasks, "task late", "tasks late"))
	case r.Asking > 0:
		return statusPerson, "Waits for a second person"
	case r.State == exeunt.CaseScheduled:
		return statusScheduled, "Scheduled"
	case r.State == exeunt.CaseRescinded:
		return statusOverride, "Taken back"
	case r.State == exeunt.CaseRehired:
		return statusOverride, "Works here again"
	case r.State == exeunt.CaseClosed:
		return statusDone, "Closed"
	default:
		return statusRunning, "In progress"
	}
}

// entryIcon draws what happened.
func entryIcon(k exeunt.EntryKind) status {
	switch k {
	case exeunt.EntryConfirmed, exeunt.EntryClosed, exeunt.EntryBreakerClosed:
		return statusDone
	case exeunt.EntryAcknowledged, exeunt.EntryAttested, exeunt.EntryTaskDone:
		return statusSaid
	case exeunt.EntryRejected, exeunt.EntryFailed, exeunt.EntryNoticeFailed, exeunt.EntryRefused, exeunt.EntryBreakerOpened, exeunt.EntryDrifted:
		return statusFailed
	case exeunt.EntryIntent, exeunt.EntryRetry, exeunt.EntryRetried, exeunt.EntryCameBack, exeunt.EntryBreakerTried, exeunt.EntryTaskSaved:
		return statusRunning
	case exeunt.EntryLegalHold, exeunt.EntryStepHeld, exeunt.EntryAsked, exeunt.EntryEscalated, exeunt.EntryTripped, exeunt.EntryFuseAsked, exeunt.EntryLiveAsked, exeunt.EntryTaskOpened, exeunt.EntryTaskReassigned, exeunt.EntryTaskReminded, exeunt.EntryHeld, exeunt.EntryByHand:
		return statusPerson
	case exeunt.EntryApproved, exeunt.EntryLive, exeunt.EntrySteppedBack, exeunt.EntryLegalReleased, exeunt.EntryRefusedBy, exeunt.EntryFuseReleased, exeunt.EntryFuseRejected, exeunt.EntryWaived, exeunt.EntryReleased, exeunt.EntryPutBack, exeunt.EntryRescinded, exeunt.EntryRehired:
		return statusOverride
	case exeunt.EntrySkipped:
		return statusSkipped
	case exeunt.EntryOpened, exeunt.EntryAmended, exeunt.EntryReplanned, exeunt.EntryErased, exeunt.EntryErasureDone:
		return "cases"
	default:
		return "audit"
	}
}

// entryKindWords are the kinds whose name does not say enough.
var entryKindWords = map[exeunt.EntryKind]string{
	exeunt.EntryLooked: "Step: looked at again", exeunt.EntryCameBack: "Step: goes on by itself", exeunt.EntryByHand: "Step: for people to do", exeunt.EntryDrifted: "Step: held no longer", exeunt.EntryPutBack: "Step: put back by decision",
	exeunt.EntryErased: "Case: record erased", exeunt.EntryEraseAsked: "Case: erasure asked for", exeunt.EntryErasureDone: "Case: nothing left", exeunt.EntryWaveErased: "Wave: rows erased",
	exeunt.EntryShadowed: "Shadow: looked at before", exeunt.EntryCompared: "Shadow: compared", exeunt.EntryLive: "System: goes live", exeunt.EntryLiveAsked: "System: to go live, asked for", exeunt.EntrySteppedBack: "System: back to shadow",
	exeunt.EntryBreakerOpened: "System: left alone", exeunt.EntryBreakerTried: "System: tried by hand", exeunt.EntryBreakerClosed: "System: answers again",
}

// entryWords are the actions by which the audit list is filtered, as people call them.
func entryWords(kind string) string {
	if words, ok := entryKindWords[exeunt.EntryKind(kind)]; ok {
		return words
	}
	noun, verb, ok := strings.Cut(kind, ".")
	if !ok {
		return kind
	}
	return upper(noun) + ": " + strings.ReplaceAll(verb, "-", " ")
}

func typeWords(t exeunt.DepartureType) string {
	return upper(strings.ReplaceAll(string(t), "_", " "))
}

var flagWords = map[exeunt.Flag]string{
	exeunt.Executive: "Executive", exeunt.OnLeave: "On leave", exeunt.LitigationHold: "Legal hold",
	exeunt.Privileged: "Privileged access", exeunt.Protected: "Protected",
}

var identifierWords = map[exeunt.IdentifierKind]string{
	exeunt.EmployeeID: "employee number", exeunt.WorkEmail: "work e-mail", exeunt.PersonalEmail: "personal e-mail",
	exeunt.PrincipalName: "user principal name", exeunt.Login: "login name", exeunt.UUID: "directory id",
}

func identifierWord(k exeunt.IdentifierKind) string {
	return orElse(identifierWords[k], strings.ReplaceAll(string(k), "_", " "))
}

var proofWords = map[exeunt.Proof]string{
	exeunt.Observed: "Observed: read back from the system", exeunt.Acknowledged: "Acknowledged: the system said ok and cannot be read back",
	exeunt.Attested: "Attested: a named person said so", exeunt.Waived: "Waived: a named person decided against it",
}

func upper(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// lower puts a title into a sentence.
func lower(s string) string { return spelling.Lower(s) }

// sentence ends a reason with a stop, so that another sentence may follow.
func sentence(s string) string {
	s = upper(strings.TrimSpace(s))
	if s == "" || strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
