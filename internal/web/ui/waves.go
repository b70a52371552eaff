package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

func (s *server) wavesPage(v *visit) error {
	waves, err := s.Reader(v.Viewer()).Waves(v.Context())
	if err != nil {
		return err
	}
	return v.show(wavesTemplate(s.chrome(v, "waves", "Waves"), v, waves))
}

func (s *server) wavePage(v *visit) error {
	view, err := s.readWave(v)
	if err != nil {
		return err
	}
	return v.show(waveTemplate(s.waveChrome(v, view), view))
}

func (s *server) waveChrome(v *visit, view waveView) chrome {
	ch := s.chrome(v, "waves", view.ID.String(), crumb{"Waves", "/waves"})
	ch.Title, ch.Live = view.Title+", "+view.ID.String(), view.State != exeunt.WaveDone
	return ch
}

// waveRest is the pause between two reads of a live wave: each adds up all of its cases.
const waveRest = 2 * time.Second

func (s *server) waveStream(v *visit) error {
	id, err := v.waveID()
	if err != nil {
		return err
	}
	return s.stream(v, source{
		need: seeWaves, rest: waveRest,
		watch: func(ctx context.Context) <-chan struct{} { return s.Live.WatchWave(ctx, v.Viewer(), id) },
		read:  func(v *visit) (livePage, error) { return s.readWave(v) },
	})
}

// waveID reads the wave of the address; what is no wave at all does not exist either.
func (v *visit) waveID() (exeunt.WaveID, error) {
	id, err := exeunt.ParseWaveID(v.PathValue("id"))
	if err != nil {
		return 0, nothingHere()
	}
	return id, nil
}

// exceptionsShown bounds the list of accounts that are not found for sure.
const exceptionsShown = 30

func (s *server) readWave(v *visit) (waveView, error) {
	id, err := v.waveID()
	if err != nil {
		return waveView{}, err
	}
	read := s.Reader(v.Viewer())
	f, err := read.WaveFile(v.Context(), id, v.now)
	if err != nil {
		return waveView{}, err
	}
	view := viewWave(f, s.Inventory.Systems(), v)
	if f.Wave.Check != nil && !f.Wave.Checking() {
		if view.Exceptions, err = read.Exceptions(v.Context(), id, f.Wave.Check.Round, exceptionsShown); err != nil {
			return view, err
		}
	}
	view.Entries, err = read.WaveEntries(v.Context(), id)
	return view, err
}

func (s *server) waveReport(v *visit) error {
	id, err := v.waveID()
	if err != nil {
		return err
	}
	r, err := s.Reader(v.Viewer()).WaveReport(v.Context(), id, v.now)
	if err != nil {
		return err
	}
	ch := s.chrome(v, "waves", "Report", crumb{"Waves", "/waves"}, crumb{id.String(), "/waves/" + id.String()})
	ch.Title = "Report of " + r.Wave.Title + ", " + id.String()
	return v.show(waveReportTemplate(ch, reportView{r, v, titlesOf(s.Inventory.Systems())}))
}

func (s *server) waveCSV(v *visit) error {
	id, err := v.waveID()
	if err != nil {
		return err
	}
	r, err := s.Reader(v.Viewer()).WaveReport(v.Context(), id, v.now)
	if err != nil {
		return err
	}
	if err := s.Taken(v.Context(), v.Viewer(), web.Export{What: "the table of " + id.String(), Wave: id}); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", id.String()+".report.csv"))
	_, err = io.WriteString(v.w, r.CSV())
	return ignoreGone(v.Request, err)
}

// ---- decisions

func (s *server) checkWave(v *visit) error {
	id, err := v.waveID()
	if err != nil {
		return err
	}
	if err := s.Commands(v.Viewer()).CheckWave(v.Context(), id, v.override("")); err != nil {
		return err
	}
	return v.goTo("/waves/"+id.String(), "The check has begun.")
}

func (s *server) approveWave(v *visit) error {
	return s.decideWave(v, "approve", web.Waves.ApproveWave, "Approved by "+v.signs()+". It can be started.")
}

func (s *server) startWave(v *visit) error {
	return s.decideWave(v, "start", web.Waves.StartWave, "Started by "+v.signs()+".")
}

func (s *server) goOnWave(v *visit) error {
	return s.decideWave(v, "go-on", web.Waves.GoOnWave, v.signs()+" let the others follow.")
}

func (s *server) stopWave(v *visit) error {
	return s.decideWave(v, "stop", web.Waves.StopWave, "Stopped by "+v.signs()+". Nobody else is released; what has begun ends.")
}

// decideWave takes a named person's decision. One that is refused comes back beside its field, with the wave
// as it is now.
func (s *server) decideWave(v *visit, act string, decide func(web.Waves, context.Context, exeunt.WaveID, exeunt.Override) error, done string) error {
	id, err := v.waveID()
	if err != nil {
		return err
	}
	err = decide(s.Commands(v.Viewer()), v.Context(), id, v.override(v.PostFormValue("reason")))
	switch exeunt.KindOf(err) {
	case "":
		s.changed()
		return v.goTo("/waves/"+id.String(), done)
	case exeunt.Invalid, exeunt.Conflict, exeunt.Denied:
		view, again := s.readWave(v)
		if again != nil {
			return again
		}
		view.Error, view.Form, view.Typed = sentence(exeunt.MessageOf(err)), act, v.PostFormValue("reason")
		return write(v.w, v.Request, web.Status(err), waveTemplate(s.waveChrome(v, view), view))
	default:
		return err
	}
}

// ---- making one

// waveForm is what a person enters to make a wave.
type waveForm struct {
	startForm
	Faults exeunt.RowFaults
}

func (s *server) newWavePage(v *visit) error {
	form := waveForm{startForm: startForm{Values: url.Values{"type": {string(exeunt.Layoff)}, "opens": {string(exeunt.OpensNow)}, "zone": {v.zone.String()}, "canary": {"3"}, "rate": {"0"}}}}
	return v.show(newWaveTemplate(s.newWaveChrome(v), form))
}

func (s *server) newWaveChrome(v *visit) chrome {
	return s.chrome(v, "waves", "Make a wave", crumb{"Waves", "/waves"})
}

// maxList is the largest list of people that a form may bring.
const maxList = 32 << 20

func (s *server) makeWave(v *visit) error {
	v.Body = http.MaxBytesReader(v.w, v.Body, maxList)
	ask, err := waveRequest(v.Request)
	if err != nil {
		return err
	}
	id, err := s.Commands(v.Viewer()).MakeWave(v.Context(), ask, v.override(v.PostFormValue("reason")))
	switch exeunt.KindOf(err) {
	case "":
		return v.goTo("/waves/"+id.String(), "Made by "+v.signs()+". Next: its check.")
	case exeunt.Invalid, exeunt.Conflict:
		form := waveForm{startForm: startForm{Values: v.PostForm, Error: sentence(exeunt.MessageOf(err)), Field: fieldOf(err)}}
		form.Values.Set("csv", ask.CSV)
		if faults, ok := errors.AsType[exeunt.RowFaults](err); ok {
			form.Faults, form.Field = faults, "csv"
			form.Error = fmt.Sprintf("The list has %s, so that nothing was made.", plural(len(faults), "fault", "faults"))
		}
		return write(v.w, v.Request, web.Status(err), newWaveTemplate(s.newWaveChrome(v), form))
	default:
		return err
	}
}

// waveRequest reads the form. A file that was chosen counts for more than what stands in the field.
func waveRequest(r *http.Request) (exeunt.WaveRequest, error) {
	unread := exeunt.Errorf(exeunt.Invalid, "the form did not arrive in full, or its list is larger than 32 MB, so nothing was made: send it again")
	if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return exeunt.WaveRequest{}, unread.Because(err)
	}
	get := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	count := func(name string) int { n, _ := strconv.Atoi(get(name)); return n } // the field takes numbers only
	ask := exeunt.WaveRequest{
		Title: get("title"), Type: exeunt.DepartureType(get("type")), Opens: exeunt.Opens(get("opens")), Canary: count("canary"), Rate: count("rate"),
		CSV: r.PostFormValue("csv"), Embargo: startTerms(r.PostForm),
	}
	ask.Clock = strings.Replace(get("clock"), "T", " ", 1)
	if get("where") == "one" {
		ask.Clock += " " + get("zone")
	}
	file, _, err := r.FormFile("list")
	if err != nil { // none was chosen
		return ask, nil
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		return ask, unread.Because(err)
	}
	if len(text) > 0 {
		ask.CSV = string(text)
	}
	return ask, nil
}
