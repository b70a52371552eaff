package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web/api"
)

func (b *backend) SignalStats(context.Context, string, time.Time) (store.SignalStats, error) {
	return store.SignalStats{Waiting: 1, WaitingSince: time.Unix(0, 0).UTC()}, nil
}

func (b *backend) Undelivered(context.Context, string, int) ([]exeunt.Signal, error) {
	return []exeunt.Signal{{ID: "jti-1", Case: 1, Step: "crm-disable", Subject: "email:jane@acme.example", Event: exeunt.SignalAccountDisabled, State: exeunt.SignalWaiting, Token: "eyJ"}}, nil
}

func (b *backend) List(context.Context) ([]api.SignalReceiver, error) {
	return []api.SignalReceiver{{System: "crm", Receiver: "https://crm.example", Way: "stream", Status: "enabled", Events: []exeunt.SignalEvent{exeunt.SignalAccountDisabled}}}, nil
}

func (b *backend) Verify(_ context.Context, system string) (string, bool, error) {
	if system != "crm" {
		return "", false, missing(system)
	}
	return "jti-2", true, b.did("verify %s", system)
}

func (b *backend) Rotate(_ context.Context, algorithm string, atOnce bool, by exeunt.Override) (exeunt.SignalKey, error) {
	return exeunt.SignalKey{ID: "k", Algorithm: algorithm, Private: "d"}, b.did("rotate %s %t by %s: %s", algorithm, atOnce, by.By, by.Reason)
}

// What waits for a receiver is named by its token and its case, and never by whom it is about.
func TestReceiversOfSignals(t *testing.T) {
	b, server := newServer(t)
	list := call(t, server, "GET", "/api/v1/signals", "Bearer "+token, "")
	for _, want := range []string{`"system":"crm"`, `"waiting":1`, `"id":"jti-1"`, `"case":"C-1"`, `"state":"waiting"`} {
		if !strings.Contains(string(list.body), want) {
			t.Errorf("%d lacks %s: %s", list.StatusCode, want, list.body)
		}
	}
	if strings.Contains(string(list.body), "jane") || strings.Contains(string(list.body), "eyJ") {
		t.Errorf("the list tells of whom a token is, or the token itself: %s", list.body)
	}
	if sent := call(t, server, "POST", "/api/v1/systems/crm/verify", "Bearer "+token, ""); sent.StatusCode != 200 || sent.json(t)["id"] != "jti-2" {
		t.Errorf("verify: %d %s", sent.StatusCode, sent.body)
	}
	if none := call(t, server, "POST", "/api/v1/systems/nothing/verify", "Bearer "+token, ""); none.StatusCode != 404 {
		t.Errorf("verify nothing: %d", none.StatusCode)
	}
	if empty := call(t, server, "POST", "/api/v1/signals/rotate", "Bearer "+token, `{}`); empty.StatusCode != 422 {
		t.Errorf("rotate without a reason: %d %s", empty.StatusCode, empty.body)
	}
	key := call(t, server, "POST", "/api/v1/signals/rotate", "Bearer "+token, `{"algorithm":"ES256","at_once":true,"reason":"the old one was copied"}`)
	if key.StatusCode != 200 || strings.Contains(string(key.body), "private") || strings.Join(b.asked, ", ") != "verify crm, rotate ES256 true by Ida Novak: the old one was copied" {
		t.Errorf("rotate: %d %s, asked %q", key.StatusCode, key.body, b.asked)
	}
}
