package connectortest

import (
	"context"
	"strings"
	"testing"

	"github.com/exeunt/exeunt/connector"
)

// signOn breaks how a connector tells of applications.
type signOn struct {
	connector.Connector
	applications func(ctx context.Context, cursor string) (connector.Applications, error)
}

func (s signOn) Applications(ctx context.Context, cursor string) (connector.Applications, error) {
	return s.applications(ctx, cursor)
}

// onPages changes the pages of a vendor.
func onPages(change func(cursor string, page *connector.Applications)) func(*Vendor, connector.Connector) connector.Connector {
	return func(_ *Vendor, c connector.Connector) connector.Connector {
		return signOn{c, func(ctx context.Context, cursor string) (connector.Applications, error) {
			page, err := connector.ListApplications(ctx, c, cursor)
			change(cursor, &page)
			return page, err
		}}
	}
}

func TestTheSuiteCatchesApplicationsThat(t *testing.T) {
	for name, c := range map[string]struct {
		broken func(*Vendor, connector.Connector) connector.Connector
		says   string
	}{
		"come twice":                        {onPages(func(_ string, p *connector.Applications) { p.Applications = append(p.Applications, p.Applications...) }), "listed 2 times"},
		"are left out after the first page": {onPages(func(_ string, p *connector.Applications) { p.Next = "" }), "that was made is listed as"},
		"have no name": {onPages(func(_ string, p *connector.Applications) {
			for i := range p.Applications {
				p.Applications[i].Name = ""
			}
		}), `named ""`},
		"count nobody": {onPages(func(_ string, p *connector.Applications) {
			for i := range p.Applications {
				p.Applications[i].People = 0
			}
		}), "that was made is listed as"},
		"go on where they were": {onPages(func(cursor string, p *connector.Applications) {
			if cursor != "" {
				p.Next = cursor
			}
		}), "goes on where it was"},
		"begin again at a cursor of nobody": {func(_ *Vendor, c connector.Connector) connector.Connector {
			return signOn{c, func(ctx context.Context, cursor string) (connector.Applications, error) {
				page, err := connector.ListApplications(ctx, c, cursor)
				if err != nil && cursor == "no such cursor" {
					return connector.ListApplications(ctx, c, "")
				}
				return page, err
			}}
		}, "a cursor of nobody"},
		"are told to strangers": {func(v *Vendor, c connector.Connector) connector.Connector { return signOn{c, v.Applications} }, "want unauthorised"},
		"show a secret": {onPages(func(_ string, p *connector.Applications) {
			for i := range p.Applications {
				p.Applications[i].SignsIn = "wrong-token"
			}
		}), "shows secret"},
	} {
		t.Run(name, func(t *testing.T) {
			v := NewVendor()
			v.PageSize(1)
			s := subject(v, func(inner connector.Connector) connector.Connector { return c.broken(v, inner) })
			if said := watch(t, "applications are listed once", s); !strings.Contains(said, c.says) {
				t.Errorf("the suite says %q, want %q in it", said, c.says)
			}
		})
	}
}

func TestTheSuiteAsksForHowAnApplicationIsMade(t *testing.T) {
	s := subject(NewVendor(), nil)
	s.Application = nil
	if said := watch(t, "applications are listed once", s); !strings.Contains(said, "give it Application") {
		t.Errorf("the suite says %q", said)
	}
}
