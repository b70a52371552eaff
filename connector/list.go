package connector

import (
	"context"

	"github.com/exeunt/exeunt"
)

// Lister is a connector whose system tells of every account that it has. Not every system does.
type Lister interface {
	// List returns one page of all accounts with what they have of the attributes, from the cursor that the page before
	// gave, or "" for the first. It reads only. An account may come again while others come and go; one that is there
	// throughout is not left out. It may be asked again with a cursor whose page was lost. A cursor that the system does
	// not know any more is exeunt.Conflict: begin with the first page.
	List(ctx context.Context, cursor string, attributes []string) (Page, error)
}

// Page is some of the accounts of a system.
type Page struct {
	Accounts []exeunt.Found
	Next     string // cursor of the page after it; "" when it is the last
}

// List asks a connector for a page; Unsupported is one that cannot list.
func List(ctx context.Context, c Connector, cursor string, attributes []string) (Page, error) {
	l, ok := c.(Lister)
	if !ok {
		return Page{}, exeunt.Errorf(exeunt.Unsupported, "the connector of this system cannot list its accounts: compare an export of them by hand")
	}
	return l.List(ctx, cursor, attributes)
}

// ErrForgotten is what a Lister returns for a cursor that its system does not know any more.
func ErrForgotten(system string) *exeunt.Error {
	return exeunt.Errorf(exeunt.Conflict, "%s does not know where the list went on: it is read again from the beginning", system)
}
