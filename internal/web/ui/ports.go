package ui

import (
	"context"
	"io"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/inventory"
	"github.com/exeunt/exeunt/internal/store"
	"github.com/exeunt/exeunt/internal/web"
)

// Reader answers what the pages show to one person: a case under embargo is not there for who is not on
// its list.
type Reader interface {
	web.Fuse
	web.Erasures
	web.Shadows
	Overview(ctx context.Context, now time.Time) (store.Overview, error)
	Pressing(ctx context.Context, now time.Time) (store.Pressing, error)
	Cases(ctx context.Context, q store.CaseQuery, now time.Time) (store.CasePage, error)
	CaseFile(ctx context.Context, id exeunt.CaseID) (store.CaseFile, error)
	Tasks(ctx context.Context, q store.TaskQuery, now time.Time) ([]store.TaskRow, error)
	Task(ctx context.Context, id exeunt.TaskID) (store.TaskRow, error)
	Entries(ctx context.Context, q store.EntryQuery) (store.EntryPage, error)
	Entry(ctx context.Context, number int64) (store.EntryRow, error)
	SystemStats(ctx context.Context, systems []exeunt.System, now time.Time) ([]store.SystemStats, error)
	Unfinished(ctx context.Context, system string, now time.Time, limit int) ([]store.Unfinished, error)
	Waves(ctx context.Context, states ...exeunt.WaveState) ([]exeunt.Wave, error)
	WaveFile(ctx context.Context, id exeunt.WaveID, now time.Time) (store.WaveFile, error)
	WaveReport(ctx context.Context, id exeunt.WaveID, now time.Time) (store.WaveReport, error)
	WaveEntries(ctx context.Context, id exeunt.WaveID) ([]store.EntryRow, error)
	Exceptions(ctx context.Context, id exeunt.WaveID, round, limit int) ([]store.Look, error)
	WrongClocks(ctx context.Context) ([]store.WrongClock, error)
	OpenBreakers(ctx context.Context) (map[string]exeunt.Breaker, error)
	Reconciliation(ctx context.Context) (exeunt.Reconciliation, error)
	Findings(ctx context.Context, q store.FindingQuery) ([]exeunt.Finding, error)
	SignalStats(ctx context.Context, receiver string, now time.Time) (store.SignalStats, error)
}

// Commands are what people may do. Each is one commit; one that comes too late fails with Conflict.
type Commands interface {
	SaveTask(ctx context.Context, id exeunt.TaskID, ticked []int, note, by string) error
	CompleteTask(ctx context.Context, id exeunt.TaskID, ticked []int, note, by string) error
	ReassignTask(ctx context.Context, id exeunt.TaskID, to exeunt.Person, by exeunt.Override) error
	RemindTask(ctx context.Context, id exeunt.TaskID, by string) error
	RetryStep(ctx context.Context, id exeunt.CaseID, key string, by exeunt.Override) error
	TryNow(ctx context.Context, system string, by exeunt.Override) error
	web.Decisions
	web.Waves
	web.Reconciling
	web.Stages
	StartCase(ctx context.Context, d exeunt.Departure, by exeunt.Override) (exeunt.CaseID, error)
}

// Inventory is the configuration as it is now.
type Inventory interface {
	Systems() []exeunt.System
	Gaps() []inventory.Gap
	Sheets() []inventory.Sheet // what sources showed of the applications that there are
}

// Accounts are the people who may sign in.
type Accounts interface {
	// SignIn fails with Denied for a wrong address or password alike, and with Throttled after
	// too many of them.
	SignIn(ctx context.Context, email, password string) (session string, u store.User, err error)
	// Invitation is whom a one-time link invites. It changes nothing.
	Invitation(ctx context.Context, token string) (store.User, error)
	// Redeem uses the link up: the account gets its name and password, and its owner a session.
	Redeem(ctx context.Context, token, name, password string) (session string, err error)
	// Session is whose session it is; any error means that nobody is signed in, except Temporary
	// and Internal ones.
	Session(ctx context.Context, session string) (store.User, error)
	SignOut(ctx context.Context, session string) error
}

// Link is what a signed link opens: one task, for the person who owns it.
type Link struct {
	Task    store.TaskRow
	AskedBy exeunt.Person // the owner of the case
	Expires time.Time
}

// viewer is whom the link was given to.
func (l Link) viewer() exeunt.Viewer {
	return exeunt.Viewer{Name: l.Task.Owner.Name, Email: l.Task.Owner.Email}
}

// Links open tasks for people without an account.
type Links interface {
	// Open reads the link and changes nothing, since mail scanners follow links. It refuses a link
	// that has ended, that was forged, or whose task has another owner by now, all with NotFound,
	// and too many wrong ones with Throttled.
	Open(ctx context.Context, token string) (Link, error)
}

// Live tells when a case changed.
type Live interface {
	// Watch ticks after each change of the case, several quick ones as one, until ctx ends; never for a
	// case that is hidden from who watches.
	Watch(ctx context.Context, who exeunt.Viewer, c exeunt.CaseID) <-chan struct{}
	// WatchWave ticks when a wave may have changed, until ctx ends.
	WatchWave(ctx context.Context, who exeunt.Viewer, id exeunt.WaveID) <-chan struct{}
}

// LedgerCheck is what a verification of the ledger found.
type LedgerCheck struct {
	At       time.Time // when it ran; zero when none ran yet
	Entries  int64     // how many leaves were recomputed
	Head     string    // root hash of the checkpoint that they give, in hex
	Anchored time.Time // since when that head, or a later one, is held outside this server; zero when it is not
	Fault    string    // what does not match, in words; "" when everything holds
}

// Publication is a place that signed checkpoints are published in.
type Publication struct {
	Target, Kind, Where string
	Size                int64     // entries under the checkpoint that was published last; 0 when none was
	At                  time.Time // when that was
	Fault               string    // why a newer one could not be; "" when all is well
	Since               time.Time // since when
	Conflict            bool      // what is published contradicts the log
}

// Sheet is a document that stands by itself.
type Sheet struct {
	Body   []byte
	Type   string // its media type
	Policy string // the content security policy that it needs, since its style is its own
}

// Inclusion is the proof that an entry is in the log, step by step: from its leaf up to the signed root. All
// hashes are in hex.
type Inclusion struct {
	Index, Size int64
	Leaf        string // as it stands in the log
	LeafHash    string
	Steps       []InclusionStep
	Root        string
}

// InclusionStep puts a hash of the proof beside what is known so far.
type InclusionStep struct {
	Sibling string
	Left    bool // the sibling stands on the left
	Hash    string
}

// Proofs are what the ledger says of itself.
type Proofs interface {
	// Check is the newest verification; it is cheap.
	Check(ctx context.Context) (LedgerCheck, error)
	// Verify checks the ledger now; a check that takes longer than a page waits has no time yet.
	Verify(ctx context.Context, by string) (LedgerCheck, error)
	// Inclusion proves that a leaf stands at an index; NotFound while no checkpoint covers it.
	Inclusion(ctx context.Context, index int64) (Inclusion, error)
	// Checks lists the newest runs, first the one that is under way.
	Checks(ctx context.Context, limit int) ([]store.CheckRun, error)
	// Publications are where checkpoints are published, and how that goes.
	Publications(ctx context.Context) ([]Publication, error)
	// Evidence writes the packet that proves one case offline, and records that by exported it.
	Evidence(ctx context.Context, w io.Writer, c exeunt.CaseID, by exeunt.Viewer) error
	// Record is the record of one case for people, as a page to print or as a PDF, and records that by took it.
	Record(ctx context.Context, c exeunt.CaseID, asPDF bool, by exeunt.Viewer) (Sheet, error)
	// Key is the ledger's verifier key, as a signed-note verifier string.
	Key(ctx context.Context) (string, error)
}
