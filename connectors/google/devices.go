package google

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

type device struct {
	ResourceID string   `json:"resourceId"`
	Model      string   `json:"model"`
	Status     string   `json:"status"`
	Email      []string `json:"email"`
}

// wiped reads the status, which the Admin console searches by as approved, blocked, pending, unprovisioned, wiping, wiped,
// account_wiping and account_wiped (unverified how the API writes them).
func (d device) wiped() exeunt.Standing {
	switch status := strings.ToLower(d.Status); {
	case strings.Contains(status, "wiped"), strings.Contains(status, "unprovisioned"):
		return exeunt.Holds
	case strings.Contains(status, "wip"):
		return exeunt.Pending
	default:
		return exeunt.Absent
	}
}

// locked says whether the device gets nothing any more: it is blocked, or the account is off it or on its way there.
func (d device) locked() exeunt.Standing {
	return standing(strings.EqualFold(d.Status, "blocked") || d.wiped() != exeunt.Absent)
}

// mobiles are the account's devices. The list has one order, or a device whose place changes between two pages is on neither.
func (t *tenant) mobiles(ctx context.Context, u user) ([]device, error) {
	var all []device
	query := url.Values{"query": {"email:" + u.PrimaryEmail}, "projection": {"BASIC"}, "orderBy": {"deviceId"}, "sortOrder": {"ASCENDING"},
		"maxResults": {"100"}, "fields": {"nextPageToken,mobiledevices(resourceId,model,status,email)"}}
	err := t.all(ctx, t.devices, t.rolePath("/devices/mobile"), query, func(a vendorapi.Answer) (string, error) {
		var page struct {
			NextPageToken string
			MobileDevices []device `json:"mobiledevices"`
		}
		if err := a.Decode(&page); err != nil {
			return "", err
		}
		for _, d := range page.MobileDevices {
			// The search is for a beginning: ann@ finds joann@ nowhere, but ann@corp.example finds ann@corp.example.org.
			known := slices.ContainsFunc(all, func(other device) bool { return other.ResourceID == d.ResourceID })
			if !known && slices.ContainsFunc(d.Email, u.has) {
				all = append(all, d)
			}
		}
		return page.NextPageToken, nil
	})
	return all, scoped(err)
}

// lookAtMobiles says how the actions stand that hold when they do of every device.
func (t *tenant) lookAtMobiles(ctx context.Context, u user, s *sight) error {
	list, err := t.mobiles(ctx, u)
	if err != nil {
		return err
	}
	names := []string{}
	for _, d := range list {
		names = append(names, d.Model+" ("+strings.ToLower(d.Status)+")")
	}
	facts := map[string]string{"mobile devices": counted(names)}
	s.mobiles = list
	s.tell(exeunt.LockDevices, ofAll(list, device.locked), facts, nil)
	s.tell(wipeDevices, ofAll(list, device.wiped), facts, nil)
	return nil
}

// ofAll is how an action stands of all devices.
func ofAll(list []device, of func(device) exeunt.Standing) exeunt.Standing {
	all := exeunt.Holds
	for _, d := range list {
		switch is := of(d); {
		case is == exeunt.Absent, is == exeunt.Pending && all == exeunt.Holds:
			all = is
		}
	}
	return all
}

// tellDevices tells each device that is not there yet. What is on its way is not told again.
func (t *tenant) tellDevices(ctx context.Context, s *sight, of func(device) exeunt.Standing, word string) error {
	todo := slices.DeleteFunc(slices.Clone(s.mobiles), func(d device) bool { return of(d) != exeunt.Absent })
	return connector.Each(todo, func(d device) string { return d.Model }, func(d device) error {
		path := t.rolePath("/devices/mobile/" + url.PathEscape(d.ResourceID) + "/action")
		return gone(t.do(ctx, t.devices, http.MethodPost, path, map[string]string{"action": word}), exeunt.NotFound)
	})
}
