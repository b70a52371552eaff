package app

import (
	"context"
	"os"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/connector"
	"github.com/exeunt/exeunt/connectors"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/inventory"
)

// Applications asks a single sign-on of a configuration which applications it signs people in to. read is told how many there
// are so far.
func Applications(ctx context.Context, c *config.Config, dir, name string, read func(int)) ([]inventory.Found, error) {
	system, err := c.System(name)
	if err != nil {
		return nil, err
	}
	if system.Kind == "manual" {
		return nil, exeunt.Errorf(exeunt.Unsupported, "%s has no connector that could be asked: export its applications as CSV, and import them with --from sso", name)
	}
	conn, err := openWith(system, openSystems(c, connectors.All(os.DirFS(dir)), nil))
	if err != nil {
		return nil, err
	}
	return applications(ctx, conn, read)
}

// How often a page of applications, and the whole list, is asked for. To be told to wait is not to fail.
const (
	applicationAttempts = 5
	applicationWaits    = 30
)

// applications reads the whole list, and begins again where the system forgot its place.
func applications(ctx context.Context, c connector.Connector, read func(int)) ([]inventory.Found, error) {
	for again := 1; ; again++ {
		found, err := applicationsOnce(ctx, c, read)
		if exeunt.KindOf(err) == exeunt.Conflict && again < applicationAttempts {
			continue
		}
		return inventory.Listed(found), err
	}
}

func applicationsOnce(ctx context.Context, c connector.Connector, read func(int)) ([]inventory.Found, error) {
	var found []inventory.Found
	seen := map[string]bool{}
	for cursor := ""; ; {
		page, err := applicationsPage(ctx, c, cursor)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Applications {
			if seen[a.ID] {
				continue
			}
			seen[a.ID] = true
			found = append(found, inventory.Found{ID: a.ID, Name: a.Name, Mode: a.Mode, SignsIn: a.SignsIn, People: a.People, Inactive: a.Inactive})
		}
		if read(len(found)); page.Next == "" {
			return found, nil
		}
		cursor = page.Next
	}
}

// applicationsPage asks for a page until it comes, or will not.
func applicationsPage(ctx context.Context, c connector.Connector, cursor string) (connector.Applications, error) {
	for failures, waits := 0, 0; ; {
		page, err := connector.ListApplications(ctx, c, cursor)
		wait := exeunt.Backoff(failures + 1)
		switch exeunt.KindOf(err) {
		case exeunt.Throttled:
			waits++
			wait = max(exeunt.RetryAfterOf(err), time.Second)
		case exeunt.Temporary, exeunt.Internal:
			failures++
		default:
			return page, err
		}
		if failures == applicationAttempts || waits == applicationWaits {
			return page, err
		}
		select {
		case <-ctx.Done():
			return page, connector.Network("the system", ctx.Err())
		case <-time.After(wait):
		}
	}
}
