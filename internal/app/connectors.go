package app

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/connectors/yaml"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/web/api"
)

// askLimit is how long one system may take to answer somebody who waits for it.
const askLimit = 20 * time.Second

// Ask puts questions to the systems of a configuration. What it asks through cannot act.
type Ask struct {
	config *config.Config
	open   opener
}

// AskFrom asks without a server, from a configuration folder.
func AskFrom(c *config.Config, dir string) Ask {
	return Ask{c, openSystems(c, connectors.All(os.DirFS(dir)), nil)}
}

// system is one that has a connector.
func (a Ask) system(name string) (config.System, error) {
	s, err := a.config.System(name)
	if err == nil && s.Kind == "manual" {
		err = exeunt.Errorf(exeunt.Unsupported, "%s has no connector: its steps are tasks of %s", name, s.Owner)
	}
	return s, err
}

// Check asks one system what it lets us do.
func (a Ask) Check(ctx context.Context, name string) (api.SystemCheck, error) {
	s, err := a.system(name)
	if err != nil {
		return api.SystemCheck{}, err
	}
	p := examine(s, a.open).within(ctx, askLimit)
	return api.SystemCheck{Schema: "system-check/v1", System: name, Right: p.Right(), Rights: append([]connector.Right{}, p.Rights...), Fault: p.Fault, Remedy: p.Remedy, Class: p.Class}, nil
}

// Try looks at one account and says what each action would do.
func (a Ask) Try(ctx context.Context, name, account string) (api.SystemTrial, error) {
	s, err := a.system(name)
	if err != nil {
		return api.SystemTrial{}, err
	}
	c, err := openWith(s, a.open)
	if err != nil {
		return api.SystemTrial{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	trial, err := connector.Try(ctx, c, s.System, account)
	if k := exeunt.KindOf(err); err != nil && (k == exeunt.Temporary || k == exeunt.Throttled) { // the others say it themselves
		err = exeunt.Errorf(k, "%s: %s", exeunt.MessageOf(err), remedyOf(err)).After(exeunt.RetryAfterOf(err)).Because(err)
	}
	return api.SystemTrial{Schema: "system-trial/v1", System: name, Stage: s.Stage, Trial: trial}, err
}

// asking is a server that asks the systems of what it serves.
type asking struct {
	Ask
	accesses *accesses
}

// Sheets implements api.Connectors and ui.Connectors.
func (asking) Sheets() ([]connector.Sheet, error) { return connectors.Sheets() }

// SheetOf implements ui.Connectors: of a description that is shipped its own, of another one that of its kind.
func (a asking) SheetOf(system string) string {
	s, err := a.config.System(system)
	if err != nil || s.Kind != "http" {
		return s.Kind
	}
	var settings struct{ Spec string }
	if err := json.Unmarshal(s.Settings, &settings); err != nil || !slices.Contains(yaml.Names(), settings.Spec) {
		return s.Kind
	}
	return settings.Spec
}

// CheckSystem implements api.Connectors.
func (a asking) CheckSystem(ctx context.Context, name string) (api.SystemCheck, error) {
	return a.Check(ctx, name)
}

// TrySystem implements api.Connectors. Whose account it was is not recorded: entries of the installation outlive the
// erasure of a case.
func (a asking) TrySystem(ctx context.Context, who exeunt.Viewer, name, account string) (api.SystemTrial, error) {
	trial, err := a.Try(ctx, name, account)
	if err != nil {
		return api.SystemTrial{}, err
	}
	err = a.accesses.record(ctx, exeunt.Access{Kind: exeunt.EntryRead, Who: who.Signs(), What: "an account of " + name + " looked at, to try its connector", Detail: map[string]string{"system": name}})
	if err != nil {
		return api.SystemTrial{}, err
	}
	return trial, nil
}
