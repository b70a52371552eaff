package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/exeunt/exeunt"
	"github.com/exeunt/exeunt/internal/config"
	"github.com/exeunt/exeunt/internal/ledger"
	"github.com/exeunt/exeunt/internal/ledger/publish"
	"github.com/exeunt/exeunt/internal/notify"
	"github.com/exeunt/exeunt/internal/web/ui"
)

// Publisher is what publishes the checkpoints of a log, as a configuration has it.
func Publisher(log *ledger.Log, c config.Publication, logger *slog.Logger) publish.Publisher {
	p := publish.Publisher{Log: log, Logger: logger}
	for _, t := range c.Targets {
		p.Targets = append(p.Targets, publish.Target{Name: t.Name, Kind: t.Kind, Every: t.Every, Place: placeOf(t)})
	}
	return p
}

func placeOf(t config.Target) publish.Place {
	switch {
	case t.Bucket != nil:
		b := t.Bucket
		transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: b.Roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute}
		return publish.Bucket{
			Endpoint: b.Endpoint, Region: b.Region, Name: b.Name, Prefix: b.Prefix, PathStyle: b.PathStyle,
			AccessKey: b.AccessKey.Reveal, SecretKey: b.SecretKey.Reveal, Lock: publish.Lock{Mode: b.Mode, Days: b.Days},
			Client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		}
	case t.Mailbox != nil:
		return publish.Mailbox{Mail: notify.NewMail(mailServer(t.Mailbox.Server), notify.Links{}), To: t.Mailbox.To}
	default:
		return publish.Folder{Path: t.Folder}
	}
}

// keepPublishing publishes the checkpoints of a ledger within this process. One in a process of its own does it there.
func (a *App) keepPublishing(ctx context.Context) {
	if log, ours := a.Ledger.(*ledger.Log); ours {
		Publisher(log, a.Config().Ledger.Publish, a.options.Log).Run(ctx)
	}
}

// outside is what is published outside, as it was seen last.
type outside struct {
	mu   sync.Mutex
	list []ledger.Publication
}

func (o *outside) see(list []ledger.Publication) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = list
}

// newest is when something was published last where the machine's owner cannot simply take it back. A folder may be on
// this very machine.
func (o *outside) newest() (at time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, p := range o.list {
		if p.Kind != "file" {
			at = later(at, p.At)
		}
	}
	return at
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// PublicationLate is for how long nothing newer could be published in the place where that has failed longest.
func (p *Proofs) PublicationLate(now time.Time) (worst time.Duration) {
	p.outside.mu.Lock()
	defer p.outside.mu.Unlock()
	for _, k := range p.outside.list {
		if k.Fault != "" {
			worst = max(worst, now.Sub(k.Since))
		}
	}
	return worst
}

// Publications are where checkpoints are published, for the pages.
func (p *Proofs) Publications(ctx context.Context) ([]ui.Publication, error) {
	list, err := p.log.Publications(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]ui.Publication, len(list))
	for i, k := range list {
		out[i] = ui.Publication{Target: k.Target, Kind: k.Kind, Where: k.Where, Size: k.Size, At: k.At, Fault: k.Fault, Since: k.Since, Conflict: k.Conflict}
	}
	return out, nil
}

// keepWatchingPublications tells the operator when checkpoints are not published for long, and at once when what is
// published contradicts the log. Nothing else waits for it.
func (a *App) keepWatchingPublications(ctx context.Context) {
	a.publicationsAt(ctx, time.Now())
	every(ctx, watchEvery, func(now time.Time) { a.publicationsAt(ctx, now) })
}

func (a *App) publicationsAt(ctx context.Context, now time.Time) {
	list, err := a.Ledger.Publications(ctx)
	if err != nil {
		_, contradicts := a.Ledger.(damaged)
		if exeunt.KindOf(err) != exeunt.Temporary && !contradicts && ctx.Err() == nil { // the shipper says when the ledger is away or damaged
			a.alert(ctx, "No checkpoint of the ledger is published: "+exeunt.MessageOf(err), "published:"+now.UTC().Format(time.DateOnly))
		}
		return
	}
	a.Proofs.outside.see(list)
	for _, p := range list {
		day := p.Target + ":" + now.UTC().Format(time.DateOnly)
		switch {
		case p.Fault == "":
		case p.Conflict:
			a.alert(ctx, fmt.Sprintf("What is published in %s contradicts the ledger: %s", p.Target, p.Fault), "published-conflict:"+day)
		case now.Sub(p.Since) >= a.Config().Ledger.AlertAfter:
			a.alert(ctx, fmt.Sprintf("No newer checkpoint of the ledger could be published in %s for %s: %s. Departures go on.", p.Target, now.Sub(p.Since).Round(time.Minute), p.Fault), "published:"+day)
		}
	}
}
