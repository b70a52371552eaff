package ui

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/web"
)

// Config is what the pages are made of. Everything but Log, Done, Sources and the texts is required.
type Config struct {
	Organisation string // whose installation this is: "Northwind Labs"
	Environment  string // "production", "demo"
	Zone         string // IANA zone for readers whose own is not known; UTC when empty
	Secure       bool   // reached by TLS only: cookies are marked so

	Reader     func(exeunt.Viewer) Reader                             // what somebody may see
	Commands   func(exeunt.Viewer) Commands                           // what they may do there
	Taken      func(context.Context, exeunt.Viewer, web.Export) error // records what somebody takes out, before they are given it
	Inventory  Inventory
	Accounts   Accounts
	Links      Links
	Live       Live
	Proofs     Proofs
	Policies   Policies
	Previews   web.Previews
	Connectors Connectors
	Sources    func() []string // names of the configured HR sources, for the set-up list

	// Listens says how a system wants to be told of who leaves; nil for one that does not listen. May be nil.
	Listens func(ctx context.Context, system string) (*web.Listener, error)

	// Misconfigured says in a sentence each what is wrong with the configuration that is served, or was to be; may be nil.
	Misconfigured func(context.Context) ([]string, error)

	Log  *slog.Logger    // slog.Default when nil
	Done <-chan struct{} // closed when the server stops, which ends live pages; never when nil
}

// server is the set of pages.
type server struct {
	Config
	zone    *time.Location
	counts  counts
	streams chan struct{} // one token a stream

	sizes struct { // of live streams, changed by tests only
		heartbeat time.Duration
		quiet     time.Duration
	}
}

// maxStreams bounds live pages; each holds one connection and one goroutine.
const maxStreams = 1000

// New builds the handler of all pages.
func New(c Config) http.Handler { return newServer(c).handler() }

func newServer(c Config) *server {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &server{Config: c, zone: zoneOr(c.Zone, time.UTC), streams: make(chan struct{}, maxStreams)}
	s.sizes.heartbeat, s.sizes.quiet = 20*time.Second, 3*time.Second
	return s
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	s.routes(mux)
	var h http.Handler = mux
	h = web.SmallForms(h, s.fail, "/waves", "/systems/-/import") // a list may be long; its page bounds it
	h = web.SameOrigin(h, s.fail)
	h = web.Recover(h, s.Log, s.fail)
	h = web.Headers(h, s.Secure)
	return web.Referenced(h)
}

func (s *server) routes(mux *http.ServeMux) {
	open := func(pattern string, h web.Handler) { mux.Handle(pattern, s.answer(h)) }
	open("GET /assets/", serveAsset)
	open("GET /sign-in", s.signInPage)
	open("POST /sign-in", s.signIn)
	open("POST /sign-out", s.signOut)
	open("GET /invitation/{token}", s.invitationPage)
	open("POST /invitation/{token}", s.redeem)
	open("GET /t/{token}", s.oneTimePage)
	open("POST /t/{token}", s.oneTimePost)

	page := func(pattern string, need right, h page) { mux.Handle(pattern, s.answer(s.signedIn(need, h))) }
	page("GET /{$}", seeNothing, s.overviewPage)
	page("GET /cases", seeCases, s.casesPage)
	page("POST /cases", startCases, s.startCase)
	page("GET /cases/new", startCases, s.newCasePage)
	page("GET /cases/{id}", seeCases, s.casePage)
	page("GET /cases/{id}/stream", seeCases, s.caseStream)
	page("GET /cases/{id}/evidence", exportEvidence, s.evidence)
	page("GET /cases/{id}/record", exportEvidence, s.record)
	page("GET /cases/{id}/record.pdf", exportEvidence, s.recordPDF)
	page("POST /cases/{id}/hold", holdCases, s.holdCase)
	page("POST /cases/{id}/release", releaseCases, s.releaseCase)
	page("GET /cases/{id}/replan", releaseCases, s.replanPage)
	page("POST /cases/{id}/replan", releaseCases, s.replanCase)
	page("POST /cases/{id}/reveal", releaseCases, s.revealCase)
	page("POST /cases/{id}/embargo", releaseCases, s.extendEmbargo)
	page("GET /cases/{id}/steps/{step}", seeCases, s.stepPage)
	page("POST /cases/{id}/steps/{step}/retry", retrySteps, s.retryStep)
	page("POST /cases/{id}/steps/{step}/waive", waiveSteps, s.waiveStep)
	page("POST /cases/{id}/steps/{step}/put-back", waiveSteps, s.putBackStep)
	page("POST /cases/{id}/legal-hold", legalHolds, s.placeLegalHold)
	page("POST /cases/{id}/legal-release", legalHolds, s.askLegalRelease)
	page("POST /cases/{id}/steps/{step}/approve", decideSecond, s.approveStep)
	page("POST /cases/{id}/steps/{step}/reject", decideSecond, s.rejectStep)
	page("POST /tasks/{id}/approve", decideSecond, s.approveTask)
	page("POST /tasks/{id}/reject", decideSecond, s.rejectTask)
	page("GET /fuse/{id}", seeCases, s.tripPage)
	page("POST /fuse/{id}/{act}", decideFuse, s.decideTrip)
	page("GET /tasks", seeNothing, s.tasksPage)
	page("POST /tasks/{id}", seeNothing, s.taskPost)
	s.waveRoutes(page)
	page("GET /policies", seeSystems, s.policiesPage)
	page("GET /preview", previewPlans, s.previewPage)
	page("GET /preview/compare", compareDepartures, s.comparePage)
	s.systemRoutes(page)
	page("GET /audit", seeAudit, s.auditPage)
	page("GET /audit/erased", seeAudit, s.erasedPage)
	page("POST /cases/{id}/erase", eraseCases, s.eraseCase)
	page("GET /audit/{entry}", seeAudit, s.entryPage)
	page("GET /audit/checks", seeAudit, s.checksPage)
	page("GET /audit/proves", seeAudit, s.provesPage)
	page("POST /audit/verify", verifyLedger, s.verify)
	page("/", seeNothing, func(*visit) error { return nothingHere() })
}

func (s *server) systemRoutes(page func(pattern string, need right, h page)) {
	page("GET /gaps", seeSystems, s.gapsPage)
	page("GET /accounts", seeFindings, s.accountsPage)
	page("POST /accounts/{id}/confirm", confirmAccounts, s.confirmAccount)
	page("POST /accounts/{id}/clean-up", startCases, s.cleanUpAccounts)
	page("GET /systems", seeSystems, s.systemsPage)
	page("GET /systems/-/import", confirmAccounts, s.importPage) // no system is called "-"
	page("POST /systems/-/import", confirmAccounts, s.importExport)
	page("GET /systems/-/add", confirmAccounts, s.addPage)
	page("GET /systems/{id}", seeSystems, s.systemPage)
	page("POST /systems/{id}/try", trySystems, s.trySystem)
	page("POST /systems/{id}/live", decideStages, s.goLive)
	page("POST /systems/{id}/back", decideStages, s.stepBack)
	page("GET /connectors", seeSystems, s.connectorsPage)
	page("GET /connectors/{name}", seeSystems, s.connectorPage)
}

func (s *server) waveRoutes(page func(pattern string, need right, h page)) {
	page("GET /waves", seeWaves, s.wavesPage)
	page("POST /waves", makeWaves, s.makeWave)
	page("GET /waves/new", makeWaves, s.newWavePage)
	page("GET /waves/{id}", seeWaves, s.wavePage)
	page("GET /waves/{id}/stream", seeWaves, s.waveStream)
	page("GET /waves/{id}/report", seeWaves, s.waveReport)
	page("GET /waves/{id}/report.csv", seeWaves, s.waveCSV)
	page("POST /waves/{id}/check", makeWaves, s.checkWave)
	page("POST /waves/{id}/approve", approveWaves, s.approveWave)
	page("POST /waves/{id}/start", makeWaves, s.startWave)
	page("POST /waves/{id}/go-on", makeWaves, s.goOnWave)
	page("POST /waves/{id}/stop", approveWaves, s.stopWave)
}

// nothingHere is the one text for what does not exist and for what the reader may not see.
func nothingHere() error {
	return exeunt.Errorf(exeunt.NotFound, "there is nothing at this address that you can see")
}

// counts keeps the figures beside the navigation for a few seconds, since every page shows them: for each
// reader their own, since an embargoed case counts for those on its list only.
type counts struct {
	sync.Mutex
	of map[string]figures // by e-mail address
}

type figures struct {
	at                     time.Time
	attention, open, alone int
}

const (
	countsLast = 5 * time.Second
	countsKept = 1000 // readers; beyond that all are forgotten
)

// navigation reads the figures beside the navigation; a failure leaves them out, since a wrong
// figure is worse than none and the page itself may still be right.
func (s *server) navigation(v *visit) figures {
	if !v.may(seeCases) {
		return figures{}
	}
	s.counts.Lock()
	kept, ok := s.counts.of[v.Email]
	s.counts.Unlock()
	if ok && v.now.Sub(kept.at) < countsLast {
		return kept
	}
	waits, err := s.Reader(v.Viewer()).Pressing(v.Context(), v.now)
	if err != nil {
		return figures{}
	}
	f := figures{at: v.now, attention: waits.Needing, open: waits.OpenTasks}
	if v.may(seeSystems) {
		alone, err := s.leftAlones(v)
		if err != nil {
			return figures{}
		}
		f.alone = len(alone)
	}
	s.counts.Lock()
	defer s.counts.Unlock()
	if s.counts.of == nil || len(s.counts.of) >= countsKept {
		s.counts.of = map[string]figures{}
	}
	s.counts.of[v.Email] = f
	return f
}

// changed forgets the kept figures after a command.
func (s *server) changed() {
	s.counts.Lock()
	defer s.counts.Unlock()
	s.counts.of = nil
}
