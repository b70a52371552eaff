package connector

import (
	"context"

	"github.com/exeunt/exeunt"
)

// SignOn is a connector whose system signs people in to other applications and tells which those are. An inventory is
// compared with them: what people sign in to and nobody has written down is a gap.
type SignOn interface {
	// Applications returns one page of all applications that people are let into, those that are switched off included, from
	// the cursor that the page before gave, or "" for the first. It reads only. An application comes once; what the vendor
	// itself needs (an administration console, an API client of our own) is an application like any other. It may be asked
	// again with a cursor whose page was lost. A cursor that the system does not know any more is exeunt.Conflict: begin with
	// the first page. One call has a few seconds: where people are counted by a request for each application, let a page
	// have few of them.
	Applications(ctx context.Context, cursor string) (Applications, error)
}

// Applications is some of the applications of a single sign-on.
type Applications struct {
	Applications []Application
	Next         string // cursor of the page after it; "" when it is the last
}

// Application is one that a single sign-on lets people into.
type Application struct {
	ID       string // the sign-on's own immutable one
	Name     string // as people read it on their start page
	Mode     string // how it lets people in, in the vendor's word: SAML_2_0, openid-connect, password
	SignsIn  string // by what it names people to it, in the vendor's word: ${user.email}, userPrincipalName, persistent
	People   int    // assigned, by themselves or by a group; 0 where the system does not say, or where it is for everybody
	Inactive bool   // nobody is let in at present
}

// ListApplications asks a connector for a page; Unsupported is one whose system signs nobody in elsewhere.
func ListApplications(ctx context.Context, c Connector, cursor string) (Applications, error) {
	s, ok := c.(SignOn)
	if !ok {
		return Applications{}, exeunt.Errorf(exeunt.Unsupported, "the connector of this system does not tell of applications that it signs people in to: import a CSV export of them")
	}
	return s.Applications(ctx, cursor)
}
