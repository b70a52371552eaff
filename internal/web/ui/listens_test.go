package ui

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// listener is what the world says of Snowflake, when it listens.
type listener struct {
	says  *web.Listener
	stats store.SignalStats
}

func (w *world) SignalStats(context.Context, string, time.Time) (store.SignalStats, error) {
	return w.listener.stats, w.broken
}

func (w *world) listens(_ context.Context, system string) (*web.Listener, error) {
	if system != "snowflake" {
		return nil, nil
	}
	return w.listener.says, nil
}

func TestHowASystemListensIsSeen(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		const page, head = "/systems/snowflake", "Listens to who leaves"
		says(t, send(h, "it", page, nil), 200, "not:"+head)
		w.listener.says = &web.Listener{Receiver: "https://snow.example", Way: "stream", Status: "no stream"}
		says(t, send(h, "it", page, nil), 200, head, "https://snow.example", "Not set up: it has made no stream", "Nothing", "exeunt signals token")
		says(t, send(h, "it", "/systems/entra-id", nil), 200, "not:"+head)
		w.listener = listener{
			says:  &web.Listener{Receiver: "https://snow.example", Way: "stream", Delivery: "push", PushTo: "https://snow.example/events", Status: "enabled", Events: []exeunt.SignalEvent{exeunt.SignalAccountDisabled, exeunt.SignalSessionRevoked}},
			stats: store.SignalStats{Waiting: 2, WaitingSince: w.now.Add(-time.Hour), Delivered: 7, Refused: 1, LastDelivered: w.now.Add(-time.Hour)},
		}
		says(t, send(h, "auditor", page, nil), 200, "Push", "https://snow.example/events", "account disabled, session revoked", "2 messages, the oldest 1 h ago", "7 in 90 days, 1 refused", "Last Thu 19 Nov 2026, 09:18:42 PST", "It does not take what it is sent", "exeunt signals verify snowflake")
		w.listener.says.Delivery = "poll"
		says(t, send(h, "it", page, nil), 200, "It does not fetch what waits", "exeunt signals show snowflake")
		w.listener.stats.WaitingSince = w.now.Add(-time.Minute)
		says(t, send(h, "it", page, nil), 200, "2 messages", "not:What to do")
		w.listener.stats = store.SignalStats{Refused: 2}
		says(t, send(h, "it", page, nil), 200, "It refuses what it is sent")
		w.listener.says.Status = "disabled"
		says(t, send(h, "it", page, nil), 200, "end by hand the sessions")
		w.listener.says.Status, w.listener.says.Reason = "paused", "<b>night</b>"
		says(t, send(h, "it", page, nil), 200, "Paused: &lt;b&gt;night&lt;/b&gt;", "not:<b>night", "Messages wait until the deadlines")
		w.listener.says = &web.Listener{Receiver: "https://snow.example", Way: "global-token-revocation", PushTo: "https://snow.example/revoke", Status: "enabled"}
		says(t, send(h, "it", page, nil), 200, "Global token revocation", "not:Not taken")
	})
}
