package google

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

const (
	transfers        = "/admin/datatransfer/v1/transfers"
	applicationsPath = "/admin/datatransfer/v1/applications"
)

// handed are the applications whose data is handed over, with the parameters of each. PRIVACY_LEVEL says that files which
// were shared with nobody go too. The ids are the same for everybody; which of them a customer has is asked for.
// Source: developers.google.com/workspace/admin/data-transfer/v1/parameters; ids as in baton-google-workspace.
var handed = []applicationTransfer{
	{ID: "55656082996", Parameters: []parameter{{"PRIVACY_LEVEL", []string{"PRIVATE", "SHARED"}}}, title: "drive"},
	{ID: "435070579839", Parameters: []parameter{{"RELEASE_RESOURCES", []string{"TRUE"}}}, title: "calendar"},
}

type applicationTransfer struct {
	ID         string      `json:"applicationId"`
	Parameters []parameter `json:"applicationTransferParams,omitempty"`
	Status     string      `json:"applicationTransferStatus,omitempty"`
	title      string
}

type parameter struct {
	Key   string   `json:"key"`
	Value []string `json:"value"`
}

type transfer struct {
	From         string                `json:"oldOwnerUserId"`
	To           string                `json:"newOwnerUserId"`
	Applications []applicationTransfer `json:"applicationDataTransfers"`
	Status       string                `json:"overallTransferStatusCode,omitempty"`
	Requested    time.Time             `json:"requestTime,omitzero"`
}

// applications are the answer to what a customer has, for an hour: it is asked for by each look, and changes with a contract.
type applications struct {
	mu     sync.Mutex
	at     time.Time
	ours   []applicationTransfer
	others []string
}

// transferable are the applications that the customer has and we hand over, and the names of the others that it could.
func (t *tenant) transferable(ctx context.Context) (ours []applicationTransfer, others []string, err error) {
	known := &t.applications
	known.mu.Lock()
	defer known.mu.Unlock()
	if time.Since(known.at) < time.Hour {
		return known.ours, known.others, nil
	}
	query := url.Values{"customerId": {t.Customer}, "maxResults": {"500"}, "fields": {"nextPageToken,applications(id,name)"}}
	err = t.all(ctx, t.transfers, applicationsPath, query, func(a vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			Applications  []struct{ ID, Name string }
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		for _, one := range page.Applications {
			if i := slices.IndexFunc(handed, func(h applicationTransfer) bool { return h.ID == one.ID }); i >= 0 {
				ours = append(ours, handed[i])
			} else {
				others = append(others, one.Name)
			}
		}
		return page.NextPageToken, nil
	})
	if err == nil && len(ours) == 0 {
		err = exeunt.Errorf(exeunt.Temporary, "%s names neither Drive nor Calendar among the applications whose data can be handed over", name)
	}
	if err == nil {
		known.at, known.ours, known.others = time.Now(), ours, others
	}
	return ours, others, err
}

// lately is how long a transfer counts as this departure's: longer than drift is watched for, shorter than somebody who
// handed something over and stayed.
const lately = 100 * 24 * time.Hour

// begun are the standings of each application's transfers, the best of the recent ones.
func (t *tenant) begun(ctx context.Context, u user) (map[string]exeunt.Standing, map[string]string, error) {
	standings, facts := map[string]exeunt.Standing{}, map[string]string{}
	query := url.Values{"oldOwnerUserId": {u.ID}, "maxResults": {"500"},
		"fields": {"nextPageToken,dataTransfers(oldOwnerUserId,newOwnerUserId,requestTime,overallTransferStatusCode,applicationDataTransfers(applicationId,applicationTransferStatus))"}}
	err := t.all(ctx, t.transfers, transfers, query, func(a vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			DataTransfers []transfer
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		for _, one := range page.DataTransfers {
			// One that does not say when it began was begun now: nothing may be handed over twice.
			if one.From != u.ID || !one.Requested.IsZero() && time.Since(one.Requested) > lately {
				continue
			}
			for _, application := range one.Applications {
				status := strings.ToLower(cmp.Or(application.Status, one.Status))
				if better(standings[application.ID], transferStanding(status)) {
					standings[application.ID], facts[application.ID] = transferStanding(status), status
				}
			}
		}
		return page.NextPageToken, nil
	})
	return standings, facts, scoped(err)
}

// transferStanding reads the status of a transfer: new, inProgress, completed or failed.
func transferStanding(status string) exeunt.Standing {
	switch {
	case status == "completed":
		return exeunt.Holds
	case strings.Contains(status, "fail"):
		return exeunt.Absent
	default:
		return exeunt.Pending
	}
}

func better(was, is exeunt.Standing) bool {
	worth := map[exeunt.Standing]int{"": 0, exeunt.Absent: 1, exeunt.Pending: 2, exeunt.Holds: 3}
	return worth[is] > worth[was]
}

func (t *tenant) lookAtTransfers(ctx context.Context, u user, s *sight) error {
	ours, others, err := t.transferable(ctx)
	if err != nil {
		return err
	}
	standings, said, err := t.begun(ctx, u)
	if err != nil {
		return err
	}
	all, facts := exeunt.Holds, map[string]string{}
	for _, application := range ours {
		facts["transfer of "+application.title] = cmp.Or(said[application.ID], "none")
		switch standings[application.ID] {
		case exeunt.Holds:
		case exeunt.Pending:
			if all == exeunt.Holds {
				all = exeunt.Pending
			}
		default:
			all = exeunt.Absent
		}
	}
	if len(others) > 0 {
		facts["not handed over"] = strings.Join(others, ", ")
	}
	s.transfers = standings
	s.tell(exeunt.TransferData, all, facts, nil)
	return nil
}

// transferData begins what the look before found nobody to have begun: two of them would hand the same things over twice.
func (t *tenant) transferData(ctx context.Context, s *sight, with connector.Parameters) error {
	ours, _, err := t.transferable(ctx)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(ours), func(application applicationTransfer) bool {
		_, there := s.transfers[application.ID]
		return there
	})
	if len(missing) == 0 {
		return exeunt.Errorf(exeunt.Conflict, "%s has a transfer of this account's data already: where it failed, begin another by hand", name)
	}
	heir, err := t.successor(ctx, s.user, with)
	if err != nil {
		return err
	}
	return scoped(t.do(ctx, t.transfers, http.MethodPost, transfers, transfer{From: s.user.ID, To: heir.ID, Applications: missing}))
}

// successor is who takes over: the manager, or else the one whom the settings name.
func (t *tenant) successor(ctx context.Context, u user, with connector.Parameters) (user, error) {
	address := cmp.Or(strings.TrimSpace(with.Leaver.Manager.Email), t.Successor)
	if address == "" {
		return user{}, exeunt.Errorf(exeunt.Invalid, "nobody is named who takes over: HR has no manager's address, and the system has no successor. Name one, or do it by hand")
	}
	heir, err := t.read(ctx, address)
	switch {
	case isKind(err, exeunt.NotFound):
		return user{}, exeunt.Errorf(exeunt.Invalid, "the one who is to take over has no account at %s: name another as successor, or do it by hand", name)
	case err != nil:
		return user{}, err
	case heir.ID == u.ID:
		return user{}, exeunt.Errorf(exeunt.Invalid, "the one who is to take over is the leaver: name another as successor, or do it by hand")
	case heir.closed():
		return user{}, exeunt.Errorf(exeunt.Invalid, "the account of the one who is to take over is suspended: name another as successor, or do it by hand")
	}
	return heir, nil
}
