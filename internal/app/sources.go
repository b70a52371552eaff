package app

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/engine"
	"github.com/exeunt/exeunt/internal/intake"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/wrap"
)

// sources are the configured HR systems, by name.
type sources struct {
	byName map[string]*intake.Source
	names  []string
}

func openSources(c *config.Config) (*sources, error) {
	s := &sources{byName: map[string]*intake.Source{}}
	for _, configured := range c.Sources {
		opened, problems := intake.Open(configured.Spec, configured.Settings, wrap.HTTP(http.DefaultTransport))
		for _, p := range problems {
			if !p.Warning {
				return nil, exeunt.Errorf(exeunt.Invalid, "source %s: %s. %s", configured.Name, p.What, p.Remedy)
			}
		}
		s.byName[configured.Name] = opened
		s.names = append(s.names, configured.Name)
	}
	return s, nil
}

// Normalise makes the trigger of a received event. What a source says that is not authoritative never
// starts or changes a case: its trigger says so.
func (s *sources) Normalise(ctx context.Context, e store.Event) (exeunt.Trigger, error) {
	source, ok := s.byName[e.Source]
	if !ok {
		// Another server may have accepted it by a folder that this one has not read yet, and a folder may be half copied.
		return exeunt.Trigger{}, exeunt.Errorf(exeunt.Temporary, "the configuration that this server has read has no source %s: put it back, or see that every server reads the same folder", e.Source)
	}
	event, err := intake.DecodeEvent(e.Body)
	if err != nil {
		return exeunt.Trigger{}, err
	}
	t, err := source.Normalise(ctx, event)
	t.Second = !source.Authoritative
	return t, err // NotFound when it is about something else
}

// hooks answers webhooks: it judges, makes durable, and only then accepts.
type hooks struct {
	sources *sources
	engine  *engine.Engine
	metrics *metrics
	log     *slog.Logger
}

// keepTime is how long a delivery may wait for the database before its sender is told to send it again.
const keepTime = 10 * time.Second

// Hook answers one delivery.
func (h hooks) Hook(ctx context.Context, name string, header http.Header, body []byte) (int, error) {
	source, ok := h.sources.byName[name]
	if !ok {
		return http.StatusNotFound, exeunt.Errorf(exeunt.NotFound, "no such source is configured")
	}
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	now := time.Now().UTC()
	events, answer := source.Receive(header, body, now)
	h.metrics.hook(name, answer.Status)
	if !answer.Accepted() {
		h.log.Warn("a webhook was refused", "source", name, "status", answer.Status, "signed", answer.Signed, "why", exeunt.MessageOf(answer.Problem))
		if answer.Signed && answer.Quarantine() {
			if err := h.engine.Quarantine(ctx, store.Event{Source: name, ID: "quarantine:" + store.Random(8), Body: intake.Event{Source: name, Body: body, ReceivedAt: now}.Encode(), ReceivedAt: now}, answer.Problem); err != nil {
				return http.StatusServiceUnavailable, err
			}
		}
		return answer.Status, answer.Problem
	}
	for _, e := range events {
		fresh, err := h.engine.Receive(ctx, store.Event{Source: name, ID: e.EventID, Body: e.Encode(), ReceivedAt: now})
		if err != nil {
			return http.StatusServiceUnavailable, exeunt.Errorf(exeunt.Temporary, "the event could not be kept; send it again").Because(err)
		}
		if !fresh {
			h.log.Info("a webhook was received again; it has no further effect", "source", name, "event", e.EventID)
		}
	}
	if len(answer.Bad) > 0 {
		if err := h.setAside(ctx, events[0], answer.Bad); err != nil {
			return http.StatusServiceUnavailable, err // the good ones are kept; sent again, they are repeats
		}
	}
	return answer.Status, nil
}

// setAside quarantines a delivery for those of its employees that make no event. It is one record and
// one alert, however many they are, and the same ones when the delivery comes again.
func (h hooks) setAside(ctx context.Context, e intake.Event, bad []*exeunt.Error) error {
	h.log.Warn("a webhook was accepted in part", "source", e.Source, "event", e.EventID, "bad", len(bad), "why", exeunt.MessageOf(bad[0]))
	why := exeunt.Errorf(exeunt.Invalid, "it was accepted but for %d of its employees, of whom the first: %s", len(bad), exeunt.MessageOf(bad[0])).In(bad[0].Field)
	e.Employee = ""
	return h.engine.Quarantine(ctx, store.Event{Source: e.Source, ID: "quarantine:" + e.EventID, Body: e.Encode(), ReceivedAt: e.ReceivedAt}, why)
}
