package engine

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

// River on SQLite learns of new jobs by polling a table of notifications. With one process there is
// nothing to poll for: whoever commits rings the bell, and the lanes fetch at once. The poll remains
// as a net, for timers, and need not be fast.

// bell carries the names of queues that have new jobs to River's notifier.
type bell chan string

func newBell() bell { return make(bell, 1024) }

// ring wakes a queue.
func (b bell) ring(queue string) {
	select {
	case b <- queue:
	default: // the notifier is far behind; the poll sees the jobs
	}
}

// wakingDriver is River's SQLite driver with the bell in place of the notification table.
type wakingDriver struct {
	*riversqlite.Driver
	bell bell
}

func newWakingDriver(db *sql.DB, b bell) wakingDriver { return wakingDriver{riversqlite.New(db), b} }

// SupportsListenNotify is false, so that River writes no notifications with each insert.
func (d wakingDriver) SupportsListenNotify() bool { return false }

// GetListener returns the bell's ear.
func (d wakingDriver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return &ear{bell: d.bell, schema: params.Schema}
}

// insertTopic is the topic on which River's producers hear of new jobs.
const insertTopic = "river_insert"

type ear struct {
	bell   bell
	schema string
}

func (e *ear) Close(context.Context) error            { return nil }
func (e *ear) Connect(context.Context) error          { return nil }
func (e *ear) Listen(context.Context, string) error   { return nil }
func (e *ear) Unlisten(context.Context, string) error { return nil }
func (e *ear) Ping(context.Context) error             { return nil }
func (e *ear) Schema() string                         { return e.schema }
func (e *ear) SetAfterConnectExec(string)             {}

func (e *ear) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case queue := <-e.bell:
		return &riverdriver.Notification{Topic: insertTopic, Payload: fmt.Sprintf(`{"queue": %q}`, queue)}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
