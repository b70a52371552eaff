package entra

import (
	"context"
	"strings"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/vendorapi"
)

// principal is an enterprise application: what signs people in.
type principal struct {
	object
	Enabled  *bool  `json:"accountEnabled"`
	Required bool   `json:"appRoleAssignmentRequired"`
	Mode     string `json:"preferredSingleSignOnMode"`
}

// integrated marks the applications that the admin centre lists, among thousands of Microsoft's own.
// Source: learn.microsoft.com/entra/identity/enterprise-apps/application-list (unverified: the tag is nowhere promised).
const integrated = "tags/any(t:t eq 'WindowsAzureActiveDirectoryIntegratedApp')"

// applicationPage is how many applications are counted in one call.
const applicationPage = "10"

// Applications implements connector.SignOn. It needs Application.Read.All, which no action does. Where anybody may sign in
// without being assigned, or only groups are assigned, nobody is counted: who is in the groups is another list.
func (t *tenant) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	path := query("/servicePrincipals", "$filter", integrated, "$select", "id,displayName,accountEnabled,appRoleAssignmentRequired,preferredSingleSignOnMode", "$top", applicationPage)
	if cursor != "" {
		if !strings.HasPrefix(cursor, t.api.Base+"/servicePrincipals?") {
			return connector.Applications{}, connector.ErrForgotten(name)
		}
		path = cursor
	}
	a, err := t.ask(ctx, vendorapi.Question{Path: path})
	if refusedAs(err, exeunt.Denied) {
		return connector.Applications{}, exeunt.Errorf(exeunt.Denied, "%s does not let us list its applications: grant the application permission Application.Read.All, or import a CSV export of them", name).Because(err)
	}
	if err != nil {
		return connector.Applications{}, err
	}
	var listed list[principal]
	if err := a.Decode(&listed); err != nil {
		return connector.Applications{}, err
	}
	if listed.Value == nil {
		return connector.Applications{}, exeunt.Errorf(exeunt.Temporary, "%s answered %d without the list that was asked for", name, a.Status)
	}
	page, err := t.counted(ctx, listed.Value)
	if err == nil && listed.Next != "" {
		page.Next, err = a.Follow(t.api.Base+"/servicePrincipals", listed.Next)
	}
	return page, err
}

// counted makes applications of what was listed, with the people who are assigned, asked for in one batch.
func (t *tenant) counted(ctx context.Context, listed []principal) (connector.Applications, error) {
	var parts []part
	for _, p := range listed {
		if p.Required {
			parts = append(parts, part{ID: p.ID, URL: query("/servicePrincipals/"+p.ID+"/appRoleAssignedTo", "$top", "100")})
		}
	}
	answers := map[string]answered{}
	if len(parts) > 0 {
		var err error
		if answers, err = t.batch(ctx, parts); err != nil {
			return connector.Applications{}, err
		}
	}
	page := connector.Applications{Applications: []connector.Application{}}
	for _, p := range listed {
		one := connector.Application{ID: p.ID, Name: p.Name, Mode: p.Mode, Inactive: p.Enabled != nil && !*p.Enabled}
		if a, asked := answers[p.ID]; asked {
			if a.err != nil {
				return connector.Applications{}, a.err
			}
			assigned, err := all[assignee](ctx, t, a)
			if err != nil {
				return connector.Applications{}, err
			}
			one.People = people(assigned)
		}
		page.Applications = append(page.Applications, one)
	}
	return page, nil
}

type assignee struct {
	ID   string `json:"principalId"`
	Kind string `json:"principalType"`
}

// people counts those who are assigned by themselves, each once, whatever the number of their roles; none where a group is
// assigned, since a part would pass for the whole.
func people(assigned []assignee) int {
	each := map[string]bool{}
	for _, a := range assigned {
		switch a.Kind {
		case "User":
			each[a.ID] = true
		case "Group":
			return 0
		}
	}
	return len(each)
}
