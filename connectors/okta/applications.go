package okta

import (
	"context"
	"net/url"

	"github.com/exeunt/exeunt/connector"
)

// allApplications lists the organisation's. A description of one may be long.
var allApplications = "/api/v1/apps?" + url.Values{"limit": {"50"}}.Encode()

// Applications implements connector.SignOn. How many people an application has, Okta does not say without listing them.
func (a *api) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	var all []application
	next, err := a.turn(ctx, allApplications, cursor, &all)
	page := connector.Applications{Next: next}
	for _, one := range all {
		page.Applications = append(page.Applications, connector.Application{
			ID: one.ID, Name: one.Label, Mode: one.SignOn, SignsIn: one.Credentials.Names.Template, Inactive: one.Status != "ACTIVE",
		})
	}
	return page, err
}
