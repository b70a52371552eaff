package engine

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// Jobs as River keeps them: ids and a generation, nothing else.
type (
	eventArgs struct {
		Source string `json:"source"`
		ID     string `json:"id"`
	}
	visitArgs struct {
		Case       int64  `json:"case"`
		System     string `json:"system"`
		Generation int64  `json:"generation"`
	}
	remindArgs struct {
		Case int64  `json:"case"`
		Task string `json:"task"`
	}
	closeArgs struct {
		Case int64 `json:"case"`
	}
	deliverArgs struct {
		Notice int64 `json:"notice"`
	}
)

func (eventArgs) Kind() string   { return "event" }
func (visitArgs) Kind() string   { return "visit" }
func (remindArgs) Kind() string  { return "remind" }
func (closeArgs) Kind() string   { return "close" }
func (deliverArgs) Kind() string { return "deliver" }

// Queues beside the lanes. Events have their own, so that a flood of visits never delays intake;
// deliveries theirs, so that a slow mail server delays nothing else.
const (
	eventQueue   = "events"
	peopleQueue  = "people"
	deliverQueue = "deliver"
)

// lane is the queue of one system: its bulkhead.
func lane(system string) string { return "lane-" + system }

// queue is River on one of the two databases.
type queue interface {
	insert(ctx context.Context, tx store.Tx, jobs []river.InsertManyParams) error
	start(ctx context.Context) error
	stop(ctx context.Context) error
	rescue(ctx context.Context) error
}

// Timings of River. New jobs ring the bell (SQLite) or are notified (PostgreSQL); the poll is the net
// for both, and finds timers. The cooldown bounds how often a lane fetches.
const (
	fetchPoll     = time.Second
	fetchCooldown = 5 * time.Millisecond
	visitTimeout  = 5 * time.Minute
	leaseTime     = visitTimeout + 30*time.Second
)

func openQueue(ctx context.Context, e *Engine, alone bool) (queue, error) {
	config := &river.Config{
		ID: e.node, Logger: slog.New(quiet{e.log.Handler()}), JobTimeout: visitTimeout, RescueStuckJobsAfter: 2 * visitTimeout,
		FetchCooldown: fetchCooldown, FetchPollInterval: e.poll, Workers: e.workers(),
		CompletedJobRetentionPeriod: time.Hour, SkipUnknownJobCheck: true,
		Queues: map[string]river.QueueConfig{eventQueue: {MaxWorkers: 4}, peopleQueue: {MaxWorkers: 4}, deliverQueue: {MaxWorkers: 4}},
	}
	for _, name := range e.systems.Names() {
		system, err := e.systems.System(name)
		if err != nil {
			return nil, err
		}
		config.Queues[lane(name)] = river.QueueConfig{MaxWorkers: visitsAtOnce(system)}
	}
	db := e.store.Databases()
	if db.SQLite != nil {
		return openRiver(ctx, newWakingDriver(db.SQLite, e.bell), config, func(tx store.Tx) *sql.Tx { return tx.SQLite }, rescueSQLite(db.SQLite))
	}
	return openRiver(ctx, riverpgxv5.New(db.Postgres), config, func(tx store.Tx) pgx.Tx { return tx.Postgres }, rescuePostgres(db.Postgres, e.node, alone))
}

func visitsAtOnce(s exeunt.System) int {
	if s.Rate.Concurrency > 0 {
		return s.Rate.Concurrency
	}
	return 4
}

type riverQueue[T any] struct {
	client *river.Client[T]
	own    func(store.Tx) T
	put    func(context.Context) error
}

func openRiver[T any](ctx context.Context, driver riverdriver.Driver[T], config *river.Config, own func(store.Tx) T, put func(context.Context) error) (queue, error) {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: config.Logger})
	if err != nil {
		return nil, fmt.Errorf("the job queue's schema: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, fmt.Errorf("the job queue's schema: %w", err)
	}
	client, err := river.NewClient(driver, config)
	if err != nil {
		return nil, fmt.Errorf("the job queue: %w", err)
	}
	return &riverQueue[T]{client, own, put}, nil
}

func (q *riverQueue[T]) insert(ctx context.Context, tx store.Tx, jobs []river.InsertManyParams) error {
	_, err := q.client.InsertManyTx(ctx, q.own(tx), jobs)
	return err
}

func (q *riverQueue[T]) start(ctx context.Context) error  { return q.client.Start(ctx) }
func (q *riverQueue[T]) rescue(ctx context.Context) error { return q.put(ctx) }

// stop waits for running jobs as long as ctx allows, then cancels them.
func (q *riverQueue[T]) stop(ctx context.Context) error {
	if err := q.client.Stop(ctx); err == nil {
		return nil
	}
	cancelled, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return q.client.StopAndCancel(cancelled)
}

// rescueSQLite puts back at once what this process was running when it was killed: the data
// directory's lock says that nobody else works on it. River's own rescue would wait for minutes.
func rescueSQLite(db *sql.DB) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := db.ExecContext(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running'")
		return err
	}
}

// rescuePostgres puts back what this node was running; another node's jobs are that node's.
func rescuePostgres(pool *pgxpool.Pool, node string, alone bool) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := pool.Exec(ctx, "UPDATE river_job SET state = 'available' WHERE state = 'running' AND ($2 OR attempted_by[array_upper(attempted_by, 1)] = $1)", node, alone)
		return err
	}
}

// enqueue writes the jobs of a change in its transaction.
func (e *Engine) enqueue(ctx context.Context, tx store.Tx, jobs []exeunt.Job) error {
	return e.insert(ctx, tx, jobs, false)
}

func (e *Engine) insert(ctx context.Context, tx store.Tx, jobs []exeunt.Job, once bool) error {
	params := make([]river.InsertManyParams, 0, len(jobs))
	for _, j := range jobs {
		param := e.job(j, once)
		params = append(params, param)
		tx.AfterCommit(func() { e.bell.ring(param.InsertOpts.Queue) })
	}
	if len(params) == 0 {
		return nil
	}
	return e.queue.insert(ctx, tx, params)
}

// unfinished are the states in which a second job of the same arguments would be one too many.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}

func (e *Engine) job(j exeunt.Job, once bool) river.InsertManyParams {
	opts := &river.InsertOpts{MaxAttempts: 25, Priority: priority(j)}
	if j.At.After(time.Now()) { // River schedules whatever has a time, and looks at those every 5 s only
		opts.ScheduledAt = j.At
	}
	if once {
		opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: unfinished}
	}
	switch j.Kind {
	case exeunt.JobVisit:
		opts.Queue = lane(j.System)
		return river.InsertManyParams{Args: visitArgs{int64(j.Case), j.System, j.Generation}, InsertOpts: opts}
	case exeunt.JobRemind:
		opts.Queue = peopleQueue
		return river.InsertManyParams{Args: remindArgs{int64(j.Case), j.Task}, InsertOpts: opts}
	case exeunt.JobClose:
		opts.Queue = peopleQueue
		return river.InsertManyParams{Args: closeArgs{int64(j.Case)}, InsertOpts: opts}
	default:
		opts.Queue = deliverQueue
		return river.InsertManyParams{Args: deliverArgs{j.Notice}, InsertOpts: opts}
	}
}

// priority orders a lane: immediate departures before scheduled ones, and among the latter the
// riskiest systems first. River knows 1 to 4.
func priority(j exeunt.Job) int {
	if j.Urgent {
		return 1
	}
	return min(max(j.Tier, 1)+1, 4)
}

func (e *Engine) workers() *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[eventArgs]) error {
		return e.event(ctx, j.Args.Source, j.Args.ID, j.Attempt)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[visitArgs]) error {
		return e.visit(ctx, exeunt.CaseID(j.Args.Case), j.Args.System, j.Args.Generation)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[remindArgs]) error {
		return e.remind(ctx, exeunt.CaseID(j.Args.Case), j.Args.Task)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[closeArgs]) error {
		return e.close(ctx, exeunt.CaseID(j.Args.Case))
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[deliverArgs]) error {
		return e.deliver(ctx, j.Args.Notice, j.Attempt)
	}))
	return w
}

// quiet keeps River's own chatter to warnings.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}
