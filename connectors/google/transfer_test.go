package google_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

func TestDataIsHandedOverOnce(t *testing.T) {
	for name, c := range map[string]struct {
		fault   fault
		lagging bool
		ends    exeunt.OutcomeKind
		handed  int
	}{
		"answered":                   {healthy, false, exeunt.Done, 1},
		"lost":                       {lost, false, exeunt.Done, 1},
		"lost, and the list is late": {lost, true, exeunt.Done, 1},
		"throttled by 403":           {slowDown, false, exeunt.Done, 1},
		"answered and never begun":   {lie, false, exeunt.GaveUp, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.lagging = c.lagging
			l := w.leaver(t)
			times := 0
			w.fault = func(method string) fault {
				if method != "datatransfer.transfers.insert" {
					return healthy
				}
				if times++; times > 1 {
					return healthy
				}
				return c.fault
			}
			g := open(t, w.settings(t, 1, ""))
			var out exeunt.Outcome
			intended := false
			for i := range 8 {
				out = converge(t, g, l, w.of(l), exeunt.TransferData, intended, i < 4)
				if out.Kind == exeunt.Done || out.Kind == exeunt.GaveUp {
					break
				}
				intended = exeunt.KindOf(out.Err) != exeunt.Throttled
				if i > 0 || !c.lagging {
					w.tick()
				}
			}
			if out.Kind != c.ends || len(w.transfers) != c.handed {
				t.Errorf("%s (%s) with %d transfers, want %s with %d", out.Kind, says(out), len(w.transfers), c.ends, c.handed)
			}
		})
	}
}

func TestATransferIsNotBegunBesideAnother(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	c := open(t, w.settings(t, 1, ""))
	account, with := exeunt.Account{ID: w.of(l).id}, connector.Parameters{Leaver: l}
	if err := c.Apply(t.Context(), account, exeunt.TransferData, with); err != nil {
		t.Fatal(err)
	}
	for _, status := range []string{"new", "inProgress", "completed", "failed"} {
		w.transfers[0]["overallTransferStatusCode"] = status
		if err := c.Apply(t.Context(), account, exeunt.TransferData, with); exeunt.KindOf(err) != exeunt.Conflict || len(w.transfers) != 1 {
			t.Errorf("beside one that is %s: %v, %d transfers", status, err, len(w.transfers))
		}
	}
	began := w.transfers[0]["requestTime"]
	delete(w.transfers[0], "requestTime")
	if err := c.Apply(t.Context(), account, exeunt.TransferData, with); exeunt.KindOf(err) != exeunt.Conflict || len(w.transfers) != 1 {
		t.Errorf("beside one that does not say when it began: %v, %d transfers", err, len(w.transfers))
	}
	w.transfers[0]["requestTime"] = began
	// One of long ago was of something else; one of a part leaves the rest.
	w.transfers[0]["requestTime"] = time.Now().AddDate(0, 0, -101).UTC().Format(time.RFC3339)
	if err := c.Apply(t.Context(), account, exeunt.TransferData, with); err != nil || len(w.transfers) != 2 {
		t.Errorf("after one of long ago: %v, %d transfers", err, len(w.transfers))
	}
	w.transfers[1]["applicationDataTransfers"] = []object{{"applicationId": "55656082996"}}
	if err := c.Apply(t.Context(), account, exeunt.TransferData, with); err != nil || len(w.transfers) != 3 {
		t.Fatalf("after one of the files: %v, %d transfers", err, len(w.transfers))
	}
	if begun, _ := w.transfers[2]["applicationDataTransfers"].([]any); len(begun) != 1 || begun[0].(object)["applicationId"] != "435070579839" {
		t.Errorf("after one of the files, %v is begun", begun)
	}
}

func TestOnlyWhatTheCustomerHasIsHandedOver(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	drive, calendar := w.offered[0], w.offered[1]
	for _, c := range []struct {
		offered []object
		ends    exeunt.OutcomeKind
		handed  int
	}{
		{nil, exeunt.TryAgain, 0},
		{[]object{w.offered[2]}, exeunt.TryAgain, 0},
		{[]object{drive}, exeunt.Done, 1},
		{w.offered, exeunt.Done, 2},
		{[]object{calendar}, exeunt.Done, 1},
	} {
		w.offered, w.transfers, w.begun = c.offered, nil, 0
		g := open(t, w.settings(t, 1, ""))
		out := converge(t, g, l, w.of(l), exeunt.TransferData, false, false)
		for out.Kind == exeunt.NotYet {
			w.tick()
			out = converge(t, g, l, w.of(l), exeunt.TransferData, true, true)
		}
		handed := 0
		if len(w.transfers) == 1 {
			list, _ := w.transfers[0]["applicationDataTransfers"].([]any)
			handed = len(list)
		}
		if out.Kind != c.ends || handed != c.handed || len(c.offered) == 3 && out.Seen["not handed over"] != "Looker Studio" {
			t.Errorf("%v: %s %s, %d handed over, %v", c.offered, out.Kind, says(out), handed, out.Seen)
		}
	}
}

func TestWhoTakesOverIsSomebody(t *testing.T) {
	w := newWorkspace(t)
	l := w.leaver(t)
	w.hire("gone@" + domain).suspended = true
	for _, c := range []struct{ manager, successor, says string }{
		{"", "", "nobody is named"},
		{"x@" + domain, "", "has no account"},
		{"gone@" + domain, "", "is suspended"},
		{w.of(l).aliases[0], "", "is the leaver"},
		{" ", address, ""},
	} {
		l.Manager.Email = c.manager
		g := open(t, w.settings(t, 1, fmt.Sprintf(`,"successor":%q`, c.successor)))
		out := converge(t, g, l, w.of(l), exeunt.TransferData, false, false)
		if !strings.Contains(says(out), c.says) || c.says != "" && (out.Kind != exeunt.GaveUp || len(w.transfers) != 0) {
			t.Errorf("manager %q, successor %q: %s %s, want %q", c.manager, c.successor, out.Kind, says(out), c.says)
		}
	}
	if w.transfers[0]["newOwnerUserId"] != w.person(address).id {
		t.Errorf("handed over to %v", w.transfers[0])
	}
}
