// Package demo runs the product for a company that does not exist: simulators of its systems in this
// process, an ordinary configuration of them, and departures of every type, announced as the HR system
// would: by its signed webhook.
package demo

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/app"
	"github.com/exeunt/exeunt/internal/sim"
)

//go:embed company
var company embed.FS

// Options are what a demo is started with.
type Options struct {
	Dir    string // for configuration and data
	Listen string
	People int // 200 when zero
	Log    *slog.Logger
}

// Demo is a running demo company.
type Demo struct {
	App     *app.App
	Company *sim.Company
}

// Start starts the simulators and a server for them.
func Start(ctx context.Context, o Options) (*Demo, error) {
	if o.People == 0 {
		o.People = 200
	}
	c, err := sim.Start(ctx, o.People, 1)
	if err != nil {
		return nil, err
	}
	d := &Demo{Company: c}
	if err := d.configure(o); err != nil {
		_ = c.Close()
		return nil, err
	}
	d.App, err = app.Start(ctx, app.Options{
		ConfigDir: filepath.Join(o.Dir, "config"), DataDir: filepath.Join(o.Dir, "data"), Listen: o.Listen, Environment: "demo", Log: o.Log, Simulated: true,
	})
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return d, nil
}

// Stop ends the server and the simulators.
func (d *Demo) Stop() {
	d.App.Stop()
	_ = d.Company.Close() // they hold nothing that could be lost
}

// configure writes the company's configuration with the simulators' addresses, and puts into the
// environment the secrets that it refers to, which are in no file.
func (d *Demo) configure(o Options) error {
	for name, secret := range d.Company.Environment() {
		if err := os.Setenv(name, secret); err != nil {
			return err
		}
	}
	return writeConfig(filepath.Join(o.Dir, "config"), map[string]string{
		"EXEUNT_DEMO_URL": "http://" + o.Listen, "EXEUNT_DEMO_HR": d.Company.HR.URL,
		"EXEUNT_DEMO_CLIENT": sim.ClientID, "EXEUNT_DEMO_BENEFITS_USER": sim.BenefitsUser, "EXEUNT_DEMO_ORG": sim.Organisation,
		"EXEUNT_DEMO_DIRECTORY": d.Company.Directory.URL, "EXEUNT_DEMO_IDENTITY": d.Company.Identity.URL, "EXEUNT_DEMO_PAYROLL": d.Company.Payroll.URL,
		"EXEUNT_DEMO_BENEFITS": d.Company.Benefits.URL, "EXEUNT_DEMO_CHAT": d.Company.Chat.URL, "EXEUNT_DEMO_CODE": d.Company.Code.URL, "EXEUNT_DEMO_CRM": d.Company.CRM.URL,
	})
}

// writeConfig writes the embedded folder anew, with values in place of ${NAME}.
func writeConfig(dir string, values map[string]string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	err := fs.WalkDir(company, "company", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := company.ReadFile(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(name, "company"))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(os.Expand(string(text), func(n string) string { return values[n] })), 0o600)
	})
	if err != nil {
		return fmt.Errorf("write the demo's configuration: %w", err)
	}
	// The shipped description gives a real application ten minutes to show a change. The simulators
	// need three seconds, and nobody wants to watch for half an hour how one of them lies.
	text, err := yaml.Read("workspace")
	if err != nil {
		return err
	}
	quick := bytes.ReplaceAll(text, []byte("settles: 10m"), []byte("settles: 6s"))
	quick = bytes.Replace(quick, []byte("name: workspace"), []byte("name: quick-workspace"), 1)
	if err := os.MkdirAll(filepath.Join(dir, "specs"), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "specs", "quick-workspace.yaml"), quick, 0o600)
}

// Departure is one that the demo announces.
type Departure struct {
	Person sim.Person
	How    string // in the HR system's words
	Day    exeunt.Date
}

// Departures picks people and announces one departure of each type. With all of them due, so that
// everything can be watched to its end; otherwise one is announced ahead.
func (d *Demo) Departures(now time.Time, allDue bool) []Departure {
	people := d.Company.People
	leaves := func(i int, how string, inDays int) Departure {
		p := people[len(people)-1-i*7%len(people)]
		if allDue {
			inDays = -1
		}
		there := now.UTC()
		if zone, err := exeunt.Zone(p.Place.Zone); err == nil {
			there = now.In(zone) // it may be another day already
		}
		return Departure{Person: p, How: how, Day: exeunt.Date(there.AddDate(0, 0, inDays).Format(time.DateOnly))}
	}
	return []Departure{
		leaves(1, "Resignation", -1), leaves(2, "Dismissal", -1), leaves(3, "Redundancy", -1),
		leaves(4, "Retirement", 10), leaves(5, "End of contract", -1), leaves(6, "Death", -1),
	}
}

// Announce sends a departure through the HR system's signed webhook.
func (d *Demo) Announce(ctx context.Context, dep Departure) error {
	status, err := d.Company.HR.Announce(ctx, d.App.URL()+"/hooks/bamboohr", dep.Person, dep.Day, dep.How)
	if err != nil {
		return err
	}
	if status != http.StatusAccepted {
		return fmt.Errorf("the webhook for %s was answered %d", dep.Person.Name(), status)
	}
	return nil
}
