package app

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
)

// signOn is a vendor that signs people in to so many applications, three to a page.
func signOn(applications int) *connectortest.Vendor {
	v := connectortest.NewVendor()
	v.PageSize(3)
	for i := range applications {
		v.Offer(connector.Application{ID: fmt.Sprint(i), Name: fmt.Sprint("Tool number ", string(rune('a'+i))), People: i, Mode: "saml"})
	}
	return v
}

// Pages that do not come at once, and a list that is forgotten in the middle, are asked for again.
func TestAllApplicationsAreReadInTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		fail  *exeunt.Error
		times int
		takes time.Duration // at least
		want  exeunt.ErrorKind
	}{
		"at once":        {exeunt.Errorf(exeunt.Throttled, "slow down"), 0, 0, ""},
		"told to wait":   {exeunt.Errorf(exeunt.Throttled, "slow down").After(time.Minute), 3, 3 * time.Minute, ""},
		"no answer":      {exeunt.Errorf(exeunt.Temporary, "no answer"), 4, 0, ""},
		"never answers":  {exeunt.Errorf(exeunt.Temporary, "no answer"), connectortest.Always, 0, exeunt.Temporary},
		"forgotten":      {exeunt.Errorf(exeunt.Conflict, "forgotten"), 4, 0, ""},
		"always forgets": {exeunt.Errorf(exeunt.Conflict, "forgotten"), connectortest.Always, 0, exeunt.Conflict},
		"may not":        {exeunt.Errorf(exeunt.Denied, "no"), 1, 0, exeunt.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, last, began := signOn(7), 0, time.Now()
				v.Fail(connectortest.Applications, c.times, c.fail)
				found, err := applications(t.Context(), v, func(n int) { last = n })
				if exeunt.KindOf(err) != c.want || c.want == "" && (len(found) != 7 || last != 7) || time.Since(began) < c.takes {
					t.Errorf("%d applications after %s, the last progress was %d: %v", len(found), time.Since(began), last, err)
				}
				if c.want == "" && (found[6].ID != "6" || found[6].People != 6 || found[6].Mode != "saml") {
					t.Errorf("%+v", found[6])
				}
			})
		})
	}
}

func TestWhoStopsWaitingForApplicationsStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := signOn(1)
		v.Fail(connectortest.Applications, connectortest.Always, exeunt.Errorf(exeunt.Throttled, "slow down").After(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := applications(ctx, v, func(int) {}); err == nil || time.Since(began) > time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
