package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// TrialFolder is where a configuration keeps its trials.
const TrialFolder = "tests"

// Trial is a departure and the plan that it is to have: one file of tests/*.txtar, written by whoever writes the policies
// and run in their own CI. The files in it are
//
//	departure.yaml   who leaves, as plan preview reads it; or departure.json
//	now              when HR said so, as 2026-12-01T09:00:00+01:00; the day of the notice at 09:00 when left out
//	plan.txt         the plan that it is to have
//
// and any file of a configuration, which stands in the place of the real one: systems/crm.yaml, policies/10-own.yaml.
type Trial struct {
	File  string // as it was named
	About string // what stands before the first file
	Want  string // the plan that it is to have
	parts *txtar.Archive
}

// ReadTrial reads one trial.
func ReadTrial(file string, text []byte) (Trial, error) {
	t := Trial{File: file, parts: txtar.Parse(text)}
	t.About = strings.TrimSpace(string(t.parts.Comment))
	if _, ok := t.part("departure.yaml", "departure.json"); !ok {
		return t, exeunt.Errorf(exeunt.Invalid, "%s: it says nobody who leaves: add -- departure.yaml -- and the departure below it", file)
	}
	want, _ := t.part("plan.txt")
	t.Want = string(want)
	for _, p := range t.parts.Files {
		if !filepath.IsLocal(p.Name) {
			return t, exeunt.Errorf(exeunt.Invalid, "%s: the file %q lies outside of a configuration", file, p.Name)
		}
	}
	return t, nil
}

// Trials reads the trials of a configuration, in the order of their names.
func Trials(dir string) ([]Trial, error) {
	names, err := filepath.Glob(filepath.Join(dir, TrialFolder, "*.txtar"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var out []Trial
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, exeunt.Errorf(exeunt.Invalid, "%s cannot be read: see that you may", name).Because(err)
		}
		t, err := ReadTrial(name, text)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// own are the names of a trial's files that are not of the configuration.
var own = []string{"departure.yaml", "departure.json", "now", "plan.txt"}

func (t Trial) part(names ...string) ([]byte, bool) {
	i := slices.IndexFunc(t.parts.Files, func(f txtar.File) bool { return slices.Contains(names, f.Name) })
	if i < 0 {
		return nil, false
	}
	return t.parts.Files[i].Data, true
}

// Plan is the plan that the departure has by the configuration of a folder, as text. loaded is that configuration, which
// is used as it is unless the trial puts files of its own in its place: then kinds are the connectors that it may name.
func (t Trial) Plan(dir string, loaded *Config, kinds func(folders ...fs.FS) []connector.Kind) (string, error) {
	cfg := loaded
	if slices.ContainsFunc(t.parts.Files, func(f txtar.File) bool { return !slices.Contains(own, f.Name) }) {
		var err error
		if cfg, err = t.overlaid(dir, kinds); err != nil {
			return "", err
		}
	}
	source, _ := t.part("departure.yaml", "departure.json")
	d, faults := cfg.Departure("departure.yaml", source)
	if len(faults.Errors()) > 0 {
		return "", exeunt.Errorf(exeunt.Invalid, "%s: %s", t.File, faults.Errors().Error())
	}
	now, err := t.now(d)
	if err != nil {
		return "", err
	}
	plan, err := cfg.Plan(exeunt.Case{Departure: d}, now)
	if err != nil {
		return "", err
	}
	return plan.Text(), nil
}

func (t Trial) now(d exeunt.Departure) (time.Time, error) {
	said, ok := t.part("now")
	if ok {
		at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(said)))
		if err != nil {
			return at, exeunt.Errorf(exeunt.Invalid, "%s: now is not a moment such as 2026-12-01T09:00:00+01:00", t.File)
		}
		return at, nil
	}
	if d.NoticeOn == "" {
		d.NoticeOn = d.LastDay
	}
	return NoticeOf(d, time.Time{}), nil
}

// NoticeOf is when a departure is taken to have been announced: at nine on the day of the notice. Where HR does not say
// which that was, it is the present, or the last day when that is past.
func NoticeOf(d exeunt.Departure, now time.Time) time.Time {
	zone, err := time.LoadLocation(d.Leaver.Zone)
	if err != nil { // whoever read the departure has refused it
		zone = time.UTC
	}
	at := func(day exeunt.Date) time.Time {
		nine, err := time.ParseInLocation("2006-01-02 15:04", string(day)+" 09:00", zone)
		if err != nil {
			return now
		}
		return nine
	}
	switch last := at(d.LastDay); {
	case d.NoticeOn != "":
		return at(d.NoticeOn)
	case last.Before(now):
		return last
	default:
		return now
	}
}

// overlaid reads the configuration with the trial's files in the places of its own.
func (t Trial) overlaid(dir string, kinds func(folders ...fs.FS) []connector.Kind) (*Config, error) {
	with, err := os.MkdirTemp("", "exeunt-trial-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(with) }()
	if err := copyFolder(with, dir); err != nil {
		return nil, err
	}
	for _, f := range t.parts.Files {
		if slices.Contains(own, f.Name) {
			continue
		}
		path := filepath.Join(with, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			return nil, err
		}
	}
	cfg, faults := Load(with, kinds(os.DirFS(with)))
	if cfg == nil {
		return nil, exeunt.Errorf(exeunt.Invalid, "%s: with its files in place, the configuration has faults:\n%s", t.File, faults.Errors().Error())
	}
	return cfg, nil
}

// copyFolder copies whatever a configuration may read: also the policy of witnesses, certificates, descriptions of APIs.
// What begins with a dot is not of it, nor are the trials.
func copyFolder(to, from string) error {
	root, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(e.Name(), ".") && path != "."
		switch {
		case err != nil:
			return err
		case e.IsDir() && (hidden || path == TrialFolder):
			return fs.SkipDir
		case e.IsDir() || hidden:
			return nil
		}
		text, err := root.ReadFile(path)
		if info, statErr := root.Stat(path); statErr == nil && !info.Mode().IsRegular() { // a link to a folder, a socket
			return nil
		} else if err != nil {
			return err
		}
		target := filepath.Join(to, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	})
}

// Written is the trial with another plan in the place of the one that it is to have.
func (t Trial) Written(plan string) []byte {
	a := *t.parts
	a.Files = slices.Clone(a.Files)
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "plan.txt" })
	if i < 0 {
		i = len(a.Files)
		a.Files = append(a.Files, txtar.File{Name: "plan.txt"})
	}
	a.Files[i].Data = []byte(plan)
	return txtar.Format(&a)
}

// Missed are the lines that a plan lacks, each after "- ", and those that it has beside, each after "+ ", in the order of
// the plans; empty when they are alike.
func (t Trial) Missed(plan string) []string {
	want, got := lines(t.Want), lines(plan)
	var out []string
	for _, l := range want {
		if i := slices.Index(got, l); i >= 0 {
			got = slices.Delete(got, i, i+1)
			continue
		}
		out = append(out, "- "+l)
	}
	for _, l := range got {
		out = append(out, "+ "+l)
	}
	if len(out) == 0 && strings.TrimSpace(t.Want) != strings.TrimSpace(plan) {
		out = append(out, fmt.Sprintf("the order of the %d lines differs", len(lines(plan))))
	}
	return out
}

func lines(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		if l = strings.TrimRight(l, " \t\r\n"); l != "" {
			out = append(out, l)
		}
	}
	return out
}
