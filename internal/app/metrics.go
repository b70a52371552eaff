package app

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the figures for /metrics.
type metrics struct {
	calls *prometheus.HistogramVec
	hooks *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "exeunt_connector_call_seconds", Help: "Calls to systems, waiting for the lane included, by how they ended.",
			Buckets: []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 120},
		}, []string{"system", "verb", "result"}),
		hooks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "exeunt_webhooks_total", Help: "Webhooks received, by source and answer."}, []string{"source", "status"}),
	}
}

// Observe takes one call of a connector.
func (m *metrics) Observe(system, verb, kind string, took time.Duration) {
	m.calls.WithLabelValues(system, verb, kind).Observe(took.Seconds())
}

func (m *metrics) hook(source string, status int) {
	m.hooks.WithLabelValues(source, strconv.Itoa(status)).Inc()
}

// registry collects the figures of one server. Those of the database are read when asked for.
func (m *metrics) registry(a *App) *prometheus.Registry {
	r := prometheus.NewRegistry()
	gauge := func(name, help string, read func(context.Context) float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			return read(ctx)
		}))
	}
	r.MustRegister(m.calls, m.hooks, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	gauge("exeunt_ledger_backlog", "Entries that wait for the ledger.", func(ctx context.Context) float64 {
		n, err := a.Store.Outbox().Backlog(ctx)
		return orNaN(float64(n), err)
	})
	gauge("exeunt_ledger_up", "1 when the ledger took what was last due, 0 when it is away or has stopped.", func(context.Context) float64 {
		if a.Shipper.Status().Err != nil {
			return 0
		}
		return 1
	})
	gauge("exeunt_ledger_differences", "What the newest check of the ledger found; NaN before the first.", func(ctx context.Context) float64 {
		runs, err := a.Store.Checks(ctx, 1)
		if err != nil || len(runs) == 0 {
			return math.NaN()
		}
		return float64(runs[0].Differences.Count)
	})
	gauge("exeunt_ledger_publication_late_seconds", "For how long no newer checkpoint could be published in the place where it is worst; 0 when all is well.", func(context.Context) float64 {
		return a.Proofs.PublicationLate(time.Now()).Seconds()
	})
	gauge("exeunt_cases_attention", "Cases that need a person now.", func(ctx context.Context) float64 {
		n, err := a.Store.For(exeunt.Viewer{}).NeedingPerson(ctx, time.Now()) // nobody's view: who scrapes is on no list
		return orNaN(float64(n), err)
	})
	r.MustRegister(lanes{a})
	return r
}

// lanes are the figures of each configured system's lane, read when asked for.
type lanes struct{ app *App }

var (
	breakerOpen = prometheus.NewDesc("exeunt_breaker_open", "1 while a system is left alone since it does not answer, or does not let us in.", []string{"system"}, nil)
	laneWaiting = prometheus.NewDesc("exeunt_lane_waiting", "Visits that are due in a system.", []string{"system"}, nil)
	laneOldest  = prometheus.NewDesc("exeunt_lane_oldest_seconds", "For how long the oldest visit of a system has been due; 0 when none is.", []string{"system"}, nil)
)

// Describe tells of every figure.
func (l lanes) Describe(out chan<- *prometheus.Desc) {
	out <- breakerOpen
	out <- laneWaiting
	out <- laneOldest
}

// Collect reads them, under nobody's view: who scrapes is on no list.
func (l lanes) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now, read := time.Now(), l.app.Store.For(exeunt.Viewer{})
	open, openErr := read.OpenBreakers(ctx)
	waiting, lineErr := read.SystemLines(ctx, now)
	of := map[string]store.SystemLine{}
	for _, line := range waiting {
		of[line.System] = line
	}
	for _, s := range l.app.Config().Inventory() {
		gauge := func(what *prometheus.Desc, v float64, err error) {
			out <- prometheus.MustNewConstMetric(what, prometheus.GaugeValue, orNaN(v, err), s.Name)
		}
		line, alone, age := of[s.Name], 0.0, 0.0
		if _, is := open[s.Name]; is {
			alone = 1
		}
		if line.Waiting > 0 {
			age = now.Sub(line.Since).Seconds()
		}
		gauge(breakerOpen, alone, openErr)
		gauge(laneWaiting, float64(line.Waiting), lineErr)
		gauge(laneOldest, age, lineErr)
	}
}

// orNaN says that a figure could not be read, which a zero would hide.
func orNaN(v float64, err error) float64 {
	if err != nil {
		return math.NaN()
	}
	return v
}
