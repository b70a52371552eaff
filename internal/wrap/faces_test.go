package wrap_test

import (
	"testing"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connector/connectortest"
	"github.com/exeunt/exeunt/internal/wrap"
)

// What a connector can do beside its verbs is not lost behind the decorators.
func TestEveryFaceShowsThroughTheStack(t *testing.T) {
	v := connectortest.NewVendor()
	v.Hire(connectortest.Leaver(1))
	v.Offer(connector.Application{ID: "1", Name: "Wiki"})
	c := wrap.Stack(v, wrap.Options{System: "sign-on", Lane: wrap.NewLane("sign-on", exeunt.Rate{}), Meter: &figures{}})
	if page, err := connector.List(t.Context(), c, "", nil); err != nil || len(page.Accounts) != 1 {
		t.Errorf("List: %+v, %v", page, err)
	}
	if rights, err := connector.Examine(t.Context(), c); err != nil || len(rights) == 0 {
		t.Errorf("Examine: %+v, %v", rights, err)
	}
	if page, err := connector.ListApplications(t.Context(), c, ""); err != nil || len(page.Applications) != 1 {
		t.Errorf("ListApplications: %+v, %v", page, err)
	}
}
