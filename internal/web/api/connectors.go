package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// ConnectorList is what every connector can do.
type ConnectorList struct {
	Schema     string            `json:"schema"`
	Connectors []connector.Sheet `json:"connectors"`
}

// ConnectorFile is what one connector can do.
type ConnectorFile struct {
	Schema    string          `json:"schema"`
	Connector connector.Sheet `json:"connector"`
}

// SystemCheck is what one system lets us do, found without acting.
type SystemCheck struct {
	Schema string            `json:"schema"`
	System string            `json:"system"`
	Right  bool              `json:"right" doc:"All that can be known is right"`
	Rights []connector.Right `json:"rights"`
	Fault  string            `json:"fault,omitempty" doc:"Why it could not be asked"`
	Remedy string            `json:"remedy,omitempty"`
	Class  exeunt.ErrorKind  `json:"class,omitempty" doc:"Of the fault: temporary and throttled are nobody who answers"`
}

// SystemTrial is what a system says of one account, and what each action would do to it. Nothing was done.
type SystemTrial struct {
	Schema string       `json:"schema"`
	System string       `json:"system"`
	Stage  exeunt.Stage `json:"stage" doc:"Of the system: its connector acts only in one that is live"`
	connector.Trial
}

// Connectors ask the systems themselves, and change nothing there.
type Connectors interface {
	// Sheets says what every connector can do.
	Sheets() ([]connector.Sheet, error)
	// CheckSystem asks a system what it lets us do.
	CheckSystem(ctx context.Context, name string) (SystemCheck, error)
	// TrySystem looks at one account for somebody, and records that they looked before they are told.
	TrySystem(ctx context.Context, who exeunt.Viewer, name, account string) (SystemTrial, error)
}

func (a routes) connectors(spec huma.API) {
	const group = "Systems"
	huma.Get(spec, "/api/v1/connectors", a.listConnectors, summary("List what every connector can do", group))
	huma.Get(spec, "/api/v1/connectors/{name}", a.showConnector, summary("Show what one connector can do, and its settings", group))
	huma.Post(spec, "/api/v1/systems/{name}/check", a.checkSystem, summary("Ask a system what it lets us do; nothing is changed", group), status(http.StatusOK))
	huma.Post(spec, "/api/v1/systems/{name}/trial", a.trialOf, summary("Look at one account and say what each action would do; nothing is changed, and the look is recorded", group), status(http.StatusOK))
}

func (a routes) listConnectors(context.Context, *struct{}) (*answer[ConnectorList], error) {
	sheets, err := a.Connectors.Sheets()
	if err != nil {
		return nil, problem(err)
	}
	return &answer[ConnectorList]{ConnectorList{"connectors/v1", sheets}}, nil
}

func (a routes) showConnector(_ context.Context, in *struct {
	Name string `path:"name" doc:"A kind, or a description that is shipped: ldap, github"`
}) (*answer[ConnectorFile], error) {
	sheets, err := a.Connectors.Sheets()
	if err != nil {
		return nil, problem(err)
	}
	i := slices.IndexFunc(sheets, func(s connector.Sheet) bool { return s.Name == in.Name })
	if i < 0 {
		return nil, problem(exeunt.Errorf(exeunt.NotFound, "there is no connector %q: exeunt connector list has them all", in.Name))
	}
	return &answer[ConnectorFile]{ConnectorFile{"connector/v1", sheets[i]}}, nil
}

func (a routes) checkSystem(ctx context.Context, in *SystemPath) (*answer[SystemCheck], error) {
	found, err := a.Connectors.CheckSystem(ctx, in.Name)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[SystemCheck]{found}, nil
}

func (a routes) trialOf(ctx context.Context, in *struct {
	SystemPath
	Body struct {
		Account string `json:"account" minLength:"1" maxLength:"500" doc:"Whatever the system knows people by, or the account's immutable id"`
	}
}) (*answer[SystemTrial], error) {
	trial, err := a.Connectors.TrySystem(ctx, viewer(ctx), in.Name, in.Body.Account)
	if err != nil {
		return nil, problem(err)
	}
	return &answer[SystemTrial]{trial}, nil
}
