package sim

import (
	"net/http"
	"strconv"
)

// Application is one that the identity provider signs people in to.
type Application struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	Protocol string `json:"protocol"`
	Username string `json:"username"` // by what people are named to it
	Status   string `json:"status"`   // on, off
	Assigned int    `json:"assigned"`
}

// applications are those of the company as it starts: systems of its inventory by other names, and some that nobody has
// written down.
func applications() []Application {
	return []Application{
		{"app-1", "Larkfield Team Chat", "saml", "user.email", "on", 212},
		{"app-2", "Customer Records (CRM)", "saml", "user.email", "on", 64},
		{"app-3", "Miro", "oidc", "user.email", "on", 41},
		{"app-4", "Snowflake", "saml", "user.login", "on", 9},
		{"app-5", "Old Time Sheets", "password", "user.login", "off", 0},
	}
}

// Offer makes the identity provider sign people in to one more application.
func (v *Vendor) Offer(a Application) Application {
	v.mu.Lock()
	defer v.mu.Unlock()
	a.ID = "app-" + strconv.Itoa(len(v.offered)+1)
	v.offered = append(v.offered, a)
	return a
}

// applicationsPage is how many applications a page has: few, so that a demonstration turns pages.
const applicationsPage = 2

func listApplications(v *Vendor, w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.Atoi(r.FormValue("offset"))
	from = min(max(from, 0), len(v.offered))
	page := v.offered[from:min(from+applicationsPage, len(v.offered))]
	reply(w, http.StatusOK, map[string]any{"applications": append([]Application{}, page...)})
}
