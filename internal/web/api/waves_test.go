package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
)

func (b *backend) wave() exeunt.Wave {
	return exeunt.Wave{ID: 1, Title: "Austin", State: exeunt.WaveRunning, Check: &exeunt.WaveCheck{Round: 2}}
}

func (b *backend) Waves(context.Context, ...exeunt.WaveState) ([]exeunt.Wave, error) {
	return []exeunt.Wave{b.wave()}, nil
}

func (b *backend) WaveFile(_ context.Context, id exeunt.WaveID, _ time.Time) (store.WaveFile, error) {
	if id != 1 {
		return store.WaveFile{}, missing(id)
	}
	return store.WaveFile{Wave: b.wave(), Progress: exeunt.WaveProgress{People: 3}}, nil
}

func (b *backend) Exceptions(_ context.Context, id exeunt.WaveID, round, _ int) ([]store.Look, error) {
	return []store.Look{{System: fmt.Sprintf("%s round %d", id, round)}}, nil
}

func (b *backend) WaveReport(_ context.Context, id exeunt.WaveID, _ time.Time) (store.WaveReport, error) {
	if id != 1 {
		return store.WaveReport{}, missing(id)
	}
	return store.WaveReport{Wave: b.wave(), People: []store.ReportPerson{{Row: 1, Name: "=cmd()", Failed: []string{"CRM: stopped"}}}}, nil
}

func (b *backend) MakeWave(_ context.Context, ask exeunt.WaveRequest, by exeunt.Override) (exeunt.WaveID, error) {
	return 1, b.did("wave %q %s %s %d %q by %s: %s", ask.Title, ask.Type, ask.Clock, ask.Canary, ask.CSV, by.By, by.Reason)
}

func (b *backend) onWave(verb string, id exeunt.WaveID, by exeunt.Override) error {
	if id != 1 {
		return missing(id)
	}
	return b.did("%s %s by %s: %s", verb, id, by.By, by.Reason)
}

func (b *backend) CheckWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return b.onWave("check", id, by)
}

func (b *backend) ApproveWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return b.onWave("approve", id, by)
}

func (b *backend) StartWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return b.onWave("start", id, by)
}

func (b *backend) GoOnWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return b.onWave("go-on", id, by)
}

func (b *backend) StopWave(_ context.Context, id exeunt.WaveID, by exeunt.Override) error {
	return b.onWave("stop", id, by)
}

func TestWhatAWaveShows(t *testing.T) {
	_, server := newServer(t)
	got := call(t, server, http.MethodGet, "/api/v1/waves/w-1", "Bearer "+token, "")
	for _, want := range []string{`"id":"W-1"`, `"people":3`, `"W-1 round 2"`} {
		if !strings.Contains(string(got.body), want) {
			t.Errorf("the wave lacks %s: %s", want, got.body)
		}
	}
	sheet := call(t, server, http.MethodGet, "/api/v1/waves/1/report.csv", "Bearer "+token, "")
	if sheet.Header.Get("Content-Type") != "text/csv; charset=utf-8" || sheet.Header.Get("Content-Disposition") != `attachment; filename="W-1.report.csv"` {
		t.Errorf("%v", sheet.Header)
	}
	if !strings.Contains(string(sheet.body), "1,,'=cmd(),") || !strings.Contains(string(sheet.body), "CRM: stopped") {
		t.Errorf("the sheet, where nothing may be a formula: %s", sheet.body)
	}
}

// TestEveryFaultOfAListIsADetail holds that a list with faults is answered with all of them, by line.
func TestEveryFaultOfAListIsADetail(t *testing.T) {
	b, server := newServer(t)
	b.fail = exeunt.RowFaults{{Line: 7, What: "employee E1 is in line 2 already"}, {Line: 3, What: "the departure has no leaver.name"}}.Err()
	p := isProblem(t, call(t, server, http.MethodPost, "/api/v1/waves", "Bearer "+token, `{"title":"Austin","type":"layoff","clock":"now","csv":"x","reason":"the site closes"}`), http.StatusUnprocessableEntity)
	if got := fmt.Sprint(p["errors"]); got != "[map[location:line 3 message:the departure has no leaver.name] map[location:line 7 message:employee E1 is in line 2 already]]" {
		t.Errorf("%v", got)
	}
}

func TestAListMayBeLong(t *testing.T) {
	b, server := newServer(t)
	rows := strings.Repeat(`E1,Jane Doe,jane@acme.example\n`, 100_000)
	got := call(t, server, http.MethodPost, "/api/v1/waves", "Bearer "+token, `{"title":"Austin","type":"layoff","clock":"now","csv":"`+rows+`","reason":"the site closes"}`)
	if got.StatusCode != http.StatusCreated || len(b.asked) != 1 {
		t.Errorf("a list of three megabytes is answered %d", got.StatusCode)
	}
}
