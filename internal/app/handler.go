package app

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/web/api"
	"github.com/exeunt/exeunt/internal/web/ssf"
	"github.com/exeunt/exeunt/internal/web/ui"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// inventoryNow is the inventory as the pages and the API show it.
type inventoryNow struct {
	config *config.Config
	gaps   func() []inventory.Gap // found when they are first asked for: a configuration never changes
}

func newInventory(c *config.Config) inventoryNow {
	return inventoryNow{c, sync.OnceValue(func() []inventory.Gap { return inventory.Gaps(c.Items(), c.Sheets) })}
}

// Systems is the inventory as configured, with the person behind each owner's role.
func (i inventoryNow) Systems() []exeunt.System {
	roles := i.config.Roles()
	systems := i.config.Inventory()
	for n, s := range systems {
		if !s.Owner.Named() {
			systems[n].Owner = roles(s.Owner.Role, exeunt.Leaver{})
		}
	}
	return systems
}

// Gaps is what nobody knows of the systems, or has written down. Whoever asks changes nothing in it.
func (i inventoryNow) Gaps() []inventory.Gap {
	return i.gaps()
}

// Sheets is what sources showed of the applications that there are.
func (i inventoryNow) Sheets() []inventory.Sheet { return i.config.Sheets }

// handler is every address that the server answers.
func (a *App) handler(of *served) http.Handler {
	mux, systems := http.NewServeMux(), newInventory(of.config)
	questions := asking{Ask{of.config, of.systems}, a.accesses}
	api.Register(mux, api.Config{
		Reader: func(who exeunt.Viewer) api.Reader { return a.reads(who) }, Taken: a.taken, Commands: func(who exeunt.Viewer) api.Commands { return a.commands(who) }, Ledger: a.Proofs, Bearers: a.Accounts, Inventory: systems, Reload: a.reloadFor, Previews: previews{a, of.config}, Connectors: questions, Signals: signalHouse{a},
		Hooks: hooks{sources: of.sources, engine: a.Engine, metrics: a.metrics, log: a.options.Log},
	})
	ssf.Register(mux, signalHouse{a}.face(of.config))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry(a), promhttp.HandlerOpts{}))
	mux.Handle("/", ui.New(ui.Config{
		Organisation: of.config.Company, Environment: a.options.Environment, Zone: of.config.Zone, Secure: strings.HasPrefix(of.config.URL, "https://"),
		Reader: func(who exeunt.Viewer) ui.Reader { return a.reads(who) }, Taken: a.taken, Commands: func(who exeunt.Viewer) ui.Commands { return a.commands(who) }, Inventory: systems, Accounts: a.Accounts, Links: of.links, Live: a.Engine, Proofs: a.Proofs, Policies: policyBooks{a, of.config}, Previews: previews{a, of.config}, Connectors: questions, Listens: signalHouse{a}.Listener,
		Sources: func() []string { return of.sources.names }, Log: a.options.Log, Done: a.stopping, Misconfigured: a.Misconfigured,
	}))
	return remembered(mux)
}

// reloadFor reads the configuration again for somebody.
func (a *App) reloadFor(ctx context.Context, who exeunt.Viewer) (api.Reload, error) {
	return a.Reload(ctx, Asker{Who: who.Signs(), From: askedOf(ctx).from, How: "by exeunt reload"})
}

// commands are a person's, with what they leave out of a departure filled in.
type commands struct {
	engine.Commands
	trusts   *trusts
	complete func(*exeunt.Departure)
	entities []string
	zone     string // of the company
}

func (a *App) commands(who exeunt.Viewer) commands {
	c := commands{Commands: a.Engine.As(who), trusts: a.trusts, complete: a.complete, zone: a.Config().Zone}
	for _, e := range a.Config().Entities {
		c.entities = append(c.entities, e.Name)
	}
	return c
}

// StartCase opens a case by a person's decision.
func (c commands) StartCase(ctx context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error) {
	c.complete(&d)
	return c.Commands.StartCase(ctx, d, by)
}

// MakeWave makes a mass departure of a list that a person brought.
func (c commands) MakeWave(ctx context.Context, ask exeunt.WaveRequest, by exeunt.Override) (exeunt.WaveID, error) {
	return c.Commands.MakeWave(ctx, ask, c.fillIn, by)
}

// CleanUp ends what somebody who left still has.
func (c commands) CleanUp(ctx context.Context, finding int64, kind exeunt.DepartureType, by exeunt.Override) (exeunt.CaseID, error) {
	return c.Commands.CleanUp(ctx, finding, kind, c.fillIn, by)
}

// fillIn completes a departure, and refuses one of an entity that nobody has configured.
func (c commands) fillIn(d *exeunt.Departure) error {
	c.complete(d)
	if !slices.Contains(c.entities, d.Leaver.Entity) {
		return exeunt.Errorf(exeunt.Invalid, "%q is no legal entity of the configuration: use one of %v", d.Leaver.Entity, c.entities)
	}
	return nil
}

// Reconcile compares the people of a list that a person brought with the accounts of every system. Who is of no named entity
// is of the first one; of one that nobody has configured it is enough to know that they work there.
func (c commands) Reconcile(ctx context.Context, list string, by exeunt.Override) (exeunt.Reconciliation, error) {
	people, err := exeunt.ParseWorkers(list, func(d *exeunt.Departure) {
		c.complete(d)
		d.Leaver.Zone = cmp.Or(d.Leaver.Zone, c.zone)
	}, time.Now())
	if err != nil {
		return exeunt.Reconciliation{}, err
	}
	return c.Commands.Reconcile(ctx, people, by)
}

// complete fills in what a departure that a person wrote down leaves out.
func (a *App) complete(d *exeunt.Departure) {
	if d.Leaver.Entity == "" && len(a.Config().Entities) > 0 {
		d.Leaver.Entity = a.Config().Entities[0].Name
	}
	for _, e := range a.Config().Entities {
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
	Engine   string `json:"engine"`
	Backlog  int    `json:"backlog"` // entries that wait for the ledger

	Configuration string   `json:"configuration"`           // version of what is served
	Misconfigured []string `json:"misconfigured,omitempty"` // what is wrong with it; no reason not to be ready

	WitnessesLate   string `json:"witnesses_late,omitempty"`   // for how long nothing new was cosigned; no reason not to be ready
	PublicationLate string `json:"publication_late,omitempty"` // for how long nothing new could be published somewhere; likewise
}

// maxBacklog is how many entries may wait for the ledger before that is a sign of trouble.
const maxBacklog = 50_000

// pingTime is how long the database may take to answer a check of health.
const pingTime = 5 * time.Second

// ready says whether work can be accepted: the database takes writes, the ledger takes entries, and the engine
// does its part.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	state, code := readiness{Status: "ready", Database: "ok", Ledger: "ok", Engine: "ok"}, http.StatusOK
	fail := func(where *string, why string) {
		*where, state.Status, code = why, "not ready", http.StatusServiceUnavailable
	}
	ctx, cancel := context.WithTimeout(r.Context(), pingTime)
	defer cancel()
	if err := a.Store.Ping(ctx); err != nil {
		fail(&state.Database, exeunt.MessageOf(err))
	}
	if err := a.Engine.Health(); err != nil {
		fail(&state.Engine, exeunt.MessageOf(err))
	}
	backlog, err := a.Store.Outbox().Backlog(ctx)
	if err != nil {
		fail(&state.Database, exeunt.MessageOf(err))
	}
	state.Backlog, state.Configuration = backlog, a.Config().Version
	if state.Misconfigured, err = a.Misconfigured(ctx); err != nil {
		fail(&state.Database, exeunt.MessageOf(err))
	}
	if late := a.Proofs.WitnessesLate(); late > 0 {
		state.WitnessesLate = late.Round(time.Second).String()
	}
	if late := a.Proofs.PublicationLate(time.Now()); late > 0 {
		state.PublicationLate = late.Round(time.Second).String()
	}
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
