package ui

import (
	"net/http"
	"testing"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
)

// catalogue is what the world knows how to speak to.
type catalogue struct{ *world }

// Sheets implements Connectors.
func (w catalogue) Sheets() ([]connector.Sheet, error) {
	return []connector.Sheet{
		{Name: "scim", Kind: "scim", Title: "SCIM 2.0", Actions: []exeunt.ActionSpec{
			{Action: exeunt.Disable, Title: "Deactivate account", Order: 20, Proof: exeunt.Observed, Repeatable: true, Reversible: true, Scopes: []string{"Users: read, write"}, Caveat: "Sessions are the application's to end."},
			{Action: exeunt.TransferData, Title: "Hand over files", Order: 30, Proof: exeunt.Acknowledged, Destructive: true, Settles: 10 * time.Minute},
		}, Settings: []connector.Setting{{Name: "base_url", Type: "text", Required: true, Meaning: "What /Users follows."}, {Name: "boolean", Type: "text", Values: []string{"boolean", "string"}}}},
		{Name: "http", Kind: "http", Title: "HTTP API by description"},
		{Name: "github", Kind: "http", Title: "GitHub organisation", SignsIn: "a bearer token", Actions: []exeunt.ActionSpec{{Action: exeunt.Disable, Title: "Remove from the organisation", Proof: exeunt.Observed}}},
		{Name: "manual", Kind: "manual", Title: "By hand"},
	}, w.broken
}

// SheetOf implements Connectors.
func (w catalogue) SheetOf(system string) string {
	for _, s := range w.systems {
		if s.Name == system {
			return s.Kind
		}
	}
	return ""
}

func TestConnectorsSayWhatTheyDo(t *testing.T) {
	inNovember(t, func(t *testing.T, w *world, h http.Handler) {
		says(t, send(h, "it", "/connectors", nil), 200, `href="/connectors/scim"`, "Deactivate account, Hand over files", "1 of 2 read back", `data-label="Systems">1<`,
			"github, by description", "All read back", "What a description says", "Nothing: a person does it")
		says(t, send(h, "auditor", "/connectors/scim", nil), 200, "Sessions are the application&#39;s to end.", "Users: read, write", "Within 10 min", "No, data is lost", "boolean or string",
			`<a href="/systems/figma">Figma</a>`, "exeunt connector check figma", "exeunt connector try figma --account X")
		says(t, send(h, "it", "/connectors/github", nil), 200, "Signs in with a bearer token", "No system uses it", "exeunt connector check SYSTEM")
		says(t, send(h, "it", "/connectors/manual", nil), 200, "Building badges", "not:exeunt connector")
		says(t, send(h, "it", "/connectors/windows", nil), 404)
		says(t, send(h, "manager", "/connectors", nil), 404)
		says(t, send(h, "it", "/systems", nil), 200, `href="/connectors"`)
		says(t, send(h, "it", "/systems/figma", nil), 200, `<a href="/connectors/scim">scim</a>`)
	})
}
