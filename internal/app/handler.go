package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/exeunt/exeunt/internal/web/ui"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type inventory struct{ config *config.Config }

// Systems is the inventory as configured, with the person behind each owner's role.
func (i inventory) Systems() []exeunt.System {
	roles := i.config.Roles()
	systems := i.config.Inventory()
	for n, s := range systems {
		if !s.Owner.Named() {
			systems[n].Owner = roles(s.Owner.Role, exeunt.Leaver{})
		}
	}
	return systems
}

// handler is every address that the server answers.
func (a *App) handler(sources *sources, links taskLinks) http.Handler {
	mux := http.NewServeMux()
	api.Register(mux, api.Config{
		Reader: a.Store, Commands: commands{a.Engine, a.complete}, Ledger: a.Proofs, Bearers: a.Accounts, Inventory: inventory{a.Config},
		Hooks: hooks{sources: sources, engine: a.Engine, metrics: a.metrics, log: a.options.Log},
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry(a), promhttp.HandlerOpts{}))
	mux.Handle("/", ui.New(ui.Config{
		Organisation: a.Config.Company, Environment: a.options.Environment, Zone: a.Config.Zone, Secure: strings.HasPrefix(a.Config.URL, "https://"),
		Reader: a.Store, Commands: commands{a.Engine, a.complete}, Inventory: inventory{a.Config}, Accounts: a.Accounts, Links: links, Live: a.Engine, Proofs: a.Proofs,
		Sources: func() []string { return sources.names }, Log: a.options.Log, Done: a.stopping,
	}))
	return mux
}

// commands are the engine's, with what a person leaves out of a departure filled in.
type commands struct {
	*engine.Engine
	complete func(*exeunt.Departure)
}

// StartCase opens a case by a person's decision.
func (c commands) StartCase(ctx context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error) {
	c.complete(&d)
	return c.Engine.StartCase(ctx, d, by)
}

// complete fills in what a departure that a person wrote down leaves out.
func (a *App) complete(d *exeunt.Departure) {
	if d.Leaver.Entity == "" && len(a.Config.Entities) > 0 {
		d.Leaver.Entity = a.Config.Entities[0].Name
	}
	for _, e := range a.Config.Entities {
		if e.Name == d.Leaver.Entity {
			if d.Leaver.Zone == "" {
				d.Leaver.Zone = e.Zone
			}
			if d.Leaver.Country == "" {
				d.Leaver.Country = e.Country
			}
		}
	}
	if d.TerminationDate == "" {
		d.TerminationDate = d.LastDay
	}
}

// readiness is what /readyz answers.
type readiness struct {
	Status   string `json:"status"` // ready or not ready
	Database string `json:"database"`
	Ledger   string `json:"ledger"`
	Backlog  int    `json:"backlog"` // entries that wait for the ledger
}

// maxBacklog is how many entries may wait for the ledger before that is a sign of trouble.
const maxBacklog = 50_000

// ready says whether work can be accepted: the database takes writes, and the ledger takes entries.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	state, code := readiness{Status: "ready", Database: "ok", Ledger: "ok"}, http.StatusOK
	fail := func(where *string, why string) {
		*where, state.Status, code = why, "not ready", http.StatusServiceUnavailable
	}
	if err := a.Store.Ping(r.Context()); err != nil {
		fail(&state.Database, exeunt.MessageOf(err))
	}
	if err := a.Fault(); err != nil {
		fail(&state.Database, exeunt.MessageOf(err))
	}
	backlog, err := a.Store.Outbox().Backlog(r.Context())
	if err != nil {
		fail(&state.Database, exeunt.MessageOf(err))
	}
	state.Backlog = backlog
	if s := a.Shipper.Status(); s.Err != nil {
		fail(&state.Ledger, exeunt.MessageOf(s.Err))
	} else if backlog > maxBacklog {
		fail(&state.Ledger, "too many entries wait for the ledger")
	}
	writeJSON(w, code, state)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller is gone if this fails
}
