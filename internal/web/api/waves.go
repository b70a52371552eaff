package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// WaveList is the mass departures, the newest first.
type WaveList struct {
	Schema string        `json:"schema"`
	Waves  []exeunt.Wave `json:"waves"`
}

// WaveFile is all of one mass departure.
type WaveFile struct {
	Schema string `json:"schema"`
	store.WaveFile
	Exceptions []store.Look `json:"exceptions" doc:"Looks of the newest check that did not find exactly one account, at most 200"`
}

// WaveReport is what can be said of a mass departure afterwards, or so far.
type WaveReport struct {
	Schema string `json:"schema"`
	store.WaveReport
}

// WaveMade says which wave was made.
type WaveMade struct {
	Schema string        `json:"schema"`
	Wave   exeunt.WaveID `json:"wave"`
}

// WavePath names a mass departure as people do.
type WavePath struct {
	ID string `path:"id" doc:"W-3 or 3"`
}

// WaveDecision is a decision about a mass departure.
type WaveDecision struct {
	WavePath
	Body reason
}

// maxList is the largest list of people, far above what fifty thousand of them take.
const maxList = 32 << 20

func (a routes) waves(spec huma.API) {
	huma.Get(spec, "/api/v1/waves", a.listWaves, summary("List mass departures", "Waves"))
	huma.Get(spec, "/api/v1/waves/{id}", a.showWave, summary("Show a mass departure with its people, its check and its progress", "Waves"))
	huma.Post(spec, "/api/v1/waves", a.makeWave, summary("Make a mass departure of a list of people", "Waves"), status(http.StatusCreated), func(o *huma.Operation) { o.MaxBodyBytes = maxList })
	for verb, about := range map[string]struct {
		decide func(web.Waves, context.Context, exeunt.WaveID, exeunt.Override) error
		does   string
	}{
		"approve": {web.Waves.ApproveWave, "Approve a checked mass departure, as a second person"},
		"start":   {web.Waves.StartWave, "Start an approved mass departure"},
		"go-on":   {web.Waves.GoOnWave, "Let the others follow the canary"},
		"stop":    {web.Waves.StopWave, "Stop a mass departure for good; what has begun ends"},
	} {
		huma.Post(spec, "/api/v1/waves/{id}/"+verb, a.onWave(about.decide), summary(about.does, "Waves"), status(http.StatusNoContent))
	}
	huma.Post(spec, "/api/v1/waves/{id}/check", a.checkWave, summary("Begin to check a mass departure: identity, coverage, budget", "Waves"), status(http.StatusNoContent))
	huma.Get(spec, "/api/v1/waves/{id}/report", a.waveReport, summary("Report a mass departure: whose access ended when, what failed, who has what open", "Waves"))
	huma.Get(spec, "/api/v1/waves/{id}/report.csv", a.waveCSV, summary("Report a mass departure as CSV, one line a person", "Waves"))
}

func (a routes) listWaves(ctx context.Context, _ *struct{}) (*answer[WaveList], error) {
	waves, err := a.Reader(viewer(ctx)).Waves(ctx)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[WaveList]{WaveList{"waves/v1", waves}}, nil
}

func (a routes) showWave(ctx context.Context, in *WavePath) (*answer[WaveFile], error) {
	id, err := exeunt.ParseWaveID(in.ID)
	if err != nil {
		return nil, problem(err)
	}
	f, err := a.Reader(viewer(ctx)).WaveFile(ctx, id, time.Now())
	if err != nil {
		return nil, problem(err)
	}
	out := WaveFile{Schema: "wave/v1", WaveFile: f}
	if f.Wave.Check != nil {
		if out.Exceptions, err = a.Reader(viewer(ctx)).Exceptions(ctx, id, f.Wave.Check.Round, 200); err != nil {
			return nil, problem(err)
		}
	}
	return &answer[WaveFile]{out}, nil
}

func (a routes) makeWave(ctx context.Context, in *struct {
	Body struct {
		exeunt.WaveRequest
		Reason string `json:"reason" minLength:"10" maxLength:"4000" doc:"Why, for whoever reads the record later"`
	}
}) (*answer[WaveMade], error) {
	id, err := a.Commands(viewer(ctx)).MakeWave(ctx, in.Body.WaveRequest, override(ctx, in.Body.Reason))
	if err != nil {
		return nil, problem(err)
	}
	return &answer[WaveMade]{WaveMade{"wave-made/v1", id}}, nil
}

// checkWave takes no reason: to look is no decision.
func (a routes) checkWave(ctx context.Context, in *struct {
	WavePath
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"4000"`
	}
}) (*nothing, error) {
	return a.onWave(web.Waves.CheckWave)(ctx, &WaveDecision{in.WavePath, reason{in.Body.Reason}})
}

// onWave takes a decision about a mass departure in the name of the caller.
func (a routes) onWave(decide func(web.Waves, context.Context, exeunt.WaveID, exeunt.Override) error) func(context.Context, *WaveDecision) (*nothing, error) {
	return func(ctx context.Context, in *WaveDecision) (*nothing, error) {
		id, err := exeunt.ParseWaveID(in.ID)
		if err == nil {
			err = decide(a.Commands(viewer(ctx)), ctx, id, override(ctx, in.Body.Reason))
		}
		return done(err)
	}
}

func (a routes) report(ctx context.Context, in *WavePath) (store.WaveReport, error) {
	id, err := exeunt.ParseWaveID(in.ID)
	if err != nil {
		return store.WaveReport{}, err
	}
	return a.Reader(viewer(ctx)).WaveReport(ctx, id, time.Now())
}

func (a routes) waveReport(ctx context.Context, in *WavePath) (*answer[WaveReport], error) {
	r, err := a.report(ctx, in)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[WaveReport]{WaveReport{"wave-report/v1", r}}, nil
}

func (a routes) waveCSV(ctx context.Context, in *WavePath) (*packet, error) {
	r, err := a.report(ctx, in)
	if err != nil {
		return nil, problem(err)
	}
	return &packet{"text/csv; charset=utf-8", `attachment; filename="` + r.Wave.ID.String() + `.report.csv"`, []byte(r.CSV())}, nil
}
